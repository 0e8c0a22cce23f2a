"""A C and a C++ program build against the installed tree, wherever it was moved: by pkg-config, shared and static, and
by CMake."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from fixture import COMPILER, ToolTest, find, installed_and_moved, main

CXX = os.environ.get("CXX", "c++").split()

PROGRAM = """
#include <scratch/annotate.h>
#include <scratch/scratch.h>
#include <stdio.h>
int main(void) {
    scratch_stack *stack = scratch_this_thread();
    SCRATCH_SCOPE(stack);
    int *numbers = scratch_push_array(stack, int, 100);
    for (int i = 0; i < 100; ++i) numbers[i] = i;
    {
        SCRATCH_REGION("sum");
        int sum = 0;
        for (int i = 0; i < 100; ++i) sum += numbers[i];
        printf("%d %d\\n", sum, (int)scratch_owns(stack, numbers));
    }
    return 0;
}
"""
EXPECTED = "4950 1\n"

CMAKE = """
cmake_minimum_required(VERSION 3.10)
project(consumer C CXX)
find_package(scratch REQUIRED)
set(CMAKE_CXX_STANDARD 20)
foreach(kind IN ITEMS scratch scratch_static)
  add_executable(c_${kind} program.c)
  add_executable(cpp_${kind} program.cpp)
  target_link_libraries(c_${kind} scratch::${kind})
  target_link_libraries(cpp_${kind} scratch::${kind})
endforeach()
"""


class InstalledLibraryServesCAndCpp(ToolTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.tree = installed_and_moved(cls.folder)
        for name in ("program.c", "program.cpp"):
            (cls.folder / name).write_text(PROGRAM)
        cls.libraries = find(cls.tree, "libscratch.a")[0].parent

    def output_of(self, program: Path) -> str:
        environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(self.libraries)}
        return subprocess.run([str(program)], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    def flags(self, *which: str) -> list[str]:
        file, = find(self.tree, "scratch.pc")
        said = subprocess.run(["pkg-config", f"--define-variable=prefix={self.tree}", *which, "scratch"], text=True,
                              env={**os.environ, "PKG_CONFIG_PATH": str(file.parent)}, stdout=subprocess.PIPE,
                              check=True).stdout
        return shlex.split(said)

    def build(self, name: str, *link: str) -> Path:
        compiler, source, standard = ((COMPILER, "program.c", "-std=c11") if name.startswith("c-") else
                                      (CXX, "program.cpp", "-std=c++20"))
        program = self.folder / name
        subprocess.run([*compiler, standard, "-Wall", "-Wextra", "-Werror", str(self.folder / source),
                        *self.flags("--cflags"), *link, "-o", str(program)], check=True)
        return program

    def test_pkg_config_shared(self) -> None:
        if shutil.which("pkg-config") is None:
            self.skipTest("pkg-config is not installed")
        for name in ("c-shared", "cpp-shared"):
            self.assertEqual(EXPECTED, self.output_of(self.build(name, *self.flags("--libs"))))

    def test_static_library(self) -> None:
        if shutil.which("pkg-config") is None:
            self.skipTest("pkg-config is not installed")
        for name in ("c-static", "cpp-static"):
            program = self.build(name, str(self.libraries / "libscratch.a"), "-pthread")
            self.assertEqual(EXPECTED, self.output_of(program))

    def test_cmake(self) -> None:
        if shutil.which("cmake") is None:
            self.skipTest("cmake is not installed")
        (self.folder / "CMakeLists.txt").write_text(CMAKE)
        build = self.folder / "cmake"
        # Which libdir CMake looks into is its own affair, and differs between systems.
        package = find(self.tree, "scratchConfig.cmake")[0].parent
        for step in (["cmake", "-S", str(self.folder), "-B", str(build), f"-Dscratch_DIR={package}"],
                     ["cmake", "--build", str(build)]):
            done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stdout)
        for kind in ("scratch", "scratch_static"):
            for language in ("c", "cpp"):
                self.assertEqual(EXPECTED, self.output_of(build / f"{language}_{kind}"))


main()
