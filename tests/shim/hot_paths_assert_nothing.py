#!/usr/bin/env python3
"""The C++ library's assertions are in nothing that goes into other programs, even where the build or its environment asks
for them: each source of the preloaded object and of the stack allocator is preprocessed by its own command, with the
request in front as newer meson versions and distributions make it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

REQUEST = "-D_GLIBCXX_ASSERTIONS=1"
PARTS = ("shim/libscratch-preload.so.p/", "core/libscratch_core.a.p/")


def macros(entry: dict[str, str], request: str) -> set[str]:
    """The names that are defined when the source has been read."""
    words = shlex.split(entry["command"])
    at = next(index for index, word in enumerate(words) if word.startswith("-"))
    keep = [word for word in words[at:] if not word.startswith("-M")]
    # The names behind -o, -MF and -MQ.
    for option in ("-o", "-MF", "-MQ"):
        value = words[words.index(option) + 1] if option in words else None
        keep = [word for word in keep if word not in (option, value)]
    said = subprocess.run([*words[:at], request, *keep, "-E", "-dM"], cwd=entry["directory"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return {line.split()[1].split("(")[0] for line in said.splitlines()}


def main(build: Path) -> int:
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    failures = 0
    for part in PARTS:
        sources = [entry for entry in commands if part in entry["output"] and entry["file"].endswith(".cpp")]
        if not sources:
            print(f"FAILED: nothing is compiled into {part}")
            failures += 1
        for entry in sources:
            if "_GLIBCXX_ASSERTIONS" in macros(entry, REQUEST):
                print(f"FAILED: {entry['file']} is compiled with assertions")
                failures += 1
    # What asks for nothing shows that the question can be answered with yes.
    one = {**commands[0], "command": commands[0]["command"].replace("-U_GLIBCXX_ASSERTIONS", "")}
    if "_GLIBCXX_ASSERTIONS" not in macros(one, REQUEST):
        print("FAILED: the request itself is not seen")
        failures += 1
    return 1 if failures else 0


sys.exit(main(Path(sys.argv[1])))
