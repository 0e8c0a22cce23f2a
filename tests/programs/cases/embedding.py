"""Programs around libraries, compiled here: an interpreter that is embedded, a library that leaks."""

from __future__ import annotations

from pathlib import Path

from harness.registry import case
from harness.run import CaseFailure, Run

SOURCES = Path(__file__).resolve().parents[1] / "embedding"


def _flags(run: Run, *words: str) -> list[str]:
    found = run.command(*words, preload=False, compared=False)
    if found.status != 0:
        raise CaseFailure(f"{words[0]} does not say how to compile: {found.errors!r}")
    return found.output.decode().split()


@case("embedded-python", "cc", "python3-config")
def embedded_python(run: Run) -> None:
    program = run.state / "embedder"
    flags = _flags(run, "python3-config", "--includes", "--ldflags", "--embed")
    run.command("cc", "-O1", "-o", program, SOURCES / "embedder.c", *flags, preload=False, compared=False)
    settings = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    run.command(program, run.scaled(2000, 60000), env=settings)


@case("leaking-library", "cc", "xml2-config")
def leaking_library(run: Run) -> None:
    library, program = run.state / "liblinks.so", run.state / "follower"
    flags = _flags(run, "xml2-config", "--cflags", "--libs")
    run.command("cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCES / "links.c", *flags, preload=False, compared=False)
    run.command("cc", "-O1", "-o", program, SOURCES / "follower.c", library, "-Wl,-rpath,$ORIGIN", preload=False,
                compared=False)  # fmt: skip
    run.command(program, run.scaled(20000, 1000000))
