"""Processor time and instructions of one program under several allocators."""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from allocators import Allocator, clean_environment

Command = list[str]


def environment_of(allocator: Allocator) -> dict[str, str]:
    # The size of the environment moves the stack, and that alone moves timings.
    padding = {"PADDING": "x" * random.randrange(4096)}
    return clean_environment() | allocator.environment | padding


def processor_seconds(command: Command, environment: dict[str, str]) -> float:
    """User and system time of one run; its output is dropped."""
    with open(os.devnull, "wb") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)]
        process = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        _, status, usage = os.wait4(process, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: wait status {status} with {environment.get('LD_PRELOAD')}")
    return float(usage.ru_utime + usage.ru_stime)


def rounds(commands: dict[str, tuple[Command, Allocator]], repeats: int) -> list[dict[str, float]]:
    """Seconds by name, one dictionary for each repeat. Every repeat runs all, in the other order each time."""
    found = []
    for repeat in range(repeats):
        names = list(commands) if repeat % 2 == 0 else list(reversed(commands))
        seconds = {}
        for name in names:
            command, allocator = commands[name]
            seconds[name] = processor_seconds(command, environment_of(allocator))
        found.append(seconds)
    return found


def median_ratios(found: list[dict[str, float]], base: str) -> dict[str, float]:
    """The median of the ratios to `base` of the same repeat: a machine that slows down slows both."""
    return {
        name: statistics.median(seconds[name] / seconds[base] for seconds in found)
        for name in found[0]
    }


def instructions(command: Command, allocator: Allocator) -> int:
    """As callgrind counts them, the program's start and end included."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "callgrind.out"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", *command],
            env=clean_environment() | allocator.environment,
            capture_output=True,
            text=True,
        )
        collected = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or collected is None:
            sys.exit(f"{' '.join(command)} under callgrind, {allocator.name}:\n{done.stderr}")
        return int(collected[1])


def verdict(value: float, limit: float, digits: int) -> str:
    """Judged as printed: what is finer is the loop's, an instruction in 64 blocks."""
    return "ok" if round(value, digits) <= limit else "OVER"
