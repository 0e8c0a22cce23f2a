#!/usr/bin/env python3
"""Run one program without and with the preloaded shim and compare all it does byte for byte.

Exit status: 0 the same in every mode, 1 a difference, 77 the program is not installed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Optional

from harness.compare import differences, is_hollow
from harness.directories import InputCache, Workplace
from harness.packages import package_of
from harness.processes import adopt_orphans, end_leftovers
from harness.registry import Case, all_cases
from harness.run import PATH, CaseFailure, Record, Run, free_port
from harness.variants import MODES_BUILT, PLAIN, Variant, variant_by_name

SKIPPED = 77
PROBLEMS_SHOWN = 6


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="?", help="the program to run")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    parser.add_argument("--library", type=Path, help="the shim, libscratch-preload.so")
    parser.add_argument(
        "--modes",
        default=",".join(MODES_BUILT),
        help="modes of the shim, names of other allocators, or both: adaptive+mimalloc",
    )
    parser.add_argument("--scale", choices=("test", "bench"), default="test", help="size of the inputs")
    parser.add_argument("--inputs", type=Path, help="folder that keeps generated inputs")
    parser.add_argument("--keep", action="store_true", help="leave the working directory for a look")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="set a variable in the environment of every run")  # fmt: skip
    return parser.parse_args()


def missing_programs(case: Case) -> list[str]:
    """The programs of a case that this system does not have."""
    return [name for name in case.programs if shutil.which(name, path=PATH) is None]


def check_evidence(workplace: Workplace, variant: Variant) -> list[str]:
    """A complaint if no process left statistics: then the shim was not at work at all."""
    if not variant.is_shim or any(workplace.statistics.iterdir()):
        return []
    return ["no process wrote its statistics to SCRATCH_OUTPUT: the shim was not loaded"]


def run_once(case: Case, run: Run) -> tuple[Record, list[str]]:
    """The record of one run, and what went wrong besides the record."""
    run.workplace.renew()
    problems: list[str] = []
    try:
        case.body(run)
    except CaseFailure as failure:
        problems.append(str(failure))
    problems += [f"process left behind: {line}" for line in end_leftovers()]
    run.collect_files()
    return run.record, problems


def test(case: Case, arguments: argparse.Namespace, inputs: InputCache) -> bool:
    """Run the case in all variants; true if they all did the same."""
    extra = dict(pair.split("=", 1) for pair in arguments.set)
    port = free_port()
    with Workplace(arguments.keep) as workplace:

        def attempt(variant: Variant) -> tuple[Record, list[str]]:
            return run_once(case, Run(variant, arguments.scale, workplace, inputs, port, extra=extra))

        expected, problems = attempt(PLAIN)
        # A second plain run proves that a difference found later is the shim's.
        again, more = attempt(PLAIN)
        problems += more + [f"not the same twice: {d}" for d in differences(expected, again)]
        if is_hollow(expected):
            problems.append("the case produces nothing to compare")
        if problems:
            report(case.name, PLAIN.name, problems)
            return False
        same = True
        for name in arguments.modes.split(","):
            variant = variant_by_name(name, arguments.library, workplace.root)
            actual, problems = attempt(variant)
            problems += differences(expected, actual) + check_evidence(workplace, variant)
            report(case.name, name, problems)
            same = same and not problems
        return same


def report(case: str, variant: str, problems: list[str]) -> None:
    """Print the verdict on one variant."""
    print(f"{case} {variant}: {'DIFFERENT' if problems else 'same'}", flush=True)
    for problem in problems[:PROBLEMS_SHOWN]:
        print(f"  {problem}")
    if len(problems) > PROBLEMS_SHOWN:
        print(f"  and {len(problems) - PROBLEMS_SHOWN} more")


def default_library() -> Optional[Path]:
    """The shim of the build tree that is usual, if it has been built."""
    path = Path(__file__).resolve().parents[2] / "build" / "shim" / "libscratch-preload.so"
    return path if path.exists() else None


def main() -> int:
    arguments = parse_arguments()
    known = all_cases()
    if arguments.list:
        print("\n".join(known))
        return 0
    if arguments.case not in known:
        print(f"unknown case {arguments.case!r}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    arguments.library = arguments.library or default_library()
    if arguments.library is None or not arguments.library.exists():
        print(f"no shim at {arguments.library}: build it or name it with --library", file=sys.stderr)
        return 2
    case = known[arguments.case]
    missing = missing_programs(case)
    if missing:
        wanted = ", ".join(f"{name} (Debian package {package_of(name)})" for name in missing)
        print(f"SKIPPED: {case.name} was NOT tested; not installed: {wanted}")
        return SKIPPED
    folder = arguments.inputs or Path.home() / ".cache" / "scratch-test-inputs"
    adopt_orphans()
    try:
        return 0 if test(case, arguments, InputCache(folder)) else 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
