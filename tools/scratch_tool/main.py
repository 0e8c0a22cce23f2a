"""The command line: which command, its options, where the program begins, and how failures are told."""

from __future__ import annotations

from argparse import SUPPRESS

from . import lacking, rules
from .check import Check
from .doctor import Doctor
from .env import Env
from .failure import OWN_ERROR, Failure
from .later import LATER
from .parser import Parser
from .place import Place
from .run import Run
from .say import complain, put

# Each has a name, a help line, its usage and examples, takes_program (what follows the options belongs to a
# program), add_arguments(parser) (returns what it added) and run(options, rest, place).
COMMANDS = [Run(), Env(), Check(), Doctor()]

EXAMPLES = (
    ("scratch run -- PROGRAM ARGUMENTS", "run a program with its scratch memory on stacks"),
    ("scratch run --stats -- PROGRAM", "and print what was routed"),
    ("scratch doctor PROGRAM", "is all in place, and can this program be run so?"),
)


def main(arguments: list[str], place: Place) -> int:
    """Runs the command line; returns the exit status, unless the process became another program."""
    command = ""
    try:
        if arguments and not arguments[0].startswith("-"):
            command = arguments[0]
            return _run_command(command, arguments[1:], place)
        return _run_alone(arguments, place)
    except Failure as failure:
        complain(_who(command), failure.sentence)
        return failure.status
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        line = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else "unknown place"
        complain(_who(command), f"a mistake of ours, {type(error).__name__}: {error} ({line}); "
                                "please report it")
        return OWN_ERROR


def _run_alone(arguments: list[str], place: Place) -> int:
    if not arguments:
        raise Failure(OWN_ERROR, f"no command was given; accepted are {', '.join(_names(place))}, --help and "
                                 "--version")
    if arguments[0] in ("-h", "--help"):
        put(_overview(place).format_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        put(f"scratch {place.version}\n")
        return 0
    raise Failure(OWN_ERROR, f"{arguments[0]} is not an option; accepted are --help, --version and a command: "
                             f"{', '.join(_names(place))}")


def _run_command(name: str, arguments: list[str], place: Place) -> int:
    if name == "help":
        about = [word for word in arguments if word != "help" and not word.startswith("-")][:1]
        return _run_command(about[0], ["--help"], place) if about else _run_alone(["--help"], place)
    if name in LATER:
        raise Failure(OWN_ERROR, "this command is not built yet; accepted are " + ", ".join(_names(place)))
    if name in place.system.lacks:
        raise Failure(OWN_ERROR, f"this command {lacking.refusal(name, place.system)}")
    found = [command for command in COMMANDS if command.name == name]
    if not found:
        raise Failure(OWN_ERROR, f"{name} is not a command; accepted are {', '.join(_names(place))} (to run a program: "
                                 "scratch run -- PROGRAM)")
    command = found[0]
    parser = Parser(command.usage, command.examples, f"scratch {name}: {command.help}")
    added = command.add_arguments(parser, place.system)
    offered = [action for action in added if not lacking.is_lacking(action, place.system)]
    for action in added:
        if action not in offered:
            action.help = SUPPRESS
    offered.append(parser.add_argument("-h", "--help", action="store_true", help="print this"))
    own, rest = _split(arguments, [word for action in added if action.nargs is None for word in action.option_strings])
    options, unknown = parser.parse_known_args(own)
    if options.help:
        put(parser.format_help())
        return 0
    if unknown:
        raise Failure(OWN_ERROR, f"{unknown[0]} is not an option of {name}; accepted are "
                                 f"{', '.join(word for action in offered for word in action.option_strings)}")
    lacking.refuse(options, added, place.system)
    if "rules" in options:
        options = rules.merged(options, lambda start: parser.parse_known_args(own, start)[0], place.system)
    return command.run(options, rest, place)


def _split(arguments: list[str], with_value: list[str]) -> tuple[list[str], list[str]]:
    """Our own options, and what begins with the program: after `--`, or the first word that is no option."""
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word == "--":
            return arguments[:index], arguments[index + 1:]
        if not word.startswith("-") or word == "-":
            break
        index += 2 if word in with_value else 1
    return arguments[:index], arguments[index:]


def _names(place: Place) -> list[str]:
    return [command.name for command in COMMANDS if command.name not in place.system.lacks]


def _overview(place: Place) -> Parser:
    parser = Parser("scratch COMMAND [options] [--] [PROGRAM [ARGUMENTS]]", EXAMPLES,
                    "scratch: temporary memory on a stack of its own")
    parser.add_argument("-h", "--help", action="store_true", help="print this, or the help of a command")
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    lines = [f"  {command.name:10} {command.help}" for command in COMMANDS
             if command.name in _names(place)]
    parser.commands = "\ncommands:\n" + "\n".join(lines) + "\n"
    return parser


def _who(command: str) -> str:
    return f"scratch {command}" if command in (*(each.name for each in COMMANDS), *LATER) else "scratch"
