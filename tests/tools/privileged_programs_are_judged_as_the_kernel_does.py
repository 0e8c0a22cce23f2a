"""A program that gains privileges is refused; one that gains none for this user runs, setuid bit or not."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest

from fixture import SOURCE, ToolTest, main

NOBODY = 65534
SETCAP = shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin")


@unittest.skipUnless(os.geteuid() == 0, "only root can make programs of other owners")
class PrivilegedProgramsAreJudgedAsTheKernelDoes(ToolTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # The tool as another user sees it: where the sources lie that user may not even look.
        shutil.copytree(SOURCE / "tools", cls.folder / "tools")
        cls.tool = cls.folder / "tools" / "scratch"

    def status(self, program: object, user: int) -> tuple[int, str, bool]:
        """Exit status, standard error, and whether the library was loaded, for a run as `user`."""
        said = self.folder / "said"
        said.write_text("")
        said.chmod(0o666)
        done = subprocess.run([str(self.tool), "run", str(program)], env=self.environment(STUB_SAYS=str(said)),
                              text=True, user=user, group=user, extra_groups=[], check=False, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stderr, bool(said.read_text())

    def made(self, name: str, mode: int, owner: int) -> object:
        program = self.program(name)
        os.chown(program, owner, owner)
        program.chmod(mode)
        return program

    def test_setuid_root(self) -> None:
        program = self.made("setuid-root", 0o4755, 0)
        status, error, _ = self.status(program, NOBODY)
        self.assertEqual(126, status, error)
        self.assertIn("is setuid", error)
        self.assertEqual((7, "", True), self.status(program, 0), "root gains nothing")

    def test_setuid_of_another(self) -> None:
        program = self.made("setuid-nobody", 0o4755, NOBODY)
        self.assertEqual(126, self.status(program, 0)[0], "root becomes another user, and that counts")
        self.assertEqual((7, "", True), self.status(program, NOBODY))

    def test_setgid(self) -> None:
        program = self.made("setgid", 0o2755, 0)
        status, error, _ = self.status(program, NOBODY)
        self.assertEqual(126, status, error)
        self.assertIn("is setgid", error)
        self.assertEqual((7, "", True), self.status(program, 0))

    def test_setgid_without_group_execution_is_none(self) -> None:
        program = self.made("setgid-lock", 0o2745, 0)
        self.assertEqual((7, "", True), self.status(program, NOBODY))

    def test_interpreter_of_a_script(self) -> None:
        program = self.made("setuid-interpreter", 0o4755, 0)
        script = self.script("its-script", f"#!{program}\n")
        self.assertEqual(126, self.status(script, NOBODY)[0])

    def test_setuid_script_gains_nothing(self) -> None:
        script = self.script("setuid-script", "#!/bin/sh\nexit 7\n")
        script.chmod(0o4755)
        self.assertEqual((7, "", True), self.status(script, NOBODY))

    def test_scratch_with_privileges_of_its_own(self) -> None:
        # Real and effective user differ before any exec: the loader of each program from here on ignores preloads.
        program, said = self.program("plain"), self.folder / "said"
        for command, expected in (([str(self.tool), "run", str(program)], 126), ([str(program)], 7)):
            said.write_text("")
            said.chmod(0o666)
            done = subprocess.run(command, env=self.environment(STUB_SAYS=str(said), LD_PRELOAD=str(self.stub)),
                                  preexec_fn=lambda: os.seteuid(NOBODY), check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, cwd="/")
            self.assertEqual((expected, ""), (done.returncode, said.read_text()), done.stderr)

    def test_no_new_privileges(self) -> None:
        program = self.made("setuid-tame", 0o4755, 0)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            self.skipTest("setpriv is not installed")
        said = self.folder / "said-tame"
        said.write_text("")
        said.chmod(0o666)
        done = subprocess.run([setpriv, "--no-new-privs", str(self.tool), "run", str(program)], user=NOBODY,
                              group=NOBODY, extra_groups=[], env=self.environment(STUB_SAYS=str(said)), text=True,
                              check=False, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((7, ""), (done.returncode, done.stderr))
        self.assertTrue(said.read_text())

    @unittest.skipIf(SETCAP is None, "setcap is not installed")
    def test_file_capabilities(self) -> None:
        program = self.made("capable", 0o755, 0)
        if subprocess.run([str(SETCAP), "cap_net_bind_service=ep", str(program)], check=False).returncode != 0:
            self.skipTest("this file system keeps no capabilities")
        status, error, _ = self.status(program, NOBODY)
        self.assertEqual(126, status, error)
        self.assertIn("file capabilities", error)
        self.assertEqual((7, "", True), self.status(program, 0))


main()
