"""A push of known size, inlined, is five instructions: load top, lea, compare, jump, store."""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path

from reading_programs import SKIPPED, compilers, need, output_of, temporary_folder

SOURCE = """
#include <scratch/scratch.h>
void *push_24(scratch_stack *stack) { return scratch_push(stack, 24, 8); }
void *push_64(scratch_stack *stack) { return scratch_push(stack, 64, 16); }
void *push_4096(scratch_stack *stack) { return scratch_push(stack, 4096, 1); }
struct four { double a, b, c, d; };
struct four *push_struct(scratch_stack *stack) { return scratch_push_struct(stack, struct four); }
void *push_array(scratch_stack *stack) { return scratch_push_array(stack, long, 100); }
"""
EXPECTED = [r"mov\s+\(%rdi\),%rax", r"lea\s+0x[0-9a-f]+\(%rax\),%\w+", r"cmp\s+.*0x8\(%rdi\)", r"j[ab]\s", r"mov\s+%\w+,\(%rdi\)"]


def functions(listing: str) -> dict[str, list[str]]:
    """The instructions of each function up to its first return."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in listing.splitlines():
        if heading := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            name = heading[1]
            found[name] = []
        elif name and (instruction := re.match(r"\s+[0-9a-f]+:\s+(.+)", line)):
            text = instruction[1].strip()
            if text.startswith("ret"):
                name = ""
            elif not text.startswith("endbr64"):
                found[name].append(text)
    return found


def main(include: str) -> int:
    """Compiles the pushes with each compiler and reads what came out."""
    if platform.machine() != "x86_64":
        print("SKIPPED: the instructions expected here are those of x86-64")
        return SKIPPED
    need("objdump")
    failures = 0
    with temporary_folder() as folder:
        source = folder / "pushes.c"
        source.write_text(SOURCE)
        for compiler in compilers("gcc", "clang"):
            compiled = folder / f"{compiler}.o"
            output_of(compiler, "-std=c11", "-O2", f"-I{include}", "-c", source, "-o", compiled)
            listing = output_of("objdump", "-d", "--no-show-raw-insn", compiled)
            read = functions(listing)
            assert len(read) == SOURCE.count("return"), read
            for name, instructions in read.items():
                right = len(instructions) == len(EXPECTED) and all(map(re.match, EXPECTED, instructions))
                if not right:
                    failures += 1
                    print(f"{compiler}: {name} is not the five instructions:", *instructions, sep="\n    ")
    print(f"{failures} of the pushes are not five instructions" if failures else "all pushes are five instructions")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]).resolve())))
