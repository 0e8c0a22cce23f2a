"""`scratch env`: prints what `scratch run` would set, for shells and scripts."""

from __future__ import annotations

import argparse
import os

from . import settings
from .library import find_shim
from .place import Place
from .say import put
from .system import System


class Env:
    name = "env"
    takes_program = False
    help = "print the shell lines that `run` would set"
    usage = "scratch env [options]"
    examples = (
        ('eval "$(scratch env)"', "all programs that this shell starts from here on"),
        ('(eval "$(scratch env --stats)"; make)', "only those of one subshell"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
        return settings.add_options(parser, system)

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        if program:
            raise settings.refuse_program(program[0])
        import shlex
        environment = place.system.initial_environment()
        new = settings.changes(options, find_shim(place, environment), environment, None, place.system)
        lines = [f"export {os.fsdecode(name)}={shlex.quote(os.fsdecode(value))}" for name, value in new.items()]
        put("\n".join(lines) + "\n")
        return 0
