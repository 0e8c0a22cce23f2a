"""`scratch doctor` on macOS: each line says what was found of the library, the machine and a program, and what to do."""

from __future__ import annotations

import sys
from unittest import mock

from fixture import DoctorTest, main
from macho_fixture import (ALLOW_VARIABLES, DYLIB, GET_TASK_ALLOW, NO_LIBRARY_VALIDATION, RUNTIME, DarwinTest, Ended, fat,
                           fat_of, macho, signature)

OPEN = {ALLOW_VARIABLES: True, NO_LIBRARY_VALIDATION: True}


class DoctorExplainsOnMacOS(DoctorTest, DarwinTest):
    def doctor(self, *programs: object, status: int = 0, python: str = "", loads: object = None,
               **more) -> list[list[str]]:
        """The lines as [level, subject, what was found]. Nothing of macOS can be tried here: `loads` says how a Python
        ends that runs with the library."""
        python = python or str(self.file("opt/bin/python3", fat("x86_64", "arm64")))
        done = mock.Mock(returncode=0, stderr=b'{"calls": 1}\n') if loads is None else loads
        with mock.patch.object(sys, "executable", python), mock.patch("subprocess.run", return_value=done) as tried:
            ended: Ended = self.scratch("doctor", *programs, **more)
        self.tried = tried
        self.assertEqual((status, ""), (ended.status, ended.error), ended.output)
        return self.lines_of_doctor(ended.output)

    def test_all_in_place(self) -> None:
        lines = self.doctor()
        self.assertEqual(str(self.shim), self.found(lines, "ok", "library"))
        self.assertIn("arm64; the library is for x86_64, arm64", self.found(lines, "ok", "machine"))
        self.assertIn("statistics", self.found(lines, "ok", "loading"))
        self.assertEqual("empty", self.found(lines, "ok", "DYLD_INSERT_LIBRARIES"))
        self.assertNotIn("LD_PRELOAD ", str(lines))
        environment = self.tried.call_args.kwargs["env"]
        self.assertEqual(bytes(self.shim), environment[b"DYLD_INSERT_LIBRARIES"])

    def test_loading(self) -> None:
        refused = mock.Mock(returncode=-6, stderr=b"dyld: terminating because inserted dylib 'x' could not be loaded: y\n")
        self.assertIn("inserted dylib", self.found(self.doctor(loads=refused, status=1), "fail", "loading"))
        silent = mock.Mock(returncode=0, stderr=b"")
        self.assertIn("no statistics", self.found(self.doctor(loads=silent), "warn", "loading"))
        python = str(self.file("usr/bin/python3", fat("x86_64", "arm64e")))
        lines = self.doctor(python=python)
        self.assertIn("not tried", self.found(lines, "warn", "loading"))
        self.assertFalse(self.tried.called)
        self.assertIn("Homebrew", self.found(lines, "warn", "python"))

    def test_a_library_that_is_not_signed(self) -> None:
        self.shim = self.file("libscratch-preload.dylib", fat_of(
            ("x86_64", macho("x86_64", DYLIB, False, signed=None)), ("arm64", macho("arm64", DYLIB, False, signed=None))))
        lines = self.doctor(status=1, machine="x86_64")
        text = self.found(lines, "fail", "signature")
        self.assertIn("arm64", text)
        self.assertIn(f"codesign -s - {self.shim}", text)
        self.assertEqual(1, sum(level == "fail" for level, _, _ in lines))

    def test_a_library_that_children_cannot_load(self) -> None:
        for lacking, has in (("x86_64", "arm64"), ("arm64", "x86_64")):
            self.shim = self.file("libscratch-preload.dylib", macho(has, DYLIB, False))
            text = self.found(self.doctor(machine="arm64"), "warn", "children")
            self.assertIn(f"no code for {lacking}", text)
            self.assertIn("--no-follow", text)
        lines = self.doctor(machine="x86_64")
        self.assertEqual([], [line for line in lines if line[1] == "children"])

    def test_what_was_inserted_before(self) -> None:
        lines = self.doctor(environment={"DYLD_INSERT_LIBRARIES": f"{self.shim}:/no/such.dylib", "SCRATCH_MODE": "off"})
        self.assertIn("does not exist", self.found(lines, "warn", "DYLD_INSERT_LIBRARIES"))
        self.assertIn("already", self.found(lines, "ok", "DYLD_INSERT_LIBRARIES"))
        self.assertIn("SCRATCH_MODE=off", str(lines))

    def test_plain_programs(self) -> None:
        program = self.file("home/program", fat("x86_64", "arm64"))
        lines = self.doctor(program)
        self.assertEqual(str(program), self.found(lines, "ok", "program"))
        self.assertEqual("runs as arm64 of x86_64, arm64", self.found(lines, "ok", "machine"))
        self.assertEqual("comes from the system", self.found(lines, "ok", "malloc"))
        self.assertIn("/usr/bin", self.found(lines, "ok", "children"))
        self.assertIn("arm64e", self.found(lines, "ok", "children"))
        self.assertIn("ad hoc", self.found(lines, "ok", "signature"))
        self.assertIn("under Rosetta", self.found(self.doctor(self.file("home/old", macho("x86_64"))), "ok", "machine"))
        unsigned = self.file("home/unsigned", macho("x86_64", signed=None))
        self.assertIn("none", self.found(self.doctor(unsigned), "ok", "signature"))

    def test_signatures(self) -> None:
        program = self.file("home/program", macho("arm64", signed=signature(RUNTIME, "TEAM", entitlements=OPEN)))
        text = self.found(self.doctor(program), "ok", "signature")
        for words in ("team TEAM", "hardened runtime", "libraries of anybody"):
            self.assertIn(words, text)
        debugged = signature(RUNTIME, entitlements={GET_TASK_ALLOW: True, "com.apple.security.app-sandbox": True})
        lines = self.doctor(self.file("home/program", macho("arm64", signed=debugged)))
        self.assertIn("debugging", self.found(lines, "warn", "signature"))
        self.assertIn("sandbox", self.found(lines, "warn", "sandbox"))

    def test_programs_that_cannot_be_run(self) -> None:
        for name, content, words in (("usr/bin/tool", macho("arm64"), "System Integrity Protection"),
                                     ("home/old", macho("i386"), "32-bit"), ("home/e", macho("arm64e"), "arm64e"),
                                     ("home/hard", macho(signed=signature(RUNTIME)), "hardened runtime"),
                                     ("home/cut", macho()[:50], "damaged")):
            self.assertIn(words, self.found(self.doctor(self.file(name, content), status=1), "fail", "program"))

    def test_scripts_through_env(self) -> None:
        program = self.file("opt/bin/program", macho("arm64"))
        script = self.file("home/script", f"#!{self.folder}/usr/bin/env program\n")
        lines = [text for level, subject, text in self.doctor(script) if (level, subject) == ("ok", "program")]
        self.assertEqual(f"{program} runs {self.folder}/usr/bin/env runs {script}", lines[0])
        self.assertIn(f"macOS keeps the shim out of {self.folder}/usr/bin/env, so `run` starts {program} itself", lines[1])

    def test_allocators(self) -> None:
        own = self.file("home/own", macho("arm64", symbols=("_main", "_malloc")))
        self.assertIn("defines malloc itself", self.found(self.doctor(own), "warn", "malloc"))
        sanitized = self.file("home/asan", macho("arm64", needed=("@rpath/libclang_rt.asan_osx_dynamic.dylib",)))
        self.assertIn("AddressSanitizer", self.found(self.doctor(sanitized), "warn", "sanitizer"))

    def test_python(self) -> None:
        self.found(self.doctor(self.file("home/python3.12", macho("arm64"))), "warn", "language")


main()
