"""Runs xsltproc, as the system has it, on a document of several megabytes: without scratch and with it, in turn.

Prints a table of what happened. Exit status: 0, or 1 where the output or the exit status differ, or nothing ran.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 5
ORDERS = 24000

STYLESHEET = """<?xml version="1.0"?>
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


def write_orders(path: Path) -> None:
    number = numbers()
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<orders>\n')
        for order in range(ORDERS):
            file.write(f'<order id="{order}" customer="{next(number) % 400}">\n')
            for _ in range(1 + next(number) % 4):
                one, two = (WORDS[next(number) % len(WORDS)] for _ in range(2))
                file.write(f'  <item price="{next(number) % 100000 / 100:.2f}" amount="{1 + next(number) % 9}">'
                           f"<name> {one}  {two} </name><note>of {two} and {one}</note></item>\n")
            file.write("</order>\n")
        file.write("</orders>\n")


class Outcome:
    """One run: status, a digest of the output, seconds of the clock and of the processor, peak memory in bytes."""

    def __init__(self, command: list[str], output: Path, more: dict[str, str]) -> None:
        start = time.perf_counter()
        with output.open("wb") as file:
            pid = os.posix_spawn(command[0], command, {**os.environ, **more}, file_actions=[
                (os.POSIX_SPAWN_DUP2, file.fileno(), 1)])
        _, status, usage = os.wait4(pid, 0)
        self.elapsed = time.perf_counter() - start
        self.status = os.waitstatus_to_exitcode(status)
        self.processor = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss * 1024
        self.digest = hashlib.sha256(output.read_bytes()).hexdigest()
        self.size = output.stat().st_size


def settings_of(scratch: str, *options: str) -> dict[str, str]:
    """What `scratch run` would set, by its own word. The runs take it from here, so that the start of the tool, 20 ms
    once, does not blur what the program gains."""
    said = subprocess.run([scratch, "env", *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    return dict(word.split("=", 1) for word in shlex.split(said) if "=" in word)


def show(rows: list[tuple[str, str, str, str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for index, row in enumerate(rows):
        print("  ".join([row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in (1, 2, 3))]).rstrip())
        if index == 0:
            print("  ".join("-" * width for width in widths))


def mega(size: float) -> str:
    return f"{size / 2**20:,.1f} MiB"


def compared(name: str, plain: list[Outcome], routed: list[Outcome], what: str, unit: float, form: str
             ) -> tuple[str, str, str, str]:
    one, two = (statistics.median(getattr(outcome, what) for outcome in runs) for runs in (plain, routed))
    return name, form.format(one / unit), form.format(two / unit), f"{two / one:.2f}"


def tell(plain: list[Outcome], routed: list[Outcome], same: bool) -> None:
    status = {outcome.status for outcome in plain}, {outcome.status for outcome in routed}
    show([
        ("xsltproc, this system's own", "alone", "under scratch", "ratio"),
        compared("processor time (median)", plain, routed, "processor", 1e-3, "{:,.0f} ms"),
        compared("elapsed time (median)", plain, routed, "elapsed", 1e-3, "{:,.0f} ms"),
        compared("peak memory (median)", plain, routed, "memory", 2**20, "{:,.1f} MiB"),
        ("exit status", *(", ".join(map(str, sorted(each))) for each in status), ""),
        ("output", mega(plain[0].size), mega(routed[0].size), "identical" if same else "DIFFERENT"),
    ])


def tell_routes(report: dict) -> None:
    calls, size = ([report.get(f"{route}_{what}", 0) for route in ("scratch", "next")] for what in ("calls", "bytes"))
    print()
    show([
        ("where its allocations went", "calls", "bytes", "share"),
        *((name, f"{calls[index]:,}", mega(size[index]), f"{100 * calls[index] / (sum(calls) or 1):.1f} %")
          for index, name in enumerate(("to scratch stacks", "to the system's malloc"))),
    ])
    print(f"\nthe stacks held at most {mega(report.get('chunk_bytes_peak', 0))} of a budget of "
          f"{mega(report.get('budget_bytes', 0))}; {mega(report.get('pinned_bytes_peak', 0))} of it were dead and "
          "waited for their neighbours")
    if report.get("stood_aside"):
        print(f"scratch stood aside: {report['stood_aside']}")
    elif report.get("nothing_gained"):
        print("nothing gained here: the sites of this program were tried, and it was left as it is")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", required=True, help="the tool")
    parser.add_argument("--work", required=True, type=Path, help="a folder for the document and the outputs")
    options = parser.parse_args()
    program = shutil.which("xsltproc")
    if program is None:
        print("quickstart: xsltproc is not installed, so there is nothing to show", file=sys.stderr)
        return 1
    options.work.mkdir(parents=True, exist_ok=True)
    document, sheet, output, report = (options.work / name for name in ("orders.xml", "orders.xsl", "output.html",
                                                                        "statistics.json"))
    write_orders(document)
    sheet.write_text(STYLESHEET, encoding="utf-8")
    command = [program, str(sheet), str(document)]
    settings = settings_of(options.scratch)
    print(f"\nquickstart: xsltproc sorts and groups {ORDERS:,} orders ({mega(document.stat().st_size)} of XML), "
          f"{ROUNDS} times alone and {ROUNDS} times under scratch\n", flush=True)
    plain, routed = [], []
    for _ in range(ROUNDS):
        plain.append(Outcome(command, output, {}))
        routed.append(Outcome(command, output, settings))
    report.unlink(missing_ok=True)
    whole = [options.scratch, "run", "--stats=json", "--output", str(report), "--", *command]
    counted = Outcome(whole, output, {})
    runs = [*plain, *routed, counted]
    same = len({(outcome.status, outcome.digest) for outcome in runs}) == 1
    tell(plain, routed, same)
    try:
        tell_routes(json.loads(report.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        print(f"quickstart: the statistics could not be read ({error})", file=sys.stderr)
        return 1
    print(f"\nyour turn: {options.scratch} run --stats -- PROGRAM")
    return 0 if same and plain[0].status == 0 else 1


sys.exit(main())
