"""A build for a 32-bit system, or by a compiler that is too old, is refused when it is configured, with a sentence that
says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fixture import SOURCE, main

CROSS = """[binaries]
c = ['clang', '--target=i686-linux-gnu']
cpp = ['clang++', '--target=i686-linux-gnu']
[properties]
skip_sanity_check = true
[host_machine]
system = 'linux'
cpu_family = 'x86'
cpu = 'i686'
endian = 'little'
"""
# gcc as it is, but for what it says of its version.
OLDER = """#!/bin/sh
case " $* " in
*" --version "*) printf '%s (Debian 10.2.1-6) 10.2.1 20210110\\nFree Software Foundation\\n' {name} ;;
*" -dM "*) exec {name} "$@" | sed 's/__GNUC__ [0-9]*/__GNUC__ 10/' ;;
*) exec {name} "$@" ;;
esac
"""


class BuildsThatCannotWork(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="scratch-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def refused(self, *options: str, says: str, **compilers: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")} | compilers
        done = subprocess.run([*os.environ.get("MESON", "meson").split(), "setup", *options,
                               str(self.folder / "build"), str(SOURCE)], env=environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(says, done.stdout)

    @unittest.skipIf(shutil.which("clang") is None, "clang is not installed")
    def test_for_32_bits(self) -> None:
        cross = self.folder / "cross.ini"
        cross.write_text(CROSS, encoding="utf-8")
        self.refused(f"--cross-file={cross}", says="scratch is for 64-bit systems")

    @unittest.skipIf(shutil.which("g++") is None, "g++ is not installed")
    def test_by_old_compilers(self) -> None:
        compilers = {}
        for variable, name in (("CC", "gcc"), ("CXX", "g++")):
            wrapper = self.folder / name
            wrapper.write_text(OLDER.format(name=name), encoding="utf-8")
            wrapper.chmod(0o755)
            compilers[variable] = str(wrapper)
        self.refused(says="scratch needs gcc 11 or clang 14 or newer, and this is gcc 10.2", **compilers)


main()
