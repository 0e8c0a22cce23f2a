"""`scratch doctor --region F PROGRAM` says of each function whether it can be hooked, by whom it is defined and called
and which calls would escape; it ends with 126 where `run` would refuse one, and is right about it."""

from __future__ import annotations

import os

from fixture import main
from hooks_fixture import CALLER_SAYS, HookTest

OPENS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
int main(void) { return dlsym(dlopen(0, RTLD_NOW), "main") == 0; }
"""


class DoctorOnFunctions(HookTest):
    def doctor(self, *arguments: object, status: int = 0, **more: str) -> list[list[str]]:
        environment = self.fresh(**more)
        done = self.scratch("doctor", *arguments, environment=environment)
        self.assertEqual((status, ""), (done.returncode, done.stderr), done.stdout)
        self.assertFalse(os.path.exists(environment["XDG_CACHE_HOME"]))
        return [line.split(None, 2) for line in done.stdout.splitlines()]

    def said(self, lines: list[list[str]], level: str, subject: str) -> str:  # type: ignore[override]
        texts = [text for at, about, text in lines if (at, about) == (level, subject)]
        self.assertTrue(texts, (level, subject, lines))
        return "\n".join(texts)

    def test_who_defines_and_who_calls(self) -> None:
        lines = self.doctor("--region", "twice", "--frame", "thrice", self.caller)
        said = self.said(lines, "ok", "region")
        for words in ("twice: of libprovider.so.1 (FIRST_1.0)", "called by caller",
                      "calls inside libprovider.so.1 bypass the hook"):
            self.assertIn(words, said)
        self.assertIn("thrice: of libprovider.so.1", self.said(lines, "ok", "frame"))
        self.assertIn("128 are copied", self.said(lines, "note", "arguments"))
        self.assertNotIn("handles", [subject for _, subject, _ in lines])

    def test_it_agrees_with_run(self) -> None:
        for function in ("twice", "exported", "own", "number", "malloc", "calls_inside", "twise", "libprovider!*",
                         "unused", "plugin.so!start", "setjmp"):
            ran = self.scratch("run", "--region", function, self.caller, environment=self.fresh())
            self.assertIn((ran.returncode, ran.stdout), ((0, CALLER_SAYS), (125, "")), function)
            lines = self.doctor("--region", function, self.caller, status=126 if ran.returncode else 0)
            if ran.returncode:
                self.assertIn(ran.stderr.split("cannot be hooked: ")[1].strip(), self.said(lines, "fail", "region"))

    def test_one_of_several(self) -> None:
        lines = self.doctor("--region", "twice", "--region", "twise", self.caller, status=126)
        self.assertIn("twice", self.said(lines, "ok", "region"))
        self.assertIn("do you mean twice", self.said(lines, "fail", "region"))

    def test_calls_that_escape(self) -> None:
        opens = self.program("opens", str(self.provider), "-Wl,--no-as-needed", str(self.provider),
                             f"-Wl,-rpath,{self.folder}", text=OPENS)
        lines = self.doctor("--region", "twice", opens)
        said = self.said(lines, "warn", "region")
        self.assertIn("called by no object of the program", said)
        self.assertIn("opens can do that", said)
        self.assertIn("dlsym", self.said(lines, "warn", "handles"))

    def test_libraries_that_come_later(self) -> None:
        lines = self.doctor("--region", "plugin.so!start", self.caller)
        self.assertIn("no plugin.so is here now", self.said(lines, "warn", "region"))
        plugin = self.shared("libplugin.so", "int start(void) { return 1; }")
        self.assertIn("does not need itself", self.said(self.doctor("--region", f"{plugin}!start", self.caller), "ok",
                                                        "region"))

    def test_instrumented_programs(self) -> None:
        program = self.program("built", "-finstrument-functions", text="static int own(void) { return 0; } "
                                                                       "int main(void) { return own(); }")
        self.assertIn("every call of it is seen", self.said(self.doctor("--region", "own", program), "ok", "region"))

    def test_globs_are_summed_up(self) -> None:
        names = "".join(f"int function_{number}(void) {{ return 0; }} " for number in range(50))
        library = self.shared("libwide.so", names)
        calls = " + ".join(f"function_{number}()" for number in range(50))
        program = self.program("wide", str(library), f"-Wl,-rpath,{self.folder}",
                               text=f"int main(void) {{ return {calls}; }}")
        lines = [line for line in self.doctor("--region", "function_*", program) if line[1] == "region"]
        self.assertEqual(21, len(lines))
        self.assertIn("30 more", lines[-1][2])

    def test_conflicts(self) -> None:
        lines = self.doctor("--region", "twice", "--frame", "twice", self.caller, status=126)
        self.assertIn("leave one", self.said(lines, "fail", "functions"))

    def test_exceptions_that_are_not_hooked(self) -> None:
        lines = self.doctor("--except", "unused", self.caller)
        self.assertIn("its own calls of malloc", self.said(lines, "ok", "except"))

    def test_programs_that_cannot_be_interposed(self) -> None:
        static = self.program("static", "-static", text="int main(void) { return 0; }")
        lines = self.doctor("--region", "twice", static, status=126)
        self.assertIn("statically linked", self.said(lines, "fail", "program"))

    def test_without_a_program(self) -> None:
        self.doctor("--region", "libprovider.so.1!twice", LD_LIBRARY_PATH=str(self.folder))
        self.assertIn("no program is known", self.said(self.doctor("--region", "twice", status=126), "fail", "region"))


main()
