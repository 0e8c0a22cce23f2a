"""Where a case works: a short-lived directory of its own, and a cache of generated inputs."""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, Type

Generator = Callable[[Path, int], None]


class InputCache:
    """Generated input files, kept between cases and runs; a changed generator makes a new file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, generator: Generator, amount: int) -> Path:
        """The path of the input `name` made by `generator(path, amount)`, made now if missing."""
        module = inspect.getmodule(generator)
        text = inspect.getsource(module) if module is not None else ""
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        target = self.directory / f"{key}-{amount}-{name}"
        if target.exists():
            return target
        unfinished = Path(tempfile.mkdtemp(dir=self.directory))
        try:
            generator(unfinished / name, amount)
            try:
                os.rename(unfinished / name, target)
            except OSError:
                # Another case made the same directory meanwhile.
                if not target.exists():
                    raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return target


class Workplace:
    """The directory of one case, the same path for all its runs, removed at the end.

    It is in the system's temporary directory and readable by everybody, since some programs must
    run as another user, and short, since the address of a Unix socket has 107 characters.
    """

    def __init__(self, keep: bool = False) -> None:
        self.keep = keep
        self.root = Path(tempfile.mkdtemp(prefix="scratch-programs-"))
        self.root.chmod(0o755)

    @property
    def output(self) -> Path:
        """The current directory of the program; every file left in it is compared."""
        return self.root / "output"

    @property
    def state(self) -> Path:
        """For files that are not compared: sockets, logs with times, databases."""
        return self.root / "state"

    @property
    def statistics(self) -> Path:
        """Where the shim writes its statistics, one file for each process."""
        return self.root / "statistics"

    def renew(self) -> None:
        """Empty the directories before the next run."""
        for directory in (self.output, self.state, self.statistics):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        # Programs that give up root must be able to write theirs too.
        self.statistics.chmod(0o1777)

    def library(self, source: Path) -> Path:
        """A copy of the preloaded object that any user can read."""
        target = self.root / source.name
        if not target.exists():
            shutil.copyfile(source, target)
            target.chmod(0o755)
        return target

    def __enter__(self) -> Workplace:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self.keep:
            print(f"kept: {self.root}")
        else:
            shutil.rmtree(self.root, ignore_errors=True)
