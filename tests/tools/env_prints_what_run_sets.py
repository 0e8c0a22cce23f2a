"""`eval "$(scratch env OPTIONS)"` gives a shell exactly the environment that `scratch run OPTIONS` gives a program."""

from __future__ import annotations

import subprocess

from fixture import SCRIPT, ToolTest, main

PRINT = "/usr/bin/env -0"
SHELL_OWN = {"_", "PWD", "SHLVL", "OLDPWD"}


def parsed(output: str) -> dict[str, str]:
    pairs = (entry.split("=", 1) for entry in output.split("\0") if entry)
    return {name: value for name, value in pairs if name not in SHELL_OWN}


class EnvPrintsWhatRunSets(ToolTest):
    def test_round_trip(self) -> None:
        other = str(self.allocator("libother.so"))
        odd = "a 'b' \"c\" $HOME `x` \\ ;& \n*"
        for options in ([], ["--mode", "off"], ["--stats=json", "--budget", "512K", "--next", other, "--no-follow"],
                        ["--output", f"/tmp/{odd}", "--exclude", odd]):
            for before in ({}, {"LD_PRELOAD": other}, {"SCRATCH_MODE": "scoped"}):
                environment = self.environment(**before)
                ran = self.scratch("run", *options, *PRINT.split(), environment=environment)
                shell = subprocess.run(["sh", "-c", f'eval "$("$@")"; exec {PRINT}', "sh", SCRIPT, "env", *options],
                                       env=environment, text=True, stdout=subprocess.PIPE, check=True,
                                       stderr=subprocess.PIPE)
                self.assertEqual(parsed(ran.stdout), parsed(shell.stdout), options)

    def test_evaluated_twice_is_the_same(self) -> None:
        once = self.scratch("env").stdout
        again = self.scratch("env", environment=self.environment(LD_PRELOAD=str(self.stub))).stdout
        self.assertEqual(once, again)


main()
