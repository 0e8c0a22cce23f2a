#!/usr/bin/env python3
"""Debuggers and unwinders see the callers of hooked functions through the hooks.

Usage: backtraces_pass_through_hooks.py PROGRAM PRELOADED
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

# From the innermost outwards.
CALLERS = ["stand_here", "trusted_call", "between", "counted_call", "main"]


class Backtraces(unittest.TestCase):
    program: str
    preloaded: str

    def assert_all_there(self, text: str) -> None:
        at = 0
        for name in CALLERS:
            found = text.find(name, at)
            self.assertGreaterEqual(found, 0, f"{name} is missing in\n{text}")
            at = found + len(name)
        self.assertEqual(2, text.count("scratch_hook_enter_v1"), text)

    def run_self(self, how: str) -> str:
        environment = {**os.environ, "LD_PRELOAD": self.preloaded, "SCRATCH_MODE": "scoped"}
        return subprocess.run(
            [self.program, how], env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def test_backtrace_of_libc(self) -> None:
        text = self.run_self("backtrace")
        if not text:
            self.skipTest("LOUDLY SKIPPED: libc has no backtrace")
        self.assert_all_there(text)

    def test_libunwind(self) -> None:
        text = self.run_self("libunwind")
        if not text:
            self.skipTest("LOUDLY SKIPPED: built without libunwind")
        self.assert_all_there(text)

    def gdb(self, *commands: str) -> str:
        if shutil.which("gdb") is None:
            self.skipTest("LOUDLY SKIPPED: no gdb")
        # The ELF header's word for the machine.
        machines = {Path(file).read_bytes()[18:20] for file in (self.program, sys.executable)}
        if len(machines) > 1:
            self.skipTest("LOUDLY SKIPPED: gdb cannot look into an emulated program")
        settings = [
            "set startup-with-shell off", "set debuginfod enabled off", f"set env LD_PRELOAD {self.preloaded}",
            "set env SCRATCH_MODE scoped",
        ]
        arguments = [word for command in (*settings, *commands) for word in ("-ex", command)]
        result = subprocess.run(
            ["gdb", "-nx", "-q", "-batch", *arguments, "--args", self.program, "gdb"],
            capture_output=True, text=True, timeout=120,
        )
        if "ptrace: Operation not permitted" in result.stderr:
            self.skipTest("LOUDLY SKIPPED: nothing may be traced here")
        return result.stdout

    def test_gdb(self) -> None:
        self.assert_all_there(self.gdb("break stand_here", "run", "bt"))

    def test_gdb_at_every_instruction_of_the_entry(self) -> None:
        script = (
            "python\n"
            "gdb.execute('break main'); gdb.execute('run', to_string=True)\n"
            "gdb.execute('break scratch_hook_enter_v1'); gdb.execute('continue', to_string=True)\n"
            "lost = []\n"
            "for step in range(3000):\n"
            "    frame = gdb.newest_frame()\n"
            "    if frame.name() == 'between': break\n"
            "    inside = frame.name() == 'scratch_hook_enter_v1'\n"
            "    names = []\n"
            "    while frame is not None: names.append(frame.name()); frame = frame.older()\n"
            "    if inside and 'main' not in names: lost.append((step, names))\n"
            "    gdb.execute('stepi', to_string=True) if inside else gdb.execute('finish', to_string=True)\n"
            "print('LOST', lost)\n"
            "end\n"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
            file.write(script)
            file.flush()
            self.assertIn("LOST []", self.gdb(f"source {file.name}"))


if __name__ == "__main__":
    Backtraces.preloaded = sys.argv.pop()
    Backtraces.program = sys.argv.pop()
    unittest.main()
