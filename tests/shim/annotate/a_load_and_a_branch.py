#!/usr/bin/env python3
"""Without the shim each annotation costs a load, a test and a branch, read from the machine code (x86-64).

The way that is walked is the one without the shim: whatever is loaded from the global offset table and
tested is null, and so is a token.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77

# probe: loads of an address of the shim
LOADS = {"region": 1, "enter": 1, "leave": 0, "turn": 1, "alloc": 1, "give_back": 1}
LOAD_TEST_BRANCH = 3
# A compiler may keep the stack aligned for the call that is not made: one instruction before, one after.
ALIGNMENT = 2

Instruction = tuple[int, str, str]


@dataclass
class Walk:
    instructions: list[str] = field(default_factory=list)
    loads: int = 0
    branches: int = 0


def functions(listing: str) -> dict[str, list[Instruction]]:
    """name -> (address, mnemonic, operands with the relocation, if any, behind them)."""
    found: dict[str, list[Instruction]] = {}
    current: list[Instruction] = []
    for line in listing.splitlines():
        if header := re.match(r"[0-9a-f]+ <(\w+)>:$", line):
            current = found.setdefault(header[1], [])
        elif relocation := re.match(r"\s+[0-9a-f]+: (R_X86_64_\S+\s+\S+)", line):
            address, mnemonic, operands = current[-1]
            current[-1] = (address, mnemonic, f"{operands} {relocation[1]}")
        elif code := re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*([^#]*)", line):
            current.append((int(code[1], 16), code[2], code[3].strip()))
    return found


def walk(function: list[Instruction]) -> Walk:
    """Follows the function from its entry to its return, or to the jump to another one."""
    walked = Walk()
    index = {address: position for position, (address, _, _) in enumerate(function)}
    position = 0
    while True:
        _, mnemonic, operands = function[position]
        position += 1
        if mnemonic.startswith(("nop", "endbr", "cs", "data16")):
            continue
        walked.instructions.append(f"{mnemonic} {operands}")
        walked.loads += bool(re.search(r"GOTPCREL\S*\s+scratch_annotate", operands))
        if mnemonic == "ret" or (mnemonic == "jmp" and "R_X86_64" in operands):
            return walked
        if mnemonic.startswith("j"):
            walked.branches += mnemonic != "jmp"
            if mnemonic in ("jmp", "je"):
                position = index[int(operands.split()[0], 16)]


def problems(function: dict[str, list[Instruction]], kind: str) -> list[str]:
    found = []
    for name, loads in LOADS.items():
        annotated, plain = walk(function[name]), walk(function[f"{name}_plain"])
        extra = len(annotated.instructions) - len(plain.instructions)
        print(f"{kind:24} {name:10} {extra} more instructions, {annotated.loads} loads, "
              f"{annotated.branches} branches")  # fmt: skip
        expected = LOAD_TEST_BRANCH - (1 - loads)
        if (
            annotated.loads != loads
            or annotated.branches != 1
            or not expected <= extra <= expected + ALIGNMENT
        ):
            listing = "\n    ".join(annotated.instructions)
            found.append(f"FAILED: {kind}, {name}:\n    {listing}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--include", type=Path, required=True, help="folder that holds scratch/annotate.h")
    parser.add_argument("--compiler", action="append", required=True, help="repeatable")
    options = parser.parse_args()

    if platform.machine() != "x86_64" or shutil.which("objdump") is None:
        print("SKIPPED: needs objdump and an x86-64 machine")
        return SKIPPED
    found = []
    ran = 0
    with tempfile.TemporaryDirectory() as directory:
        compiled = Path(directory) / "probes.o"
        for compiler in options.compiler:
            if shutil.which(compiler) is None:
                print(f"SKIPPED: {compiler} is not installed")
                continue
            for language in ("c", "c++"):
                for position in ("-fPIE", "-fno-pie"):
                    command = [compiler, "-x", language, "-O2", position, f"-I{options.include}"]
                    subprocess.run(
                        [*command, "-c", str(HERE / "probes.c"), "-o", str(compiled)], check=True
                    )
                    listing = subprocess.run(
                        ["objdump", "-dr", "--no-show-raw-insn", str(compiled)],
                        check=True,
                        capture_output=True,
                        text=True,
                    ).stdout
                    found += problems(functions(listing), f"{compiler} {language} {position}")
                    ran += 1
    for text in found:
        print(text)
    return 1 if found else 0 if ran else SKIPPED


if __name__ == "__main__":
    sys.exit(main())
