#!/usr/bin/env python3
"""The annotations of one program find the shim however the program was compiled and linked.

Every variant runs alone, behind a recorder of calls and, where it is given, behind the real shim, and
prints the same in all three. A static program has no dynamic linker: it runs alone, whatever is preloaded.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]

LANGUAGES = {"c": ["-x", "c", "-std=c11"], "c++": ["-x", "c++", "-std=c++11"]}
OPTIMISATIONS = [["-O0"], ["-O2"]]
PROGRAMS = {
    "pie": ["-fPIE", "-pie"],
    "pie, bound at start": ["-fPIE", "-pie", "-Wl,-z,now"],
    "pie, bound late": ["-fPIE", "-pie", "-Wl,-z,lazy"],
    "no pie": ["-fno-pie", "-no-pie"],
    "no pie, bound at start": ["-fno-pie", "-no-pie", "-Wl,-z,now"],
    "no pie, bound late": ["-fno-pie", "-no-pie", "-Wl,-z,lazy"],
    "static": ["-fno-pie", "-static"],
    "static pie": ["-fPIE", "-static-pie"],
}
# Tried once each, on the variant where a linker could decide by itself that nobody defines the symbol.
EXTRAS = {
    "no pie, linked by gold": (["-fno-pie", "-no-pie", "-fuse-ld=gold"], "ld.gold"),
    "no pie, linked by lld": (["-fno-pie", "-no-pie", "-fuse-ld=lld"], "ld.lld"),
    "pie, link-time optimisation": (["-fPIE", "-pie", "-flto"], "ld"),
    "no pie, intel assembly": (["-fno-pie", "-no-pie", "-masm=intel"], "ld"),
}

EXPECTED_OUTPUT = "sum 592892423, errno 77\n"
EXPECTED_CALLS = """\
enter outer 0 of block = 1
enter inner 1 of block = 2
leave 2
leave 1
enter loop 0 of block = 3
turn turn 0
turn turn 1
leave 3
alloc 40
alloc 100000
free of another's
free of another's
free of ours
free of another's
enter by hand 0 = 4
leave 4
"""


@dataclass(frozen=True)
class Variant:
    compiler: str
    language: str
    optimisation: tuple[str, ...]
    program: str
    flags: tuple[str, ...]

    @property
    def static(self) -> bool:
        return self.program.startswith("static")

    def __str__(self) -> str:
        return f"{self.compiler} {self.language} {' '.join(self.optimisation)} {self.program}"


@dataclass(frozen=True)
class Target:
    """Where the programs run: this machine, or another one behind an emulator."""

    include: Path
    emulator: list[str]
    recorder: Path
    shim: Path | None

    def run(self, program: Path, preload: Path | None, record: Path) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SCRATCH_")}
        environment.pop("LD_PRELOAD", None)
        environment["RECORDER_OUTPUT"] = str(record)
        command = [*self.emulator]
        if preload is not None and self.emulator:
            command += ["-E", f"LD_PRELOAD={preload}"]
        elif preload is not None:
            environment["LD_PRELOAD"] = str(preload)
        done = subprocess.run(
            [*command, str(program), "who"], env=environment, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0 or done.stderr:
            raise AssertionError(f"status {done.returncode}, standard error: {done.stderr}")
        return done.stdout


def installed(names: list[str]) -> list[str]:
    for name in names:
        if shutil.which(name) is None:
            print(f"SKIPPED: every program of {name}: it is not installed")
    return [name for name in names if shutil.which(name)]


def makes_static_pies(compiler: str) -> bool:
    """Whether its libc has what they begin with (for riscv64, glibc 2.36 has not), and it makes no others of them
    (musl-gcc does)."""
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as folder:
        program = Path(folder) / "program"
        made = subprocess.run([compiler, *PROGRAMS["static pie"], "-x", "c", "-", "-o", str(program)], text=True,
                              input="int main(void) { return 0; }", capture_output=True)
        if made.returncode == 0 and b"/ld-" not in program.read_bytes():
            return True
    print(f"SKIPPED: {compiler} makes no static pie")
    return False


def variants(compilers: dict[str, list[str]], extras: bool) -> list[Variant]:
    without = {name for names in compilers.values() for name in names if not makes_static_pies(name)}
    found = [
        Variant(compiler, language, tuple(optimisation), program, tuple(PROGRAMS[program]))
        for language in LANGUAGES
        for compiler, optimisation, program in itertools.product(
            compilers[language], OPTIMISATIONS, PROGRAMS
        )
        if program != "static pie" or compiler not in without
    ]
    if extras:
        for compiler, (program, (flags, linker)) in itertools.product(
            compilers["c"], EXTRAS.items()
        ):
            if shutil.which(linker) is None:
                print(f"SKIPPED: {compiler} {program}: there is no {linker} here")
                continue
            found.append(Variant(compiler, "c", ("-O2",), program, tuple(flags)))
    return found


def expect(what: str, expected: str, got: str) -> None:
    if got != expected:
        raise AssertionError(f"{what}: expected\n{expected}got\n{got}")


def check(variant: Variant, target: Target, directory: Path) -> None:
    program = directory / "program"
    record = directory / "record"
    compiled = subprocess.run(
        [
            variant.compiler,
            *LANGUAGES[variant.language],
            *WARNINGS,
            *variant.optimisation,
            *variant.flags,
            f"-I{target.include}",
            str(HERE / "annotated.c"),
            "-o",
            str(program),
        ],
        capture_output=True,
        text=True,
    )
    if compiled.returncode != 0:
        raise AssertionError(f"does not compile: {compiled.stderr}")
    # Inlined at -O0 too: else the shim sees the stack pointer of the header's function.
    if b"scratch_region_enter" in program.read_bytes():
        raise AssertionError("scratch_region_enter is a function of its own in it")

    alone = EXPECTED_OUTPUT + "alone\n"
    served = alone if variant.static else EXPECTED_OUTPUT + "served\n"
    expect("alone", alone, target.run(program, None, record))
    expect("behind the recorder", served, target.run(program, target.recorder, record))
    calls = record.read_text() if record.exists() else ""
    expect("calls", "" if variant.static else EXPECTED_CALLS, calls)
    if target.shim is not None:
        expect("behind the shim", served, target.run(program, target.shim, record))


def failure(variant: Variant, target: Target) -> str | None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            check(variant, target, Path(directory))
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            return f"FAILED: {variant}: {problem}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--include", type=Path, required=True, help="folder that holds scratch/annotate.h")
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so, where it is built")
    parser.add_argument("--c", action="append", required=True, help="a C compiler; repeatable")
    parser.add_argument("--c++", action="append", default=[], help="a C++ compiler; repeatable")
    parser.add_argument("--emulator", default="", help="command that runs the compilers' programs")
    options = parser.parse_args()

    emulator = options.emulator.split()
    if emulator and shutil.which(emulator[0]) is None:
        print(f"SKIPPED: {emulator[0]} is not installed")
        return SKIPPED
    compilers = {language: installed(getattr(options, language)) for language in LANGUAGES}
    if not compilers["c"]:
        return SKIPPED

    with tempfile.TemporaryDirectory() as directory:
        recorder = Path(directory) / "recorder.so"
        subprocess.run(
            [
                compilers["c"][0], "-std=c11", *WARNINGS, "-shared", "-fPIC", f"-I{options.include}",
                str(HERE / "recorder.c"), "-o", str(recorder),
            ],  # fmt: skip
            check=True,
        )
        target = Target(options.include, emulator, recorder, options.shim)
        if options.shim is None:
            print("SKIPPED: the runs behind the real shim: it is not built")
        every = variants(compilers, extras=not emulator)
        with ThreadPoolExecutor(max_workers=2) as workers:
            failures = [text for text in workers.map(lambda v: failure(v, target), every) if text]
    for text in failures:
        print(text)
    print(f"{len(every) - len(failures)} of {len(every)} kinds of program bind")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
