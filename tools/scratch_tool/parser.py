"""argparse as this tool shows it."""

from __future__ import annotations

import argparse

from .failure import OWN_ERROR, Failure


class Layout(argparse.HelpFormatter):
    """argparse's, but for options whose value may be left out: the value is taken behind = only."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if action.nargs == "?" and action.option_strings:
            return f"{', '.join(action.option_strings)}[={action.metavar}]"
        return super()._format_action_invocation(action)


class Parser(argparse.ArgumentParser):
    """argparse, with our exit status, one sentence for an error, and the examples first in the help."""

    def __init__(self, usage: str, examples: tuple[tuple[str, str], ...], about: str) -> None:
        super().__init__(prog=usage, usage=usage, allow_abbrev=False, add_help=False, formatter_class=Layout)
        self._optionals.title = "options"
        self.about = about
        self.examples = examples
        self.commands = ""

    def error(self, message: str):
        # argparse says "argument --mode: ..."; the option's name is enough.
        message = message.replace("argument ", "", 1)
        message = message.replace(": expected one argument", " was given without a value; accepted is one after it")
        message = message.replace(": ignored explicit argument", " accepts no value, and was given")
        raise Failure(OWN_ERROR, message)

    def format_help(self) -> str:
        width = max((len(line) for line, _ in self.examples), default=0)
        lines = [f"  {line:{width}}   {why}" for line, why in self.examples]
        shown = "examples:\n" + "\n".join(lines) + "\n\n" if lines else ""
        return f"{self.about}\n\n{shown}{super().format_help()}{self.commands}"
