"""What `meson install` wrote runs from its prefix, through DESTDIR, and after the whole tree was moved."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from fixture import SCRIPT, SOURCE, ToolTest, find, installed_and_moved, main

class InstalledTreeMayBeMoved(ToolTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.tree = installed_and_moved(cls.folder)
        cls.shim = find(cls.tree, "libscratch-preload.so")

    def run_moved(self, *arguments: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin"}
        if not self.shim:
            environment["SCRATCH_LIBRARY"] = str(self.stub)
        return subprocess.run([str(script or self.tree / "bin" / "scratch"), *arguments], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_run_takes_the_library_of_the_moved_tree(self) -> None:
        done = self.run_moved("run", "/usr/bin/printenv", "LD_PRELOAD")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual(str(self.shim[0] if self.shim else self.stub), done.stdout.strip())

    def test_through_a_symbolic_link(self) -> None:
        link = self.folder / "scratch-link"
        link.symlink_to(self.tree / "bin" / "scratch")
        done = self.run_moved("run", "sh", "-c", "exit 5", script=link)
        self.assertEqual((5, ""), (done.returncode, done.stderr))

    def test_a_copy_of_the_script_alone_says_what_it_misses(self) -> None:
        for original in (self.tree / "bin" / "scratch", Path(SCRIPT), SOURCE / "tools" / "scratch"):
            copy = self.folder / "alone" / "bin" / "scratch"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, copy)
            done = self.run_moved("run", "true", script=copy)
            self.assertEqual((125, ""), (done.returncode, done.stdout), done.stderr)
            self.assertEqual(1, done.stderr.count("\n"), done.stderr)
            self.assertTrue(done.stderr.startswith("scratch: its modules are not where"), done.stderr)
            self.assertIn("scratch_tool", done.stderr)

    def test_doctor_is_content(self) -> None:
        done = self.run_moved("doctor")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_modules_are_compiled(self) -> None:
        self.assertEqual({path.stem for path in find(self.tree, "*.py") if path.parent.name == "scratch_tool"},
                         {path.name.split(".")[0] for path in find(self.tree, "*.pyc")
                          if path.parent.parent.name == "scratch_tool"})

    def test_manual_and_completions(self) -> None:
        for name in ("scratch.1", "_scratch", "scratch.fish"):
            self.assertEqual(1, len(find(self.tree, name)), name)
        self.assertTrue((self.tree / "share/bash-completion/completions/scratch").exists())

    def test_without_its_library_it_says_where_it_looked(self) -> None:
        copy = self.folder / "copy"
        shutil.copytree(self.tree, copy, symlinks=True)
        for library in find(copy, "libscratch-preload.so"):
            library.unlink()
        done = subprocess.run([str(copy / "bin" / "scratch"), "run", "true"], env={"PATH": "/usr/bin"}, text=True,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode == 0:
            self.skipTest("a library is installed in the prefix itself")
        self.assertEqual(125, done.returncode)
        self.assertIn(str(copy), done.stderr)
        self.assertIn("SCRATCH_LIBRARY", done.stderr)


main()
