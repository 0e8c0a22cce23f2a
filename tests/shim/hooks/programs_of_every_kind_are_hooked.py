#!/usr/bin/env python3
"""A call of a hooked function is hooked however the program was compiled and linked.

Usage: programs_of_every_kind_are_hooked.py SOURCE LIBRARY PRELOADED COMPILER...
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KINDS = {
    "lazily bound": ["-Wl,-z,lazy"],
    "eagerly bound": ["-Wl,-z,now"],
    "full RELRO": ["-Wl,-z,relro,-z,now"],
    "no RELRO": ["-Wl,-z,norelro"],
    "without a PLT": ["-fno-plt"],
    "with branch tracking": ["-fcf-protection=full", "-Wl,-z,ibtplt"],
    "with branch protection": ["-mbranch-protection=standard"],
    "at a fixed address": ["-no-pie", "-fno-pie"],
    "position independent": ["-pie", "-fPIE"],
    "with old hash tables": ["-Wl,--hash-style=sysv"],
    "not optimised": ["-O0"],
}


# Runs before the shim's own constructor. What registers are kept in must not be taken for what it was before.
EARLY = """
#include "library.h"
double sum;
static void __attribute__((noinline)) dirty_the_stack(void) {
    volatile unsigned char bytes[16384];
    for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = 0xff;
}
__attribute__((constructor)) static void call_before_start(void) {
    dirty_the_stack();
    sum = sum_of_numbers(3, 1.0, 2.0, 4.0);
}
"""
AFTER_EARLY = "extern double sum; int main(void) { return sum == 7.0 ? 0 : 1; }"


class EveryKind(unittest.TestCase):
    source: str
    library: Path
    preloaded: str
    compilers: list[str]

    def build(self, compiler: str, options: list[str], folder: str) -> Path | None:
        program = Path(folder) / "program"
        command = [
            compiler, "-O2", "-fno-builtin", *options, self.source, "-o", str(program),
            f"-L{self.library.parent}", "-lhooked", f"-Wl,-rpath,{self.library.parent}",
        ]
        built = subprocess.run(command, capture_output=True, text=True)
        return program if built.returncode == 0 else None

    def check(self, compiler: str) -> None:
        built = 0
        for kind, options in KINDS.items():
            with self.subTest(kind), tempfile.TemporaryDirectory() as folder:
                program = self.build(compiler, options, folder)
                if program is None:
                    print(f"LOUDLY SKIPPED: {compiler} does not build {kind}", file=sys.stderr)
                    continue
                built += 1
                environment = {**os.environ, "LD_PRELOAD": self.preloaded, "SCRATCH_MODE": "scoped"}
                result = subprocess.run([str(program)], env=environment, capture_output=True, text=True)
                self.assertEqual((0, "hooked\n", ""), (result.returncode, result.stdout, result.stderr))
        self.assertGreater(built, 6)

    def test_compilers(self) -> None:
        for compiler in self.compilers:
            with self.subTest(compiler):
                if shutil.which(compiler) is None:
                    self.skipTest(f"LOUDLY SKIPPED: no {compiler}")
                self.check(compiler)

    def test_first_call_out_of_a_constructor(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sources = {"early.c": EARLY, "program.c": AFTER_EARLY}
            for name, text in sources.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            beside, headers = Path(self.library).resolve().parent, Path(self.source).resolve().parent
            libraries = [f"-L{beside}", "-lhooked", f"-Wl,-rpath,{beside}"]
            compiler = self.compilers[0]
            subprocess.run([compiler, "-O2", "-shared", "-fPIC", f"-I{headers}", "early.c", "-o",
                            "libearly.so", *libraries], cwd=folder, check=True)
            subprocess.run([compiler, "program.c", "-o", "program", "-L.", "-learly", f"-Wl,-rpath,{folder}", *libraries],
                           cwd=folder, check=True)
            environment = {**os.environ, "LD_PRELOAD": self.preloaded, "SCRATCH_MODE": "scoped"}
            result = subprocess.run([f"{folder}/program"], env=environment, capture_output=True, text=True, check=False)
            self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))


if __name__ == "__main__":
    EveryKind.source, library, EveryKind.preloaded, *EveryKind.compilers = sys.argv[1:]
    EveryKind.library = Path(library)
    del sys.argv[1:]
    unittest.main()
