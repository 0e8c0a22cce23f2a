"""What `scratch doctor` says on Linux."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from . import target
from .doctor_shared import addresses, language, preloaded, settings_of, try_loading
from .elf import Elf, ElfError
from .hooks_elf import MACHINES
from .linux import are_of_different_libcs
from .report_line import FAIL, OK, WARN, Line
from .system import System

MADV_WIPEONFORK = 18
OWN_LIBRARIES = ("libc.so", "ld-linux", "libc.musl", "ld-musl")


def library_lines(system: System, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    yield _architecture(shim)
    library = Elf(shim)
    if library.machine not in MACHINES:
        yield WARN, "shim", f"for {library.kind} it cannot hook functions, nor check, yet; mark scopes with " \
                            "scratch/annotate.h"
    chosen = target.find("true", [], environment)
    if are_of_different_libcs(Elf(os.path.realpath(chosen.path)), library):
        yield WARN, "loading", f"not tried: {chosen.path} is a program of another libc than the shim; try one of the shim's"
        return
    yield try_loading(shim, [chosen.path], system, environment, "cannot be preloaded")


def system_lines(system: System, shim: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    yield _kernel()
    yield addresses()
    yield _counters()
    yield from preloaded(system, environment, shim)
    if os.path.exists("/etc/ld.so.preload"):
        yield WARN, "LD_PRELOAD", "/etc/ld.so.preload names libraries too; a malloc in them comes after the shim"
    yield from settings_of(environment)


def program_lines(path: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    try:
        elf = Elf(path)
        symbols, needed, sections = elf.defined_symbols(), elf.needed(), elf.section_names()
    except (OSError, ElfError) as error:
        yield WARN, "program", f"{path} could not be looked into ({error})"
        return
    yield from _allocators(path, elf, symbols)
    if any(name.startswith("libasan.so") for name in needed):
        yield FAIL, "sanitizer", "built with gcc's AddressSanitizer, which refuses to start behind another library; " \
                                 "use a build without it, or set ASAN_OPTIONS=verify_asan_link_order=0"
    elif "__asan_init" in symbols:
        yield WARN, "sanitizer", "has AddressSanitizer and its malloc inside, so nothing would be routed; use a build " \
                                 "without it"
    if ".go.buildinfo" in sections or ".note.go.buildid" in sections:
        yield WARN, "language", "Go manages memory by itself, so only what its C parts allocate can be routed"
    yield from language(path, environment)


def _architecture(shim: str) -> Line:
    loader = Elf(sys.executable) if sys.executable else None
    library = Elf(shim)
    if loader is not None and not loader.same_kind(library):
        return WARN, "machine", f"the library is {library.kind}, while Python here is {loader.kind}; only " \
                                f"{library.kind} programs can be run"
    return OK, "machine", library.kind


def _kernel() -> Line:
    import mmap
    release = os.uname().release
    try:
        with mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
            page.madvise(MADV_WIPEONFORK)
        return OK, "kernel", f"{release}, memory can be wiped on fork"
    except (OSError, ValueError, AttributeError):
        return WARN, "kernel", f"{release} cannot wipe memory on fork (Linux 4.14 can); a forked child gives nothing " \
                               "of its parent's memory back"


def _counters() -> Line:
    folder = os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm"
    if os.access(folder, os.W_OK | os.X_OK):
        return OK, "counters", f"in {folder}"
    return WARN, "counters", f"{folder} is not writable, so counters cannot be read from outside while a program " \
                             "runs; set XDG_RUNTIME_DIR"


def _allocators(path: str, elf: Elf, symbols: set[str]) -> Iterator[Line]:
    if "malloc" in symbols:
        yield WARN, "malloc", f"{path} defines malloc itself, so the shim stands aside; use a build with the system's"
        return
    for library in _loaded_libraries(elf):
        if os.path.basename(library).startswith(OWN_LIBRARIES):
            continue
        try:
            if "malloc" in Elf(library).defined_symbols():
                yield OK, "malloc", f"comes from {library}, which stays behind the shim"
                return
        except (OSError, ElfError):
            continue
    yield OK, "malloc", "comes from libc"


def _loaded_libraries(elf: Elf) -> list[str]:
    """What the loader would load, by its own word (--list loads the files and runs nothing of them)."""
    import subprocess
    if elf.interpreter is None:
        return []
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    try:
        done = subprocess.run([elf.interpreter, "--list", elf.path], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    words = (line.split(" => ", 1)[-1].split(" (0x")[0].strip() for line in os.fsdecode(done.stdout).splitlines())
    return [word for word in words if word.startswith("/")]
