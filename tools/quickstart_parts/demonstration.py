"""Runs programs without scratch and with it, in turn: xsltproc, as the system has it, on many documents with a scope
that is named, and on one of several megabytes without; and the annotated example, which answers requests with the
system's libxml2 and jansson.

Prints a table of what happened; each figure is a median of these runs. Exit status: 0, or 1 where the output or the
exit status of a program differ, or nothing ran.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from orders import GROUPS, ORDERS, TOTALS, write_orders

ROUNDS = 5
REQUESTS = ("300", "400")
DOCUMENTS, TIMES = 80, 3
# Each document that is read ends what was done with the one before.
TURN = "libxml2!xmlReadFile"
# What runs on one machine differ by anyway: below it, nobody should speak of a gain or a loss.
NOISE = 0.03


class Outcome:
    """One run: status, a digest of the output, seconds of the clock and of the processor, peak memory in bytes."""

    def __init__(self, meter: Path, command: list[str], output: Path, settings: dict[str, str]) -> None:
        # The meter is not preloaded, and hands this on to the program.
        preloads = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")
        environment = {("MEASURE_PRELOAD" if name in preloads else name): value for name, value in settings.items()}
        measured = output.with_suffix(".measured")
        measured.unlink(missing_ok=True)
        start = time.perf_counter()
        with output.open("wb") as file:
            self.status = subprocess.run([meter, measured, *command], stdin=subprocess.DEVNULL, stdout=file,
                                         env={**os.environ, **environment}, check=False).returncode
        self.elapsed = time.perf_counter() - start
        user, system, resident, _ = map(int, measured.read_text(encoding="ascii").split())
        self.processor = (user + system) / 1e6
        self.memory = resident * 1024
        self.digest = hashlib.sha256(output.read_bytes()).hexdigest()
        self.size = output.stat().st_size


class Shown:
    """A program that is run `ROUNDS` times alone and as often under `scratch run OPTIONS`, and once more to count."""

    def __init__(self, name: str, kind: str, command: list[str], options: list[str]) -> None:
        self.name = name
        self.kind = kind
        self.command = command
        self.options = options
        self.alone: list[Outcome] = []
        self.under: list[Outcome] = []
        self.same = False
        self.report: dict = {}

    def run(self, scratch: str, meter: Path, work: Path) -> None:
        name = self.name.replace(" ", "")
        output, report = work / f"{name}.out", work / f"{name}.json"
        settings = settings_of(scratch, *self.options)
        for _ in range(ROUNDS):
            self.alone.append(Outcome(meter, self.command, output, {}))
            self.under.append(Outcome(meter, self.command, output, settings))
        report.unlink(missing_ok=True)
        counted = Outcome(meter, [scratch, "run", *self.options, "--stats=json", "--output", str(report), "--",
                                  *self.command], output, {})
        self.same = len({(each.status, each.digest) for each in (*self.alone, *self.under, counted)}) == 1
        self.report = json.loads(report.read_text(encoding="utf-8"))

    def medians(self, what: str) -> tuple[float, float]:
        alone, under = (statistics.median(getattr(each, what) for each in runs) for runs in (self.alone, self.under))
        return alone, under

    def compared(self, what: str, unit: float, form: str) -> list[str]:
        alone, under = self.medians(what)
        return [form.format(alone / unit), form.format(under / unit), f"{under / alone:.2f}" if alone else ""]

    def routed(self, what: str) -> list[str]:
        """The calls or bytes on stacks, of all."""
        here, there = (self.report.get(f"{route}_{what}", 0) for route in ("scratch", "next"))
        shown = f"{here:,}" if what == "calls" else mega(here)
        return ["", shown, f"{100 * here / ((here + there) or 1):.1f} %"]

    def rows(self) -> list[list[str]]:
        statuses = [", ".join(map(str, sorted({each.status for each in runs}))) for runs in (self.alone, self.under)]
        return [
            self.compared("processor", 1e-3, "{:,.0f} ms"),
            self.compared("elapsed", 1e-3, "{:,.0f} ms"),
            self.compared("memory", 2**20, "{:,.1f} MiB"),
            self.routed("calls"),
            self.routed("bytes"),
            [*statuses, "same" if statuses[0] == statuses[1] else "DIFFERENT"],
            [mega(self.alone[0].size), mega(self.under[0].size), "identical" if self.same else "DIFFERENT"],
        ]

    def told(self) -> str:
        """One sentence on what was gained: by the processor time that was measured, and by what the shim says."""
        alone, under = self.medians("processor")
        change = under / alone - 1 if alone else 0.0
        time_told = f"{100 * abs(change):.0f} % {'less' if change < 0 else 'more'} processor time"
        if self.report.get("stood_aside"):
            return f"scratch stood aside ({self.report['stood_aside']})"
        if self.report.get("nothing_gained"):
            return "nothing gained here: its sites were tried, and it was left as it is" + \
                (f", at {time_told}" if change > NOISE else "")
        if change < -NOISE:
            memory_alone, memory = self.medians("memory")
            more = f", for {mega(memory - memory_alone)} more of peak memory" if memory > memory_alone else ""
            return f"gains: {time_told}{more}"
        return "its scratch memory was on stacks, and nothing was gained in time" + \
            (f": {time_told}" if change > NOISE else "")


LABELS = ["processor time (median)", "elapsed time (median)", "peak memory (median)", "calls on stacks",
          "bytes on stacks", "exit status", "output"]


def settings_of(scratch: str, *options: str) -> dict[str, str]:
    """What `scratch run` would set, by its own word. The runs take it from here, so that the start of the tool, 20 ms
    once, does not blur what the program gains."""
    said = subprocess.run([scratch, "env", *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    return dict(word.split("=", 1) for word in shlex.split(said) if "=" in word)


def can_run(scratch: str, *options: str) -> bool:
    return subprocess.run([scratch, "env", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def meter_in(work: Path) -> Path:
    """The small program that measures others: a process starts with the peak memory of the one that it was forked from,
    and ours is larger than what is shown here."""
    meter = work / "measure"
    source = Path(__file__).resolve().parents[2] / "tests" / "programs" / "measure.c"
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    subprocess.run([*compiler, "-O1", "-o", str(meter), str(source)], check=True)
    return meter


def mega(size: float) -> str:
    """To a tenth of a MiB, and in bytes where that would be nothing."""
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 / 10 else f"{size:,.0f} B"


def show(programs: list[Shown]) -> None:
    """The labels, and three columns for each program: alone, under scratch, ratio."""
    blocks = [[["alone", "scratch", "ratio"], *program.rows()] for program in programs]
    lines = [label.ljust(max(map(len, LABELS))) for label in ["", "", *LABELS]]
    for program, rows in zip(programs, blocks):
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        texts = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
        width = max(len(texts[0]), len(program.name) + 2 + len(program.kind))
        heading = f"{program.name}, {program.kind}"
        lines = [f"{line}   {text.rjust(width)}" for line, text in zip(lines, [heading.center(width), *texts])]
    lines.insert(2, "-" * max(map(len, lines)))
    print("\n".join(line.rstrip() for line in lines))


def xsltproc_to_show(program: str, scratch: str, work: Path) -> list[Shown]:
    """Where it gains and where it does not: that is up to how long blocks live, and to what was said of it."""
    totals, groups, whole = work / "totals.xsl", work / "groups.xsl", work / "orders.xml"
    parts = [work / f"orders-{nth}.xml" for nth in range(DOCUMENTS)]
    totals.write_text(TOTALS, encoding="utf-8")
    groups.write_text(GROUPS, encoding="utf-8")
    write_orders(parts)
    write_orders([whole])
    found = []
    if can_run(scratch, "--frame", TURN):
        print(f"quickstart: xsltproc, this system's own, adds up orders, {TIMES} times {DOCUMENTS} documents that are "
              f"thrown away one by one;\n            scratch is told where each begins: --frame '{TURN}'")
        found.append(Shown("xsltproc --frame", "unmodified", [program, str(totals), *map(str, parts * TIMES)],
                           ["--frame", TURN]))
    else:
        print("quickstart: xsltproc is not shown with a function as its scope: none can be hooked on this system",
              file=sys.stderr)
    print(f"quickstart: xsltproc sorts and groups all {ORDERS:,} orders in one document "
          f"({mega(whole.stat().st_size)}), most of which lives until the end;\n            scratch is told nothing")
    found.append(Shown("xsltproc", "unmodified", [program, str(groups), str(whole)], []))
    return found


def programs_to_show(options: argparse.Namespace) -> list[Shown]:
    found = []
    program = shutil.which("xsltproc")
    if program is None:
        print("quickstart: xsltproc is not installed, so it is not shown", file=sys.stderr)
    else:
        found += xsltproc_to_show(program, options.scratch, options.work)
    if options.example is None:
        print("quickstart: the annotated example is not shown: it needs the development files of libxml2 and jansson",
              file=sys.stderr)
    else:
        print(f"quickstart: requests, an annotated example, answers {REQUESTS[0]} requests with the system's libxml2 "
              "and jansson in trusted regions")
        found.append(Shown("requests", "annotated", [str(options.example), "trusted", "both", *REQUESTS],
                           ["--mode", "scoped"]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", required=True, help="the tool")
    parser.add_argument("--work", required=True, type=Path, help="a folder for the document and the outputs")
    parser.add_argument("--example", type=Path, help="the annotated example, where it could be built")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print()
    programs = programs_to_show(options)
    if not programs:
        return 1
    print(f"quickstart: each {ROUNDS} times alone and {ROUNDS} times under scratch, in turn\n", flush=True)
    try:
        meter = meter_in(options.work)
        for program in programs:
            program.run(options.scratch, meter, options.work)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"quickstart: it could not be measured ({error})", file=sys.stderr)
        return 1
    show(programs)
    print()
    for program in programs:
        print(f"{program.name}: {program.told()}")
    print(f"\nyour turn: {options.scratch} run --stats -- PROGRAM")
    return 0 if all(program.same and program.alone[0].status == 0 for program in programs) else 1


if __name__ == "__main__":
    sys.exit(main())
