"""Compilers and the programs around them."""

from __future__ import annotations

from harness import inputs
from harness.registry import case
from harness.run import Run


@case("cc1plus", "g++")
def cc1plus(run: Run) -> None:
    source = run.input("templates.cpp", inputs.templates_cpp, 1, 25)
    run.command("g++", "-std=c++17", "-O1", "-c", "-o", "made.o", source)
    if run.scale == "test":
        run.command("g++", "-std=c++17", "-fsyntax-only", "-x", "c++", "-", stdin=b"int f( {", status=1)


@case("clang", "clang++")
def clang(run: Run) -> None:
    source = run.input("templates.cpp", inputs.templates_cpp, 1, 20)
    run.command("clang++", "-std=c++17", "-O1", "-c", "-o", "made.o", source)
    if run.scale == "test":
        run.command("clang++", "-std=c++17", "-fsyntax-only", "-x", "c++", "-", stdin=b"int f( {", status=1)


@case("make", "make", "gcc", "ar", exec_heavy=True)
def make(run: Run) -> None:
    project = run.input("project", inputs.c_project, 3, 30)
    arguments = ("make", "-f", project / "Makefile", f"SOURCE={project}")
    run.command(*arguments)
    run.command(*arguments)
    run.command(*arguments, "nothing", status=2)
