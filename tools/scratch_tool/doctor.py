"""`scratch doctor`: is all in place, and can a program be run so? Each line says what to do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from . import functions, target
from .failure import CANNOT_RUN, Failure
from .library import find_shim
from .place import Place
from .report_line import FAIL, OK, Line
from .say import put
from .system import System



class Doctor:
    name = "doctor"
    takes_program = True
    help = "check the installation, and whether a program can be run"
    usage = "scratch doctor [options] [PROGRAM...]"
    examples = (
        ("scratch doctor", "the library, the kernel, the environment"),
        ("scratch doctor /usr/bin/xsltproc", "and a program, or several"),
        ("scratch doctor --region xmlReadFile xmllint", "and whether a function can be hooked in it"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
        return functions.add_options(parser, system)

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        failed = False
        for level, subject, found in _lines(options, program, place):
            put(f"{level:5} {subject:12} {found}\n")
            failed |= level == FAIL
        if not failed:
            return 0
        return CANNOT_RUN if functions.wishes(options) else 1


def _lines(options: argparse.Namespace, program: list[str], place: Place) -> Iterator[Line]:
    system = place.system
    environment = system.initial_environment()
    yield OK, "scratch", f"{place.version}, on Python {sys.version.split()[0]}"
    shim = ""
    try:
        shim = find_shim(place, environment)
        yield OK, "library", shim
        yield from system.library_lines(shim, environment)
    except Failure as failure:
        yield FAIL, "library", failure.sentence
    yield from system.system_lines(shim, environment)
    for name in program:
        yield from _program(name, options, shim, environment, system)
    if not program:
        yield from _functions(options, None, shim, environment, system)


def _program(name: str, options: argparse.Namespace, shim: str, environment: dict[bytes, bytes],
             system: System) -> Iterator[Line]:
    try:
        chosen = target.find(name, [], environment)
        if shim:
            target.check(chosen, shim, environment, system)
    except Failure as failure:
        yield FAIL, "program", failure.sentence
        return
    path = chosen.binary
    yield OK, "program", " runs ".join(reversed(chosen.chain)) + ("" if shim else " (not checked without a library)")
    if chosen.env_is_in_the_way:
        yield OK, "program", f"{system.name} keeps the shim out of {chosen.chain[-2]}, so `run` starts {path} itself"
    yield from _functions(options, path, shim, environment, system)
    yield from system.program_lines(path, shim, environment)


def _functions(options: argparse.Namespace, program: str | None, shim: str,
               environment: dict[bytes, bytes], system: System) -> Iterator[Line]:
    if shim and functions.wishes(options):
        from . import doctor_functions
        yield from doctor_functions.lines(options, program, shim, environment, system)
