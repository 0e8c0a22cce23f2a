"""LD_PRELOAD holds the hook object, the shim, --next, then what was there; a launch inside another keeps its hooks or
puts its own in their place, and functions make the mode scoped unless another is asked for."""

from __future__ import annotations

from pathlib import Path

from fixture import SCRIPT, main
from hooks_fixture import REGION, HookTest, read_object

PRINTS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int twice(int);
int main(int count, char **words) {
    if (count > 1) { execv(words[1], words + 1); return 1; }
    twice(1);
    printf("%s %s\n", getenv("LD_PRELOAD"), getenv("SCRATCH_MODE"));
    return 0;
}
"""


class HookObjectsStandFirst(HookTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.prints = cls.program("prints", str(cls.provider), f"-Wl,-rpath,{cls.folder}", text=PRINTS)

    def run_with(self, environment: dict[str, str], *arguments: object) -> tuple[list[str], str]:
        """The entries of LD_PRELOAD and the mode, as the program has them."""
        done = self.scratch(*arguments, environment=environment)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        preloaded, mode = done.stdout.split()
        return preloaded.split(":"), mode

    def test_order(self) -> None:
        other, after = str(self.allocator("libother.so")), str(self.shared("libafter.so", "int after;"))
        environment = self.fresh(LD_PRELOAD=after)
        preloaded, _ = self.run_with(environment, "run", "--region", "twice", "--next", other, self.prints)
        self.assertEqual([str(self.object_of(environment)), str(self.stub), other, after], preloaded)
        # It is a library that was there before which the hook goes on to.
        front = str(self.shared("libfront.so", "int twice(int value) { return value; }"))
        environment = self.fresh(LD_PRELOAD=front)
        self.run_with(environment, "run", "--region", "libfront.so!twice", self.prints)
        self.assertEqual("libfront.so", self.said(environment)[0][2])

    def test_check_has_them_too(self) -> None:
        calls = str(self.shared("libscratch-check.so", "int check;"))
        environment = self.fresh()
        preloaded, mode = self.run_with(environment, "check", "--trusted-region", "twice", self.prints)
        self.assertEqual([str(self.object_of(environment)), str(self.stub), calls], preloaded)
        self.assertEqual("check", mode)

    def test_mode(self) -> None:
        for options, before, mode in (((), {}, "scoped"), (("--mode", "adaptive"), {}, "adaptive"),
                                      ((), {"SCRATCH_MODE": "adaptive"}, "adaptive")):
            arguments = ["run", "--region", "twice", *options, self.prints]
            self.assertEqual(mode, self.run_with(self.fresh(**before), *arguments)[1])
        self.assertEqual("adaptive", self.run_with(self.fresh(), "run", self.prints)[1])

    def test_launch_inside_keeps_the_hooks(self) -> None:
        environment = self.fresh()
        preloaded, mode = self.run_with(environment, "run", "--region", "twice", self.prints, SCRIPT, "run",
                                        self.prints)
        self.assertEqual([str(self.object_of(environment)), str(self.stub)], preloaded)
        self.assertEqual("scoped", mode)
        self.assertEqual("twice", self.said(environment)[0][0])

    def test_launch_inside_has_its_own_instead(self) -> None:
        environment = self.fresh()
        preloaded, _ = self.run_with(environment, "run", "--frame", "twice", self.prints, SCRIPT, "run", "--region",
                                     "twice", self.prints)
        self.assertEqual(str(self.stub), preloaded[1])
        self.assertEqual(2, len(preloaded))
        self.assertIn(("twice", REGION), [hook[:2] for hook in read_object(Path(preloaded[0]))[0]])

    def test_evaluated_twice_is_the_same(self) -> None:
        options = ["env", "--region", f"{self.provider}!twice"]
        environment = self.fresh()
        once = self.scratch(*options, environment=environment).stdout
        preloaded = once.split("LD_PRELOAD=")[1].split("\n")[0]
        self.assertEqual(once, self.scratch(*options, environment={**environment, "LD_PRELOAD": preloaded}).stdout)
        self.assertEqual(once.replace("scoped", "adaptive"),
                         self.scratch("env", environment={**environment, "LD_PRELOAD": preloaded}).stdout)


main()
