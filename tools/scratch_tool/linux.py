"""Linux: what the tool asks of the system, for programs and libraries in ELF."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .by_loader import check_given, given_to, libc_of_loader
from .elf import Elf, ElfError
from .failure import CANNOT_RUN, Failure
from .report_line import Line
from .system import System, gains_identity, is_mounted_nosuid, refuse_own_privileges


class Linux(System):
    name = "Linux"
    shim = "libscratch-preload.so"
    preload = b"LD_PRELOAD"
    separators = (":", " ")
    refused_signs = ((" ", "space"), (":", "colon"), ("\n", "line break"), ("\t", "tab"))
    modes = ("off", "scoped", "adaptive", "check")
    longest_first_line = 255
    most_interpreters = 5

    def initial_environment(self) -> dict[bytes, bytes]:
        """From the kernel: Python may have added LC_CTYPE to its own."""
        try:
            with open("/proc/self/environ", "rb") as file:
                entries = file.read().split(b"\0")
        except OSError:
            return dict(os.environb)
        return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry[1:])  # type: ignore[misc]

    def check_library(self, path: str) -> None:
        Elf(path)

    def is_program(self, head: bytes) -> bool:
        return head.startswith(b"\x7fELF")

    def check_program(self, path: str, shim: str) -> None:
        _check_binary(path, Elf(shim))

    def takes_env_away(self, path: str) -> bool:
        return False

    def loaded_program(self, path: str, arguments: list[str], shim: str) -> str | None:
        return _loaded_program(path, arguments, Elf(shim))

    def library_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import linux_doctor
        return linux_doctor.library_lines(self, shim, environment)

    def system_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import linux_doctor
        return linux_doctor.system_lines(self, shim, environment)

    def program_lines(self, path: str, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import linux_doctor
        return linux_doctor.program_lines(path, environment)


def _check_binary(path: str, shim: Elf, started_by_hand: bool = False) -> None:
    """`started_by_hand`: by a loader that is named before it, which leaves out what the kernel would look at."""
    try:
        elf = Elf(path)
    except ElfError as error:
        raise Failure(CANNOT_RUN, f"{path} is a damaged program ({error}); install it anew") from None
    if elf.bits == 32:
        raise Failure(CANNOT_RUN, f"{path} is a {elf.kind} program, and scratch serves 64-bit ones only, whose stacks "
                                  f"have the addresses that they need; use a {shim.kind} build of the program")
    if not elf.same_kind(shim):
        raise Failure(CANNOT_RUN, f"{path} is a {elf.kind} program and the shim is {shim.kind}; use a {shim.kind} "
                                  "build of the program, or build the shim for its kind")
    if elf.interpreter is None:
        libc = libc_of_loader(path)
        if not libc:
            raise Failure(CANNOT_RUN, f"{path} is statically linked, and nothing can be preloaded into that; use a "
                                      "dynamically linked build of it, or link it with libscratch")
        _check_libc(path, libc, shim)
        _check_privileges(path)
        return
    _check_libc(path, _libc_of(os.path.basename(elf.interpreter)), shim)
    if started_by_hand:
        return
    if not os.path.exists(elf.interpreter):
        raise Failure(CANNOT_RUN, f"{path} needs the loader {elf.interpreter}, which is not here; install the libc "
                                  "that it was built for")
    _check_privileges(path)


def are_of_different_libcs(program: Elf, library: Elf) -> bool:
    """Whether the program's loader would refuse the library, or give it a libc that it is not for."""
    libc, ours = _libc_of(os.path.basename(program.interpreter or "")), _libc_of_library(library)
    return bool(libc and ours and libc != ours)


def _check_libc(path: str, libc: str, shim: Elf) -> None:
    ours = _libc_of_library(shim)
    if libc and ours and libc != ours:
        raise Failure(CANNOT_RUN, f"{path} uses another libc ({libc}) than the shim ({ours}); use a build of it for "
                                  f"{ours}, or build the shim with {libc}")


def _loaded_program(path: str, arguments: list[str], shim: Elf) -> str | None:
    libc = libc_of_loader(path) if Elf(path).interpreter is None else ""
    if not libc:
        return None
    given = given_to(libc, arguments)
    check_given(path, libc, given)
    # What is no file here it looks for among the libraries, or refuses by itself.
    if given.program is None or not os.path.isfile(given.program):
        return None
    try:
        elf = Elf(given.program)
    except (OSError, ElfError):
        return None
    if elf.interpreter is not None or not elf.needed():
        _check_binary(given.program, shim, started_by_hand=True)
    return given.program


def _libc_of(loader: str) -> str:
    if "musl" in loader:
        return "musl"
    if "uClibc" in loader:
        return "uClibc"
    if loader.startswith("linker"):
        return "bionic"
    if loader.startswith(("ld-linux", "ld64.so", "ld.so", "ld-2.")):
        return "glibc"
    return ""


def _libc_of_library(library: Elf) -> str:
    try:
        needed = library.needed()
    except (OSError, ElfError):
        return ""
    if "libc.so.6" in needed:
        return "glibc"
    # As musl itself calls it, or as Alpine does.
    return "musl" if any(name == "libc.so" or "musl" in name for name in needed) else ""


def _check_privileges(path: str) -> None:
    """The loader ignores preloaded libraries where the kernel says that the program gained privileges (AT_SECURE):
    its effective user or group would differ from the real one, or it gets capabilities which a user does not have."""
    why = gains_identity(path)
    if not why and os.getuid() != 0 and _has_capabilities(path) and not is_mounted_nosuid(path):
        why = "has file capabilities"
    if why and not _wants_no_privileges():
        raise Failure(CANNOT_RUN, f"{path} {why}, and the loader ignores preloaded libraries in a program that gains "
                                  "privileges; run it as the user that it becomes, or run a copy without them")
    refuse_own_privileges(path)


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except (OSError, AttributeError):
        return False


def _wants_no_privileges() -> bool:
    """Whether this process said that nothing that it starts may have new ones."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            return any(line.split() == ["NoNewPrivs:", "1"] for line in file)
    except OSError:
        return False
