"""The documents that xsltproc is shown on, and its stylesheets: one that adds up, one that sorts and groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

ORDERS = 24000

TOTALS = """<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text"/>
<xsl:template match="/orders">
  <xsl:for-each select="order">
    <xsl:value-of select="concat(@id, ' ', sum(item/@price), '&#10;')"/>
  </xsl:for-each>
</xsl:template>
</xsl:stylesheet>
"""

GROUPS = """<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="html" indent="yes"/>
<xsl:key name="of-customer" match="order" use="@customer"/>
<xsl:template match="/orders">
  <html><body><h1>Orders</h1>
  <xsl:for-each select="order[generate-id() = generate-id(key('of-customer', @customer)[1])]">
    <xsl:sort select="@customer" data-type="number"/>
    <h2><xsl:value-of select="concat('Customer ', @customer)"/></h2>
    <table>
      <xsl:apply-templates select="key('of-customer', @customer)/item">
        <xsl:sort select="@price" data-type="number" order="descending"/>
      </xsl:apply-templates>
    </table>
    <p><xsl:value-of select="format-number(sum(key('of-customer', @customer)/item/@price), '#,##0.00')"/></p>
  </xsl:for-each>
  </body></html>
</xsl:template>
<xsl:template match="item">
  <tr><td><xsl:value-of select="normalize-space(name)"/></td>
  <td><xsl:value-of select="translate(substring-after(note, ' '), 'abc', 'ABC')"/></td>
  <td><xsl:value-of select="format-number(@price * @amount, '0.00')"/></td></tr>
</xsl:template>
</xsl:stylesheet>
"""

WORDS = "steel paper glass copper amber linen cedar slate cotton ivory granite velvet walnut silk marble".split()


def numbers() -> Iterator[int]:
    """The same numbers on every system: a linear congruential generator (the factors are those of MMIX)."""
    state = 1
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def write_orders(documents: Sequence[Path]) -> None:
    """As many orders in each document."""
    number = numbers()
    for nth, path in enumerate(documents):
        _write_document(path, number, range(nth * ORDERS // len(documents), (nth + 1) * ORDERS // len(documents)))


def _write_document(path: Path, number: Iterator[int], orders: range) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<orders>\n')
        for order in orders:
            file.write(f'<order id="{order}" customer="{next(number) % 400}">\n')
            for _ in range(1 + next(number) % 4):
                one, two = (WORDS[next(number) % len(WORDS)] for _ in range(2))
                file.write(f'  <item price="{next(number) % 100000 / 100:.2f}" amount="{1 + next(number) % 9}">'
                           f"<name> {one}  {two} </name><note>of {two} and {one}</note></item>\n")
            file.write("</order>\n")
        file.write("</orders>\n")
