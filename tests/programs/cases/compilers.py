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


_CMAKE = """
set(seen "")
set(x 7)
foreach(i RANGE 1 ROUNDS)
  math(EXPR x "(${x} * 1103515245 + 12345) % 2147483648")
  math(EXPR k "${x} % 977")
  string(REGEX REPLACE "([0-9])([0-9])" "\\\\2<\\\\1>" text "k${k}-${x}")
  list(APPEND seen "${text}")
  set(value_${k} "${value_${k}};${i}")
  list(LENGTH value_${k} n)
  if(n GREATER 8)
    list(SUBLIST value_${k} 4 -1 value_${k})
  endif()
endforeach()
list(REMOVE_DUPLICATES seen)
list(SORT seen)
list(LENGTH seen count)
list(JOIN seen "\\n" joined)
file(WRITE seen.txt "${joined}")
string(SHA256 digest "${joined}")
message(STATUS "${count} ${digest} ${value_7}")
message(FATAL_ERROR "the end")
"""


@case("cmake")
def cmake(run: Run) -> None:
    script = run.write("script.cmake", _CMAKE.replace("ROUNDS", str(run.scaled(2500, 30000))))
    run.command("cmake", "-P", script, status=1)


@case("ninja", "ninja", "bash", exec_heavy=True)
def ninja(run: Run) -> None:
    count = run.scaled(24, 900)
    rules = "rule make\n  command = echo $out $in | tr a-z A-Z >$out\n  description = $out\n"
    edges = "".join(
        f"build part{n}: make {' '.join(f'part{k}' for k in range(max(0, n // 2 - 2), n // 2) if k < n)}\n"
        for n in range(count)
    )
    plan = run.write("build.ninja", f"builddir = {run.state}\n{rules}{edges}build broken: make nowhere\ndefault part{count - 1}\n")
    run.command("ninja", "-j1", "-f", plan)
    run.command("ninja", "-f", plan, "-t", "commands", f"part{count - 1}")
    run.command("ninja", "-j1", "-f", plan, *(f"part{n}" for n in range(count)))
    run.command("ninja", "-j1", "-f", plan, "broken", status=1)


@case("lld", "ld.lld", "gcc")
def lld(run: Run) -> None:
    """A linker with threads, in C++."""
    made = run.input("made.o", inputs.object_file, 1, 40)
    for n in range(run.scaled(1, 6)):
        run.command("ld.lld", "-shared", "--threads=2", "--gc-sections", "--build-id=sha1", "-O2",
                    "--compress-debug-sections=zlib", "-o", f"linked{n}.so", made)  # fmt: skip
    run.command("ld.lld", "-o", "program", made, status=1)


@case("bison")
def bison(run: Run) -> None:
    count = run.scaled(60, 420)
    tokens = "".join(f"%token T{n}\n" for n in range(count))
    rules = "".join(
        f"r{n}: T{n} r{(n + 1) % count} T{(n * 7) % count} | r{(n * 3 + 1) % count} '+' T{n} {{ $$ = $1; }} | '(' r{n} ')' | T{n}\n;\n"
        for n in range(count)
    )
    grammar = run.write("grammar.y", f"%{{\nint yylex(void); void yyerror(const char *);\n%}}\n{tokens}%%\n{rules}%%\n")
    run.command("bison", "--no-lines", "-v", "-Wno-other", "-Wno-conflicts-sr", "-Wno-conflicts-rr", "-o", "parser.c", grammar)
    broken = run.write("broken.y", "%%\nr: nowhere\n")
    run.command("bison", "-o", "broken.c", broken, status=1)
