"""Which functions of a program can be hooked, by which names, and why others cannot."""

from __future__ import annotations

import os
import re
import struct
from fnmatch import fnmatchcase, translate

from .closure import Closure
from .elf import ElfError
from .functions import Wish, is_glob
from .refused import refusal
from .symbols import Module, Symbol

INSTRUMENTED_ENTER = "__cyg_profile_func_enter"
OTHER_WAYS = "build it with -finstrument-functions, mark it with scratch/annotate.h, or name a function that calls it"
# Their calls of dlopen are not the program's.
LIBC_PARTS = ("libc.so", "ld-linux", "ld-musl", "libc.musl", "libdl.so", "ld64.so")

# Comparing one takes some 10 us.
MOST_COMPARED = 500


class Found:
    """A function that can be hooked: the module that defines it (None: not known yet), who calls it through a
    binding, the version asked for, and where it is entered for instrumented code, its address there."""

    def __init__(self, name: str, module: Module | None, module_name: str) -> None:
        self.name, self.module, self.module_name = name, module, module_name
        self.version = ""
        self.callers: list[Module] = []
        self.calls_inside_bypass = False
        self.offset: int | None = None
        self.is_one_of_many = False


class NotHookable(Exception):
    """Why, and what to do; `missing` where there is no such function at all."""

    def __init__(self, why: str, missing: bool = False) -> None:
        super().__init__(why)
        self.why, self.missing = why, missing


