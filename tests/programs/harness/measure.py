"""What a run costs: CPU time and peak memory by rusage, or instructions by callgrind."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[1] / "measure.c"


@dataclass(frozen=True)
class Cost:
    """CPU time (user and system) of all processes in seconds or, of callgrind, in instructions;
    the peak memory of the largest process in bytes; page faults answered without a disk."""

    cpu: float
    peak: int
    faults: int


class Rusage:
    """A wrapper for runs that measures each command with the small program measure.c."""

    def __init__(self, directory: Path) -> None:
        self._program = directory / "measure"
        self._results = directory / "costs"
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O1", "-o", str(self._program), str(_SOURCE)], check=True)

    def wrap(self, words: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        """The command, measured; the object is preloaded into it alone."""
        values = dict(environment)
        if "LD_PRELOAD" in values:
            values["MEASURE_PRELOAD"] = values.pop("LD_PRELOAD")
        return [str(self._program), str(self._results), *words], values

    def take(self) -> Cost:
        """The cost of everything since the last call."""
        lines = self._results.read_text().splitlines()
        self._results.unlink()
        rows = [[int(word) for word in line.split()] for line in lines]
        return Cost(
            cpu=sum(row[0] + row[1] for row in rows) / 1e6,
            peak=max(row[2] for row in rows) * 1024,
            faults=sum(row[3] for row in rows),
        )


class Callgrind:
    """A wrapper that counts instructions: slow, but nearly the same in every run.

    A child that is forked starts with its parent's count, so that programs that fork without
    starting another program (shells) are counted too high; compare those by time.
    """

    def __init__(self, directory: Path) -> None:
        self._logs = directory / "callgrind"
        self._logs.mkdir(mode=0o1777)
        self._logs.chmod(0o1777)

    def wrap(self, words: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        """The command and its children under callgrind."""
        tool = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
        return [*tool, f"--log-file={self._logs}/%p", "--", *words], environment

    def take(self) -> Cost:
        """The instructions since the last call; memory is not measured."""
        total = 0
        for log in self._logs.iterdir():
            found = re.findall(r"Collected : (\d+)", log.read_text(errors="replace"))
            total += sum(int(number) for number in found)
            log.unlink()
        if total == 0:
            raise RuntimeError("callgrind counted nothing; is valgrind installed?")
        return Cost(cpu=float(total), peak=0, faults=0)
