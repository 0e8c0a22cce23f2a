"""Of a program built with -finstrument-functions every function can be named, static ones too: they are found by their
addresses, and the compiler's calls at their beginning and end go to the shim."""

from __future__ import annotations

from fixture import main
from hooks_fixture import INSTRUMENTED, PAUSED, REGION, TRUSTED_REGION, HookTest, output_of, read_object

TEXT = r"""
#include <stdio.h>
__attribute__((noinline)) static int parse(int value) { return value + 1; }
__attribute__((noinline)) static int parse_all(int value) { return parse(value) + parse(value); }
int main(void) { printf("%d\n", parse_all(20)); return 0; }
"""


class InstrumentedPrograms(HookTest):
    def address_of(self, program, name: str) -> int:
        lines = output_of("nm", program).splitlines()
        return next(int(line.split()[0], 16) for line in lines if line.split()[-1].split(".")[0] == name)

    def test_static_functions_by_address(self) -> None:
        for name, flags in (("pie", ["-fPIE", "-pie"]), ("fixed", ["-no-pie"])):
            program = self.program(name, "-finstrument-functions", *flags, text=TEXT)
            hooks = self.hooks("--region", f"{name}!parse", "--trusted-region", "parse_a*", program)
            self.assertEqual((INSTRUMENTED, REGION, self.address_of(program, "parse"), name),
                             (hooks["parse"].kind, hooks["parse"].does, hooks["parse"].offset, hooks["parse"].module))
            self.assertEqual(TRUSTED_REGION, hooks["parse_all"].does)
            self.assertEqual({"parse", "parse_all", "__cyg_profile_func_enter", "__cyg_profile_func_exit"}, set(hooks))

    def test_stubs_are_those_of_the_compilers_calls(self) -> None:
        program = self.program("program", "-finstrument-functions", text=TEXT)
        environment = self.fresh()
        done = self.scratch("run", "--region", "parse", program, environment=environment)
        self.assertEqual((0, "42\n"), (done.returncode, done.stdout), done.stderr)
        said = [words[0] for words in self.said(environment)]
        # main, parse_all and twice parse.
        self.assertEqual((4, 4), (said.count("__cyg_profile_func_enter"), said.count("__cyg_profile_func_exit")))
        symbols = output_of("nm", "-D", self.object_of(environment))
        self.assertNotRegex(symbols, r"\bparse\b")
        entries = [hook for hook in read_object(self.object_of(environment))[0] if hook.symbol.startswith("__cyg")]
        self.assertEqual([(INSTRUMENTED, 0, 0)] * 2, [(hook.kind, hook.offset, hook.does) for hook in entries])

    def test_variants_that_the_compiler_made(self) -> None:
        # gcc makes parse.constprop.0 of a function that is called with constants only.
        text = TEXT.replace("return parse(value) + parse(value)", "return parse(1) + parse(1) + value")
        program = self.program("variants", "-finstrument-functions", "-O2", "-fipa-cp", text=text)
        environment = self.fresh()
        self.scratch("run", "--region", "parse", program, environment=environment)
        entries = [hook for hook in read_object(self.object_of(environment))[0] if hook.symbol == "parse"]
        symbols = [line.split() for line in output_of("nm", program).splitlines()]
        wanted = {int(line[0], 16) for line in symbols if line[-1].split(".")[0] == "parse"}
        self.assertTrue(wanted)
        self.assertEqual(wanted, {hook.offset for hook in entries})

    def test_exceptions(self) -> None:
        program = self.program("excepts", "-finstrument-functions", text=TEXT)
        self.assertEqual(PAUSED, self.hooks("--except", "parse", program)["parse"].does)

    def test_libraries_of_programs_that_are_not(self) -> None:
        library = self.shared("libinside.so", "static int inside(int v) { return v; } "
                                              "int outside(int v) { return inside(v); }",
                              "-finstrument-functions", "-O0")
        program = self.program("plain", str(library), f"-Wl,-rpath,{self.folder}",
                               text="int outside(int); int main(void) { return outside(0); }")
        hooks = self.hooks("--region", "libinside.so!inside", "--region", "outside", program)
        self.assertEqual(("libinside.so", INSTRUMENTED), (hooks["inside"].module, hooks["inside"].kind))
        # What can be hooked by its symbol is.
        self.assertEqual(REGION, hooks["outside"].kind)


main()
