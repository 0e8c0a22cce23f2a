#!/usr/bin/env python3
"""Promise: what is built here serves the programs of older and newer releases of the system, with their own libc.

The tree is installed into a root of each release (glibc 2.31, 2.36, 2.41), and the release's own programs, with its
own loader and its own Python for `scratch`, run there with and without the shim. They must say the same and end the
same, and the statistics must show that the shim was at work. Usage: programs_of_other_releases_run.py BUILD FOLDER,
where FOLDER keeps the roots.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import NamedTuple

SKIPPED = 77
HERE = Path(__file__).resolve().parent
RELEASES = {"bullseye": "2.31", "bookworm": "2.36", "trixie": "2.41"}
PACKAGES = """
    libc6 libc-bin libstdc++6 libunwind8 dash bash coreutils perl python3 sqlite3 xsltproc libxml2-utils lua5.4 jq gawk
""".split()

DOCUMENT = "<list>" + "".join(f"<entry id='{i}'><name>name {i}</name></entry>" for i in range(3000)) + "</list>"
SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text"/><xsl:template match="/"><xsl:for-each select="list/entry">
<xsl:sort select="name"/><xsl:value-of select="concat(@id, ' ', translate(name, 'na', 'NA'))"/><xsl:text>
</xsl:text></xsl:for-each></xsl:template></xsl:stylesheet>"""
PERL = """my %h; for my $i (1..30000) { push @{$h{$i % 977}}, "value $i" x 3 }
my $s = 0; for (sort keys %h) { $s += length join ",", @{$h{$_}} } print "$s\\n";
die "as meant\\n" if $s; """
PYTHON = """import json, threading, re
def work(n, out): out.append(sum(len(re.sub('a', 'bb', json.dumps({'a%d' % i: [i] * 9}))) for i in range(n)))
out = []; threads = [threading.Thread(target=work, args=(2000, out)) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]; print(out); raise SystemExit(3)"""
SQL = """create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all select i+1 from n
where i < 20000) insert into t select i, printf('row %d of many', i) from n; create index x on t(b);
select count(*), max(b) from t where b like 'row 1%'; select b from t order by b desc limit 3;"""
LUA = "local t = {} for i = 1, 60000 do t[i % 5000] = ('line ' .. i):rep(3) end print(#t, t[77]) os.exit(4)"
SHELL = "for i in 1 2 3 4 5; do perl -e 'print join \",\", map { $_ x 3 } 1..50' | sort | wc -c; done; kill -TERM $$"


# A function with an older version, which takes no null there.
TWO_VERSIONS = """import ctypes
realpath = ctypes.CDLL(None).realpath
realpath.restype = ctypes.c_char_p
print(realpath(b"/tmp/..", None))"""


class Program(NamedTuple):
    """A command of the release, and functions of its libraries: counted regions, and trusted ones."""

    words: list[str]
    regions: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


PROGRAMS = {
    "perl": Program(["perl", "-e", PERL]),
    "python3": Program(["python3", "-c", PYTHON]),
    "realpath without a buffer": Program(["python3", "-c", TWO_VERSIONS]),
    "sqlite3": Program(["sqlite3", ":memory:", SQL]),
    "xsltproc": Program(
        ["xsltproc", "/tmp/sheet.xsl", "/tmp/document.xml"], ("libxml2.so.2!xmlReadFile", "xsltApplyStylesheetUser"),
        trusted=("libxslt.so.1!xsltSaveResultToFile",),
    ),
    "xmllint": Program(["xmllint", "--format", "/tmp/document.xml"], ("libxml2.so.2!xmlReadFile",)),
    "lua": Program(["lua5.4", "-e", LUA]),
    "jq": Program(["jq", "-n", "[range(5000) | {a: ., b: tostring}] | map(.b | length) | add"], ("libjq.so.1!jq_next",)),
    "gawk": Program(["gawk", 'BEGIN { for (i = 0; i < 50000; i++) a[i % 999] = a[i % 999 + 1] i; print length(a) }']),
    "sort": Program(["sort", "-r", "/tmp/document.xml"]),
    "a shell and its children": Program(["bash", "-c", SHELL]),
    "a program that is not there": Program(["/nowhere/at/all"]),
}


