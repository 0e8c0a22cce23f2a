#!/usr/bin/env python3
"""Programs of another machine write the same and end the same with and without the shim, hooks of functions too.

Usage, under tests/platforms/emulated: emulated_programs_answer_the_same.py SCRATCH ROOT
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><ul><xsl:for-each select="//order"><xsl:sort select="@sum" data-type="number"/>
<li><xsl:value-of select="concat(@name, ' ', @sum * 2)"/></li></xsl:for-each></ul></xsl:template></xsl:stylesheet>"""
ORDERS = "<orders>%s</orders>" % "".join(f'<order name="n{i}" sum="{i * 7919 % 1000}"/>' for i in range(300))
LUA = "local t = {} for i = 1, 20000 do t[i % 97 + 1] = ('x'):rep(i % 50) .. i end print(#table.concat(t))"
PERL = "my %h; $h{$_ % 997} .= $_ x 3 for 1 .. 20000; print length(join '', map { $h{$_} } sort keys %h), qq(\\n); exit 3"
SQL = ("create table t(a, b); with recursive c(i) as (select 1 union all select i + 1 from c where i < 3000) "
       "insert into t select i, hex(i * i) from c; select sum(a), max(b), count(distinct length(b)) from t;")


class Programs(unittest.TestCase):
    scratch: str
    root: Path

    def answer(self, *command: str) -> tuple[int, str, str]:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return result.returncode, result.stdout, result.stderr

    def assert_same(self, *command: str, options: tuple[tuple[str, ...], ...] = ()) -> None:
        alone = self.answer(*command)
        self.assertTrue(alone[1], alone)
        for chosen in ((), ("--mode", "scoped"), *options):
            with self.subTest(command[0], options=chosen), tempfile.TemporaryDirectory() as folder:
                counts = Path(folder) / "counts"
                run = (self.scratch, "run", *chosen, "--stats=json", "--output", str(counts), "--")
                self.assertEqual(alone, self.answer(*run, *command))
                told = json.loads(counts.read_text(encoding="utf-8"))
                if "--mode" not in chosen and chosen:
                    self.assertGreater(told["regions_entered"], 0)

    def test_perl(self) -> None:
        self.assert_same(str(self.root / "usr/bin/perl"), "-e", PERL)

    def test_lua(self) -> None:
        self.assert_same(str(self.root / "usr/bin/lua5.4"), "-e", LUA)

    def test_sqlite(self) -> None:
        self.assert_same(str(self.root / "usr/bin/sqlite3"), ":memory:", SQL,
                         options=(("--region", "libsqlite3.so.0!sqlite3_prepare_v2"),))

    def test_xsltproc(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sheet, orders = Path(folder) / "sheet.xsl", Path(folder) / "orders.xml"
            sheet.write_text(SHEET, encoding="utf-8")
            orders.write_text(ORDERS, encoding="utf-8")
            self.assert_same(str(self.root / "usr/bin/xsltproc"), str(sheet), str(orders),
                             options=(("--region", "xsltApplyStylesheetUser"), ("--region", "libxml2.so.2!xmlReadFile"),
                                      ("--trusted-region", "xsltSaveResultToFile")))


if __name__ == "__main__":
    Programs.root = Path(sys.argv.pop()).resolve()
    Programs.scratch = sys.argv.pop()
    unittest.main()
