"""The operating system that programs are run on: all in which one differs from another. Each has a module of its own,
linux.py and darwin.py; here is what they have in common, and the only place that chooses."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator

from .failure import CANNOT_RUN, Failure
from .report_line import Line


class System:
    """What the rest of the tool asks. Paths are str, environments bytes, and what is refused raises Failure."""

    # As people call it.
    name = ""
    # The file name of the shim, and the variable that has it loaded.
    shim = ""
    preload = b""
    # What separates the entries of that variable; the first of them is written. And what no entry can hold.
    separators: tuple[str, ...] = ()
    refused_signs: tuple[tuple[str, str], ...] = ()
    # Commands and options that are not there yet, with what to do without them.
    lacks: dict[str, str] = {}
    modes: tuple[str, ...] = ()
    # The bytes of a script's first line that count, whether all its words are arguments of their own, where it ends,
    # and how many scripts may interpret one another.
    longest_first_line = 0
    splits_first_line = False
    ends_of_first_line = b"\n"
    most_interpreters = 0

    def initial_environment(self) -> dict[bytes, bytes]:
        """The environment that we were started with."""
        raise NotImplementedError

    def check_library(self, path: str) -> None:
        """Raises ObjectError or OSError for what is no shared library of this system."""
        raise NotImplementedError

    def is_program(self, head: bytes) -> bool:
        """Whether a file that begins so is in this system's format of programs."""
        raise NotImplementedError

    def check_program(self, path: str, shim: str) -> None:
        """Raises Failure where the shim would not be loaded into `path`, a file in this system's format."""
        raise NotImplementedError

    def takes_env_away(self, path: str) -> bool:
        """Whether `path`, the `env` in a first line, would lose what has the shim loaded, so that it must be left
        out."""
        raise NotImplementedError

    def loaded_program(self, path: str, arguments: list[str], shim: str) -> str | None:
        """The file that `path` has in its place where it is a loader started by hand; None where it is none, and where
        that file is not known. Raises Failure where it would not be loaded with the shim."""
        return None

    def library_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        """What doctor says of the shim."""
        raise NotImplementedError

    def system_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        """What doctor says of the machine and of the environment."""
        raise NotImplementedError

    def program_lines(self, path: str, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        """What doctor says of a program that can be run."""
        raise NotImplementedError

    def preloaded(self, environment: dict[bytes, bytes]) -> list[bytes]:
        """The entries of the variable that has libraries loaded."""
        text = environment.get(self.preload, b"")
        for sign in self.separators[1:]:
            text = text.replace(sign.encode(), self.separators[0].encode())
        return [entry for entry in text.split(self.separators[0].encode()) if entry]

    def joined(self, entries: list[bytes]) -> bytes:
        """What that variable is to be, to have these loaded."""
        return self.separators[0].encode().join(entries)


def this_system() -> System:
    if sys.platform == "darwin":
        from .darwin import Darwin
        return Darwin()
    from .linux import Linux
    return Linux()


def gains_identity(path: str) -> str:
    """Why a program that this process starts from `path` would have other rights by its mode; empty where it would not.
    One that is setuid root is as any other when root runs it, and so is all on a file system mounted nosuid."""
    status = os.stat(path)
    why = ""
    if status.st_mode & stat.S_ISUID and status.st_uid != os.getuid():
        why = "is setuid"
    elif status.st_mode & stat.S_ISGID and status.st_mode & stat.S_IXGRP and status.st_gid != os.getgid():
        why = "is setgid"
    return "" if why and is_mounted_nosuid(path) else why


def refuse_own_privileges(path: str) -> None:
    """What we were given beyond our user's rights, a program that we become would have too."""
    if os.geteuid() != os.getuid() or os.getegid() != os.getgid():
        raise Failure(CANNOT_RUN, f"{path} would be started with the privileges that scratch itself was given, and "
                                  "the loader ignores preloaded libraries then; start scratch as a plain user")


def is_mounted_nosuid(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_NOSUID)
    except OSError:
        return False
