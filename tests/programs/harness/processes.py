"""Processes that a case leaves behind: they are found, reported and ended."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends; leave no core files.

    A signal that asks this process to end (a test that took too long) ends those first.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_all)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _end_all(number: int, _frame: object) -> None:
    end_leftovers(0.0)
    sys.exit(128 + number)


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


def _reap() -> bool:
    """Collect what has ended; true if no child is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False


def end_leftovers(grace: float = 3.0) -> list[str]:
    """The command lines of processes still alive after `grace` seconds; they are killed."""
    deadline = time.monotonic() + grace
    while not _reap():
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    else:
        return []
    lines: list[str] = []
    # Killing one hands its children to this process, hence the loop.
    for _ in range(100):
        for pid in _children():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
            lines.append(f"{pid}: " + b" ".join(words).decode(errors="replace").strip())
        time.sleep(0.02)
        if _reap():
            break
    return lines
