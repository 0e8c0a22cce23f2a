"""`scratch check`: runs a program so that uses of memory that was given back are found where they happen."""

from __future__ import annotations

import argparse
import os

from . import run, settings, target
from .elf import MACHINES as ELF_MACHINES
from .elf import Elf
from .failure import CANNOT_RUN, OWN_ERROR, Failure
from .hooks_elf import MACHINES
from .library import find_shim
from .place import Place
from .system import System

# What stands beside the shim for this command only: system calls and signals as check sees them.
CALLS = "libscratch-check.so"


class Check:
    name = "check"
    takes_program = True
    help = "find uses of memory after its free, or its scope's end"
    usage = "scratch check [options] [--] PROGRAM [ARGUMENTS]"
    examples = (
        ("scratch check -- ./server --test", "reports on standard error; the program goes on"),
        ("scratch check --error-exitcode 9 -- make test", "for scripts: ends with 9 where anything was found"),
        ("scratch check --json found-%p.json -- ./server", "the reports of each process in a file of its own"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
        return settings.add_shared_options(parser, system) + [
            parser.add_argument("--json", type=settings.output_pattern, metavar="PATTERN",
                                help="write the reports to this file, as JSON (%%e: name of the program, %%p: its "
                                     "pid), and not to standard error"),
            parser.add_argument("--halt", action="store_true",
                                help="abort the program after the first mistake; what was live at exit is none"),
            parser.add_argument("--error-exitcode", type=_exit_code, metavar="N",
                                help="the exit status where a mistake was reported (default: the program's own); leaks "
                                     "and escapes are none but with --errors-for"),
            parser.add_argument("--errors-for", type=_kinds, metavar="KINDS", default=frozenset(),
                                help="leak, escape, or both with a comma between: --error-exitcode counts those, too "
                                     "(leak asks for --leaks)"),
            parser.add_argument("--leaks", action="store_true",
                                help="report what was never freed, too; no mistake by itself (see --errors-for)"),
            parser.add_argument("--no-escapes", action="store_true",
                                help="do not list what was live when a trusted scope ended"),
            parser.add_argument("--no-lines", action="store_true",
                                help="function names only: addr2line is not asked for source lines"),
            parser.add_argument("--every-block", action="store_true",
                                help="pages of its own for each block, not for the first ones of each place and a "
                                     "sample: finds all uses after free at once, costs time and memory"),
            parser.add_argument("--quarantine", type=settings.byte_count, metavar="BYTES",
                                help="memory given back that is kept closed with its contents (default: 256M)"),
            parser.add_argument("--mappings", type=_count, metavar="N",
                                help="the most mappings that closed pages may cost (default: half of what the system "
                                     "allows a process)"),
            parser.add_argument("--depth", type=_depth, metavar="N", help="frames of each backtrace (default: 16)"),
        ]

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        if not program:
            raise Failure(OWN_ERROR, f"no program was given; accepted is: {self.usage}")
        if options.no_escapes and "escape" in options.errors_for:
            raise Failure(OWN_ERROR, "--errors-for escape asks for what --no-escapes leaves out; give one of them")
        options.mode, options.budget, options.stats, options.output = "check", None, None, None
        system = place.system
        environment = system.initial_environment()
        shim = find_shim(place, environment)
        kind = Elf(shim)
        if kind.machine not in MACHINES:
            raise Failure(CANNOT_RUN, f"mode check is not built for {kind.kind} yet; check a build of the program for "
                                      f"{' or '.join(ELF_MACHINES[number] for number in MACHINES)}")
        chosen = target.find(program[0], program[1:], environment)
        target.check(chosen, shim, environment, system)
        new = settings.changes(options, shim, environment, chosen.binary, system)
        new[system.preload] = _with_calls(new[system.preload], shim)
        new.update(_variables(options))
        environment.update(new)
        if options.json is None:
            # What a launch around this one asked for as statistics is no place for reports.
            environment.pop(b"SCRATCH_OUTPUT", None)
        if options.no_follow:
            chosen.skip_env(environment)
        return run.become(chosen, environment)


def _with_calls(preload: bytes, shim: str) -> bytes:
    """The list with the object of this command directly behind the shim."""
    calls = os.path.join(os.path.dirname(shim), CALLS)
    if not os.path.isfile(calls):
        raise Failure(OWN_ERROR, f"{calls} is missing, which belongs to {shim}; build or install both")
    own, ours = os.fsencode(shim), os.fsencode(calls)
    entries = [entry for entry in preload.split(b":") if entry != ours]
    entries.insert(entries.index(own) + 1, ours)
    return b":".join(entries)


def _variables(options: argparse.Namespace) -> dict[bytes, bytes]:
    words = [word for word, wanted in (("halt", options.halt), ("leaks", options.leaks or "leak" in options.errors_for),
                                       ("leaks-are-errors", "leak" in options.errors_for),
                                       ("escapes-are-errors", "escape" in options.errors_for),
                                       ("no-escapes", options.no_escapes), ("no-lines", options.no_lines),
                                       ("every-block", options.every_block)) if wanted]
    words += [f"{word}={value}" for word, value in (("error-exitcode", options.error_exitcode),
                                                    ("quarantine", options.quarantine),
                                                    ("mappings", options.mappings),
                                                    ("depth", options.depth)) if value is not None]
    variables = {b"SCRATCH_CHECK": ",".join(words).encode()}
    if options.json is not None:
        variables[b"SCRATCH_OUTPUT"] = os.fsencode(settings.absolute_pattern(options.json))
    return variables


def _number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
    return int(text)


def _exit_code(text: str) -> int:
    return _number(text, 0, 255)


def _kinds(text: str) -> frozenset[str]:
    kinds = frozenset(text.split(","))
    if not kinds <= {"leak", "escape"}:
        raise argparse.ArgumentTypeError(f"{text!r} is none of leak, escape and leak,escape")
    return kinds


def _depth(text: str) -> int:
    return _number(text, 1, 32)


def _count(text: str) -> int:
    return _number(text, 1, (1 << 32) - 1)
