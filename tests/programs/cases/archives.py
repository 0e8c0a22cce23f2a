"""Compressors and tar, there and back again."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run


def _there_and_back(run: Run, program: str, pack: tuple[str, ...], test: int, bench: int) -> None:
    prose = run.input("prose.txt", inputs.prose, test, bench)
    packed = run.command(program, *pack, "-c", prose)
    run.command(program, "-dc", stdin=packed.output)
    run.command(program, "-dc", stdin=packed.output[: len(packed.output) // 2], status=1)


@case("gzip")
def gzip(run: Run) -> None:
    _there_and_back(run, "gzip", ("-n", "-9"), 12000, 250000)


@case("bzip2")
def bzip2(run: Run) -> None:
    prose = run.input("prose.txt", inputs.prose, 12000, 200000)
    packed = run.command("bzip2", "-c", prose)
    run.command("bzip2", "-dc", stdin=packed.output)
    run.command("bzip2", "-dc", stdin=packed.output[:-100], status=2)


@case("xz")
def xz(run: Run) -> None:
    _there_and_back(run, "xz", ("-T2", "--block-size=256KiB", "-6"), 8000, 90000)


@case("zstd")
def zstd(run: Run) -> None:
    _there_and_back(run, "zstd", ("-q", "-T2", "-12"), 12000, 200000)


@case("tar", "tar", "gzip")
def tar(run: Run) -> None:
    tree = run.input("tree", inputs.many_files, 800, 12000)
    fixed = ("--sort=name", "--mtime=@1000000000", "--owner=0", "--group=0", "--numeric-owner", "--format=pax",
             "--pax-option=delete=atime,delete=ctime")  # fmt: skip
    run.command("tar", *fixed, "-C", tree, "-czf", "tree.tar.gz", ".")
    run.command("tar", "-tvf", "tree.tar.gz")
    run.command("mkdir", "extracted")
    run.command("tar", "-xpf", "tree.tar.gz", "-C", "extracted", "--warning=no-timestamp")
    run.command("tar", "-xf", "nowhere.tar", status=2)
