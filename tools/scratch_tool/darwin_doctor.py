"""What `scratch doctor` says on macOS."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import target
from .code_signature import ALLOW_VARIABLES, SANDBOXED, Signature
from .doctor_shared import addresses, language, preloaded, settings_of, try_loading
from .failure import Failure
from .macho import MachO, Slice
from .object_file import ObjectError
from .report_line import FAIL, OK, WARN, Line

if TYPE_CHECKING:
    from .darwin import Darwin

# Of what each machine runs, what a library can be built for.
RUNS_ON = {"arm64": ("arm64", "x86_64")}

# /usr/bin/python3 starts one of these, after the system has taken DYLD_ variables from it.
BEHIND_PROTECTED = ("/Library/Developer/", "/Applications/Xcode")


def library_lines(system: Darwin, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    from .darwin import must_be_signed, signature_of
    library = MachO(shim)
    yield OK, "machine", f"{system.machine}; the library is for {', '.join(library.architectures)}"
    lacks = [name for name in RUNS_ON.get(system.machine, ()) if name not in library.architectures]
    if lacks:
        yield WARN, "children", f"the library has no code for {', '.join(lacks)}, and macOS ends a program for that at " \
                                "once which a program under scratch starts; use the library for both (tools/build-darwin " \
                                "makes one), or --no-follow"
    for one in library.slices:
        try:
            signed = signature_of(one) is not None
        except ObjectError as error:
            yield FAIL, "signature", f"the library's for {one.architecture} is damaged ({error}); codesign -f -s - {shim}"
            continue
        if not signed and must_be_signed(one):
            yield FAIL, "signature", f"the library's code for {one.architecture} is not signed, and macOS loads none " \
                                     f"that is not; codesign -s - {shim}"
    yield _loads(system, shim, environment)


def system_lines(system: Darwin, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    yield OK, "kernel", f"{os.uname().release} on {system.machine}"
    yield addresses()
    yield from preloaded(system, environment, shim)
    if system.is_protected(sys.executable) or sys.executable.startswith(BEHIND_PROTECTED):
        yield WARN, "python", f"{sys.executable} is the system's own, from which macOS takes DYLD_INSERT_LIBRARIES: what " \
                              "was in there before is lost; run scratch with another Python, such as Homebrew's"
    yield from settings_of(environment)


def program_lines(system: Darwin, path: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    try:
        running = system.running_slice(path)
        symbols = running.defined_symbols()
    except (OSError, ObjectError) as error:
        yield WARN, "program", f"{path} could not be looked into ({error})"
        return
    except Failure as failure:
        yield FAIL, "program", failure.sentence
        return
    yield _architecture(system, path, running)
    yield from _signature(path, running)
    if "malloc" in symbols:
        yield WARN, "malloc", f"{path} defines malloc itself, so its own calls do not reach the shim; use a build with " \
                              "the system's"
    else:
        yield OK, "malloc", "comes from the system"
    if any("libclang_rt.asan" in name for name in running.needed):
        yield WARN, "sanitizer", "built with AddressSanitizer, which has a malloc of its own; use a build without it"
    yield OK, "children", "those that it starts from /bin and /usr/bin (sh, env) run without the shim, and so do theirs: " \
                          "macOS takes it from them; those that could not load it (for arm64e) macOS ends when they " \
                          "start: --no-follow leaves all of them alone"
    yield from language(path, environment)


def _loads(system: Darwin, shim: str, environment: dict[bytes, bytes]) -> Line:
    """Tried with the Python that we run on: what comes with the system (true, sh) would run without the library."""
    try:
        chosen = target.find(sys.executable, [], environment)
        target.check(chosen, shim, environment, system)
    except Failure as failure:
        return WARN, "loading", f"not tried, since there is no program for it here: {failure.sentence}"
    return try_loading(shim, [chosen.path, "-IS", "-c", "pass"], system, environment, "could not be loaded")


def _architecture(system: Darwin, path: str, running: Slice) -> Line:
    has = MachO(path).architectures
    text = f"runs as {running.architecture}" + (f" of {', '.join(has)}" if len(has) > 1 else "")
    if running.architecture.startswith("x86_64") and system.machine == "arm64":
        text += ", under Rosetta"
    return OK, "machine", text


def _signature(path: str, running: Slice) -> Iterator[Line]:
    from .darwin import signature_of
    try:
        found = signature_of(running)
    except ObjectError as error:
        yield WARN, "signature", f"damaged ({error}); codesign -f -s - {path}"
        return
    if found is None:
        yield OK, "signature", "none, so nothing in it speaks against a library"
        return
    yield OK, "signature", _described(found)
    if found.is_debugged and (found.is_hardened or found.validates_libraries):
        yield WARN, "signature", "built for debugging and hardened: files do not tell whether macOS lets the library in; " \
                                 "if --stats stays silent, codesign -f -s - a copy"
    if SANDBOXED in found.entitlements:
        yield WARN, "sandbox", "is sandboxed, and may read the library and write --output only where its sandbox lets it"


def _described(found: Signature) -> str:
    parts = [f"by team {found.team}" if found.team else "by no team (ad hoc, or the system's)"]
    if found.is_hardened:
        open_to = " that takes DYLD_ variables" if ALLOW_VARIABLES in found.entitlements else ""
        parts.append(f"for the hardened runtime{open_to}")
    if not found.validates_libraries:
        parts.append("takes libraries of anybody")
    return ", ".join(parts)
