"""`scratch run`: sets the environment, becomes the program, and is gone."""

from __future__ import annotations

import argparse
import os

from . import settings, target
from .failure import CANNOT_RUN, NOT_FOUND, OWN_ERROR, Failure
from .library import find_shim
from .place import Place
from .system import System

# Python ignores these from its start on; a program would inherit that.
SIGPIPE, SIGXFSZ = 13, 25


class Run:
    name = "run"
    takes_program = True
    help = "run a program with its scratch memory on stacks"
    usage = "scratch run [options] [--] PROGRAM [ARGUMENTS]"
    examples = (
        ("scratch run -- xsltproc style.xsl data.xml", "let sites prove themselves, route those that gain"),
        ("scratch run --stats -- perl report.pl", "and print at the end what was routed"),
        ("scratch run --next mimalloc -- perl job.pl", "with mimalloc behind the stacks"),
        ("scratch run --region 'libxml2.so.2!xmlReadFile' -- xmllint data.xml", "what this function allocates, on the "
                                                                                "stack"),
    )

    def add_arguments(self, parser: argparse.ArgumentParser, system: System) -> list[argparse.Action]:
        return settings.add_options(parser, system)

    def run(self, options: argparse.Namespace, program: list[str], place: Place) -> int:
        if not program:
            raise Failure(OWN_ERROR, f"no program was given; accepted is: {self.usage}")
        system = place.system
        environment = system.initial_environment()
        shim = find_shim(place, environment)
        chosen = target.find(program[0], program[1:], environment)
        target.check(chosen, shim, environment, system)
        environment.update(settings.changes(options, shim, environment, chosen.binary, system))
        if options.no_follow or chosen.env_is_in_the_way:
            chosen.skip_env(environment)
        return become(chosen, environment)


def become(chosen: target.Target, environment: dict[bytes, bytes]) -> int:
    """Starts the program in the place of this process; returns only by a Failure."""
    import _signal
    for number in (SIGPIPE, SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)
    try:
        os.execve(chosen.path, chosen.arguments, environment)
    except FileNotFoundError as error:
        raise Failure(NOT_FOUND, f"{chosen.path} cannot be started ({error.strerror}); check its interpreter") \
            from error
    except OSError as error:
        raise Failure(CANNOT_RUN, f"{chosen.path} cannot be started ({error.strerror}); {_advice(error)}") from error


def _advice(error: OSError) -> str:
    import errno
    return {
        errno.E2BIG: "give it fewer or shorter arguments",
        errno.EACCES: "its file system may be mounted noexec, so try a copy elsewhere",
        errno.EPERM: "it asks for privileges which this process may not have",
        errno.ENOEXEC: "check with `file` what it is",
        errno.ETXTBSY: "wait until it is written",
    }.get(error.errno or 0, "check that it runs without scratch")
