"""What `scratch doctor` says of functions: whether each can be hooked in a program, and which calls would escape."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from .elf import Elf
from .failure import Failure
from .finder import Finder, Found, NotHookable
from .functions import SHORTEST_STACK, Wish, wishes
from .hook_store import is_hook_object
from .hook_table import PAUSED
from .hooks import check_shim, closure_of, copies_arguments, plan, told_bytes
from .hooks_elf import MACHINES
from .report_line import FAIL, NOTE, OK, WARN, Line
from .stack_arguments import NO_DEBUG_INFORMATION, Unknown
from .system import System

# A glob may match hundreds; who wants them all has `nm -D`.
MOST_SHOWN = 20
MOST_CALLERS = 6

# What else helps, by why debug information does not tell.
TOLD_BY = {NO_DEBUG_INFORMATION: ", or install the library's debug symbols, or build it with -g"}


def lines(options: argparse.Namespace, program: str | None, shim: str,
          environment: dict[bytes, bytes], system: System) -> Iterator[Line]:
    """A line or more for each function named, then what holds for all of them."""
    asked = wishes(options)
    kind = Elf(shim)
    if kind.machine not in MACHINES:
        yield FAIL, "functions", f"cannot be hooked on {kind.kind} yet; mark scopes with scratch/annotate.h"
        return
    before = [entry for entry in system.preloaded(environment) if not is_hook_object(entry)]
    finder = Finder(closure_of(asked, kind, environment, program, before), shim)
    try:
        check_shim(finder)
    except Failure as failure:
        yield FAIL, "functions", failure.sentence
        return
    for name in finder.closure.missing:
        yield WARN, "libraries", f"{name} is not found, so what it defines and calls is not known; install it"
    failed = False
    for wish in asked:
        for line in _of_wish(wish, finder):
            failed |= line[0] == FAIL
            yield line
    if failed:
        return
    try:
        plan(asked, options.stack_arguments, finder)
    except Failure as failure:
        yield FAIL, "functions", failure.sentence
        return
    if any(wish.kind != PAUSED for wish in asked):
        yield from _of_handles(finder)
    yield from _of_arguments(asked, options.stack_arguments, finder)


def _of_wish(wish: Wish, finder: Finder) -> Iterator[Line]:
    try:
        found = finder.find(wish)
    except NotHookable as error:
        if wish.kind == PAUSED and not error.missing:
            yield OK, wish.option, f"{wish.text}: holds for its own calls of malloc; it cannot be hooked: it " \
                                   f"{error.why}"
        else:
            yield FAIL, wish.option, f"{wish.text} cannot be hooked: it {error.why}"
        return
    # Of a glob only what somebody calls is worth a line of its own.
    shown = [one for one in found if one.callers or one.offset is not None or len(found) == 1][:MOST_SHOWN]
    for one in shown:
        level, text = _of_one(one, finder)
        yield level, wish.option, f"{one.name}: {text}"
    if len(found) > len(shown):
        more = f"{len(found) - len(shown)}{' more' if shown else ''}"
        yield OK, wish.option, f"{wish.text}: {more} are hooked, for callers that are loaded later"


def _of_one(found: Found, finder: Finder) -> tuple[str, str]:
    if found.module is None:
        return WARN, f"no {found.module_name} is here now; hooked where a library of that name is loaded later"
    if found.offset is not None:
        return OK, f"built with -finstrument-functions in {found.module_name}, so every call of it is seen"
    version = f" ({found.version})" if found.version else ""
    where = f"of {found.module_name}{version}"
    if finder.closure.program is None:
        return OK, where
    if found.module not in finder.closure.modules:
        return OK, f"{where}, which the program does not need itself; hooked where it is loaded later"
    inside = f"; calls inside {found.module_name} bypass the hook" if found.calls_inside_bypass else ""
    if found.callers:
        names = [os.path.basename(module.path) for module in found.callers]
        more = f" and {len(names) - MOST_CALLERS} more" if len(names) > MOST_CALLERS else ""
        return OK, f"{where}, called by {', '.join(names[:MOST_CALLERS])}{more}{inside}"
    if not found.calls_inside_bypass:
        return OK, f"{where}, called by {found.module_name} itself through a symbol"
    openers = ", ".join(module.name for module in finder.opens_libraries()[:MOST_CALLERS])
    return WARN, f"{where}, called by no object of the program; only one that is loaded later ({openers} can do " \
                 f"that) would reach the hook{inside}"


def _of_handles(finder: Finder) -> Iterator[Line]:
    handles = [module.name for module in finder.opens_libraries() if module.asks_for("dlsym")]
    if handles:
        more = " and others" if len(handles) > MOST_CALLERS else ""
        yield WARN, "handles", f"{', '.join(handles[:MOST_CALLERS])}{more} may ask a library for its functions by " \
                               "its handle (dlsym); calls by such pointers bypass every hook"


def _of_arguments(asked: list[Wish], wanted: int | None, finder: Finder) -> Iterator[Line]:
    copied = SHORTEST_STACK if wanted is None else wanted
    unknown: dict[str, list[str]] = {}
    for wish in asked:
        for found in _hooked(wish, finder):
            if not copies_arguments(wish, found):
                continue
            try:
                told = told_bytes(wish, found)
            except Unknown as error:
                unknown.setdefault(str(error), []).append(found.name)
                continue
            yield OK, "arguments", f"{found.name}: at most {told} bytes on the stack by its debug information; " \
                                   f"{max(told, copied)} are copied"
    for why, names in unknown.items():
        more = f" and {len(names) - MOST_CALLERS} more" if len(names) > MOST_CALLERS else ""
        which = f"{', '.join(names[:MOST_CALLERS])}{more}: how many bytes it is given on the stack is not known ({why})"
        if wanted is not None:
            yield OK, "arguments", f"{which}; {copied} are copied, as --stack-arguments says"
        else:
            # That of libraries is rarely there, and functions that take so much are rarer still.
            level = NOTE if why == NO_DEBUG_INFORMATION else WARN
            yield level, "arguments", f"{which}; {copied} are copied, and what a caller gives beyond them (many " \
                                     "arguments, large structures by value) arrives wrong; where it may take more, give " \
                                     f"--stack-arguments BYTES{TOLD_BY.get(why, '')}"


def _hooked(wish: Wish, finder: Finder) -> list[Found]:
    try:
        return finder.find(wish)
    except NotHookable:
        return []
