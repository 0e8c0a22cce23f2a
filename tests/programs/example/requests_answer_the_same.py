#!/usr/bin/env python3
"""The annotated example prints the same whatever its regions are and whoever serves them."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
REGIONS = ["none", "counted", "trusted"]
FORMATS = ["xml", "json", "both"]
MODES = ["off", "scoped", "adaptive"]
# Enough requests that a region which keeps or loses memory shows.
SIZE = ["60", "300"]


def run(program: Path, arguments: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SCRATCH_")}
    clean.pop("LD_PRELOAD", None)
    done = subprocess.run(
        [str(program), *arguments, *SIZE],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def unserved(program: Path, shim: Path, region: str) -> str | None:
    """Why the requests did not run on scratch memory, though they asked for it."""
    environment = {"LD_PRELOAD": str(shim), "SCRATCH_MODE": "scoped", "SCRATCH_STATS": "json"}
    _, _, errors = run(program, [region, "both"], environment)
    statistics = json.loads(errors)
    requests = 2 * int(SIZE[0])
    if statistics["regions_entered"] != requests:
        return f"{statistics['regions_entered']} regions instead of {requests}"
    if statistics["scratch_calls"] < statistics["next_calls"]:
        return "most calls went to the next allocator"
    if statistics["escapes"] != 0:
        return f"{statistics['escapes']} blocks outlived their request"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, help="the example, where libxml2 and jansson are there")
    parser.add_argument("--shim", type=Path, help="libscratch-preload.so, where it is built")
    options = parser.parse_args()
    if options.program is None:
        print("SKIPPED: the example needs the development packages of libxml2 and jansson")
        return SKIPPED
    environments: dict[str, dict[str, str]] = {"alone": {}}
    if options.shim is None:
        print("SKIPPED: the runs behind the shim: it is not built")
    else:
        for mode in MODES:
            environments[mode] = {"LD_PRELOAD": str(options.shim), "SCRATCH_MODE": mode}

    failures = 0
    for format_name in FORMATS:
        expected = run(options.program, ["none", format_name], {})
        if expected[0] != 0 or "checksum" not in expected[1] or expected[2]:
            print(f"FAILED: alone, none, {format_name}: {expected}")
            return 1
        for region, (name, environment) in itertools.product(REGIONS, environments.items()):
            got = run(options.program, [region, format_name], environment)
            if got != expected:
                print(f"FAILED: {name}, {region}, {format_name}: {got} instead of {expected}")
                failures += 1
    if options.shim is not None:
        for region in ("counted", "trusted"):
            problem = unserved(options.program, options.shim, region)
            if problem is not None:
                print(f"FAILED: {region}: {problem}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
