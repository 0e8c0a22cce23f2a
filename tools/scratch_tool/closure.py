"""The libraries that the loader loads with a program, in the order in which it looks for symbols."""

from __future__ import annotations

import os

from .elf import Elf, ElfError
from .library import CACHE, LIBRARY_FOLDERS, cached_libraries
from .symbols import Module

# What the loader has for $LIB depends on how it was built.
LIB_NAMES = ("lib/{machine}-linux-gnu", "lib64", "lib")
# The names under which programs need musl, Alpine's and its own.
MUSL_LIBC = ("libc.so", "libc.musl-")


class Closure:
    """`program`, then what LD_PRELOAD has, then the libraries that they need, breadth first.

    `missing` are names of libraries that were not found. Objects that cannot be read are left out, as unknown.
    """

    def __init__(self, program: str | None, kind: Elf, environment: dict[bytes, bytes],
                 preloaded: list[str] | None = None) -> None:
        self.kind = kind
        self.search = _folders(os.fsdecode(environment.get(b"LD_LIBRARY_PATH", b"")).replace(";", ":"))
        self.modules: list[Module] = []
        self.missing: list[str] = []
        self.program: Module | None = None
        self._known: set[str] = set()
        self._parents: dict[str, Module] = {}
        self._cache: bytes | None = None
        if program is not None:
            self.program = self._add(program, None)
        loader = self.program.interpreter if self.program is not None else None
        # musl's loader is its libc, too.
        self._musl = loader if loader is not None and "musl" in os.path.basename(loader) else ""
        for entry in preloaded or []:
            self._load(entry, self.program)
        for module in self.modules:
            for name in module.needs:
                self._load(name, module)

    def find_library(self, name: str) -> Module | None:
        """A library that the program does not need, as dlopen would find it; also one named without .so and version."""
        path = name if "/" in name else self._search(name, None)
        if path is None and ".so" not in name:
            path = next((path for path in cached_libraries()
                         if os.path.basename(path).startswith(name + ".so") and self._fits(path)), None)
        try:
            return Module(path) if path is not None else None
        except (OSError, ElfError):
            return None

    def _load(self, name: str, parent: Module | None) -> None:
        if name in self._known:
            return
        if self._musl and name.startswith(MUSL_LIBC):
            path: str | None = self._musl
        else:
            path = _expanded(name, parent)[0] if "/" in name or "$" in name else self._search(name, parent)
        if path is None:
            self.missing.append(name)
        else:
            self._add(path, parent, name)
        self._known.add(name)

    def _add(self, path: str, parent: Module | None, name: str = "") -> Module | None:
        real = os.path.realpath(path)
        if real in self._known:
            return None
        try:
            module = Module(path)
        except (OSError, ElfError):
            self.missing.append(name or path)
            return None
        if module.soname and module.soname in self._known:
            return None
        self._known.update(filter(None, (real, module.soname)))
        if parent is not None:
            self._parents[module.path] = parent
        self.modules.append(module)
        return module

    def _search(self, name: str, parent: Module | None) -> str | None:
        for folder in self._own_folders(parent) + self.search + self._run_folders(parent):
            path = os.path.join(folder, name)
            if self._fits(path):
                return path
        if self._musl:
            return next((one for one in (os.path.join(folder, name) for folder in _folders_of_musl(self._musl))
                         if self._fits(one)), None)
        cached = self._cached(name)
        if cached is not None:
            return cached
        usual = [os.path.join(folder.format(machine=self.kind.processor), name) for folder in LIBRARY_FOLDERS]
        return next((one for one in usual if self._fits(one)), None)

    def _own_folders(self, parent: Module | None) -> list[str]:
        """RPATH, of the object that asks and of those that brought it; one with a RUNPATH has none."""
        folders: list[str] = []
        if parent is None or parent.runpath:
            return folders
        at: Module | None = parent
        while at is not None:
            if at.rpath and not at.runpath:
                folders += [path for entry in _folders(at.rpath) for path in _expanded(entry, at)]
            at = self._parents.get(at.path)
        return folders

    def _run_folders(self, parent: Module | None) -> list[str]:
        if parent is None or not parent.runpath:
            return []
        return [path for entry in _folders(parent.runpath) for path in _expanded(entry, parent)]

    def _cached(self, name: str) -> str | None:
        """The loader's cache holds each library's path behind its name; looked for as text, which is quicker than
        reading its thousands of entries."""
        if self._cache is None:
            try:
                with open(CACHE, "rb") as file:
                    self._cache = file.read()
            except OSError:
                self._cache = b""
        wanted = b"/" + os.fsencode(name) + b"\0"
        end = self._cache.find(wanted)
        later = None
        while end >= 0:
            path = os.fsdecode(self._cache[self._cache.rfind(b"\0", 0, end) + 1:end + len(wanted) - 1])
            if self._fits(path):
                if "/glibc-hwcaps/" not in path:
                    return path
                later = later or path
            end = self._cache.find(wanted, end + 1)
        return later

    def _fits(self, path: str) -> bool:
        try:
            return os.path.isfile(path) and Elf(path).same_kind(self.kind)
        except (OSError, ElfError):
            return False


def _folders_of_musl(loader: str) -> list[str]:
    """Where musl looks last: the folders of a file that is named like its loader, or the usual ones."""
    name = os.path.basename(loader).split(".so")[0] + ".path"
    try:
        with open(os.path.join(os.path.dirname(os.path.dirname(loader)), "etc", name), encoding="utf-8") as file:
            return _folders(":".join(file.read().split()))
    except OSError:
        return ["/lib", "/usr/local/lib", "/usr/lib"]


def _folders(text: str) -> list[str]:
    return [folder or "." for folder in text.split(":")] if text else []


def _expanded(entry: str, module: Module | None) -> list[str]:
    """The paths that an entry with $ORIGIN, $LIB or $PLATFORM may mean."""
    if "$" not in entry:
        return [entry]
    machine = module.processor if module is not None else os.uname().machine
    origin = os.path.dirname(os.path.realpath(module.path)) if module is not None else "."
    for token, value in (("ORIGIN", origin), ("PLATFORM", machine)):
        entry = entry.replace("${" + token + "}", value).replace("$" + token, value)
    return [entry.replace("${LIB}", lib).replace("$LIB", lib)
            for lib in (name.format(machine=machine) for name in LIB_NAMES)] if "LIB" in entry else [entry]
