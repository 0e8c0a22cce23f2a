"""What is installed is found by pkg-config and by CMake, shared and static, from any prefix; what is only built, by
pkg-config."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reading_programs import compilers, need, output_of, temporary_folder

PROGRAM = """
#include <scratch/scratch.h>
int main(void) { return scratch_push(scratch_this_thread(), 10, 1) == 0; }
"""
CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(scratch 0.1 REQUIRED)
add_executable(shared user.c)
target_link_libraries(shared scratch::scratch)
add_executable(static user.c)
target_link_libraries(static scratch::scratch_static)
"""


def one(found: list[Path], name: str) -> Path:
    """The one file of this name."""
    if len(found) != 1:
        sys.exit(f"expected one {name} among what is installed, found {found}")
    return found[0]


def main(build: Path) -> int:
    """Installs into a folder, moves it, and builds programs against it."""
    meson = need("meson")
    pkg_config = need("pkg-config")
    compiler = compilers("gcc", "clang")[0]
    with temporary_folder() as folder:
        environment = {**os.environ, "DESTDIR": str(folder / "staged")}
        command = [meson, "install", "-C", str(build), "--no-rebuild", "--quiet"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"meson install failed:\n{result.stdout}{result.stderr}")
        header = one(list((folder / "staged").rglob("scratch.h")), "scratch.h")
        prefix = header.parents[2].rename(folder / "moved")
        package = one(list(prefix.rglob("scratch.pc")), "scratch.pc")
        libraries = one(list(prefix.rglob("libscratch.so.0")), "libscratch.so.0").parent
        (folder / "user.c").write_text(PROGRAM)
        (folder / "CMakeLists.txt").write_text(CMAKE_LISTS)
        os.environ["LD_LIBRARY_PATH"] = str(build / "core")
        os.environ["PKG_CONFIG_PATH"] = str(build / "meson-uninstalled")
        found = ["--cflags", "--libs", "scratch"]
        output_of(compiler, folder / "user.c", *output_of(pkg_config, *found).split(), "-o", folder / "only-built")
        output_of(folder / "only-built")
        os.environ["LD_LIBRARY_PATH"] = str(libraries)
        os.environ["PKG_CONFIG_PATH"] = str(package.parent)
        found = [f"--define-variable=prefix={prefix}", "--cflags", "--libs", "scratch"]
        output_of(compiler, folder / "user.c", *output_of(pkg_config, *found).split(), "-o", folder / "installed")
        output_of(folder / "installed")
        if shutil.which("cmake") is None:
            print("SKIPPED in part: cmake is not installed", flush=True)
            return 0
        output_of("cmake", "-S", folder, "-B", folder / "built", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={compiler}")
        output_of("cmake", "--build", folder / "built")
        output_of(folder / "built" / "shared")
        output_of(folder / "built" / "static")
    print("found by pkg-config and by CMake, shared and static")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
