"""`scratch doctor`: is all in place, and can a program be run so? Each line says what to do."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from . import functions, settings, target
from .elf import Elf, ElfError
from .failure import CANNOT_RUN, Failure
from .library import find_shim
from .place import Place
from .report_line import FAIL, OK, WARN, Line
from .say import put

MADV_WIPEONFORK = 18
OWN_LIBRARIES = ("libc.so", "ld-linux", "libc.musl", "ld-musl")


class Doctor:
    name = "doctor"
    takes_program = True
    help = "check the installation, and whether a program can be run"
    usage = "scratch doctor [options] [PROGRAM...]"
    examples = (
        ("scratch doctor", "the library, the kernel, the environment"),
        ("scratch doctor /usr/bin/xsltproc", "and a program, or several"),
        ("scratch doctor --region xmlReadFile xmllint", "and whether a function can be hooked in it"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> list[argparse.Action]:
        return functions.add_options(parser)

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        failed = False
        for level, subject, found in _lines(options, program, place):
            put(f"{level:5} {subject:12} {found}\n")
            failed |= level == FAIL
        if not failed:
            return 0
        return CANNOT_RUN if functions.wishes(options) else 1


def _lines(options: argparse.Namespace, program: list[str], place: Place) -> Iterator[Line]:
    environment = settings.initial_environment()
    yield OK, "scratch", f"{place.version}, on Python {sys.version.split()[0]}"
    shim = ""
    try:
        shim = find_shim(place, environment)
        yield OK, "library", shim
        yield _architecture(shim)
        yield _loads(shim, environment)
    except Failure as failure:
        yield FAIL, "library", failure.sentence
    yield from _kernel()
    yield from _preloaded(environment, shim)
    for name in program:
        yield from _program(name, options, shim, environment)
    if not program:
        yield from _functions(options, None, shim, environment)


def _architecture(shim: str) -> Line:
    loader = Elf(sys.executable) if sys.executable else None
    library = Elf(shim)
    if loader is not None and not loader.same_kind(library):
        return WARN, "machine", f"the library is {library.kind}, while Python here is {loader.kind}; only " \
                                f"{library.kind} programs can be run"
    return OK, "machine", library.kind


def _loads(shim: str, environment: dict[bytes, bytes]) -> Line:
    import json
    import subprocess
    own = {**environment, b"LD_PRELOAD": os.fsencode(shim), b"SCRATCH_MODE": b"adaptive", b"SCRATCH_STATS": b"json"}
    own.pop(b"SCRATCH_OUTPUT", None)
    own.pop(b"SCRATCH_EXCLUDE", None)
    chosen = target.find("true", [], environment)
    try:
        done = subprocess.run([chosen.path], env=own, stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return FAIL, "loading", f"{chosen.path} did not run with it ({error}); build the library anew"
    said = done.stderr.decode("utf-8", "replace").strip()
    if "cannot be preloaded" in said:
        return FAIL, "loading", f"the loader refuses the library: {said.splitlines()[0]}; build it on this machine"
    if done.returncode != 0:
        return FAIL, "loading", f"{chosen.path} ended with status {done.returncode} under it; build the library anew"
    for line in said.splitlines():
        try:
            json.loads(line)
        except ValueError:
            continue
        return OK, "loading", f"{chosen.path} runs with it, and it writes its statistics"
    return WARN, "loading", f"{chosen.path} runs with it, but it wrote no statistics; is it the library of this version?"


def _kernel() -> Iterator[Line]:
    import mmap
    import resource
    release = os.uname().release
    try:
        with mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
            page.madvise(MADV_WIPEONFORK)
        yield OK, "kernel", f"{release}, memory can be wiped on fork"
    except (OSError, ValueError, AttributeError):
        yield WARN, "kernel", f"{release} cannot wipe memory on fork (Linux 4.14 can); a forked child gives nothing " \
                              "of its parent's memory back"
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        yield OK, "addresses", "not limited"
    else:
        yield WARN, "addresses", f"limited to {limit >> 20} MiB, so the stacks take at most a sixteenth of that, or " \
                                 "nothing; ulimit -v unlimited lifts it"
    folder = os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm"
    if os.access(folder, os.W_OK | os.X_OK):
        yield OK, "counters", f"in {folder}"
    else:
        yield WARN, "counters", f"{folder} is not writable, so counters cannot be read from outside while a program " \
                                "runs; set XDG_RUNTIME_DIR"


def _preloaded(environment: dict[bytes, bytes], shim: str) -> Iterator[Line]:
    text = os.fsdecode(environment.get(b"LD_PRELOAD", b""))
    entries = text.replace(" ", ":").split(":") if text else []
    if not any(entries):
        yield OK, "LD_PRELOAD", "empty"
    for entry in filter(None, entries):
        if entry == shim:
            yield OK, "LD_PRELOAD", f"{entry}: the shim is in this environment already"
        elif "/" in entry and not os.path.exists(entry):
            yield WARN, "LD_PRELOAD", f"{entry} does not exist, and the loader complains each time; take it out"
        else:
            yield OK, "LD_PRELOAD", f"{entry}: stays, behind the shim"
    if os.path.exists("/etc/ld.so.preload"):
        yield WARN, "LD_PRELOAD", "/etc/ld.so.preload names libraries too; a malloc in them comes after the shim"
    for name in sorted(name for name in environment if name.startswith(b"SCRATCH_")):
        yield OK, "environment", f"{os.fsdecode(name)}={os.fsdecode(environment[name])} is set"


def _program(name: str, options: argparse.Namespace, shim: str,
             environment: dict[bytes, bytes]) -> Iterator[Line]:
    try:
        chosen = target.find(name, [], environment)
        if shim:
            target.check(chosen, shim, environment)
    except Failure as failure:
        yield FAIL, "program", failure.sentence
        return
    path = chosen.binary
    yield OK, "program", " runs ".join(reversed(chosen.chain)) + ("" if shim else " (not checked without a library)")
    try:
        elf = Elf(path)
        symbols, needed, sections = elf.defined_symbols(), elf.needed(), elf.section_names()
    except (OSError, ElfError) as error:
        yield WARN, "program", f"{path} could not be looked into ({error})"
        return
    yield from _functions(options, path, shim, environment)
    yield from _allocators(path, elf, symbols)
    if any(name.startswith("libasan.so") for name in needed):
        yield FAIL, "sanitizer", "built with gcc's AddressSanitizer, which refuses to start behind another library; " \
                                 "use a build without it, or set ASAN_OPTIONS=verify_asan_link_order=0"
    elif "__asan_init" in symbols:
        yield WARN, "sanitizer", "has AddressSanitizer and its malloc inside, so nothing would be routed; use a build " \
                                 "without it"
    if ".go.buildinfo" in sections or ".note.go.buildid" in sections:
        yield WARN, "language", "Go manages memory by itself, so only what its C parts allocate can be routed"
    if os.path.basename(path).startswith("python") and b"PYTHONMALLOC" not in environment:
        yield WARN, "language", "Python has pools of its own in front of malloc; with PYTHONMALLOC=malloc in the " \
                                "environment all is seen"


def _functions(options: argparse.Namespace, program: str | None, shim: str,
               environment: dict[bytes, bytes]) -> Iterator[Line]:
    if shim and functions.wishes(options):
        from . import doctor_functions
        yield from doctor_functions.lines(options, program, shim, environment)


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
