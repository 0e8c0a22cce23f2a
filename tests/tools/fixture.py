"""What the tests of the tool share: the script under test, small programs and libraries built on the spot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SCRIPT = os.environ.get("SCRATCH_SCRIPT", str(SOURCE / "tools" / "scratch"))
COMPILER = os.environ.get("CC", "cc").split()
SKIPPED = 77

# Stands for the shim: says that it was loaded, if asked, and where.
STUB = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void say(void) {
    const char *file = getenv("STUB_SAYS"), *mode = getenv("SCRATCH_MODE");
    if (file) {
        FILE *out = fopen(file, "a");
        fprintf(out, "%s %s\n", NAME, mode ? mode : "unset");
        fclose(out);
    }
    const char *stats = getenv("SCRATCH_STATS");
    if (stats && strcmp(stats, "json") == 0)
        if (write(2, "{\"calls\": 0}\n", 13) != 13) abort();
}
"""

# Makes an allocator of it.
ALLOCATOR = r"""
extern void *__libc_malloc(size_t);
void *malloc(size_t size) { return __libc_malloc(size); }
"""

# Prints what it was given and what it is.
PROGRAM = r"""
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
    printf("%d", (int)getpid());
    for (int i = 0; i < count; ++i) printf("|%s", words[i]);
    puts("");
    return 7;
}
"""


class ToolTest(unittest.TestCase):
    """A test with a folder of its own, a stub of the shim in it, and a clean environment."""

    folder: Path
    stub: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls._made = tempfile.TemporaryDirectory(prefix="scratch-test-")
        cls.folder = Path(cls._made.name).resolve()
        cls.folder.chmod(0o755)
        cls.stub = cls.library("libscratch-preload.so")

    @classmethod
    def tearDownClass(cls) -> None:
        cls._made.cleanup()

    @classmethod
    def library(cls, name: str, folder: Path | None = None, text: str = STUB) -> Path:
        path = (folder or cls.folder) / name
        compile_text(text, path, "-shared", "-fPIC", f'-DNAME="{name}"')
        return path

    @classmethod
    def allocator(cls, name: str) -> Path:
        return cls.library(name, text=STUB + ALLOCATOR)

    @classmethod
    def program(cls, name: str, *flags: str, text: str = PROGRAM) -> Path:
        path = cls.folder / name
        compile_text(text, path, *flags)
        return path

    @classmethod
    def script(cls, name: str, text: str, mode: int = 0o755) -> Path:
        path = cls.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "SCRATCH_LIBRARY": str(self.stub), **more}

    def scratch(self, *arguments: object, environment: dict[str, str] | None = None,
                **options) -> subprocess.CompletedProcess[str]:
        """Runs the tool to its end; standard output and error are kept as text."""
        return subprocess.run([SCRIPT, *map(str, arguments)], text=True, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              env=self.environment() if environment is None else environment, **options)

    def assert_refused(self, status: int, *arguments: object, says: tuple[str, ...],
                       environment: dict[str, str] | None = None) -> str:
        """The tool ends with `status`, nothing on standard output, and one sentence that holds all of `says`."""
        done = self.scratch(*arguments, environment=environment)
        self.assertEqual((status, ""), (done.returncode, done.stdout), done.stderr)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        self.assertTrue(done.stderr.startswith("scratch"), done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)
        return done.stderr


class DoctorTest(unittest.TestCase):
    """What the tests of `scratch doctor` ask of its lines."""

    def lines_of_doctor(self, output: str) -> list[list[str]]:
        """Its lines as [level, subject, what was found]."""
        lines = [line.split(None, 2) for line in output.splitlines()]
        self.assertTrue(all(line[0] in ("ok", "warn", "fail") for line in lines), output)
        return lines

    def found(self, lines: list[list[str]], level: str, subject: str) -> str:
        texts = [text for at, about, text in lines if (at, about) == (level, subject)]
        self.assertTrue(texts, (level, subject, lines))
        return texts[-1]


def compile_text(text: str, output: Path, *flags: str) -> None:
    subprocess.run([*COMPILER, "-x", "c", "-", "-x", "none", "-o", str(output), "-w", *flags], input=text, text=True, check=True)


def find(root: Path, name: str) -> list[Path]:
    """The files of that name anywhere below `root`."""
    return sorted(path for path in root.rglob(name) if not path.is_dir())


def installed_and_moved(folder: Path) -> Path:
    """Installs the build under test below `folder`, moves what its prefix would be, and returns the new place."""
    build = os.environ.get("SCRATCH_BUILD", "")
    if not build:
        print("SKIPPED: SCRATCH_BUILD names no build folder; meson test sets it")
        sys.exit(SKIPPED)
    destination = folder / "destination"
    done = subprocess.run([*os.environ.get("MESON", "meson").split(), "install", "-C", build, "--no-rebuild",
                           "--destdir", str(destination)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    script, = (path for path in find(destination, "scratch") if path.parent.name == "bin")
    return script.parent.parent.rename(folder / "moved")


def modules() -> None:
    """Makes the modules of the tool importable, for tests of a single one."""
    sys.path.insert(0, str(SOURCE / "tools"))


def main() -> None:
    """Runs the tests of the calling file; exits 77 and says so loudly where any could not run."""
    if shutil.which(COMPILER[0]) is None:
        print(f"SKIPPED: there is no C compiler ({COMPILER[0]}), so nothing of {sys.argv[0]} was tested")
        sys.exit(SKIPPED)
    result = unittest.main(exit=False, verbosity=2).result
    for test, reason in result.skipped:
        print(f"SKIPPED: {test}: {reason}", flush=True)
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(SKIPPED if result.skipped else 0)
