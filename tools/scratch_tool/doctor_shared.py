"""What `scratch doctor` looks at on every system."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .report_line import FAIL, OK, WARN, Line
from .system import System


def try_loading(shim: str, program: list[str], system: System, environment: dict[bytes, bytes], refusal: str) -> Line:
    """Runs `program` with the shim; `refusal` is what the loader says where it cannot load it."""
    import json
    import subprocess
    own = {**environment, system.preload: os.fsencode(shim), b"SCRATCH_MODE": b"adaptive", b"SCRATCH_STATS": b"json"}
    own.pop(b"SCRATCH_OUTPUT", None)
    own.pop(b"SCRATCH_EXCLUDE", None)
    try:
        done = subprocess.run(program, env=own, stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return FAIL, "loading", f"{program[0]} did not run with it ({error}); build the library anew"
    said = done.stderr.decode("utf-8", "replace").strip()
    if refusal in said:
        return FAIL, "loading", f"the loader refuses the library: {said.splitlines()[0]}; build it on this machine"
    if done.returncode != 0:
        return FAIL, "loading", f"{program[0]} ended with status {done.returncode} under it; build the library anew"
    for line in said.splitlines():
        try:
            json.loads(line)
        except ValueError:
            continue
        return OK, "loading", f"{program[0]} runs with it, and it writes its statistics"
    return WARN, "loading", f"{program[0]} runs with it, but it wrote no statistics; is it the library of this version?"


def addresses() -> Line:
    import resource
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return OK, "addresses", "not limited"
    return WARN, "addresses", f"limited to {limit >> 20} MiB, so the stacks take at most a sixteenth of that, or " \
                              "nothing; ulimit -v unlimited lifts it"


def preloaded(system: System, environment: dict[bytes, bytes], shim: str) -> Iterator[Line]:
    subject = os.fsdecode(system.preload)
    entries = [os.fsdecode(entry) for entry in system.preloaded(environment)]
    if not entries:
        yield OK, subject, "empty"
    for entry in entries:
        if entry == shim:
            yield OK, subject, f"{entry}: the shim is in this environment already"
        elif "/" in entry and not os.path.exists(entry):
            yield WARN, subject, f"{entry} does not exist, and the loader complains each time; take it out"
        else:
            yield OK, subject, f"{entry}: stays, behind the shim"


def settings_of(environment: dict[bytes, bytes]) -> Iterator[Line]:
    for name in sorted(name for name in environment if name.startswith(b"SCRATCH_")):
        yield OK, "environment", f"{os.fsdecode(name)}={os.fsdecode(environment[name])} is set"


def language(path: str, environment: dict[bytes, bytes]) -> Iterator[Line]:
    if os.path.basename(path).lower().startswith("python") and b"PYTHONMALLOC" not in environment:
        yield WARN, "language", "Python has pools of its own in front of malloc; with PYTHONMALLOC=malloc in the " \
                                "environment all is seen"
