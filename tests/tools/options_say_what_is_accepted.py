"""Every option reaches the environment, and a wrong one gets one sentence: what was given, what is accepted."""

from __future__ import annotations

import os
import shutil
import subprocess

from fixture import SCRIPT, ToolTest, main


class OptionsSayWhatIsAccepted(ToolTest):
    def settings(self, *options: str, **before: str) -> dict[str, str]:
        """What the program sees of SCRATCH_*, but the library."""
        done = self.scratch("run", *options, "--", "/usr/bin/env", environment=self.environment(**before))
        self.assertEqual((0, ""), (done.returncode, done.stderr.replace('{"calls": 0}\n', "")))
        pairs = dict(line.split("=", 1) for line in done.stdout.splitlines())
        return {name[8:]: value for name, value in pairs.items()
                if name.startswith("SCRATCH_") and name != "SCRATCH_LIBRARY"}

    def test_default(self) -> None:
        self.assertEqual({"MODE": "adaptive"}, self.settings())

    def test_every_mode_and_level(self) -> None:
        for mode in ("off", "scoped", "adaptive"):
            self.assertEqual({"MODE": mode}, self.settings("--mode", mode))
        for level in ("off", "error", "warn", "info", "debug"):
            self.assertEqual({"MODE": "adaptive", "LOG": level}, self.settings(f"--log={level}"))

    def test_budget_in_every_unit(self) -> None:
        for text, size in (("65536", 65536), ("64K", 65536), ("512K", 524288), ("8M", 8388608), ("2g", 2147483648),
                           ("300KiB", 307200), ("1mib", 1048576), ("9223372036854775807", 9223372036854775807)):
            self.assertEqual({"MODE": "adaptive", "BUDGET": str(size)}, self.settings("--budget", text))

    def test_statistics(self) -> None:
        self.assertEqual({"MODE": "adaptive", "STATS": "1"}, self.settings("--stats"))
        self.assertEqual({"MODE": "adaptive", "STATS": "1"}, self.settings("--stats=text"))
        self.assertEqual({"MODE": "adaptive", "STATS": "json"}, self.settings("--stats=json"))

    def test_output_is_meant_from_here_and_asks_for_statistics(self) -> None:
        here = self.folder
        done = self.scratch("env", "--output", "out.%e.%p", cwd=here)
        self.assertIn(f"export SCRATCH_OUTPUT={here}/out.%e.%p\n", done.stdout)
        self.assertIn("export SCRATCH_STATS=1\n", done.stdout)
        # Signs in the names of folders that nobody gave are none of the pattern's.
        here = self.folder / "50%done"
        here.mkdir()
        done = self.scratch("env", "--output", "out.%p", cwd=here)
        self.assertIn(f"export SCRATCH_OUTPUT={self.folder}/50%%done/out.%p\n", done.stdout)
        missing = self.scratch("env", "--output", "none/out.%p", cwd=here)
        self.assertEqual(125, missing.returncode)
        self.assertIn("50%done/none, which is no folder", missing.stderr)

    def test_children(self) -> None:
        self.assertEqual({"MODE": "adaptive", "FOLLOW": "0", "EXCLUDE": "sh,bash"},
                         self.settings("--no-follow", "--exclude", "sh,bash"))

    def test_environment_holds_where_no_option_speaks(self) -> None:
        before = {"SCRATCH_MODE": "scoped", "SCRATCH_BUDGET": "1M", "SCRATCH_STATS": "0", "SCRATCH_LOG": "odd"}
        self.assertEqual({"MODE": "scoped", "BUDGET": "1M", "STATS": "0", "LOG": "odd"}, self.settings(**before))
        self.assertEqual({"MODE": "off", "BUDGET": "2097152", "STATS": "1", "LOG": "info"},
                         self.settings("--mode=off", "--budget=2M", "--stats", "--log=info", **before))

    def test_mode_of_the_environment_that_cannot_be_used(self) -> None:
        for command in (("run", "--", "/usr/bin/env"), ("env",)):
            for mode, why in (("", "no mode"), ("Adaptive", "no mode"), ("\n", "no mode"),
                              ("profile", "not built yet")):
                done = self.scratch(*command, environment=self.environment(SCRATCH_MODE=mode))
                self.assertEqual(0, done.returncode)
                self.assertRegex(done.stderr, rf"\Ascratch: SCRATCH_MODE='.*' is {why} .*off, scoped, adaptive.*\n\Z")
                self.assertIn("SCRATCH_MODE=adaptive\n", done.stdout)
                # An option speaks louder, and who wants no warnings gets none.
                for options, more in ((("--mode", "off"), {}), (("--log=off",), {}), ((), {"SCRATCH_LOG": "error"})):
                    done = self.scratch(command[0], *options, *command[1:],
                                        environment=self.environment(SCRATCH_MODE=mode, **more))
                    self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_budget_of_less_than_a_chunk(self) -> None:
        for budget in ("0", "1", "4096", "63K", "65535"):
            self.assert_refused(125, "run", f"--budget={budget}", "true", says=(repr(budget), "64K and more"))

    def test_wrong_values(self) -> None:
        for command in ("run", "env"):
            self.assert_refused(125, command, "--mode", "fast", says=("'fast'", "off, scoped, adaptive"))
            self.assert_refused(125, command, "--log=loud", says=("'loud'", "off, error, warn, info, debug"))
            self.assert_refused(125, command, "--stats=xml", says=("'xml'", "text, json"))
            for budget in ("", "M", "8X", "-1", "1.5M", "8MB", "iB", "5iB", "٨", "1T",
                           "99999999999G", "0x10", " 1", "+1", "1_000"):
                self.assert_refused(125, command, f"--budget={budget}", says=(repr(budget), "accepted"))
            for option in ("--output", "--next", "--exclude"):
                self.assert_refused(125, command, f"{option}=", says=(option, "empty"))

    def test_output_that_cannot_be_written(self) -> None:
        file = self.script("file", "")
        for command, option in (("run", "--output"), ("env", "--output"), ("check", "--json")):
            program = () if command == "env" else ("true",)
            for pattern, words in ((f"{self.folder}/nowhere/%p", (f"{self.folder}/nowhere", "no folder", "make it")),
                                   ("-", ("no file", "./-")), (f"{file}/%p", ("no folder",)),
                                   (f"{self.folder}", ("names a folder",)),
                                   (f"{self.folder}/", ("names a folder", "%e-%p")),
                                   (f"{self.folder}/100%", ("without a meaning", "%%")),
                                   (f"{self.folder}/%d", ("without a meaning",)),
                                   (f"{self.folder}/%%e/x", (f"{self.folder}/%e, which is no folder",))):
                self.assert_refused(125, command, option, pattern, *program, says=(option, pattern, *words))
        # Where the folder has a name of each process, only that process can tell.
        self.settings("--output", f"{self.folder}/%e/of-%p")
        self.settings("--output", f"{self.folder}/50%%")

    def test_output_in_a_folder_of_others(self) -> None:
        closed = self.folder / "closed"
        closed.mkdir()
        closed.chmod(0o500)
        if os.geteuid() != 0:
            self.assert_refused(125, "run", "--output", closed / "x", "true", says=("may not write",))
            return
        runner = shutil.which("setpriv")
        if runner is None:
            self.skipTest("setpriv is not installed")
        done = subprocess.run([runner, "--reuid=65534", "--clear-groups", SCRIPT, "run", "--output", str(closed / "x"),
                               "true"], env=self.environment(), text=True, stderr=subprocess.PIPE, check=False)
        self.assertEqual(125, done.returncode, done.stderr)
        self.assertIn("may not write", done.stderr)

    def test_kinds_that_count_as_errors(self) -> None:
        for kinds in ("", "leaks", "leak,", "overflow"):
            self.assert_refused(125, "check", f"--errors-for={kinds}", "true",
                                says=("--errors-for", repr(kinds), "leak, escape and leak,escape"))
        self.assert_refused(125, "check", "--errors-for=escape", "--no-escapes", "true", says=("--no-escapes",))
        self.library("libscratch-check.so")
        for kinds, words in (("leak", "leaks,leaks-are-errors"), ("escape", "escapes-are-errors"),
                             ("escape,leak", "leaks,leaks-are-errors,escapes-are-errors")):
            done = self.scratch("check", "--errors-for", kinds, "--", "/usr/bin/env")
            self.assertIn(f"SCRATCH_CHECK={words}\n", done.stdout)

    def test_option_without_its_value(self) -> None:
        for option in ("--mode", "--budget", "--output", "--next", "--exclude", "--log", "--region", "--rules",
                       "--stack-arguments"):
            self.assert_refused(125, "run", option, says=(option, "without a value"))

    def test_value_that_is_not_taken(self) -> None:
        self.assert_refused(125, "run", "--no-follow=yes", "true", says=("--no-follow", "'yes'"))

    def test_unknown_option_and_command(self) -> None:
        self.assert_refused(125, "run", "--fast", "true", says=("--fast", "--mode", "--budget", "--no-follow"))
        self.assert_refused(125, "run", "--mod", "off", "true", says=("--mod ", "--mode"))
        self.assert_refused(125, "doctor", "--mode", "off", says=("--mode", "--help"))
        self.assert_refused(125, "fly", says=("fly", "run, env, check, doctor"))
        self.assert_refused(125, "--fly", says=("--fly", "--version"))
        self.assert_refused(125, says=("no command", "run, env, check, doctor"))
        self.assert_refused(125, "run", "--mode", "off", says=("no program", "PROGRAM"))
        self.assert_refused(125, "env", "true", says=("true", "not accepted"))

    def test_library_that_cannot_be_used(self) -> None:
        text = self.script("text.so", "no library")
        for library, why in (("/no/such/library.so", "cannot be read"), (str(text), "no shared library"),
                             (str(self.folder), "cannot be read")):
            self.assert_refused(125, "run", "true", says=("SCRATCH_LIBRARY", library, why),
                                environment=self.environment(SCRATCH_LIBRARY=library))

    def test_help_shows_examples_first(self) -> None:
        for arguments in (("--help",), ("-h",), ("help",), ("run", "--help"), ("env", "-h"), ("doctor", "--help")):
            done = self.scratch(*arguments)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertLess(done.stdout.index("examples:"), done.stdout.index("usage:"))

    def test_help_of_a_command(self) -> None:
        for command in ("run", "env", "check", "doctor"):
            done = self.scratch("help", command)
            self.assertEqual((0, "", self.scratch(command, "--help").stdout),
                             (done.returncode, done.stderr, done.stdout))
        self.assertEqual(self.scratch("--help").stdout, self.scratch("help", "help").stdout)
        self.assert_refused(125, "help", "fly", says=("fly is not a command", "run, env, check, doctor"))
        self.assert_refused(125, "help", "record", says=("not built yet",))

    def test_help_names_each_option_once(self) -> None:
        said = self.scratch("run", "--help").stdout
        self.assertEqual(1, said.count("options:\n"), said)
        self.assertEqual(1, said.count("--help"), said)
        self.assertIn("--stats[=text|json] ", said)

    def test_version(self) -> None:
        for option in ("--version", "-V"):
            self.assertRegex(self.scratch(option).stdout, r"^scratch \d+\.\d+\.\d+\n$")


main()
