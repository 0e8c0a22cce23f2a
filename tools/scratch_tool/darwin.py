"""macOS: what the tool asks of the system, for programs and libraries in Mach-O. Only what can be known by reading files
is judged."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .code_signature import ALLOW_VARIABLES, NO_LIBRARY_VALIDATION, RESTRICT, Signature
from .failure import CANNOT_RUN, OWN_ERROR, Failure
from .macho import DYLIB, EXECUTE, FILE_TYPES, MACOS, PLATFORMS, MachO, Slice, is_macho
from .object_file import ObjectError
from .report_line import Line
from .system import System, gains_identity, refuse_own_privileges

# What System Integrity Protection covers, and what stands below it and is not covered.
PROTECTED = ("/System", "/usr", "/bin", "/sbin")
UNPROTECTED = ("/usr/local",)
SF_RESTRICTED = 0x00080000

# The slices that a process of each kind starts, best first. A process under Rosetta says that it is x86_64, and so
# are those that it starts where they can be.
RUNS = {"x86_64": ("x86_64h", "x86_64", "arm64e", "arm64"), "arm64": ("arm64e", "arm64", "x86_64", "x86_64h")}
OF_32_BITS = ("i386", "ppc", "arm")

MARK_SCOPES = "mark scopes with scratch/annotate.h"
RE_SIGN = "cp {path} COPY && codesign -f -s - COPY"


class Darwin(System):
    """`machine` is what uname says of this process; the folders are those above. Tests give others."""

    name = "macOS"
    shim = "libscratch-preload.dylib"
    preload = b"DYLD_INSERT_LIBRARIES"
    separators = (":",)
    refused_signs = ((":", "colon"),)
    lacks = {
        "check": "use a compiler's AddressSanitizer, or run it on Linux",
        "--next": "the system's own allocator stays behind the stacks",
        "--region": MARK_SCOPES,
        "--trusted-region": MARK_SCOPES,
        "--frame": MARK_SCOPES,
        "--trusted-frame": MARK_SCOPES,
        "--except": MARK_SCOPES,
        "--stack-arguments": MARK_SCOPES,
    }
    modes = ("off", "scoped", "adaptive")
    # Those of the kernel: 512 bytes with the line's end, which a comment is too, and its words are arguments each.
    longest_first_line = 511
    splits_first_line = True
    ends_of_first_line = b"\n#"
    most_interpreters = 1

    def __init__(self, machine: str = "", protected: tuple[str, ...] = PROTECTED,
                 unprotected: tuple[str, ...] = UNPROTECTED) -> None:
        self.machine = machine or os.uname().machine
        self.protected, self.unprotected = protected, unprotected

    def initial_environment(self) -> dict[bytes, bytes]:
        return dict(os.environb)

    def check_library(self, path: str) -> None:
        kinds = {one.type for one in MachO(path).slices}
        if kinds != {DYLIB}:
            raise ObjectError(f"{FILE_TYPES.get(min(kinds), 'something else')}")

    def is_program(self, head: bytes) -> bool:
        return is_macho(head)

    def check_program(self, path: str, shim: str) -> None:
        running = self.running_slice(path)
        if self.is_protected(path):
            raise Failure(CANNOT_RUN, f"{path} is protected by System Integrity Protection, and macOS takes "
                                      f"DYLD_INSERT_LIBRARIES from such programs; {self._way_round(path, running, shim)}")
        if why := gains_identity(path):
            raise Failure(CANNOT_RUN, f"{path} {why}, and macOS inserts no libraries into a program that gains "
                                      "privileges; run it as the user that it becomes, or run a copy without them")
        refuse_own_privileges(path)
        _check_headers(path, running)
        self._check_architecture(path, running, shim)
        _check_signatures(path, running, MachO(shim).slice_for(running.architecture, "x86_64"))

    def takes_env_away(self, path: str) -> bool:
        return self.is_protected(path)

    def is_protected(self, path: str) -> bool:
        """Whether System Integrity Protection holds for the file: by its flag, or by where it lies."""
        real = os.path.realpath(path)
        if _is_below(real, self.unprotected):
            return False
        try:
            flags = getattr(os.stat(real), "st_flags", 0)
        except OSError:
            flags = 0
        return bool(flags & SF_RESTRICTED) or _is_below(real, self.protected)

    def running_slice(self, path: str) -> Slice:
        """The slice of a program that would run on this machine."""
        try:
            program = MachO(path)
        except ObjectError as error:
            raise Failure(CANNOT_RUN, f"{path} is a damaged program ({error}); install it anew") from None
        names = RUNS.get(self.machine, (self.machine,))
        # An arm64e slice of others than Apple is passed over, its binary interface being none to rely on.
        if "arm64" in program.architectures and not _is_of_platform(program.slice_for("arm64e")):
            names = tuple(name for name in names if name != "arm64e")
        running = program.slice_for(*names)
        if running is None:
            kinds = ", ".join(program.architectures) or "no machine"
            if set(program.architectures) <= set(OF_32_BITS):
                raise Failure(CANNOT_RUN, f"{path} is a 32-bit {kinds} program, and macOS runs 64-bit ones only; use a "
                                          "64-bit build of it")
            raise Failure(CANNOT_RUN, f"{path} is for {kinds}, and this machine runs {self.machine}; use a build for "
                                      f"{self.machine}")
        return running

    def library_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import darwin_doctor
        return darwin_doctor.library_lines(self, shim, environment)

    def system_lines(self, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import darwin_doctor
        return darwin_doctor.system_lines(self, shim, environment)

    def program_lines(self, path: str, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
        from . import darwin_doctor
        return darwin_doctor.program_lines(self, path, environment)

    def _check_architecture(self, path: str, running: Slice, shim: str) -> None:
        if fits(running, shim):
            return
        ours, wanted = ", ".join(MachO(shim).architectures), running.architecture
        if wanted == "arm64e":
            raise Failure(CANNOT_RUN, f"{path} is arm64e, whose pointers are signed and into which macOS inserts only "
                                      f"libraries of arm64e (the shim: {ours}); use a build of it for arm64, such as "
                                      "Homebrew's")
        if wanted == "x86_64" and self.machine != "x86_64":
            raise Failure(CANNOT_RUN, f"{path} is for x86_64 and would run under Rosetta, and the shim is for {ours}; "
                                      f"use a build of it for {self.machine}, or a shim for x86_64 (universal)")
        raise Failure(CANNOT_RUN, f"{path} would run as {wanted}, and the shim is for {ours}; use a build of the program "
                                  f"for {ours}, or build the shim for {wanted}")

    def _way_round(self, path: str, running: Slice, shim: str) -> str:
        name = os.path.basename(path)
        if fits(running, shim):
            return f"use another build of {name}, such as Homebrew's, or a copy signed anew: {RE_SIGN.format(path=path)}"
        return f"use another build of {name}, such as Homebrew's (a copy would not do: it is {running.architecture}, " \
               f"and the shim is for {', '.join(MachO(shim).architectures)})"


def fits(running: Slice, shim: str) -> bool:
    """Whether the shim has code for the process that this slice makes."""
    ours = MachO(shim).architectures
    return running.architecture in ours or (running.architecture == "x86_64h" and "x86_64" in ours)


def signature_of(one: Slice) -> Signature | None:
    """None where the slice is not signed; raises ObjectError for a signature that makes no sense."""
    data = one.code_signature()
    return Signature(data) if data else None


def must_be_signed(one: Slice) -> bool:
    """Of arm64 code macOS starts and loads none that is not."""
    return one.architecture.startswith("arm64")


def _check_headers(path: str, running: Slice) -> None:
    if running.type != EXECUTE:
        raise Failure(CANNOT_RUN, f"{path} is {FILE_TYPES.get(running.type, 'something else')} and no program; give the "
                                  "path of a program")
    if running.platform not in (0, MACOS):
        platform = PLATFORMS.get(running.platform, f"platform {running.platform}")
        raise Failure(CANNOT_RUN, f"{path} is built for {platform}, which loads no libraries of macOS; use a build for "
                                  "macOS")
    if not running.interpreter:
        raise Failure(CANNOT_RUN, f"{path} is statically linked, and nothing can be inserted into that; use a "
                                  "dynamically linked build of it, or link it with libscratch")
    if ("__RESTRICT", "__restrict") in running.sections:
        raise Failure(CANNOT_RUN, f"{path} has a section __RESTRICT,__restrict, by which it forbids "
                                  "DYLD_INSERT_LIBRARIES; use a build of it that is linked without that")


def _check_signatures(path: str, running: Slice, ours: Slice | None) -> None:
    """Whether the program's signature lets a library in, and the shim's is one that it would take."""
    theirs = _sound_signature(running, path, CANNOT_RUN, "starts no {} program")
    own = None if ours is None else _sound_signature(ours, ours.path, OWN_ERROR, "loads no {} library")
    if theirs is None:
        return
    again = f"run a copy that is signed without that: {RE_SIGN.format(path=path)}"
    if theirs.flags & RESTRICT:
        raise Failure(CANNOT_RUN, f"{path} is signed as restricted, and macOS takes DYLD_INSERT_LIBRARIES from it; "
                                  f"{again}")
    # What is built for debugging is open to more than its flags say, which files do not tell.
    if theirs.is_debugged:
        return
    if theirs.is_hardened and ALLOW_VARIABLES not in theirs.entitlements:
        raise Failure(CANNOT_RUN, f"{path} is signed for the hardened runtime without the entitlement {ALLOW_VARIABLES},"
                                  f" so macOS takes DYLD_INSERT_LIBRARIES from it; {again}")
    if theirs.validates_libraries and not (theirs.team and own is not None and own.team == theirs.team):
        raise Failure(CANNOT_RUN, f"{path} takes libraries only of those who signed it (library validation, without the "
                                  f"entitlement {NO_LIBRARY_VALIDATION}); sign the shim as it is signed, or {again}")


def _sound_signature(one: Slice, path: str, status: int, refuses: str) -> Signature | None:
    """None where there is none and need not be; a Failure of `status` where it is damaged or missing. `refuses` is what
    macOS does without it."""
    try:
        found = signature_of(one)
    except ObjectError as error:
        raise Failure(status, f"{path} has a damaged code signature ({error}); sign it anew: codesign -f -s - "
                              f"{path}") from None
    if found is None and must_be_signed(one):
        raise Failure(status, f"{path} is not signed, and macOS {refuses.format(one.architecture)} that is not; sign it: "
                              f"codesign -s - {path}")
    return found


def _is_of_platform(one: Slice | None) -> bool:
    try:
        signature = signature_of(one) if one is not None else None
    except ObjectError:
        return False
    return signature is not None and signature.platform != 0


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)
