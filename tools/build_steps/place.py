"""Writes the copy of tools/scratch for one place: its interpreter, and where its modules and the shim are from there.

Called by meson, for the build tree and for the installed tree. The copy names both by relative paths, so that a tree
may be moved.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

OLDEST = (3, 9)


def interpreter() -> str:
    """The system's Python where it is new enough: the one that runs meson may live in a virtual environment. From that
    of macOS the system takes DYLD_INSERT_LIBRARIES, so that what was there before would be lost; Homebrew's keeps it."""
    homebrew = ("/opt/homebrew/bin/python3", "/usr/local/bin/python3")
    test = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    for system in (*(homebrew if sys.platform == "darwin" else ()), "/usr/bin/python3"):
        if os.access(system, os.X_OK) and subprocess.run([system, "-IS", "-c", test], check=False).returncode == 0:
            return system
    return os.path.realpath(sys.executable)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script")
    parser.add_argument("copy")
    parser.add_argument("--folder", required=True, help="where the copy will stand")
    parser.add_argument("--modules", required=True, help="the folder that holds scratch_tool")
    parser.add_argument("--library", required=True, help="the folder that holds the shim")
    parser.add_argument("--prefix", default="", help="the folder of the shim to try last, as it is")
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    values = {
        "MODULES": os.path.relpath(options.modules, options.folder),
        "LIBRARY": os.path.relpath(options.library, options.folder),
        "PREFIX": options.prefix,
        "VERSION": options.version,
    }
    with open(options.script, encoding="utf-8") as file:
        lines = file.read().splitlines()
    lines[0] = f"#!{interpreter()} -IS"
    for name, value in values.items():
        place, = [index for index, line in enumerate(lines) if line.startswith(f"{name} = ")]
        lines[place] = f"{name} = {value!r}"
    with open(options.copy, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(options.copy, 0o755)


if __name__ == "__main__":
    main()
