"""The program that is to be run: where it is, what runs it, and whether the shim can be preloaded into it."""

from __future__ import annotations

import os
import stat

from .elf import Elf, ElfError
from .failure import CANNOT_RUN, NOT_FOUND, Failure

# As Linux has them: the bytes of a first line that count, and how many interpreters may need interpreters.
LONGEST_SHEBANG = 255
MOST_INTERPRETERS = 5

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

    @property
    def binary(self) -> str:
        """The executable whose code runs at last, as far as the first lines of scripts tell."""
        path = self.after_env[0] if self.after_env else self.chain[-1]
        if len(self.chain) > 1 or not _is_loader(path):
            return path
        words = [word for word in self.arguments[1:] if not word.startswith("-")]
        return words[0] if words and os.path.isfile(words[0]) else path

    def skip_env(self) -> None:
        """Starts what `#!/usr/bin/env NAME` names without env: for --no-follow, where env would be the last to
        have the shim."""
        if self.after_env:
            self.path = self.after_env[0]
            self.arguments = [os.path.basename(self.path)] + self.after_env[1:]


def find(name: str, arguments: list[str], environment: dict[bytes, bytes]) -> Target:
    """The target for `name` as a shell would find it: as a path where it holds a slash, else in PATH."""
    path = name if "/" in name else _search(name, environment)
    _check_executable(path)
    return Target(path, [name, *arguments])


def check(target: Target, shim: str, environment: dict[bytes, bytes]) -> None:
    """Raises Failure unless the shim would be loaded into `target`; follows first lines to the interpreter."""
    shim_elf = Elf(shim)
    path, arguments = target.path, target.arguments[1:]
    for _ in range(MOST_INTERPRETERS + 1):
        try:
            with open(path, "rb") as file:
                head = file.read(LONGEST_SHEBANG + 1)
        except OSError:
            # It may be executed and not read: nothing is known of it, and nothing speaks against it.
            return
        if head.startswith(b"\x7fELF"):
            _check_binary(path, shim_elf)
            if os.path.basename(path) != "env" or len(target.chain) == 1:
                return
            path, arguments = _after_env(path, arguments, environment)
            target.after_env = [path, *arguments]
        elif head.startswith(b"#!"):
            interpreter, option = _shebang(path, head)
            arguments = ([option] if option else []) + [path, *arguments]
            path = interpreter
        else:
            # execvp and the shells hand a text without a first line to sh, while the kernel would not start it.
            if b"\0" in head or not head:
                raise Failure(CANNOT_RUN, f"{path} is neither a program of this system nor a script; check with "
                                          f"`file {path}` what it is")
            arguments = [path, *arguments]
            if path == target.path:
                target.path, target.arguments = SHELL, [SHELL, *arguments]
            path = SHELL
        target.chain.append(path)
    raise Failure(CANNOT_RUN, f"{target.path} is a script whose interpreters are scripts, more than "
                              f"{MOST_INTERPRETERS} deep; name a program in its first line")


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


def _shebang(path: str, head: bytes) -> tuple[str, str]:
    words = head[2:LONGEST_SHEBANG + 1].split(b"\n")[0].strip(b" \t").split(None, 1)
    if not words:
        raise Failure(CANNOT_RUN, f"{path} has a first line that names no interpreter; name one after #!")
    interpreter = os.fsdecode(words[0])
    try:
        _check_executable(interpreter)
    except Failure as failure:
        raise Failure(failure.status, f"{path} names its interpreter in its first line: {failure.sentence}") from None
    return interpreter, os.fsdecode(words[1].rstrip(b" \t")) if len(words) > 1 else ""


def _after_env(path: str, arguments: list[str], environment: dict[bytes, bytes]) -> tuple[str, list[str]]:
    """What `env ARGUMENTS` executes: its file and the arguments after its name."""
    words = list(arguments)
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
        elif not word.startswith("-") and "=" not in word:
            program = word if "/" in word else _search(word, environment)
            _check_executable(program)
            return program, words
    raise Failure(CANNOT_RUN, f"{path} in a first line names no program; name one after it")


