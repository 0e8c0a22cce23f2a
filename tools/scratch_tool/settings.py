"""The options that `run` and `env` share, and the environment that they stand for."""

from __future__ import annotations

import argparse
import os

from . import functions
from .failure import OWN_ERROR, Failure
from .hook_store import is_hook_object
from .later import LATER_MODES
from .library import ALLOCATORS, find_next, needs
from .say import complain
from .system import System

LEVELS = ("off", "error", "warn", "info", "debug")
# As the shim reads them.
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
# One chunk: with less, no block could ever stand on a stack.
LEAST_BUDGET = 64 << 10
LARGEST_BUDGET = (1 << 63) - 1
DEFAULT_MODE = "adaptive"
MODE_OF_FUNCTIONS = "scoped"


def add_options(parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
    """Adds the options, and returns them."""
    return [
        parser.add_argument("--mode", type=_mode_of(system.modes), metavar="MODE",
                            help=f"{' | '.join(system.modes)} (default: {DEFAULT_MODE}; {MODE_OF_FUNCTIONS} where "
                                 "functions are named)"),
        parser.add_argument("--budget", type=_budget, metavar="BYTES",
                            help="the most memory that the stacks may hold, as 8M or 512K (default: 8M; at least 64K)"),
        parser.add_argument("--output", type=output_pattern, metavar="PATTERN",
                            help="write the statistics to this file (%%e: name of the program, %%p: its pid)"),
        parser.add_argument("--stats", type=_one_of("format", ("text", "json")), nargs="?", const="text",
                            metavar="text|json", help="print statistics at the end (default: as text)"),
    ] + add_shared_options(parser, system)


def add_shared_options(parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
    """Those that `check` has too."""
    return [
        parser.add_argument("--next", type=text, metavar="NAME|PATH",
                            help=f"the allocator behind the stacks: {', '.join(ALLOCATORS)}, or a library's path"),
        parser.add_argument("--exclude", type=text, metavar="NAMES",
                            help="children that are left alone: names of programs, with commas between"),
        parser.add_argument("--log", type=_one_of("level", LEVELS), metavar="LEVEL",
                            help=f"{' | '.join(LEVELS)} (default: warn)"),
        parser.add_argument("--no-follow", action="store_true", help="leave the children of the program alone"),
    ] + functions.add_options(parser, system)


def changes(options: argparse.Namespace, shim: str, environment: dict[bytes, bytes],
            program: str | None, system: System) -> dict[bytes, bytes]:
    """The variables to set on top of `environment`. What is there already stays where no option says otherwise.

    `program` is the executable whose libraries hold the functions that options name; None: any that comes.
    """
    new = {system.preload: _preload(options, shim, environment, program, system)}
    mode = options.mode or _usable_mode(options, environment, system)
    if mode is not None:
        new[b"SCRATCH_MODE"] = mode.encode()
    if options.rules and "--region" not in system.lacks:
        new[b"SCRATCH_RULES"] = os.fsencode(os.path.abspath(options.rules))
    elif options.rules and environment.get(b"SCRATCH_RULES"):
        # They have been read, and where nothing is hooked the shim knows that by nothing else.
        new[b"SCRATCH_RULES"] = b""
    if options.budget is not None:
        new[b"SCRATCH_BUDGET"] = str(options.budget).encode()
    if options.stats is not None:
        new[b"SCRATCH_STATS"] = b"json" if options.stats == "json" else b"1"
    elif options.output is not None and b"SCRATCH_STATS" not in environment:
        new[b"SCRATCH_STATS"] = b"1"
    if options.output is not None:
        # The program and its children may change their folder before they write.
        new[b"SCRATCH_OUTPUT"] = os.fsencode(absolute_pattern(options.output))
    if options.no_follow:
        new[b"SCRATCH_FOLLOW"] = b"0"
    if options.exclude is not None:
        new[b"SCRATCH_EXCLUDE"] = os.fsencode(options.exclude)
    if options.log is not None:
        new[b"SCRATCH_LOG"] = options.log.encode()
    return new


def _preload(options: argparse.Namespace, shim: str, environment: dict[bytes, bytes], program: str | None,
             system: System) -> bytes:
    """Ours, then what was there; an entry that is ours already moves to the front."""
    following = [] if options.next is None else [os.fsencode(find_next(options.next, shim, environment, system))]
    before = system.preloaded(environment)
    rest = [entry for entry in before if entry not in (os.fsencode(shim), *following) and not is_hook_object(entry)]
    wishes = functions.wishes(options)
    if (wishes or options.rules) and "--region" not in system.lacks:
        from .hooks import make
        hooks = [os.fsencode(make(wishes, options.stack_arguments, shim, environment, program, following + rest))]
    else:
        # What a launch around this one asked for holds on.
        hooks = [entry for entry in before if is_hook_object(entry) and needs(entry, shim)][:1]
    return system.joined([*hooks, os.fsencode(shim), *following, *rest])


def _usable_mode(options: argparse.Namespace, environment: dict[bytes, bytes], system: System) -> str | None:
    """The mode to set where no option names one: none where the environment has one that can be used."""
    text = environment.get(b"SCRATCH_MODE")
    standard = MODE_OF_FUNCTIONS if functions.wishes(options) else DEFAULT_MODE
    if text is None:
        return standard
    given = os.fsdecode(text)
    if given in system.modes:
        return None
    level = options.log or os.fsdecode(environment.get(b"SCRATCH_LOG", b""))
    if level not in ("off", "error"):
        why = "is not built yet" if given in LATER_MODES else "is no mode"
        complain("scratch", f"SCRATCH_MODE={given!r} {why} (accepted: {', '.join(system.modes)}); {standard} is used")
    return standard


def _mode_of(modes: tuple[str, ...]):
    def parse(text: str) -> str:
        if text in LATER_MODES:
            raise argparse.ArgumentTypeError(f"{text!r} is not built yet; accepted are {', '.join(modes)}")
        return _one_of("mode", modes)(text)
    return parse


def _one_of(kind: str, accepted: tuple[str, ...]):
    def parse(text: str) -> str:
        if text not in accepted:
            raise argparse.ArgumentTypeError(f"{text!r} is no {kind}; accepted are {', '.join(accepted)}")
        return text
    return parse


def byte_count(text: str) -> int:
    """A number of bytes as the shim reads one: digits, with K, M or G behind them where wanted."""
    unit = text.lstrip("0123456789")
    digits = text[: len(text) - len(unit)]
    unit = unit.upper().removesuffix("IB") if len(unit) == 3 else unit.upper()
    if not digits or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes; accepted are whole numbers, with K, M or G "
                                         "after them where wanted")
    size = int(digits) * UNITS[unit]
    if size > LARGEST_BUDGET:
        raise argparse.ArgumentTypeError(f"{text!r} is more than an address space holds; accepted is up to "
                                         f"{LARGEST_BUDGET} bytes")
    return size


def _budget(text: str) -> int:
    size = byte_count(text)
    if size < LEAST_BUDGET:
        raise argparse.ArgumentTypeError(f"{text!r} is less than one chunk of a stack, so nothing could be put there; "
                                         "accepted is 64K and more (to put nothing there: --mode off)")
    return size


def text(given: str) -> str:
    """The value of an option that may not be empty."""
    if not given:
        raise argparse.ArgumentTypeError("'' is empty; leave the option out, or give a value")
    return given


def absolute_pattern(given: str) -> str:
    """The names of the folders that we are in are no part of the pattern."""
    return os.path.normpath(given if os.path.isabs(given) else os.path.join(os.getcwd().replace("%", "%%"), given))


def output_pattern(given: str) -> str:
    """A pattern that the shim can make a file of: its signs have a meaning, and its folder can be written to."""
    if text(given) == "-":
        raise argparse.ArgumentTypeError("'-' is no file: standard output is the program's, and standard error is where "
                                         "it goes without the option; ./- is a file of that name")
    rest = given.replace("%%", "")
    if "%" in rest.replace("%e", "").replace("%p", ""):
        raise argparse.ArgumentTypeError(f"{given!r} has a % without a meaning; accepted are %e (the program), %p (its "
                                         "pid) and %% (a percent sign)")
    folder, name = os.path.split(absolute_pattern(given) + ("/" if given.endswith("/") else ""))
    if not name or ("%" not in given and os.path.isdir(given)):
        raise argparse.ArgumentTypeError(f"{given!r} names a folder; give a file in it, as {given.rstrip('/')}/%e-%p")
    if "%" in folder.replace("%%", ""):
        # Where that will be is known in each process only.
        return given
    folder = folder.replace("%%", "%")
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"{given!r} would lie in {folder}, which is no folder; make it, or give another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{given!r} would lie in {folder}, which you may not write to; give another "
                                         "folder")
    return given


def refuse_program(name: str) -> Failure:
    """For commands that take no program."""
    return Failure(OWN_ERROR, f"{name} is not an option, and a program is not accepted here; accepted are options only")
