"""The commands which the contract names and which are not built yet: each says so and does nothing."""

from __future__ import annotations

import argparse

from .failure import OWN_ERROR, Failure
from .place import Place


class Later:
    takes_program = True
    examples: tuple[tuple[str, str], ...] = ()

    def __init__(self, name: str, help: str) -> None:
        self.name = name
        self.help = f"{help} (not built yet)"
        self.usage = f"scratch {name} [options] [--] PROGRAM [ARGUMENTS]"

    def add_arguments(self, parser: argparse.ArgumentParser) -> list[argparse.Action]:
        return []

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        raise Failure(OWN_ERROR, "this command is not built yet; `scratch run` and `scratch doctor` are")


LATER = [
    Later("record", "write down where a program's memory is scratch"),
    Later("report", "show what record wrote down"),
    Later("profile", "turn a record into a profile that run can use"),
    Later("check", "find uses of scratch memory after its end"),
    Later("top", "watch the running programs"),
]

# Options of `run` which the contract names and which are not built yet.
LATER_OPTIONS = ("--region", "--trusted-region", "--frame")
