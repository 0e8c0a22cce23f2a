"""A rules file says what options say: the same words and values, the command line after it; a mistake in it is told
with file and line, in one sentence."""

from __future__ import annotations

from fixture import main
from hooks_fixture import FRAME, PAUSED, REGION, HookTest, read_object

RULES = """# what orders are made of
region  libprovider.so.1!twice   # parsed
\tframe thrice

except calls_inside
stack-arguments 256
budget 8M
mode adaptive
stats json
no-follow
exclude sh,bash
log info
"""


class RulesFiles(HookTest):
    def rules(self, text: str, name: str = "rules") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def settings(self, *options: str, **more: str) -> dict[str, str]:
        done = self.scratch("env", *options, environment=self.fresh(LD_LIBRARY_PATH=str(self.folder), **more))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        pairs = (line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
        return {name: value.strip("'") for name, value in pairs}

    def test_every_word(self) -> None:
        path = self.rules(RULES)
        for arguments, more in ((["--rules", path], {}), ([], {"SCRATCH_RULES": path})):
            hooks = self.hooks(*arguments, "--stats=text", "--log=warn", self.caller, **more)
            self.assertEqual({"twice": REGION, "thrice": FRAME, "calls_inside": PAUSED},
                             {name: hook.kind for name, hook in hooks.items()})
            self.assertEqual({256}, {hook.stack_bytes for hook in hooks.values()})
        prints = self.program("prints", str(self.provider), f"-Wl,-rpath,{self.folder}", text=PRINTS)
        done = self.scratch("run", "--rules", path, prints, environment=self.fresh())
        settings = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("SCRATCH_"))
        settings.pop("SCRATCH_LIBRARY")
        self.assertEqual({"SCRATCH_BUDGET": "8388608", "SCRATCH_MODE": "adaptive", "SCRATCH_STATS": "json",
                          "SCRATCH_FOLLOW": "0", "SCRATCH_EXCLUDE": "sh,bash", "SCRATCH_LOG": "info",
                          "SCRATCH_RULES": path}, settings)

    def test_the_command_line_has_the_last_word(self) -> None:
        path = self.rules("budget 8M\nmode off\n")
        self.assertEqual(("65536", "off"), tuple(self.settings("--rules", path, "--budget", "64K")[name]
                                                for name in ("SCRATCH_BUDGET", "SCRATCH_MODE")))
        other = self.rules("budget 1M\n", "other")
        self.assertEqual("1048576", self.settings("--rules", other, SCRATCH_RULES=path)["SCRATCH_BUDGET"])
        self.assertEqual("8388608", self.settings(SCRATCH_RULES=path, SCRATCH_BUDGET="1")["SCRATCH_BUDGET"])

    def test_functions_of_both_count(self) -> None:
        path = self.rules("region twice\n")
        self.assertEqual({"twice", "thrice"}, set(self.hooks("--rules", path, "--region", "thrice", self.caller)))

    def test_without_functions_the_shim_can_tell_that_it_was_read(self) -> None:
        environment = self.fresh(SCRATCH_RULES=self.rules("budget 1M\n"))
        self.assertEqual(0, self.scratch("run", self.caller, environment=environment).returncode)
        self.assertEqual(([], []), read_object(self.object_of(environment)))

    def test_launches_inside_do_not_read_it_again(self) -> None:
        path = self.rules("region twice\n")
        environment = self.fresh(SCRATCH_RULES=path)
        done = self.scratch("run", self.script("nested", f"#!{self.caller_that_execs()}\n"), environment=environment)
        self.assertEqual((0, "through\n"), (done.returncode, done.stdout), done.stderr)

    def caller_that_execs(self):
        """Calls the function of the rules, then starts `scratch run` with a program that does not have it."""
        from fixture import SCRIPT
        return self.program("execs", str(self.provider), f"-Wl,-rpath,{self.folder}",
                            text=EXECS.replace("SCRIPT", f'"{SCRIPT}"'))

    def test_empty_files_and_values(self) -> None:
        self.settings("--rules", self.rules(""))
        self.settings("--rules", self.rules("#\n   \n\t# nothing\r\n"))
        self.assertEqual("65536", self.settings("--rules", self.rules("\ufeffbudget 64K\n"))["SCRATCH_BUDGET"])
        self.assertEqual("adaptive", self.settings(SCRATCH_RULES="")["SCRATCH_MODE"])
        self.assert_refused(125, "env", "--rules=", says=("--rules", "empty"))

    def test_mistakes_are_told_with_their_line(self) -> None:
        for line, says in (("regoin twice", ("regoin is no rule", "region, trusted-region")),
                           ("region", ("region was given",)), ("budget 8X", ("budget: '8X' is no number of bytes",)),
                           ("mode fast", ("mode: 'fast'", "scoped")), ("region a b", ("'a b'",)),
                           ("rules other", ("rules is no rule",)), ("no-follow yes", ("no-follow",)),
                           ("--region twice", ("--region is no rule",)), ("stats xml", ("'xml'",)),
                           ("r\x1b", ("is no rule",))):
            path = self.rules(f"# first\n\n{line}\n")
            for command in ("run", "env", "doctor"):
                said = self.assert_refused(125, command, "--rules", path, *([self.caller] if command != "env" else []),
                                           says=(f"{path}:3: ", *says))
                self.assertNotIn("--rules", said.replace("--region is", ""))

    def test_functions_that_are_not_there(self) -> None:
        path = self.rules("region twice\nregion twise\n")
        self.assert_refused(125, "run", self.caller, environment=self.fresh(SCRATCH_RULES=path),
                            says=(f"{path}:2: region twise cannot be hooked", "do you mean twice"))

    def test_files_that_are_none(self) -> None:
        binary = self.folder / "binary"
        binary.write_bytes(b"region\0\n")
        for path, why in (("/no/such/file", "No such file"), (str(self.folder), "Is a directory"),
                          (str(binary), "no text"), ("/dev/zero", "no text")):
            self.assert_refused(125, "run", "--rules", path, "true", says=(path, why))
            self.assert_refused(125, "run", "true", environment=self.environment(SCRATCH_RULES=path), says=(path, why))


PRINTS = """
#include <stdio.h>
extern char **environ;
int twice(int); int thrice(int); int calls_inside(int);
int main(void) { for (char **at = environ; *at; ++at) puts(*at); return twice(0) + thrice(0) + calls_inside(-1); }
"""
EXECS = """
#include <unistd.h>
int twice(int);
int main(void) { twice(1); execl(SCRIPT, "scratch", "run", "/bin/echo", "through", (char *)0); return 1; }
"""

main()
