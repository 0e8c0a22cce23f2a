"""A script is judged by what runs it: its first line is followed, through `env` and through other scripts."""

from __future__ import annotations

from pathlib import Path

from fixture import ToolTest, main


class ScriptsAreFollowedToTheirInterpreter(ToolTest):
    def loaded(self, script: Path, *options: str) -> list[str]:
        """What the stub said while `script` ran, which must exit 7; the options are those of run."""
        said = self.folder / "said"
        said.write_text("")
        done = self.scratch("run", *options, script, "argument", environment=self.environment(
            STUB_SAYS=str(said), PATH=f"{self.folder}:/usr/bin:/bin"))
        self.assertEqual(7, done.returncode, done.stderr)
        self.output = done.stdout
        return said.read_text().splitlines()

    def test_plain(self) -> None:
        for name, line in (("plain", "#!/bin/sh"), ("option", "#! /bin/sh -e"), ("tabs", "#!\t/bin/sh\t")):
            script = self.script(name, f"{line}\necho $0 $1\nexit 7\n")
            self.assertEqual(1, len(self.loaded(script)))
            self.assertEqual(f"{script} argument\n", self.output)

    def test_through_env(self) -> None:
        for name, line in (("env", "#!/usr/bin/env sh"), ("split", "#!/usr/bin/env -S sh -e"),
                           ("assigned", "#!/usr/bin/env -S NAME=value sh")):
            script = self.script(name, f"{line}\nexit 7\n")
            self.assertEqual(2, len(self.loaded(script)), "env and sh")

    def test_through_another_script(self) -> None:
        inner = self.script("inner", "#!/bin/sh\necho $*\nexit 7\n")
        self.assertEqual(1, len(self.loaded(self.script("outer", f"#!{inner} given\n"))))
        self.assertEqual(f"given {self.folder}/outer argument\n", self.output)

    def test_without_a_first_line_sh_runs_it(self) -> None:
        self.assertEqual(1, len(self.loaded(self.script("bare", "echo $1; exit 7\n"))))
        self.assertEqual("argument\n", self.output)

    def test_no_follow_reaches_the_program_behind_env(self) -> None:
        # A shim that does not follow leaves LD_PRELOAD at its first exec, and env does exec.
        script = self.script("direct", "#!/usr/bin/env -S sh -e\necho $0 $1\nexit 7\n")
        self.assertEqual(1, len(self.loaded(script, "--no-follow")), "sh alone")
        self.assertEqual(f"{script} argument\n", self.output)

    def test_interpreter_that_cannot_be_interposed(self) -> None:
        static = self.program("static", "-static")
        for name, line in (("a", f"#!{static}"), ("b", "#!/usr/bin/env static"), ("c", "#!/usr/bin/env -S static -x")):
            script = self.script(name, line + "\n")
            self.assert_refused(126, "run", script, says=(str(static), "statically linked"),
                                environment=self.environment(PATH=f"{self.folder}:/usr/bin"))

    def test_interpreter_that_is_missing(self) -> None:
        self.assert_refused(127, "run", self.script("gone", "#!/no/such/shell\n"), says=("gone", "/no/such/shell"))
        self.assert_refused(127, "run", self.script("gone2", "#!/usr/bin/env no-such-shell\n"),
                            says=("no-such-shell", "PATH"))

    def test_interpreter_that_is_not_executable(self) -> None:
        self.script("text", "", 0o644)
        self.assert_refused(126, "run", self.script("bad", f"#!{self.folder}/text\n"), says=("not executable",))
        self.assert_refused(126, "run", self.script("folder", "#!/usr\n"), says=("/usr is a directory",))

    def test_first_line_that_names_nothing(self) -> None:
        self.assert_refused(126, "run", self.script("nothing", "#!\n"), says=("names no interpreter",))
        # env alone starts the script again, and again.
        self.assert_refused(126, "run", self.script("nothing2", "#!/usr/bin/env\n"), says=("more than 5 deep",))

    def test_first_line_that_drops_the_environment(self) -> None:
        self.assert_refused(126, "run", self.script("clean", "#!/usr/bin/env -S -i sh\n"), says=("-i", "first line"))

    def test_first_line_with_an_open_quote(self) -> None:
        self.assert_refused(126, "run", self.script("quote", "#!/usr/bin/env -S sh 'x\n"), says=("quotes",))

    def test_endless_chain(self) -> None:
        self.script("turn", f"#!{self.folder}/turn\n")
        self.assert_refused(126, "run", self.folder / "turn", says=("more than 5 deep",))


main()
