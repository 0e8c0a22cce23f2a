"""What the system does not have yet: it is not offered, and given anyway it is answered with one sentence."""

from __future__ import annotations

import argparse

from .failure import OWN_ERROR, Failure
from .system import System


def is_lacking(action: argparse.Action, system: System) -> bool:
    return any(word in system.lacks for word in action.option_strings)


def refusal(word: str, system: System) -> str:
    return f"is not available on {system.name} yet; {system.lacks[word]}"


def refuse(options: argparse.Namespace, actions: list[argparse.Action], system: System) -> None:
    """Raises Failure where one of the options was given."""
    for action in actions:
        if is_lacking(action, system) and getattr(options, action.dest) not in (None, False, []):
            word = action.option_strings[0]
            raise Failure(OWN_ERROR, f"{word} {refusal(word, system)}")
