"""A build for a 32-bit system is refused when it is configured, with a sentence that says why."""

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


@unittest.skipIf(shutil.which("clang") is None, "clang is not installed")
class BuildsFor32BitsAreRefused(unittest.TestCase):
    def test_by_meson(self) -> None:
        with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
            cross = Path(folder, "cross.ini")
            cross.write_text(CROSS, encoding="utf-8")
            environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
            done = subprocess.run([*os.environ.get("MESON", "meson").split(), "setup", f"--cross-file={cross}",
                                   str(Path(folder, "build")), str(SOURCE)], env=environment, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("scratch is for 64-bit systems", done.stdout)


main()
