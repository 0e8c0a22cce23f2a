"""Each public header compiles alone, without a warning, as C11 and C++20, with each compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reading_programs import compilers, temporary_folder

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()
INSIDE = {"inline.h", "inline.hpp", "support.h"}  # parts of scratch.h and scratch.hpp
# For C++ also what a C library's header is likely to be compiled with.
LANGUAGES = {
    "c": (["gcc", "clang"], [["-std=c11"], ["-std=c11", "-O2", "-Wstrict-prototypes"], ["-std=c17"]]),
    "c++": (["g++", "clang++"], [["-std=c++20"], ["-std=c++20", "-O2"]]),
}


def older_language(headers: Path, folder: Path) -> int:
    """Before C++20 scratch.hpp says so in one error, and the others compile; annotate.h with casts of C++ only."""
    failures = 0
    source = folder / "older.cpp"
    for compiler in compilers("g++", "clang++"):
        command = [compiler, "-std=c++17", *WARNINGS, f"-I{headers}", "-fsyntax-only", str(source)]
        for header in ("scratch.h", "annotate.h", "scratch.hpp"):
            source.write_text(f"#include <scratch/{header}>\nextern int something;\n")
            more = ["-Wold-style-cast"] if header == "annotate.h" else []
            result = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
            errors = result.stderr.count("error:")
            told = errors == 1 and "needs C++20" in result.stderr
            if not (told if header == "scratch.hpp" else result.returncode == 0):
                failures += 1
                print(f"{header} as C++17: {errors} errors", " ".join(command), result.stderr, sep="\n")
    return failures


def main(headers: Path) -> int:
    """Compiles one line that includes the header."""
    failures = 0
    with temporary_folder() as folder:
        for language, (names, modes) in LANGUAGES.items():
            for compiler in compilers(*names):
                for header in sorted(headers.glob("scratch/*")):
                    if header.name in INSIDE or (language == "c" and header.suffix == ".hpp"):
                        continue
                    source = folder / f"one.{language.replace('+', 'p')}"
                    # The translation unit must not be empty, says -Wpedantic.
                    source.write_text(f"#include <scratch/{header.name}>\nextern int something;\n")
                    for mode in modes:
                        command = [compiler, "-x", language, *mode, *WARNINGS, f"-I{headers}", "-fsyntax-only", str(source)]
                        result = subprocess.run(command, capture_output=True, text=True, check=False)
                        if result.returncode != 0:
                            failures += 1
                            print(" ".join(command), result.stderr, sep="\n")
        failures += older_language(headers, folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
