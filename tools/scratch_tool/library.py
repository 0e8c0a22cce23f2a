"""Finding libraries: the shim, and the allocators that --next chains behind it."""

from __future__ import annotations

import os
import struct

from .elf import Elf, ElfError
from .failure import OWN_ERROR, Failure
from .object_file import ObjectError
from .place import Place
from .system import System

# The file names that each name stands for, best first, and what Debian, Fedora and Arch call the package.
ALLOCATORS = {
    "mimalloc": (("libmimalloc.so",), "libmimalloc2.0, mimalloc or mimalloc"),
    "jemalloc": (("libjemalloc.so",), "libjemalloc2, jemalloc or jemalloc"),
    "tcmalloc": (("libtcmalloc_minimal.so", "libtcmalloc.so"), "libtcmalloc-minimal4, gperftools-libs or gperftools"),
}

# Where loaders look by themselves, those of the systems that we know.
LIBRARY_FOLDERS = ("/lib/{machine}-linux-gnu", "/usr/lib/{machine}-linux-gnu", "/lib64", "/usr/lib64",
                   "/lib", "/usr/lib")

CACHE = "/etc/ld.so.cache"
CACHE_MAGIC = b"glibc-ld.so.cache1.1"


def find_shim(place: Place, environment: dict[bytes, bytes]) -> str:
    """The path of the shim: SCRATCH_LIBRARY, else beside the script, else in the prefix it was installed to."""
    named = environment.get(b"SCRATCH_LIBRARY")
    if named:
        path = os.path.abspath(os.fsdecode(named))
        check_library(path, "SCRATCH_LIBRARY names", place.system)
        return path
    looked_in = []
    for folder in _folders_beside(place) + ([place.prefix] if place.prefix else []):
        path = os.path.join(folder, place.system.shim)
        looked_in.append(folder)
        if os.path.isfile(path):
            check_library(path, "found", place.system)
            return path
    raise Failure(OWN_ERROR, f"{place.system.shim} is not in {' nor '.join(looked_in) or 'any build folder'}; build it "
                             "(meson setup build && ninja -C build), or name its path in SCRATCH_LIBRARY")


def find_next(name: str, shim: str, environment: dict[bytes, bytes], system: System) -> str:
    """The path of the allocator `name` (a key of ALLOCATORS, or a path), which must fit the shim."""
    if "/" in name or os.path.isfile(name):
        path = os.path.abspath(name)
        check_library(path, "--next names", system)
        if not Elf(path).same_kind(Elf(shim)):
            raise Failure(OWN_ERROR, f"--next names {path}, which is {Elf(path).kind}, and the shim is "
                                     f"{Elf(shim).kind}; give one of the same kind")
        if not _may_define(path, "malloc"):
            raise Failure(OWN_ERROR, f"--next names {path}, which defines no malloc; give the path of an allocator")
        return path
    if name not in ALLOCATORS:
        raise Failure(OWN_ERROR, f"--next {name} is not known; accepted are {', '.join(ALLOCATORS)} and the path of "
                                 "a library")
    stems, packages = ALLOCATORS[name]
    folders = _usual_folders(environment, shim)
    for stem in stems:
        for path in _candidates(stem, folders):
            if _fits(path, shim):
                return path
    raise Failure(OWN_ERROR, f"--next {name}: no {stems[0]} that fits the shim is in {', '.join(folders)} or the "
                             f"loader's cache; install it ({packages} on Debian, Fedora, Arch), or give its path")


def needs(library: bytes, other: str) -> bool:
    """Whether the file `library` asks the loader for `other`; not where it cannot be read."""
    try:
        return other in Elf(os.fsdecode(library)).needed()
    except (OSError, ElfError):
        return False


def _may_define(path: str, name: str) -> bool:
    """Whether others may bind `name` to that library; so it is where its symbols cannot be read."""
    from .symbols import Module
    try:
        return bool(Module(path).definitions(name))
    except (OSError, ElfError):
        return True


def _folders_beside(place: Place) -> list[str]:
    pattern = os.path.join(place.here, place.library)
    if "*" not in pattern:
        return [os.path.normpath(pattern)]
    # The source tree: the newest build in it.
    from glob import glob
    folders = [os.path.normpath(folder) for folder in glob(pattern)]
    return sorted(folders, key=lambda folder: _age(os.path.join(folder, place.system.shim)), reverse=True)


def _age(file: str) -> float:
    try:
        return os.stat(file).st_mtime
    except OSError:
        return 0.0


def check_library(path: str, how: str, system: System) -> None:
    try:
        system.check_library(path)
    except OSError as error:
        raise Failure(OWN_ERROR, f"{how} {path}, which cannot be read ({error.strerror}); give the path of a "
                                 "shared library") from error
    except ObjectError as error:
        raise Failure(OWN_ERROR, f"{how} {path}, which is no shared library ({error}); give the path of one") from error
    for sign, word in system.refused_signs:
        if sign in path:
            raise Failure(OWN_ERROR, f"{how} {path}, and {os.fsdecode(system.preload)} cannot hold a {word}; copy or "
                                     "link the library to a path without one")


def _fits(path: str, shim: str) -> bool:
    try:
        return Elf(path).same_kind(Elf(shim)) and not any(sign in path for sign in " :\t\n")
    except (OSError, ElfError):
        return False


def _usual_folders(environment: dict[bytes, bytes], shim: str) -> list[str]:
    try:
        triplet = f"{Elf(shim).processor}-linux-gnu"
    except (OSError, ElfError):
        triplet = f"{os.uname().machine}-linux-gnu"
    search = os.fsdecode(environment.get(b"LD_LIBRARY_PATH", b"")).replace(";", ":").split(":")
    usual = ["/usr/local/lib", f"/usr/lib/{triplet}", f"/lib/{triplet}", "/usr/lib64", "/lib64", "/usr/lib", "/lib"]
    return [folder for folder in search + usual if folder and os.path.isdir(folder)]


def _candidates(stem: str, folders: list[str]) -> list[str]:
    """Files called `stem` or `stem` and a version: those of the folders in their order, then those of the cache."""
    found = []
    for folder in folders:
        try:
            names = sorted(name for name in os.listdir(folder) if name == stem or name.startswith(stem + "."))
        except OSError:
            continue
        found += [os.path.join(folder, name) for name in names]
    return found + [path for path in cached_libraries() if os.path.basename(path).startswith(stem)]


def cached_libraries(cache: str = CACHE) -> list[str]:
    """All paths of the loader's cache, as ldconfig wrote it; none where it cannot be read."""
    try:
        with open(cache, "rb") as file:
            data = file.read()
    except OSError:
        return []
    start = data.find(CACHE_MAGIC)
    if start < 0:
        return []
    # The header: magic, number of libraries, bytes of strings, 20 bytes that we do not need. An entry: flags, offset
    # of the name, offset of the path, 12 bytes more. Offsets count from the magic.
    paths = []
    try:
        count, = struct.unpack_from("=I", data, start + len(CACHE_MAGIC))
        for index in range(count):
            offset, = struct.unpack_from("=8xI12x", data, start + 48 + 24 * index)
            end = data.find(b"\0", start + offset)
            paths.append(os.fsdecode(data[start + offset:end]))
    except struct.error:
        return []
    return paths
