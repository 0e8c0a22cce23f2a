#!/usr/bin/env python3
"""Programs of another machine write the same and end the same with and without the shim, and where functions are
hooked and mode check is built, with those too.

Usage, under tests/platforms/emulated: emulated_programs_answer_the_same.py SCRATCH ROOT [--only-run]
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
PERL = ("my %h; $h{$_ % 997} .= $_ x 3 for 1 .. 20000; print length(join '', map { $h{$_} } sort keys %h), qq(\\n); "
        "my $child = fork; exit 3 if !$child; waitpid $child, 0; print $? >> 8, qq(\\n); kill 15, $$")
GAWK = "BEGIN { for (i = 0; i < 20000; i++) { a[i % 977] = a[i % 977] i; gsub(/1+/, \"b\", a[i % 977]) } print a[5]; exit 4 }"
FILTER = "[range(500) | {a: ., b: tostring}] | group_by(.a % 7) | map(map(.b) | join(\"-\"))"
COROUTINES = ("local c = {} for i = 1, 200 do c[i] = coroutine.wrap(function() for k = 1, 50 do "
              "coroutine.yield(('y'):rep(k) .. i) end end) end local n = 0 for k = 1, 50 do for i = 1, 200 do "
              "n = n + #c[i]() end end print(n) error('as meant')")
SQL = ("create table t(a, b); with recursive c(i) as (select 1 union all select i + 1 from c where i < 3000) "
       "insert into t select i, hex(i * i) from c; select sum(a), max(b), count(distinct length(b)) from t;")


class Programs(unittest.TestCase):
    scratch: str
    root: Path
    only_run: bool

    def answer(self, *command: str) -> tuple[int, str, str]:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return result.returncode, result.stdout, result.stderr

    def assert_same(self, *command: str, options: tuple[tuple[str, ...], ...] = ()) -> None:
        command = (str(self.root / "usr/bin" / command[0]), *command[1:])
        alone = self.answer(*command)
        self.assertTrue(alone[1], alone)
        for chosen in ((), ("--mode", "off"), ("--mode", "scoped"), *(() if self.only_run else options)):
            with self.subTest(command[0], options=chosen), tempfile.TemporaryDirectory() as folder:
                counts = Path(folder) / "counts"
                run = (self.scratch, "run", *chosen, "--stats=json", "--output", str(counts), "--")
                self.assertEqual(alone, self.answer(*run, *command))
                if alone[0] < 0:
                    continue  # a signal leaves no time to write them
                told = json.loads(counts.read_text(encoding="utf-8"))
                if "--mode" not in chosen and chosen:
                    self.assertGreater(told["regions_entered"], 0)
        if not self.only_run:
            with self.subTest(command[0], check=True):
                self.assertEqual(alone, self.answer(self.scratch, "check", "--", *command))

    def test_perl(self) -> None:
        self.assert_same("perl", "-e", PERL)

    def test_lua(self) -> None:
        self.assert_same("lua5.4", "-e", LUA)
        self.assert_same("lua5.4", "-e", COROUTINES)

    def test_gawk(self) -> None:
        self.assert_same("gawk", GAWK)

    def test_jq(self) -> None:
        self.assert_same("jq", "-n", FILTER, options=(("--region", "jq_next"), ("--frame", "libjq.so.1!jq_next")))

    def test_a_result_that_outlives_its_region(self) -> None:
        if self.only_run:
            self.skipTest("there is no mode check")
        said = self.answer(self.scratch, "check", "--trusted-region", "libjq.so.1!jv_dump_string", "--",
                           str(self.root / "usr/bin/jq"), "-n", "[1, [2]] | map(tostring)")[2]
        self.assertIn("use-after-scope", said)
        self.assertIn("jv_dump_string in ", said)

    def test_sqlite(self) -> None:
        self.assert_same("sqlite3", ":memory:", SQL, options=(("--region", "libsqlite3.so.0!sqlite3_prepare_v2"),
                                                              ("--frame", "sqlite3_step")))

    def test_libxml2(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sheet, orders = Path(folder) / "sheet.xsl", Path(folder) / "orders.xml"
            sheet.write_text(SHEET, encoding="utf-8")
            orders.write_text(ORDERS, encoding="utf-8")
            self.assert_same("xsltproc", str(sheet), str(orders),
                             options=(("--region", "xsltApplyStylesheetUser"), ("--region", "xmlReadFile"),
                                      ("--trusted-region", "xsltSaveResultToFile")))
            self.assert_same("xmllint", "--xpath", "//order[@sum > 500]/@name", str(orders),
                             options=(("--region", "xmlReadFile"), ("--frame", "xmlXPathEval")))


if __name__ == "__main__":
    Programs.only_run = "--only-run" in sys.argv
    if Programs.only_run:
        sys.argv.remove("--only-run")
    Programs.root = Path(sys.argv.pop()).resolve()
    Programs.scratch = sys.argv.pop()
    unittest.main()
