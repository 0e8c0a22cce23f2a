#!/usr/bin/env python3
"""Who finds which of ten planted mistakes, and at what cost: scratch check beside AddressSanitizer, Valgrind memcheck,
Electric Fence and GWP-ASan (in LLVM's Scudo), on one program.

Usage: bench_check.py PLANTED.cpp INCLUDE_FOLDER SHIM CALLS [REPEATS]

The other checkers know no scopes: for them the program frees at the end of its scope what scratch closes there.
Costs are those of `work`, half a million blocks: median of CPU time and of the peak of memory, to the program alone.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

BUGS = ("read_after_scope", "write_after_scope", "read_after_free", "write_after_free", "double_free",
        "overflow_small", "overflow_large", "interior_free", "mismatched_free", "system_call_after_scope")
FLAGS = ["-std=c++20", "-g", "-O1", "-fno-builtin", "-w"]
SECONDS = 120


@dataclass
class Checker:
    name: str
    command: list[str]
    finds: str  # what its report begins with, as a regular expression
    traces: str  # what each further backtrace of a report begins with
    environment: dict[str, str] = field(default_factory=dict)
    dies: bool = False  # its only report is the fault itself


def compile_program(source: str, include: str, output: str, *flags: str) -> str:
    subprocess.run(["g++", *FLAGS, *flags, f"-I{include}", source, "-o", output], check=True)
    return output


def checkers(source: str, include: str, folder: str, shim: str, calls: str) -> tuple[str, list[Checker]]:
    annotated = compile_program(source, include, f"{folder}/annotated")
    freeing = compile_program(source, include, f"{folder}/freeing", "-DPLANTED_SCOPE_FREES")
    preload = {"LD_PRELOAD": f"{shim}:{calls}", "SCRATCH_MODE": "check"}
    ours = r"^scratch: [a-z-]+: "
    found = [
        Checker("scratch check", [annotated], ours, r"^  .* here.*:$", preload | {"SCRATCH_CHECK": "no-escapes"}),
        Checker("scratch check --every-block", [annotated], ours, r"^  .* here.*:$",
                preload | {"SCRATCH_CHECK": "no-escapes,every-block"}),
    ]
    sanitized = compile_program(source, include, f"{folder}/sanitized", "-DPLANTED_SCOPE_FREES",
                                "-fsanitize=address", "-fno-omit-frame-pointer")
    found.append(Checker("AddressSanitizer (recompiled)", [sanitized], "ERROR: AddressSanitizer", r"^ +#0 ",
                         {"ASAN_OPTIONS": "detect_leaks=0"}))
    if shutil.which("valgrind"):
        found.append(Checker("Valgrind memcheck", ["valgrind", "--error-exitcode=99", freeing],
                             r"== (Invalid|Mismatched|Syscall param)", r"==    at 0x"))
    fences = glob.glob("/usr/lib*/libefence.so") + glob.glob("/usr/lib/*/libefence.so")
    if fences:
        found.append(Checker("Electric Fence", [freeing], "ElectricFence Aborting|ElectricFence Exiting: free", r"(?!)",
                             {"LD_PRELOAD": fences[0], "EF_PROTECT_FREE": "1", "EF_ALLOW_MALLOC_0": "1"}, dies=True))
    scudo = sorted(glob.glob("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so"))
    if scudo:
        every = "GWP_ASAN_SampleRate=1:GWP_ASAN_MaxSimultaneousAllocations=4096"
        for name, options in (("GWP-ASan, every block", f"{every}:"), ("GWP-ASan, 1 in 5000", "")):
            found.append(Checker(name, [freeing], "GWP-ASan detected|Scudo ERROR", "was (de)?allocated",
                                 {"LD_PRELOAD": scudo[-1], "SCUDO_OPTIONS": f"{options}GWP_ASAN_Enabled=1"}, dies=True))
    return freeing, found


def environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **more}


def verdict(checker: Checker, bug: str) -> str:
    try:
        done = subprocess.run([*checker.command, bug], env=environment(checker.environment), text=True, check=False,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    if re.search(checker.finds, done.stderr, re.MULTILINE):
        count = len(re.findall(checker.traces, done.stderr, re.MULTILINE))
        went_on = "" if "went on" in done.stdout else ", ends"
        return f"found, {min(count, 3)} traces{went_on}"
    if checker.dies and done.returncode == -11:
        return "dies there"
    return "-" if "went on" in done.stdout else f"ends with {done.returncode}"


def cost(command: list[str], more: dict[str, str], repeats: int) -> tuple[float, float] | None:
    """CPU seconds and megabytes; None where the program does not come to its end."""
    seconds, peaks = [], []
    for _ in range(repeats):
        with open(os.devnull, "w", encoding="ascii") as nowhere:
            process = subprocess.Popen([*command, "work"], env=environment(more), stdout=nowhere, stderr=nowhere)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        if status != 0:
            return None
        seconds.append(usage.ru_utime + usage.ru_stime)
        peaks.append(usage.ru_maxrss / 1024)
    return statistics.median(seconds), statistics.median(peaks)


def main() -> None:
    source, include, shim, calls = sys.argv[1:5]
    repeats = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    with tempfile.TemporaryDirectory(prefix="scratch-bench-") as folder:
        alone, found = checkers(source, include, folder, shim, calls)
        base = cost([alone], {}, repeats)
        assert base is not None
        print("| | " + " | ".join(checker.name for checker in found) + " |")
        print("|---" * (len(found) + 1) + "|")
        for bug in BUGS:
            print(f"| {bug} | " + " | ".join(verdict(checker, bug) for checker in found) + " |", flush=True)
        costs = [cost(checker.command, checker.environment, repeats) for checker in found]
        times = [f"{one[0] / base[0]:.1f}" if one else "does not end" for one in costs]
        peaks = [f"{one[1]:.0f} MB" if one else "does not end" for one in costs]
        print("| CPU time, to that alone | " + " | ".join(times) + " |")
        print(f"| peak of memory ({base[1]:.0f} MB alone) | " + " | ".join(peaks) + " |")


main()
