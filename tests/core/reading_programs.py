"""What the tests that read compiled programs share."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SKIPPED = 77  # what meson takes for "this test could not run here"


def need(program: str) -> str:
    """The path of a program; where it is missing the test is skipped, and says so."""
    found = shutil.which(program)
    if found is None:
        print(f"SKIPPED: this test needs {program}, which is not installed", flush=True)
        sys.exit(SKIPPED)
    return found


def output_of(*command: str | Path) -> str:
    """Standard output of a command that must succeed."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as name:
        yield Path(name)


def compilers(*names: str) -> list[str]:
    """Those of the compilers that are installed; a missing one is named."""
    found = [name for name in names if shutil.which(name)]
    for name in names:
        if name not in found:
            print(f"not tested with {name}, which is not installed", flush=True)
    if not found:
        sys.exit(SKIPPED)
    return found
