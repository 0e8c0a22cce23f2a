"""The options that name functions, and what one such wish says."""

from __future__ import annotations

import argparse

from .hook_table import FRAME, PAUSED, REGION, TRUSTED_FRAME, TRUSTED_REGION
from .system import System

# Option, kind, help.
KINDS = (
    ("region", REGION, "while this function runs, its thread's memory comes from the stack; freed in any order"),
    ("trusted-region", TRUSTED_REGION, "the same, and all is given back when it returns, freed or not"),
    ("frame", FRAME, "each call of this function ends one turn of the thread's loop and begins the next"),
    ("trusted-frame", TRUSTED_FRAME, "the same, and all of the turn is given back, freed or not"),
    ("except", PAUSED, "what this function allocates outlives regions, so it is left to the next allocator"),
)
SHORTEST_STACK, LONGEST_STACK = 128, 65536
GLOB_SIGNS = frozenset("*?[")


class Wish:
    """`[module!]function` as somebody wrote it: both may be globs, the module may be left out (any)."""

    def __init__(self, option: str, kind: int, text: str) -> None:
        module, mark, function = text.partition("!")
        # In C++, operator! has such a sign, too.
        if not mark or "::" in module or module.endswith("operator"):
            module, function = "", text
        self.option, self.kind, self.text = option, kind, text
        self.module, self.function = module, function
        self.mark = mark if module else ""
        self.where = f"--{option}"

    @property
    def is_glob(self) -> bool:
        return is_glob(self.function)

    @property
    def is_demangled(self) -> bool:
        """C++ as people write it, rather than as compilers do."""
        return "::" in self.function or "(" in self.function


def is_glob(text: str) -> bool:
    return not GLOB_SIGNS.isdisjoint(text)


def add_options(parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
    """Adds the options, and returns them."""
    group: argparse._ActionsContainer = parser
    if "--region" not in system.lacks:
        group = parser.add_argument_group("functions of programs nobody recompiled", "F is [module!]function, where "
                                          "both may have * and ?; each of these may be given several times")
    actions = [group.add_argument(f"--{option}", type=_wish(option, kind), action="append", default=[], metavar="F",
                                  help=help) for option, kind, help in KINDS]
    actions.append(group.add_argument("--stack-arguments", type=_stack_bytes, metavar="BYTES",
                                      help="how many bytes of arguments such functions may be given on the stack at "
                                           f"least (default: {SHORTEST_STACK}; more where debug information says so)"))
    actions.append(group.add_argument("--rules", type=_file, metavar="FILE",
                                      help="read options from a file, one a line without dashes (also SCRATCH_RULES)"))
    return actions


def wishes(options: argparse.Namespace) -> list[Wish]:
    return [wish for option, _, _ in KINDS for wish in getattr(options, option.replace("-", "_"), [])]


def _wish(option: str, kind: int):
    def parse(text: str) -> Wish:
        wish = Wish(option, kind, text)
        if not wish.function or text.startswith("!"):
            raise argparse.ArgumentTypeError(f"{text!r} names no function; accepted is a function's name, with its "
                                             "library's and ! before it where wanted")
        if not text.isprintable() or (" " in text and not wish.is_demangled):
            raise argparse.ArgumentTypeError(f"{text!r} has signs that no function's name has; accepted is "
                                             "[module!]function")
        return wish
    return parse


def _stack_bytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text) <= LONGEST_STACK:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes that can be copied at each call; accepted "
                                         f"are whole numbers up to {LONGEST_STACK}")
    return whole_stack(int(text))


def whole_stack(size: int) -> int:
    """What is copied of so many bytes of arguments: the stack keeps its alignment."""
    return (size + 15) // 16 * 16


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("'' is empty; leave the option out, or give a file")
    return text
