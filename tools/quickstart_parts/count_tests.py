"""Counts what meson's log of tests says; the last line is "N passed, N failed, N skipped".

Exit status: 0 all that ran passed, 1 something failed, or no test ran at all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}


def entries(logs: list[str]) -> list[dict]:
    """All tests of the logs; a log that is missing holds none, and a line that is cut short is a failure."""
    found = []
    for log in logs:
        path = Path(log)
        if not path.exists():
            print(f"no test was run: there is no {path}")
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"name": f"a line of {path} that is cut short", "result": "ERROR"})
    return found


def reason(entry: dict) -> str:
    """Why a test was skipped: what it printed of it, else what it printed last."""
    text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    loud = [line for line in lines if line.startswith("SKIPPED")] or [line for line in lines if "skip" in line.lower()]
    return (loud or lines or ["it gave no reason"])[-1][:200]


def main() -> int:
    tests = entries(sys.argv[1:])
    skipped = [entry for entry in tests if entry.get("result") in SKIPPED]
    passed = [entry for entry in tests if entry.get("result") in PASSED]
    failed = [entry for entry in tests if entry not in skipped and entry not in passed]
    for entry in skipped:
        print(f"skipped: {entry.get('name')}: {reason(entry)}")
    for entry in failed:
        print(f"failed: {entry.get('name')} ({entry.get('result')})")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