class Ending(NamedTuple):
    """What a program said, and how it ended."""

    status: int
    output: str
    errors: str


class Root:
    """A release's files, with the tree installed among them."""

    def __init__(self, build: Path, folder: Path, release: str) -> None:
        self.path = folder / release
        subprocess.run([HERE / "debian_root", release, "amd64", self.path, *PACKAGES], check=True, timeout=300)
        subprocess.run(
            ["meson", "install", "--quiet", "--no-rebuild", "-C", build, "--destdir", self.path.resolve()], check=True,
            capture_output=True,
        )
        for name in ("proc", "dev", "tmp", "root"):
            (self.path / name).mkdir(exist_ok=True)
        # Packages that are only unpacked leave these to their scripts.
        for link, target in (("bin/sh", "dash"),):
            if not (self.path / link).exists():
                (self.path / link).symlink_to(target)
        (self.path / "tmp/sheet.xsl").write_text(SHEET)
        (self.path / "tmp/document.xml").write_text(DOCUMENT)

    def run(self, *words: str) -> Ending:
        """The command inside, in name spaces of its own: it sees this root, /proc and /dev."""
        enter = 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$@"'
        done = subprocess.run(
            ["unshare", "--mount", *user_namespace(), "sh", "-c", enter, "sh", str(self.path), *words],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
        )
        return Ending(done.returncode, done.stdout, done.stderr)


def user_namespace() -> list[str]:
    return [] if os.geteuid() == 0 else ["--map-root-user"]


class OtherReleases(unittest.TestCase):
    build: Path
    folder: Path

    def counted(self, root: Root) -> list[dict]:
        """The statistics of the last command's programs, but of those that ended by exec or a signal: these leave the
        file as it was mapped."""
        told = []
        for file in (root.path / "tmp").glob("statistics-*"):
            said = file.read_bytes()
            if said.startswith(b"{"):
                told.append(json.loads(said))
            file.unlink()
        return told

    def serves(self, release: str) -> None:
        root = Root(self.build, self.folder, release)
        libc = root.run("python3", "-c", "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))")
        self.assertEqual(libc.output.strip(), f"glibc {RELEASES[release]}", libc.errors)
        for name, program in PROGRAMS.items():
            alone = root.run("env", *program.words)
            self.runs_the_same(root, name, program, alone)

    def runs_the_same(self, root: Root, name: str, program: Program, alone: Ending) -> None:
        statistics = ["--stats=json", "--output", "/tmp/statistics-%e-%p"]
        for mode in ("off", "scoped", "adaptive"):
            with self.subTest(release=root.path.name, program=name, mode=mode):
                words = ["--mode", mode, *statistics, "--", "env", *program.words]
                self.assertEqual(root.run("scratch", "run", *words), alone)
                counted = self.counted(root)
                self.assertEqual({one["mode"] for one in counted}, {mode})
                if mode != "off":
                    self.assertGreater(sum(one["next_calls"] + one["scratch_calls"] for one in counted), 0)
        for options in (
            *(["--region", function] for function in program.regions),
            *(["--trusted-region", function] for function in program.trusted),
        ):
            with self.subTest(release=root.path.name, program=name, options=options):
                self.assertEqual(root.run("scratch", "run", *statistics, *options, "--", *program.words), alone)
                (counted,) = self.counted(root)
                self.assertGreater(counted["regions_entered"], 0)
                self.assertGreater(counted["scratch_calls"], 0)
                checked = root.run("scratch", "check", "--error-exitcode", "99", *options, "--", *program.words)
                self.assertEqual(checked, alone)


def add_test(release: str) -> None:
    setattr(OtherReleases, f"test_{release}", lambda self: self.serves(release))


def missing() -> str:
    """What this machine lacks for the test, or nothing."""
    for program in ("mmdebstrap", "unshare", "chroot", "meson"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    tried = subprocess.run(["unshare", "--mount", *user_namespace(), "true"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no name space of its own for a root: {tried.stderr.strip()}"


if __name__ == "__main__":
    if missing():
        print(f"SKIPPED: {missing()}")
        sys.exit(SKIPPED)
    OtherReleases.folder = Path(sys.argv.pop())
    OtherReleases.build = Path(sys.argv.pop())
    for one in RELEASES:
        add_test(one)
    unittest.main()