def _check_binary(path: str, shim: Elf) -> None:
    try:
        elf = Elf(path)
    except ElfError as error:
        raise Failure(CANNOT_RUN, f"{path} is a damaged program ({error}); install it anew") from None
    if not elf.same_kind(shim):
        raise Failure(CANNOT_RUN, f"{path} is a {elf.kind} program and the shim is {shim.kind}; use a {shim.kind} "
                                  "build of the program, or build the shim for its kind")
    if elf.interpreter is None:
        if _is_loader(path):
            return
        raise Failure(CANNOT_RUN, f"{path} is statically linked, and nothing can be preloaded into that; use a "
                                  "dynamically linked build of it, or link it with libscratch")
    libc, ours = _libc_of(os.path.basename(elf.interpreter)), _libc_of_library(shim)
    if libc and ours and libc != ours:
        raise Failure(CANNOT_RUN, f"{path} uses another libc ({libc}) than the shim ({ours}); use a build of it for "
                                  f"{ours}, or build the shim with {libc}")
    if not os.path.exists(elf.interpreter):
        raise Failure(CANNOT_RUN, f"{path} needs the loader {elf.interpreter}, which is not here; install the libc "
                                  "that it was built for")
    _check_privileges(path)


def _is_loader(path: str) -> bool:
    """The dynamic loader run by hand preloads into the program that it is given."""
    name = os.path.basename(os.path.realpath(path))
    return name.startswith(("ld-linux", "ld64.so", "ld.so", "ld-2."))


def _libc_of(loader: str) -> str:
    if "musl" in loader:
        return "musl"
    if "uClibc" in loader:
        return "uClibc"
    if loader.startswith("linker"):
        return "bionic"
    if loader.startswith(("ld-linux", "ld64.so", "ld.so", "ld-2.")):
        return "glibc"
    return ""


def _libc_of_library(library: Elf) -> str:
    try:
        needed = library.needed()
    except (OSError, ElfError):
        return ""
    if "libc.so.6" in needed:
        return "glibc"
    return "musl" if any("musl" in name for name in needed) else ""


def _check_privileges(path: str) -> None:
    """The loader ignores preloaded libraries where the kernel says that the program gained privileges (AT_SECURE):
    its effective user or group would differ from the real one, or it gets capabilities which a user does not have.
    So a program that is setuid root is as any other when root runs it."""
    status = os.stat(path)
    user, group = os.getuid(), os.getgid()
    why = ""
    if status.st_mode & stat.S_ISUID and status.st_uid != user:
        why = "is setuid"
    elif status.st_mode & stat.S_ISGID and status.st_mode & stat.S_IXGRP and status.st_gid != group:
        why = "is setgid"
    elif user != 0 and _has_capabilities(path):
        why = "has file capabilities"
    if why and not _privileges_ignored(path):
        raise Failure(CANNOT_RUN, f"{path} {why}, and the loader ignores preloaded libraries in a program that gains "
                                  "privileges; run it as the user that it becomes, or run a copy without them")
    if os.geteuid() != user or os.getegid() != group:
        raise Failure(CANNOT_RUN, f"{path} would be started with the privileges that scratch itself was given, and "
                                  "the loader ignores preloaded libraries then; start scratch as a plain user")


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except (OSError, AttributeError):
        return False


def _privileges_ignored(path: str) -> bool:
    """On a file system mounted nosuid, and for a process that said it wants no new privileges."""
    try:
        if os.statvfs(path).f_flag & os.ST_NOSUID:
            return True
        with open("/proc/self/status", encoding="utf-8") as file:
            return any(line.split() == ["NoNewPrivs:", "1"] for line in file)
    except OSError:
        return False
