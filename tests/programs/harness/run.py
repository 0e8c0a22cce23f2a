"""One run of a case in one variant: commands, servers, and a record of all they did."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Union

from harness.directories import Generator, InputCache, Workplace
from harness.variants import Variant

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TIMED_OUT = -1000

Argument = Union[str, int, Path]
# Takes the words of a command and its environment, and gives those to be run instead.
Wrapper = Callable[[list[str], dict[str, str]], tuple[list[str], dict[str, str]]]


class CaseFailure(Exception):
    """The case itself went wrong: an unexpected status, a server that does not answer."""


@dataclass(frozen=True)
class Outcome:
    """What one command did. `status` is the exit status, or minus the number of the signal."""

    command: str
    status: int
    output: bytes
    errors: bytes


@dataclass
class Record:
    """Everything that is compared between two runs."""

    outcomes: list[Outcome] = field(default_factory=list)
    facts: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def describe_status(status: int) -> str:
    """An exit status in words."""
    if status == TIMED_OUT:
        return "timed out"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
        return f"killed by signal {-status}"
    return f"exit status {status}"


class Run:
    """What a case's body works with."""

    def __init__(
        self,
        variant: Variant,
        scale: str,
        workplace: Workplace,
        inputs: InputCache,
        port: int,
        wrapper: Optional[Wrapper] = None,
        extra: Optional[Mapping[str, str]] = None,
        patience: float = 1.0,
    ) -> None:
        self.variant = variant
        self.scale = scale
        self.workplace = workplace
        self.inputs = inputs
        self.port = port
        self.wrapper = wrapper
        self.extra = dict(extra or {})
        self.patience = patience
        self.record = Record()
        self._servers = 0

    @property
    def output(self) -> Path:
        """The current directory of the commands; all files in it are compared."""
        return self.workplace.output

    @property
    def state(self) -> Path:
        """A directory for files that are not compared."""
        return self.workplace.state

    def scaled(self, test: int, bench: int) -> int:
        """`test` or `bench`, by the scale of this run."""
        return test if self.scale == "test" else bench

    def input(self, name: str, generator: Generator, test: int, bench: int) -> Path:
        """A generated input file or directory, cached; read only."""
        return self.inputs.get(name, generator, self.scaled(test, bench))

    def write(self, name: str, text: str) -> Path:
        """Write a small file such as a script into `state` and return its path."""
        path = self.state / name
        path.write_text(text)
        return path

    def fact(self, name: str, value: bytes) -> None:
        """Add something the body found out (an answer of a server) to what is compared."""
        self.record.facts[name] = value

    def environment(self, more: Optional[Mapping[str, str]] = None, preload: bool = True) -> dict[str, str]:
        """The whole environment of a command: fixed, but for what the variant is about."""
        values = {
            "PATH": PATH,
            "HOME": str(self.state),
            "TMPDIR": str(self.state),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            **self.extra,
            **(more or {}),
        }
        if preload and self.variant.library is not None:
            objects = [o for o in (self.variant.in_front, self.variant.library, self.variant.behind) if o is not None]
            # A hook object needs the shim by its path, so both stay where they are.
            hooked = self.variant.in_front is not None
            values["LD_PRELOAD"] = ":".join(str(path if hooked else self.workplace.library(path)) for path in objects)
            values.update(self.variant.environment)
            # What is measured is not counted: counts cost time, and the harness looks for no file then.
            if self.variant.is_shim and self.wrapper is None:
                values["SCRATCH_OUTPUT"] = str(self.workplace.statistics / "%e.%p")
        return values

    def command(
        self,
        *words: Argument,
        stdin: Union[bytes, Path, None] = None,
        env: Optional[Mapping[str, str]] = None,
        status: Optional[int] = 0,
        preload: bool = True,
        compared: bool = True,
        timeout: float = 120.0,
    ) -> Outcome:
        """Run a command to its end, record what it did and check its exit status.

        `status` is what a plain run must end with (None: anything). `preload=False` is for helpers
        that are not tested, and `compared=False` for output that cannot be the same twice.
        """
        argv = [str(word) for word in words]
        shown = shlex.join(argv)
        values = self.environment(env, preload)
        if preload and self.wrapper is not None:
            argv, values = self.wrapper(argv, values)
        folder = self.workplace.root
        with contextlib.ExitStack() as stack:
            if isinstance(stdin, Path):
                source = stack.enter_context(open(stdin, "rb"))
            else:
                (folder / "stdin").write_bytes(stdin or b"")
                source = stack.enter_context(open(folder / "stdin", "rb"))
            out = stack.enter_context(open(folder / "stdout", "w+b"))
            err = stack.enter_context(open(folder / "stderr", "w+b"))
            process = subprocess.Popen(
                argv,
                stdin=source,
                stdout=out,
                stderr=err,
                cwd=self.output,
                env=values,
                start_new_session=True,
            )
            try:
                code = process.wait(timeout * self.patience)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = TIMED_OUT
            out.seek(0)
            err.seek(0)
            outcome = Outcome(shown, code, out.read(), err.read())
        if compared:
            self.record.outcomes.append(outcome)
        if status is not None and code != status and (self.variant.library is None or not compared):
            raise CaseFailure(self._explain(outcome, status))
        return outcome

    @staticmethod
    def _explain(outcome: Outcome, status: int) -> str:
        tail = (outcome.output[-1000:] + outcome.errors[-2000:]).decode(errors="replace")
        expected = describe_status(status)
        return f"{outcome.command}: {describe_status(outcome.status)}, expected {expected}\n{tail}"

    @contextlib.contextmanager
    def server(
        self,
        *words: Argument,
        ready: Callable[[], bool],
        stop: Callable[[], None],
        env: Optional[Mapping[str, str]] = None,
        timeout: float = 30.0,
    ) -> Iterator[None]:
        """A server while the block runs: started, awaited until `ready`, ended by `stop`.

        Its exit status is compared; its log, which has times in it, is shown when it fails.
        """
        argv = [str(word) for word in words]
        shown = shlex.join(argv)
        values = self.environment(env)
        if self.wrapper is not None:
            argv, values = self.wrapper(argv, values)
        self._servers += 1
        log = self.state / f"server-{self._servers}.log"
        with open(log, "wb") as sink:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=self.state,
                env=values,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + timeout * self.patience
            while not ready():
                if process.poll() is not None:
                    raise CaseFailure(self._server_story(shown, process.returncode, log, "ended at its start"))
                if time.monotonic() > deadline:
                    raise CaseFailure(self._server_story(shown, TIMED_OUT, log, "is not ready"))
                time.sleep(0.02)
            try:
                yield
            except CaseFailure as failure:
                text = self._server_story(shown, process.poll(), log, "was running")
                raise CaseFailure(f"{failure}\n{text}") from failure
            stop()
            try:
                code = process.wait(timeout * self.patience)
            except subprocess.TimeoutExpired:
                raise CaseFailure(self._server_story(shown, TIMED_OUT, log, "does not stop")) from None
            self.record.outcomes.append(Outcome(shown, code, b"", b""))
            if code != 0:
                raise CaseFailure(self._server_story(shown, code, log, "failed"))
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @staticmethod
    def _server_story(command: str, status: Optional[int], log: Path, what: str) -> str:
        tail = log.read_bytes()[-3000:].decode(errors="replace")
        state = "running" if status is None else describe_status(status)
        return f"server {command} {what} ({state}); its log ends:\n{tail}"

    def collect_files(self) -> None:
        """Put every file below `output` into the record: kind, permissions and content."""
        for path in sorted(self.output.rglob("*")):
            name = str(path.relative_to(self.output))
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = b"link to " + os.fsencode(os.readlink(path))
            elif stat.S_ISREG(mode):
                content = b"file %o\n" % stat.S_IMODE(mode) + path.read_bytes()
            else:
                content = b"kind %o" % mode
            self.record.files[name] = content


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
