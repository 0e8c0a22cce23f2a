"""From what the options wish to a hook object."""

from __future__ import annotations

import os

from .closure import Closure
from .elf import Elf
from .failure import CANNOT_RUN, OWN_ERROR, Failure
from .finder import INSTRUMENTED_ENTER, Finder, Found, NotHookable
from .functions import LONGEST_STACK, SHORTEST_STACK, Wish, is_glob, whole_stack
from .hook_store import keep
from .hook_table import FRAME, INSTRUMENTED, LONGJMP, PAUSED, SWITCH, TRUSTED_FRAME, Entry
from .hooks_elf import ENTER, MACHINES, write
from .stack_arguments import Unknown, bytes_on_stack

# A function with more is a mistake in a glob, and each is 128 bytes of every process.
MOST_HOOKS = 4096

# Of a glob that matches more, arguments are not looked up: each may take a tenth of a second.
MOST_LOOKED_UP = 16

# What ends scopes without returning, and what goes to another machine stack.
JUMPS = ("longjmp", "_longjmp", "siglongjmp", "__longjmp_chk")
SWITCHES = ("swapcontext", "setcontext")
INSTRUMENTED_HOOKS = (INSTRUMENTED_ENTER, "__cyg_profile_func_exit")


def make(wishes: list[Wish], stack_bytes: int | None, shim: str, environment: dict[bytes, bytes], program: str | None,
         preloaded: list[bytes]) -> str:
    """The path of a hook object for `wishes`, written where it is not there yet; raises Failure where one of them
    cannot be fulfilled. `preloaded` is what comes behind the shim."""
    kind = Elf(shim)
    if kind.machine not in MACHINES or kind.bits != 64:
        raise Failure(CANNOT_RUN, f"functions cannot be hooked on {kind.kind} yet; mark scopes with scratch/annotate.h")
    finder = Finder(closure_of(wishes, kind, environment, program, preloaded), shim)
    check_shim(finder)
    entries, exclusions = plan(wishes, stack_bytes, finder)
    return keep(write(kind.machine, shim, entries, exclusions), environment)


def check_shim(finder: Finder) -> None:
    """Raises Failure for a library that programs with hooks would not start with."""
    if not finder.shim.definitions(ENTER):
        raise Failure(OWN_ERROR, f"{finder.shim.path} is of another version and cannot enter hooks; build or install it "
                                 "anew")


def closure_of(wishes: list[Wish], kind: Elf, environment: dict[bytes, bytes], program: str | None,
               preloaded: list[bytes]) -> Closure:
    """The libraries that `program` will have; where no program is known, those that the wishes name, and libc."""
    if program is not None:
        return Closure(program, kind, environment, [os.fsdecode(entry) for entry in preloaded])
    named = [wish.module for wish in wishes if wish.module and not is_glob(wish.module)]
    return Closure(None, kind, environment, named + kind.needed())


def plan(wishes: list[Wish], stack_bytes: int | None, finder: Finder) -> tuple[list[Entry], list[tuple[str, str]]]:
    """The entries and exclusions of the object; raises Failure for a wish that cannot be fulfilled. `stack_bytes` of
    arguments are copied, or as many as debug information says that there may be."""
    chosen: dict[tuple[str, str, int | None], tuple[Wish, Found]] = {}
    exclusions: dict[tuple[str, str], None] = {}
    for wish in wishes:
        all_found = _found(wish, finder)
        for found in all_found:
            found.is_one_of_many = len(all_found) > MOST_LOOKED_UP
            if wish.kind == PAUSED:
                exclusions.update(dict.fromkeys(_exclusions(wish, found)))
            key = (found.name, "", None) if found.offset is None else (found.name, found.module_name, found.offset)
            if key in chosen:
                chosen[key] = _stronger(chosen[key], (wish, found))
            else:
                chosen[key] = wish, found
        if wish.kind == PAUSED and not wish.is_demangled:
            exclusions[wish.module, wish.function] = None
    if len(chosen) > MOST_HOOKS:
        raise Failure(OWN_ERROR, f"the functions named are {len(chosen)}, and at most {MOST_HOOKS} can be hooked; use "
                                 "narrower globs")
    entries = [_entry(wish, found, stack_bytes) for wish, found in chosen.values()]
    if entries:
        entries += [Entry(name, LONGJMP) for name in JUMPS] + [Entry(name, SWITCH) for name in SWITCHES]
    if any(not entry.has_stub for entry in entries):
        entries += [Entry(name, INSTRUMENTED) for name in INSTRUMENTED_HOOKS]
    return entries, list(exclusions)


def _found(wish: Wish, finder: Finder) -> list[Found]:
    try:
        return finder.find(wish)
    except NotHookable as error:
        # An exception holds for the callers of malloc too, so it need not be hooked; it must be there.
        if wish.kind == PAUSED and not error.missing:
            return []
        raise Failure(OWN_ERROR, f"{wish.where} {wish.text} cannot be hooked: it {error.why}") from None


def _exclusions(wish: Wish, found: Found) -> list[tuple[str, str]]:
    # The shim knows libraries by their whole names, and C++ functions by what compilers call them.
    module = found.module_name if wish.module and not is_glob(wish.module) else wish.module
    return [(module, found.name if wish.is_demangled else wish.function)]


def _stronger(one: tuple[Wish, Found], other: tuple[Wish, Found]) -> tuple[Wish, Found]:
    """Which of two wishes a function that both name obeys: the one that names it outright, else the exception."""
    first, second = one[0], other[0]
    if first.kind == second.kind:
        return one
    if first.is_glob != second.is_glob:
        return other if first.is_glob else one
    if PAUSED in (first.kind, second.kind):
        return one if first.kind == PAUSED else other
    raise Failure(OWN_ERROR, f"{second.where} {second.text} names {one[1].name}, which {first.where} {first.text} "
                             "names too, and a name is hooked once, whichever library defines it; leave one of them out")


def told_bytes(wish: Wish, found: Found) -> int:
    """How many bytes of arguments the function is given on the stack at most; raises Unknown."""
    if found.module is None:
        raise Unknown("its library is not here now")
    if found.is_one_of_many:
        raise Unknown(f"it is one of many that {wish.text} matches; give its own name")
    return whole_stack(bytes_on_stack(found.module, found.name))


def copies_arguments(wish: Wish, found: Found) -> bool:
    """Others are jumped to, with the stack as it is."""
    return found.offset is None and wish.kind not in (FRAME, TRUSTED_FRAME)


def _stack_bytes(wish: Wish, found: Found, wanted: int | None) -> int:
    least = SHORTEST_STACK if wanted is None else wanted
    if not copies_arguments(wish, found):
        return least
    try:
        told = told_bytes(wish, found)
    except Unknown:
        return least
    if told > LONGEST_STACK:
        raise Failure(OWN_ERROR, f"{wish.where} {wish.text} cannot be hooked: it is given {told} bytes of arguments on "
                                 f"the stack, and {LONGEST_STACK} can be copied; name a function that calls it")
    return max(least, told)


def _entry(wish: Wish, found: Found, wanted: int | None) -> Entry:
    stack_bytes = _stack_bytes(wish, found, wanted)
    label = wish.text
    if wish.is_glob or wish.is_demangled:
        label = f"{found.module_name}!{found.name}" if wish.module else found.name
    if found.offset is None:
        return Entry(found.name, wish.kind, label, found.version, found.module_name, stack_bytes)
    return Entry(found.name, INSTRUMENTED, label, "", found.module_name, stack_bytes, found.offset, wish.kind,
                 has_stub=False)
