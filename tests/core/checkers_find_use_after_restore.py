"""AddressSanitizer and Valgrind find uses of memory that was given back, and overruns, in a program that is
linked with a library built without either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reading_programs import SKIPPED, compilers, output_of, temporary_folder
from shutil import which

SOURCE = """
#include <scratch/scratch.h>
#include <stdlib.h>
/* What is read is used, else Valgrind drops the read. */
int main(int count, char **arguments) {
    scratch_stack *stack = scratch_this_thread();
    (void)count;
    const scratch_mark mark = scratch_save(stack);
    scratch_push(stack, 100, 8);
    volatile char *block = scratch_push(stack, 40, 8);
    for (int index = 0; index < 40; ++index) block[index] = 1;
    volatile char *zeros = scratch_push_zero(stack, 70000, 64);
    if (zeros[69999]) return 3;
    switch (atoi(arguments[1])) {
    case 0: return scratch_restore(stack, mark) ? 0 : 4;
    case 1: scratch_restore(stack, mark); return block[0] == 99 ? 6 : 0;
    case 2: block[40] = 1; return 0;
    case 3: return block[-1] == 99 ? 6 : 0;
    case 4: { volatile char *last = scratch_push(stack, 16, 16); last[0] = 1;
              scratch_pop(stack, (void *)last, 16); return last[0] == 99 ? 6 : 0; }
    case 5: { volatile char *last = scratch_push(stack, 64, 16); last[63] = 1;
              scratch_resize(stack, (void *)last, 64, 20, 16); return last[40] == 99 ? 6 : 0; }
    case 6: { { SCRATCH_SCOPE(stack); block = scratch_push(stack, 9000, 16); block[8999] = 1; }
              return block[8999] == 99 ? 6 : 0; }
    }
    return 5;
}
"""
HARMLESS = 0
CASES = {1: "use after restore", 2: "overrun", 3: "underrun", 4: "use after pop", 5: "use after shrinking", 6: "use after a scope"}


def found(command: list[str], library: Path, case: int) -> tuple[bool, str]:
    """Runs one case; whether the checker has complained, and its report."""
    environment = {"LD_LIBRARY_PATH": str(library), "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([*command, str(case)], capture_output=True, text=True, env=environment, check=False)
    return result.returncode != 0, result.stderr


def main(include: Path, library: Path) -> int:
    """Runs each case under each checker."""
    failures = 0
    checked = 0
    with temporary_folder() as folder:
        source = folder / "misuse.c"
        source.write_text(SOURCE)
        options = [f"-I{include}", f"-L{library}", source, "-lscratch", "-g", "-O1"]
        commands: dict[str, list[str]] = {}
        for compiler in compilers("gcc", "clang"):
            program = folder / f"{compiler}-asan"
            output_of(compiler, *options, "-fsanitize=address", "-o", program)
            commands[f"AddressSanitizer of {compiler}"] = [str(program)]
        if which("valgrind"):
            plain = folder / "plain"
            output_of(compilers("gcc", "clang")[0], *options, "-o", plain)
            commands["Valgrind"] = ["valgrind", "-q", "--error-exitcode=9", str(plain)]
        else:
            print("SKIPPED in part: valgrind is not installed", flush=True)
        for name, command in commands.items():
            complained, report = found(command, library, HARMLESS)
            if complained:
                failures += 1
                print(f"{name} complains about a right program:\n{report}")
            for case, title in CASES.items():
                complained, report = found(command, library, case)
                checked += 1
                if not complained or ("poison" not in report and "Invalid" not in report):
                    failures += 1
                    print(f"{name} has not found: {title}\n{report}")
    print(f"{checked - failures} of {checked} found")
    return 1 if failures else (0 if checked else SKIPPED)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
