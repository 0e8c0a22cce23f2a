"""The completion of bash offers commands, options, values and programs; every option of `run` is in all completions
and in the manual."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

from fixture import SOURCE, ToolTest, main

TOOLS = SOURCE / "tools"
FILES = ("completions/scratch.bash", "completions/_scratch", "completions/scratch.fish", "scratch.1")


class CompletionsComplete(ToolTest):
    def completed(self, *words: str, system: str = "linux-gnu") -> list[str]:
        done = subprocess.run(["bash", "-c", f'OSTYPE={system}; source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                               '_scratch; printf "%s\\n" "${COMPREPLY[@]}"', "bash", str(TOOLS / FILES[0]), *words], text=True,
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.split()

    def test_bash(self) -> None:
        if shutil.which("bash") is None:
            self.skipTest("bash is not installed")
        self.assertEqual(["run"], self.completed("scratch", "r"))
        self.assertEqual(["--stats", "--stats=json"], self.completed("scratch", "run", "--stat"))
        self.assertEqual(["--region", "--rules"], sorted(self.completed("scratch", "doctor", "--r")))
        self.assertIn("printenv", self.completed("scratch", "run", "--region", "f", "printen"))
        self.assertEqual(["epoll_wait"], self.completed("scratch", "run", "--frame", "ep"))
        self.assertEqual(["scoped"], self.completed("scratch", "run", "--mode", "s"))
        self.assertEqual(["mimalloc"], self.completed("scratch", "env", "--next", "mi"))
        self.assertIn("printenv", self.completed("scratch", "run", "--stats", "printen"))

    def test_bash_on_macos_offers_what_is_there(self) -> None:
        if shutil.which("bash") is None:
            self.skipTest("bash is not installed")
        self.assertEqual(["run", "env", "doctor", "--help", "--version"],
                         self.completed("scratch", "", system="darwin23"))
        offered = self.completed("scratch", "run", "--", system="darwin23")
        self.assertIn("--budget", offered)
        for option in ("--next", "--region", "--frame", "--except"):
            self.assertNotIn(option, offered)
        self.assertEqual(["off", "scoped", "adaptive"], self.completed("scratch", "run", "--mode", "", system="darwin23"))

    def test_every_option_is_everywhere(self) -> None:
        said = self.scratch("run", "--help").stdout
        options = set(re.findall(r"--([a-z-]+)", said.split("options:", 1)[1])) - {"help"}
        self.assertIn("budget", options)
        for name in FILES:
            text = (TOOLS / name).read_text().replace("\\-", "-")
            for option in options:
                form = f"-l {option}" if name.endswith(".fish") else f"--{option}"
                self.assertIn(form, text, name)

    def test_the_other_shells_read_theirs(self) -> None:
        for shell, name in (("zsh", FILES[1]), ("fish", FILES[2])):
            if shutil.which(shell) is None:
                print(f"not checked: {shell} is not installed", file=sys.stderr)
                continue
            done = subprocess.run([shell, "-n", str(TOOLS / name)], text=True, stderr=subprocess.PIPE, check=False)
            self.assertEqual((0, ""), (done.returncode, done.stderr), shell)


main()
