"""The dynamic loader started by hand, `ld.so [OPTIONS] PROGRAM`: what it is given to start, and what it takes along."""

from __future__ import annotations

import os
from typing import NamedTuple

from .elf import Elf, ElfError
from .failure import CANNOT_RUN, Failure

_GLIBC_NAMES = ("ld-linux", "ld64.so", "ld.so", "ld-2.")
_WITH_VALUE = {
    "glibc": ("--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0", "--glibc-hwcaps-prepend",
              "--glibc-hwcaps-mask"),
    "musl": ("--library-path", "--preload", "--argv0"),
}
# These start nothing.
_LOOKS_ONLY = ("--list", "--verify", "--help", "--version", "--list-tunables", "--list-diagnostics")


class Given(NamedTuple):
    """What the words after a loader's name say."""

    program: str | None  # None where nothing is started
    preloads: bool       # by --preload


def libc_of_loader(path: str) -> str:
    """The libc whose loader the file at `path` is; empty where it is none. That of musl is its libc too."""
    for name in (os.path.basename(path), os.path.basename(os.path.realpath(path))):
        if name.startswith(_GLIBC_NAMES):
            return "glibc"
        if name.startswith("ld-musl-"):
            return "musl"
    try:
        elf = Elf(path)
        if elf.interpreter is None and {"__libc_start_main", "_dlstart"} <= elf.defined_symbols():
            return "musl"
    except (OSError, ElfError):
        pass
    return ""


def given_to(libc: str, words: list[str]) -> Given:
    preloads = False
    position = 0
    while position < len(words):
        option, equals, _ = words[position].partition("=")
        if not option.startswith("--"):
            return Given(words[position], preloads)
        position += 1
        if option == "--" and not equals:
            break
        if option in _LOOKS_ONLY:
            return Given(None, preloads)
        preloads = preloads or option == "--preload"
        # That of glibc knows no equals sign here.
        if option in _WITH_VALUE[libc] and not (equals and libc == "musl"):
            position += 1
    return Given(words[position] if position < len(words) else None, preloads)


def check_given(path: str, libc: str, given: Given) -> None:
    """Raises Failure where the loader at `path` would not start the program with the shim."""
    if given.preloads and libc == "musl" and given.program is not None:
        raise Failure(CANNOT_RUN, f"{path} takes what --preload names instead of the shim; name it in LD_PRELOAD")
