"""The program that is to be run: where it is, what runs it, and whether the shim can be preloaded into it."""

from __future__ import annotations

import os
import stat

from .failure import CANNOT_RUN, NOT_FOUND, Failure
from .system import System

# How often a script may lead to another file before that is taken for endless.
MOST_STEPS = 5

# Where execvp looks when PATH is not set.
DEFAULT_PATH = "/bin:/usr/bin"
SHELL = "/bin/sh"


class Target:
    """A command as it would be executed: the file, and all of argv.

    `chain` holds the files that start before the program's own code runs: the file itself, then interpreters.
    """

    def __init__(self, path: str, arguments: list[str]) -> None:
        self.path = path
        self.arguments = arguments
        self.chain = [path]
        # What `env` in a first line would go on to, as [file, argument...]; empty where no env is there.
        self.after_env: list[str] = []
        # What it would set before.
        self.assigned: dict[bytes, bytes] = {}
        # What a loader started by hand has in its place.
        self.loaded: str | None = None
        # Whether it would be the last to have the shim.
        self.env_is_in_the_way = False

    @property
    def binary(self) -> str:
        """The executable whose code runs at last, as far as the first lines of scripts tell."""
        return self.loaded or (self.after_env[0] if self.after_env else self.chain[-1])

    def skip_env(self, environment: dict[bytes, bytes]) -> None:
        """Starts what `#!/usr/bin/env NAME` names without env, and does in `environment` what that would do."""
        if self.after_env:
            self.path = self.after_env[0]
            self.arguments = [os.path.basename(self.path)] + self.after_env[1:]
            environment.update(self.assigned)


def find(name: str, arguments: list[str], environment: dict[bytes, bytes]) -> Target:
    """The target for `name` as a shell would find it: as a path where it holds a slash, else in PATH."""
    path = name if "/" in name else _search(name, environment)
    _check_executable(path)
    return Target(path, [name, *arguments])


def check(target: Target, shim: str, environment: dict[bytes, bytes], system: System) -> None:
    """Raises Failure unless the shim would be loaded into `target`; follows first lines to the interpreter."""
    path, arguments = target.path, target.arguments[1:]
    scripts = 0
    for _ in range(MOST_STEPS + 1):
        try:
            with open(path, "rb") as file:
                head = file.read(system.longest_first_line + 1)
        except OSError:
            # It may be executed and not read: nothing is known of it, and nothing speaks against it.
            return
        if system.is_program(head):
            is_env = os.path.basename(path) == "env" and len(target.chain) > 1
            if is_env and system.takes_env_away(path):
                target.env_is_in_the_way = True
            else:
                system.check_program(path, shim)
            if not is_env:
                target.loaded = system.loaded_program(path, arguments, shim)
                return
            path, arguments, target.assigned = _after_env(path, arguments, environment)
            target.after_env = [path, *arguments]
            scripts = 0
        elif head.startswith(b"#!"):
            scripts += 1
            if scripts > system.most_interpreters:
                break
            interpreter, options = _shebang(path, head, system)
            arguments = [*options, path, *arguments]
            path = interpreter
        else:
            # execvp and the shells hand a text without a first line to sh, while the kernel would not start it.
            if b"\0" in head or not head:
                raise Failure(CANNOT_RUN, f"{path} is neither a program of {system.name} nor a script; check with "
                                          f"`file {path}` what it is")
            arguments = [path, *arguments]
            if path == target.path:
                target.path, target.arguments = SHELL, [SHELL, *arguments]
            path = SHELL
        target.chain.append(path)
    raise Failure(CANNOT_RUN, f"{target.path} is a script whose interpreters are scripts, more than "
                              f"{system.most_interpreters} deep; name a program in its first line")


def _search(name: str, environment: dict[bytes, bytes]) -> str:
    if not name:
        raise Failure(NOT_FOUND, "the name of the program is empty; give a name or a path")
    refused = ""
    path_variable = os.fsdecode(environment.get(b"PATH", DEFAULT_PATH.encode()))
    for folder in path_variable.split(":"):
        path = os.path.join(folder or ".", name)
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path
            refused = refused or path
    if refused:
        return refused
    hint = f"; to run the file in this folder, give ./{name}" if os.path.isfile(name) else ""
    raise Failure(NOT_FOUND, f"{name} is in no folder of PATH{hint or '; check its name, or give its path'}")


def _check_executable(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise Failure(NOT_FOUND, f"{path} does not exist; check its path") from None
    except OSError as error:
        raise Failure(CANNOT_RUN, f"{path} cannot be looked at ({error.strerror}); check its path and the "
                                  "permissions of its folders") from error
    if stat.S_ISDIR(mode):
        raise Failure(CANNOT_RUN, f"{path} is a directory; give the path of a program in it")
    if not stat.S_ISREG(mode):
        raise Failure(CANNOT_RUN, f"{path} is no regular file; give the path of a program")
    if not os.access(path, os.X_OK):
        raise Failure(CANNOT_RUN, f"{path} is not executable for you; make it so (chmod +x), or name its interpreter "
                                  "before it")


def _shebang(path: str, head: bytes, system: System) -> tuple[str, list[str]]:
    """The interpreter that a first line names, and the arguments that it gives it."""
    line = head[2:system.longest_first_line + 1]
    for end in system.ends_of_first_line:
        line = line.split(bytes([end]))[0]
    words = line.strip(b" \t").split(None, -1 if system.splits_first_line else 1)
    if not words:
        raise Failure(CANNOT_RUN, f"{path} has a first line that names no interpreter; name one after #!")
    interpreter = os.fsdecode(words[0])
    try:
        _check_executable(interpreter)
    except Failure as failure:
        raise Failure(failure.status, f"{path} names its interpreter in its first line: {failure.sentence}") from None
    return interpreter, [os.fsdecode(word.rstrip(b" \t")) for word in words[1:]]


def _after_env(path: str, arguments: list[str],
               environment: dict[bytes, bytes]) -> tuple[str, list[str], dict[bytes, bytes]]:
    """What `env ARGUMENTS` executes: its file, the arguments after its name, and the variables that it sets before."""
    words = list(arguments)
    assigned: dict[bytes, bytes] = {}
    while words:
        word = words.pop(0)
        if word in ("-i", "-", "--ignore-environment") or word in ("-u", "-C"):
            raise Failure(CANNOT_RUN, f"{path} {word} in a first line changes what the shim is told by; name the "
                                      "interpreter in the first line, or run it by hand")
        if word.startswith("-S") or word.startswith("-vS") or word.startswith("--split-string"):
            import shlex
            text = word.split("=", 1)[1] if "=" in word and word.startswith("--") else word[word.index("S") + 1:]
            try:
                words = shlex.split(text or (words.pop(0) if words else "")) + words
            except ValueError as error:
                raise Failure(CANNOT_RUN, f"{path} -S in a first line cannot be split ({error}); check its quotes") \
                    from None
        elif "=" in word and not word.startswith("-"):
            name, _, value = os.fsencode(word).partition(b"=")
            assigned[name] = value
        elif not word.startswith("-"):
            program = word if "/" in word else _search(word, {**environment, **assigned})
            _check_executable(program)
            return program, words, assigned
    raise Failure(CANNOT_RUN, f"{path} in a first line names no program; name one after it")