class Finder:
    """Answers for one program, whose libraries are `closure`; `shim` is what will be preloaded. Without a program
    in the closure nobody's calls are looked for."""

    def __init__(self, closure: Closure, shim: str) -> None:
        self.closure = closure
        self.shim = Module(shim)
        self._opens_libraries: list[Module] | None = None

    def find(self, wish: Wish) -> list[Found]:
        """All functions that `wish` names, at least one; raises NotHookable where there is none."""
        try:
            if wish.is_demangled:
                return self._find_all(wish, self._demangled_like(wish))
            if wish.is_glob:
                matches = re.compile(translate(wish.function)).match
                return self._find_all(wish, sorted({name for module in self._modules_of(wish)
                                                    for name in module.names() if matches(name)}))
            return self._find_one(wish, wish.function)
        except (ElfError, struct.error, OSError) as error:
            raise NotHookable(f"is looked for in a library that cannot be read ({error}); install that anew") from None

    def opens_libraries(self) -> list[Module]:
        """Objects that may load others while the program runs, or ask for functions by handles."""
        if self._opens_libraries is None:
            self._opens_libraries = [module for module in self.closure.modules if not _is_libc(module) and any(
                module.asks_for(name) for name in ("dlopen", "dlsym", "dlmopen", "dlvsym"))]
        return self._opens_libraries

    def _find_all(self, wish: Wish, names: list[str]) -> list[Found]:
        found, why = [], ""
        for module in self.closure.modules:
            module.names()
        for name in names:
            try:
                found += self._bound(name, wish.module, strict=False)
            except NotHookable as error:
                why = why or f"matches {name}, which {error.why}"
        known = {one.name for one in found}
        found += [one for one in self._instrumented(wish) if one.name not in known]
        if not found and why:
            raise NotHookable(why)
        if not found:
            raise self._missing(wish)
        return found

    def _find_one(self, wish: Wish, name: str) -> list[Found]:
        why = refusal(name, self.shim)
        if why:
            raise NotHookable(why)
        try:
            return self._bound(name, wish.module, strict=True)
        except NotHookable as error:
            found = self._instrumented(wish)
            if found:
                return found
            if error.missing:
                raise self._missing(wish) from None
            raise

    def _modules_of(self, wish: Wish) -> list[Module]:
        found = [module for module in self.closure.modules if _is_called(module, wish.module)]
        if not found and wish.module and not is_glob(wish.module):
            library = self.closure.find_library(wish.module)
            found = [library] if library is not None else []
        return found

    def _bound(self, name: str, pattern: str, strict: bool) -> list[Found]:
        """By a definition in front of the library's, which calls through a symbol binding reach."""
        if not strict:
            why = refusal(name, self.shim)
            if why:
                raise NotHookable(why)
        defined = [(module, symbols) for module, symbols in
                   ((module, module.definitions(name)) for module in self.closure.modules) if symbols]
        if not defined:
            return self._loaded_later(name, pattern)
        definer, symbols = defined[0]
        if not _is_called(definer, pattern):
            raise NotHookable(f"is defined by {definer.name}, which calls reach before any other definition; name "
                              f"that: '{definer.name}!{name}'")
        if not any(symbol.is_function for symbol in symbols):
            raise NotHookable(f"is data of {definer.name}, not a function; give a function")
        if self.closure.kind.processor == "aarch64" and any(symbol.has_own_convention for symbol in symbols):
            raise NotHookable(f"takes its arguments in a way of its own (scalable vectors), which a hook of {definer.name} "
                              "would not keep; hook a caller of it")
        if definer is self.closure.program:
            raise NotHookable(f"is defined by the program itself, and its calls reach that before any preloaded "
                              f"library; {OTHER_WAYS}")
        found = Found(name, definer, definer.name)
        if self.closure.program is None:
            return [found]
        found.callers = [module for module in self.closure.modules
                         if module is not definer and self._calls(module, name)]
        found.calls_inside_bypass = not any(definer.binds_itself(symbol) for symbol in symbols)
        if not found.callers and found.calls_inside_bypass and not self.opens_libraries():
            how = " (it was linked with -Bsymbolic)" if definer.binds_inside else ""
            raise NotHookable(f"is called by no object of the program but {definer.name}, which defines it and binds "
                              f"its own calls at build time{how}; {OTHER_WAYS}")
        found.version = self._version(found, symbols)
        return [found]

    def _calls(self, module: Module, name: str) -> bool:
        return any(not symbol.defined or module.binds_itself(symbol) for symbol in module.find(name))

    def _version(self, found: Found, symbols: list[Symbol]) -> str:
        """The version that is asked for. One definition stands for all of them, so they must mean the same code."""
        asked: dict[str, Module] = {}
        for module in found.callers:
            for symbol in module.requests(found.name):
                if symbol.version:
                    asked.setdefault(symbol.version, module)
        values = {symbol.value for symbol in symbols if symbol.version in asked}
        if len(values) > 1:
            said = " and ".join(f"{version} by {module.name}" for version, module in asked.items())
            raise NotHookable(f"is asked for in several versions ({said}), and one hook cannot stand for both; name a "
                              "function that calls it")
        return next(iter(asked), "")

    def _loaded_later(self, name: str, pattern: str) -> list[Found]:
        if not pattern or is_glob(pattern) or any(_is_called(module, pattern) for module in self.closure.modules):
            raise NotHookable("", missing=True)
        library = self.closure.find_library(pattern)
        if library is None:
            return [Found(name, None, pattern if ".so" in pattern else f"{pattern}.so*")]
        symbols = library.definitions(name)
        if not symbols:
            raise NotHookable("", missing=True)
        if not any(symbol.is_function for symbol in symbols):
            raise NotHookable(f"is data of {library.name}, not a function; give a function")
        return [Found(name, library, library.name)]

    def _instrumented(self, wish: Wish) -> list[Found]:
        """Functions that were built to call a hook at their beginning and end, static ones too."""
        found = []
        matches = re.compile(translate(wish.function)).match
        for module in self.closure.modules:
            if not _is_called(module, wish.module) or not module.asks_for(INSTRUMENTED_ENTER):
                continue
            if self.closure.program is not None and self.closure.program.definitions(INSTRUMENTED_ENTER):
                continue
            name = os.path.basename(os.path.realpath(module.path)) if module.is_program else module.name
            for symbol in module.all_functions():
                # The compiler's variants of a function have a dot in their names.
                plain = symbol.name.split(".")[0]
                if matches(plain):
                    one = Found(plain, module, name)
                    one.offset = symbol.value
                    found.append(one)
        return found

    def _missing(self, wish: Wish) -> NotHookable:
        modules = self._modules_of(wish)
        if wish.module and not modules:
            return NotHookable(f"names {wish.module}, and neither the program nor the system has such a library; check "
                               "the name, or give a function without * if its library is loaded later", missing=True)
        inside = [module for module in modules if not wish.is_glob and module.has_inside(wish.function)]
        if inside:
            return NotHookable(f"is a function inside {inside[0].name} (static or hidden), and calls of it have no "
                               f"symbol that could be taken over; {OTHER_WAYS}", missing=True)
        if not wish.module and self.closure.program is None:
            return NotHookable("is named without its library, and no program is known here to look for it; accepted is "
                               "'library.so!function'", missing=True)
        whose = f"is not defined by {modules[0].name}" if wish.module else "is defined by no library of the program"
        near = self._near_misses(wish.function, modules)
        hint = f"do you mean {' or '.join(near)}" if near else "check its name"
        later = "" if wish.module or wish.is_glob or wish.is_demangled else \
            f", or name its library if that is loaded later ('plugin.so!{wish.function}')"
        return NotHookable(f"{whose}; {hint}{later}", missing=True)

    def _near_misses(self, name: str, modules: list[Module]) -> list[str]:
        from difflib import get_close_matches
        low = name.lower()
        near = {one for module in modules for one in module.names() if abs(len(one) - len(low)) < 5}
        if len(near) > MOST_COMPARED:
            near = {one for one in near if one[:3].lower() == low[:3] or one[-4:].lower() == low[-4:]}
        near = {one for one in near if any(module.definitions(one) for module in modules)}
        return get_close_matches(name, sorted(near), n=3, cutoff=0.7)

    def _demangled_like(self, wish: Wish) -> list[str]:
        """The names, as compilers write them, of the C++ functions that people write as `wish` has it."""
        import subprocess
        # Without a parameter list all overloads are meant.
        arguments = ["c++filt"] if wish.function.endswith(")") else ["c++filt", "-p"]
        mangled = sorted({name for module in self._modules_of(wish) for name in module.names()
                          if name.startswith("_Z")})
        try:
            done = subprocess.run(arguments, input="\n".join(mangled), text=True, capture_output=True, check=True,
                                  timeout=20)
        except (OSError, subprocess.SubprocessError):
            raise NotHookable("is a C++ name, and c++filt did not say what it is in the libraries; install binutils, "
                              "or give the name as nm -D shows it") from None
        shown = done.stdout.split("\n")
        return [name for name, text in zip(mangled, shown)
                if text == wish.function or fnmatchcase(text, wish.function)]


def _is_called(module: Module, pattern: str) -> bool:
    """Whether somebody who writes `pattern` means `module`: its soname, its file's name or path, as a glob, or the
    name without .so and what follows."""
    if not pattern:
        return True
    names = {module.name, os.path.basename(module.path), module.path}
    return any(fnmatchcase(name, pattern) or name.startswith(pattern + ".so") for name in names)


def _is_libc(module: Module) -> bool:
    return module.name.startswith(LIBC_PARTS)
