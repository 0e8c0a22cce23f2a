"""Programs that read and write structured documents: XML and JSON."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run

_STYLESHEET = """<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="html" indent="yes"/>
<xsl:key name="by-customer" match="order" use="@customer"/>
<xsl:template match="/orders"><html><body>
  <h1><xsl:value-of select="count(order)"/> orders</h1>
  <xsl:for-each select="order[generate-id() = generate-id(key('by-customer', @customer)[1])]">
    <xsl:sort select="@customer"/>
    <h2><xsl:value-of select="@customer"/></h2>
    <table><xsl:apply-templates select="key('by-customer', @customer)/item">
      <xsl:sort select="price" data-type="number" order="descending"/>
    </xsl:apply-templates></table>
    <p><xsl:value-of select="format-number(sum(key('by-customer', @customer)/item/price), '#.00')"/></p>
  </xsl:for-each>
</body></html></xsl:template>
<xsl:template match="item"><tr>
  <td><xsl:value-of select="concat(../@id, ':', translate(@sku, 'aeiou', 'AEIOU'))"/></td>
  <td><xsl:value-of select="@amount * price"/></td><td><xsl:copy-of select="note/node()"/></td>
</tr></xsl:template>
</xsl:stylesheet>
"""


@case("xsltproc")
def xsltproc(run: Run) -> None:
    orders = run.input("orders.xml", inputs.orders_xml, 1500, 12000)
    sheet = run.write("sheet.xsl", _STYLESHEET)
    run.command("xsltproc", sheet, orders)
    run.command("xsltproc", "--output", "page.html", sheet, orders)


@case("xmllint")
def xmllint(run: Run) -> None:
    orders = run.input("orders.xml", inputs.orders_xml, 1500, 30000)
    run.command("xmllint", "--format", orders)
    run.command("xmllint", "--c14n", orders)
    run.command("xmllint", "--xpath", "//item[price > 900 and @amount = 9]/note/b", orders)
    run.command("xmllint", "--noout", "--stream", orders)
    broken = run.write("broken.xml", orders.read_text()[:5000])
    run.command("xmllint", "--noout", broken, status=1)
    run.command("xmllint", "--recover", broken, status=None)


@case("jq")
def jq(run: Run) -> None:
    records = run.input("records.json", inputs.records_json, 3000, 30000)
    run.command("jq", "-c", "map(select(.value > 500) | {id, name, n: (.tags | length)})", records)
    run.command(
        "jq",
        "[.[] | .tags[]] | group_by(.) | map({tag: .[0], n: length}) | sort_by(-.n, .tag)",
        records,
    )
    run.command("jq", "-r", '.[] | [.id, .name, (.tags | join("|"))] | @csv', records)
    run.command("jq", ".[", records, status=3)
