"""Rules files: the options of `run`, one a line without their dashes, for service files and long lists."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from . import functions
from .failure import OWN_ERROR, Failure
from .lacking import is_lacking, refusal
from .system import System

LARGEST_FILE = 1 << 20


def merged(options: argparse.Namespace, parse: Callable[[argparse.Namespace], argparse.Namespace],
           system: System) -> argparse.Namespace:
    """The options, those of the rules file that they or SCRATCH_RULES name among them; `parse` reads the command
    line on top of a start, since it has the last word."""
    path = options.rules or _inherited(options, system)
    if not path:
        return options
    options = parse(_read(path, system))
    options.rules = path
    return options


def _inherited(options: argparse.Namespace, system: System) -> str:
    """SCRATCH_RULES, unless a launch around this one has read it already, and nothing is to be added to it."""
    from .hook_store import is_hook_object
    environment = system.initial_environment()
    path = os.fsdecode(environment.get(b"SCRATCH_RULES", b""))
    if path and not functions.wishes(options):
        if any(is_hook_object(entry) for entry in system.preloaded(environment)):
            return ""
    return path


def _read(path: str, system: System) -> argparse.Namespace:
    from . import settings
    from .parser import Parser
    parser = Parser("rules", (), "")
    actions = {action.option_strings[0][2:]: action for action in settings.add_options(parser, system)
               if action.dest != "rules"}
    options = parser.parse_args([])
    for number, line in enumerate(_lines(path), 1):
        text = _without_comment(line)
        if not text:
            continue
        word, _, value = text.partition(" ")
        value = value.strip()
        where = f"{path}:{number}:"
        if word not in actions:
            offered = [name for name, action in actions.items() if not is_lacking(action, system)]
            raise Failure(OWN_ERROR, f"{where} {word} is no rule; accepted are {', '.join(offered)}")
        action = actions[word]
        if is_lacking(action, system):
            raise Failure(OWN_ERROR, f"{where} {word} {refusal(f'--{word}', system)}")
        if action.nargs is None and not value:
            raise Failure(OWN_ERROR, f"{where} {word} was given without a value; accepted is one after it")
        known = len(functions.wishes(options))
        try:
            options = parser.parse_args([f"--{word}={value}" if value else f"--{word}"], options)
        except Failure as failure:
            raise Failure(OWN_ERROR, f"{where} {failure.sentence.replace('--', '', 1)}") from None
        if len(functions.wishes(options)) > known:
            getattr(options, action.dest)[-1].where = f"{where} {word}"
    return options


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Failure(OWN_ERROR, f"the rules file {path} cannot be read ({error.strerror}); check its path, or leave "
                                 "--rules and SCRATCH_RULES out") from error
    if len(content) > LARGEST_FILE or b"\0" in content:
        raise Failure(OWN_ERROR, f"the rules file {path} is no text of rules; accepted are lines such as 'region "
                                 "libxml2.so.2!xmlReadFile'")
    # Editors of other systems begin a file of UTF-8 with a mark.
    return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").splitlines()


def _without_comment(line: str) -> str:
    """`#` begins one where it is the first of its word."""
    line = " " + line.replace("\t", " ")
    at = line.find(" #")
    return (line if at < 0 else line[:at]).strip()
