"""On macOS `run` and `env` set DYLD_INSERT_LIBRARIES: the shim, then what was there; scripts get the shim by their
interpreter, without the env that would lose it; and what is not there yet is not offered, and refused in one sentence."""

from __future__ import annotations

import shlex

from fixture import main
from macho_fixture import DYLIB, DarwinTest, fat, macho

NOT_YET = {"--next": "mimalloc", "--region": "f", "--trusted-region": "f", "--frame": "f", "--trusted-frame": "f",
           "--except": "f", "--stack-arguments": "256"}


class ProgramsRunOnMacOS(DarwinTest):
    def setUp(self) -> None:
        super().setUp()
        self.program = self.file("opt/bin/program", fat("x86_64", "arm64"))

    def test_the_environment(self) -> None:
        ended = self.assert_runs("--stats", "--budget", "16M", "--no-follow", self.program, "word",
                                 environment={"KEPT": "yes", "LC_ALL": "C"})
        self.assertEqual([str(self.program), "word"], ended.arguments)
        for name, value in (("DYLD_INSERT_LIBRARIES", str(self.shim)), ("SCRATCH_MODE", "adaptive"),
                            ("SCRATCH_STATS", "1"), ("SCRATCH_BUDGET", str(16 << 20)), ("SCRATCH_FOLLOW", "0"),
                            ("KEPT", "yes"), ("LD_PRELOAD", None), ("SCRATCH_RULES", None)):
            self.assertEqual(value, ended.variable(name), name)

    def test_what_was_there_stays_behind_the_shim(self) -> None:
        for before in ("/other a.dylib:/last.dylib", f"/other a.dylib:{self.shim}:/last.dylib",
                       f"{self.shim}:/other a.dylib::/last.dylib"):
            ended = self.assert_runs(self.program, environment={"DYLD_INSERT_LIBRARIES": before})
            self.assertEqual(f"{self.shim}:/other a.dylib:/last.dylib", ended.variable("DYLD_INSERT_LIBRARIES"))

    def test_env_prints_the_same(self) -> None:
        said = self.scratch("env", "--mode", "scoped", environment={"DYLD_INSERT_LIBRARIES": "/a b.dylib"})
        self.assertEqual(("", 0), (said.error, said.status))
        lines = dict(word.split("=", 1) for word in shlex.split(said.output) if "=" in word)
        self.assertEqual({"DYLD_INSERT_LIBRARIES": f"{self.shim}:/a b.dylib", "SCRATCH_MODE": "scoped"}, lines)

    def test_the_library_is_found_by_its_name_here(self) -> None:
        place = {"SCRATCH_LIBRARY": ""}
        said = self.assert_refused(125, "run", self.program, environment=place,
                                   says=("libscratch-preload.dylib is not in", f"{self.folder}/lib", "SCRATCH_LIBRARY"))
        self.assertNotIn(".so", said)
        (self.folder / "lib").mkdir()
        beside = self.file("lib/libscratch-preload.dylib", self.shim.read_bytes())
        ended = self.scratch("run", self.program, environment=place)
        self.assertEqual(str(beside), ended.variable("DYLD_INSERT_LIBRARIES"))

    def test_libraries_that_cannot_be_used(self) -> None:
        for content, why in ((b"\x7fELF" + bytes(60), "no Mach-O file"), (macho("arm64"), "a program"),
                             (macho("arm64", DYLIB)[:40], "ends before"), (b"", "ends before")):
            library = self.file("other.dylib", content)
            self.assert_refused(125, "run", self.program, environment={"SCRATCH_LIBRARY": str(library)},
                                says=("SCRATCH_LIBRARY", str(library), why))
        (self.folder / "a:b").mkdir()
        library = self.file("a:b/libscratch-preload.dylib", self.shim.read_bytes())
        self.assert_refused(125, "run", self.program, environment={"SCRATCH_LIBRARY": str(library)},
                            says=("DYLD_INSERT_LIBRARIES cannot hold a colon",))
        (self.folder / "a b").mkdir()
        library = self.file("a b/libscratch-preload.dylib", self.shim.read_bytes())
        ended = self.scratch("run", self.program, environment={"SCRATCH_LIBRARY": str(library)})
        self.assertEqual(str(library), ended.variable("DYLD_INSERT_LIBRARIES"))

    def test_a_script_of_an_interpreter_that_may_be_interposed(self) -> None:
        script = self.file("home/script", f"#!{self.program} -a -b # of -c\n")
        ended = self.assert_runs(script, "word")
        self.assertEqual((str(script), [str(script), "word"]), (ended.path, ended.arguments))

    def test_env_of_the_system_is_left_out(self) -> None:
        env = self.folder / "usr/bin/env"
        for line, words in ((f"#!{env} program", []), (f"#!{env} program -x  -y", ["-x", "-y"]),
                            (f"#!{env} -S program -x", ["-x"]), (f"#!{env} NAME=value program", [])):
            script = self.file("home/script", line + "\n")
            ended = self.assert_runs(script, "word")
            self.assertEqual((str(self.program), ["program", *words, str(script), "word"]), (ended.path, ended.arguments))
            self.assertEqual("value" if "NAME" in line else None, ended.variable("NAME"))
        # Another env keeps the variable, and stays.
        self.file("opt/bin/env", macho("arm64"))
        script = self.file("home/script", f"#!{self.folder}/opt/bin/env program\n")
        self.assertEqual(str(script), self.assert_runs(script).path)

    def test_interpreters_of_the_system_are_refused(self) -> None:
        for text in (f"#!{self.folder}/bin/sh -e\n", f"#!{self.folder}/usr/bin/env sh\n"):
            script = self.file("home/script", text)
            self.assert_refused(126, "run", script, says=(f"{self.folder}/bin/sh", "System Integrity Protection"))
        self.assert_refused(126, "run", self.file("home/script", f"#!{self.folder}/usr/bin/env -i program\n"),
                            says=("-i", "first line"))

    def test_only_one_script_interprets_another(self) -> None:
        inner = self.file("opt/bin/inner", f"#!{self.program}\n")
        self.assert_refused(126, "run", self.file("home/script", f"#!{inner}\n"), says=("more than 1 deep",))
        # Through env it is a start of its own.
        ended = self.assert_runs(self.file("home/script", f"#!{self.folder}/usr/bin/env inner\n"))
        self.assertEqual(str(inner), ended.path)
        endless = self.folder / "home/endless"
        self.file("home/endless", f"#!{self.folder}/usr/bin/env {endless}\n")
        self.assert_refused(126, "run", endless, says=("deep",))

    def test_first_lines_end_where_the_kernel_ends_them(self) -> None:
        folder = "x" * 200
        (self.folder / folder).mkdir()
        long = self.file(f"{folder}/program", macho("arm64"))
        self.assert_runs(self.file("home/script", f"#!{' ' * 100}{long}\n"))
        self.assert_refused(126, "run", self.file("home/script", "#! # nothing\n"), says=("names no interpreter",))

    def test_what_is_not_there_yet_is_refused(self) -> None:
        for option, value in NOT_YET.items():
            for command in ("run", "env"):
                program = [self.program] if command == "run" else []
                self.assert_refused(125, command, option, value, *program,
                                    says=(f"{option} is not available on macOS yet; ",))
            rules = self.file("rules", f"budget 8M\n{option[2:]} {value}\n")
            self.assert_refused(125, "run", "--rules", rules, self.program,
                                says=(f"{rules}:2: {option[2:]} is not available on macOS yet; ",))
        self.assert_refused(125, "doctor", "--region", "f", self.program, says=("not available on macOS yet",))
        self.assert_refused(125, "check", self.program, says=("scratch check: ", "not available on macOS yet"))
        self.assert_refused(125, "help", "check", says=("not available on macOS yet",))
        self.assert_refused(125, "run", "--mode", "check", self.program, says=("off, scoped, adaptive\n",))

    def test_and_not_offered(self) -> None:
        self.assertNotIn("check", self.scratch("--help").output.replace("check the installation", ""))
        for command in ("run", "env", "doctor"):
            said = self.scratch(command, "--help")
            self.assertEqual(0, said.status, said.error)
            for option in NOT_YET:
                self.assertNotIn(option, said.output.split("usage:")[1], command)
        self.assertIn("--budget", self.scratch("run", "--help").output)
        mistake = self.scratch("run", "--fly").error
        self.assertIn("--budget", mistake)
        for option in NOT_YET:
            self.assertNotIn(option, mistake)

    def test_rules_files(self) -> None:
        rules = self.file("rules", "budget 16M\nmode scoped\n")
        ended = self.assert_runs("--rules", rules, self.program)
        self.assertEqual((str(16 << 20), "scoped", None),
                         tuple(ended.variable(f"SCRATCH_{name}") for name in ("BUDGET", "MODE", "RULES")))
        # The shim would say that it does not read them, and they have been read.
        ended = self.assert_runs(self.program, environment={"SCRATCH_RULES": str(rules)})
        self.assertEqual((str(16 << 20), ""), (ended.variable("SCRATCH_BUDGET"), ended.variable("SCRATCH_RULES")))


main()
