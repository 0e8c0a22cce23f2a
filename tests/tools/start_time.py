"""A benchmark: how long `scratch` takes to start a program, and to refuse one, beside the program alone."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from fixture import SCRIPT, compile_text
from hooks_fixture import STAND_IN

ROUNDS = 41
LIMIT = 0.050


def median_time(command: list[str], environment: dict[str, str]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="scratch-bench-") as folder:
        stub, static, script = (Path(folder) / name for name in ("libscratch-preload.so", "static", "script"))
        compile_text(STAND_IN, stub, "-shared", "-fPIC")
        compile_text("int main(void) { return 0; }", static, "-static")
        script.write_text("#!/usr/bin/env -S sh -e\n", encoding="utf-8")
        script.chmod(0o755)
        environment = {"PATH": os.environ["PATH"], "SCRATCH_LIBRARY": str(stub), "XDG_CACHE_HOME": folder}
        print(f"{'command':34} {'median':>9} {'of 50 ms':>9}")
        print(f"{'true, without scratch':34} {median_time(['/bin/true'], environment) * 1e3:6.1f} ms")
        for arguments in (["run", "/bin/true"], ["run", "--next", "mimalloc", "/bin/true"], ["run", str(script)],
                          ["run", "--frame", "poll", "/usr/bin/sort"],
                          ["run", "--region", "libc.so.6!*printf*", "/usr/bin/sort"], ["run", str(static)],
                          ["run", "/etc"], ["run", "no-such-program"], ["env"], ["--version"]):
            taken = median_time([SCRIPT, *arguments], environment)
            shown = " ".join(os.path.basename(word) for word in arguments)
            print(f"scratch {shown:26} {taken * 1e3:6.1f} ms {taken / LIMIT:9.2f}")


main()
