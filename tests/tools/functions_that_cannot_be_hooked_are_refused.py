"""A function that cannot be hooked ends the launch with 125 and one sentence: why, and what else can be done. Nothing
runs, and nothing is left in the cache."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import unittest
from random import Random

from fixture import main
from hooks_fixture import REGION, HookTest

from scratch_tool.closure import Closure
from scratch_tool.elf import Elf
from scratch_tool.finder import Finder, NotHookable
from scratch_tool.functions import Wish

# Inlined, there is no call (clang).
DIRECT = """
__attribute__((noinline)) int twice(int value) { return 2 * value; }
int calls(int value) { return twice(value) + 1; }
"""
CALLS = '#include <stdio.h>\nint calls(int); int main(void) { printf("%d\\n", calls(1)); return 0; }'
OWN_DEFINITION = r"""
#include <stdio.h>
int thrice(int);
int twice(int value) { return value; }
int main(void) { printf("%d %d\n", twice(1), thrice(1)); return 0; }
"""
ARM64 = "aarch64-linux-gnu-gcc"
WITH_VECTORS = """
__attribute__((aarch64_vector_pcs)) double vectored(double value) { return value; }
int plain(int value) { return value; }
"""
VECTORS_CALLER = """
__attribute__((aarch64_vector_pcs)) double vectored(double value);
int plain(int value);
int main(int count, char **words) { (void)words; return plain(count) + (int)vectored(count); }
"""
PROFILES = """
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *f, void *c) { (void)f; (void)c; }
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *f, void *c) { (void)f; (void)c; }
static int own(int value) { return value; }
int main(int count, char **words) { return own(count) - 1; }
"""


class FunctionsAreRefused(HookTest):
    def refused(self, function: str, *says: str, program: object = None, option: str = "--region") -> None:
        environment = self.fresh()
        self.assert_refused(125, "run", option, function, program or self.caller, environment=environment,
                            says=(f"{option} {function} ", "; ", *says))
        self.assertFalse(os.path.exists(environment["XDG_CACHE_HOME"]))

    def test_nobody_defines_it(self) -> None:
        self.refused("twise", "no library of the program", "do you mean twice", "'plugin.so!twise'")
        self.refused("no_such_thing_anywhere", "no library of the program", "check its name")
        self.refused("libprovider.so.1!twise", "not defined by libprovider.so.1", "do you mean twice")
        self.refused("tw*e_", "no library of the program")
        self.refused("libnowhere*!other", "libnowhere*", "neither the program nor the system")
        self.refused("libc.so.6!twice", "libprovider.so.1", "'libprovider.so.1!twice'")

    def test_exceptions_and_frames_too(self) -> None:
        for option in ("--trusted-region", "--frame", "--trusted-frame", "--except"):
            self.refused("twise", "do you mean twice", option=option)

    def test_machines_without_an_entry_of_their_own(self) -> None:
        shim, program = self.folder / "libscratch-of-riscv.so", self.folder / "riscv-caller"
        for path, copied in ((shim, self.stub), (program, self.caller)):
            said = bytearray(copied.read_bytes())
            said[18:20] = struct.pack("<H", 243)
            path.write_bytes(said)
            path.chmod(0o755)
        environment = self.fresh(SCRATCH_LIBRARY=str(shim))
        self.assert_refused(126, "run", "--region", "twice", program, environment=environment,
                            says=("hooked on 64-bit RISC-V yet", "scratch/annotate.h"))
        self.assert_refused(126, "check", program, environment=environment,
                            says=("mode check", "64-bit RISC-V yet", "x86-64 or AArch64"))
        told = self.scratch("doctor", program, environment=environment).stdout
        self.assertIn("for 64-bit RISC-V it cannot hook functions, nor check, yet", told)

    def test_the_programs_own(self) -> None:
        self.refused("exported", "inside caller", "-finstrument-functions", "scratch/annotate.h")
        self.refused("own", "inside caller", "-finstrument-functions")
        exports = self.program("exports", str(self.provider), f"-Wl,-rpath,{self.folder}", "-rdynamic",
                               text=OWN_DEFINITION)
        self.refused("twice", "defined by the program itself", "scratch/annotate.h", program=exports)
        self.refused("libprovider.so.1!twice", "is defined by exports", program=exports)

    def test_static_ones_of_libraries(self) -> None:
        library = self.shared("libstatic.so", LIBRARY_WITH_STATIC, "-fno-inline")
        program = self.program("uses-static", str(library), f"-Wl,-rpath,{self.folder}", text=CALLS)
        self.refused("libstatic.so!hidden_one", "static or hidden", "a function that calls it", program=program)

    def test_calls_inside_one_library_only(self) -> None:
        for flags, says in ((("-fno-semantic-interposition", "-fno-inline"), ""), (("-Wl,-Bsymbolic",), "-Bsymbolic")):
            library = self.shared(f"libdirect{len(flags)}.so", DIRECT, *flags)
            program = self.program(f"indirect{len(flags)}", str(library), f"-Wl,-rpath,{self.folder}", text=CALLS)
            self.refused("twice", "called by no object", library.name, says, program=program)
        # Where the library asks for its own function by a symbol, the hook is reached.
        library = self.shared("libplain.so", DIRECT)
        program = self.program("plain", str(library), f"-Wl,-rpath,{self.folder}", text=CALLS)
        environment = self.fresh()
        done = self.scratch("run", "--region", "twice", program, environment=environment)
        self.assertEqual((0, "3\n"), (done.returncode, done.stdout), done.stderr)
        self.assertEqual("twice", self.said(environment)[0][0])

    def test_data(self) -> None:
        self.refused("number", "is data of", "give a function")

    def test_what_no_hook_can_enter(self) -> None:
        for name, why in (("vfork", "frame"), ("setjmp", "frame"), ("_setjmp", "frame"), ("__sigsetjmp", "frame"),
                          ("getcontext", "frame"), ("makecontext", "frame"), ("longjmp", "follows it already"),
                          ("swapcontext", "follows it already"), ("dlsym", "who calls it"), ("dlvsym", "who calls it"),
                          ("dlopen", "who calls it"), ("malloc", "served by the shim"),
                          ("realloc", "served by the shim"), ("_Znwm", "served by the shim"),
                          ("_ZdlPv", "served by the shim"),
                          ("obstack_free", "served by the shim"), ("_obstack_begin", "served by the shim"),
                          ("scratch_push", "served by the shim"), ("scratch_hook_enter_v1", "served by the shim"),
                          ("__cxa_throw", "runtime"), ("_Unwind_Resume", "runtime"), ("main", "runtime"),
                          ("libc.so.6!vfork", "frame")):
            self.refused(name, why)
        # What the shim itself calls would make it enter its own hook.
        self.refused("getenv", "called by the shim itself")

    def test_globs_leave_those_out(self) -> None:
        hooks = self.hooks("--region", "libprovider.so.1!*", "--region", "libc.so.6!*", self.caller)
        self.assertIn("twice", hooks)
        self.assertIn("printf", hooks)
        self.assertTrue(set(hooks).isdisjoint(("malloc", "vfork", "dlsym", "getenv", "number", "stdout",
                                               "__libc_start_main")))

    def test_program_with_a_profiler_of_its_own(self) -> None:
        program = self.program("profiles", "-finstrument-functions", text=PROFILES)
        self.refused("own", "inside profiles", program=program)

    def test_names_that_are_none(self) -> None:
        for wrong in ("", "!", "libc.so.6!", "!twice", "a b", "twice\n"):
            self.assert_refused(125, "run", "--region", wrong, self.caller, environment=self.fresh(),
                                says=("--region", repr(wrong), "accepted is"))
        self.assert_refused(125, "run", "--region", says=("--region", "without a value"))

    def test_more_than_can_be(self) -> None:
        names = "".join(f"int function_{number}(void) {{ return 0; }}\n" for number in range(4200))
        library = self.shared("libhuge.so", names)
        self.assert_refused(125, "run", "--region", f"{library}!function_*", self.caller, environment=self.fresh(),
                            says=("4200", "4096", "narrower"))

    def test_shim_of_another_version(self) -> None:
        old = self.library("libold.so")
        environment = self.fresh(SCRATCH_LIBRARY=str(old))
        self.assert_refused(125, "run", "--region", "twice", self.caller, environment=environment,
                            says=(str(old), "another version", "anew"))
        done = self.scratch("doctor", "--region", "twice", self.caller, environment=environment)
        self.assertEqual(126, done.returncode)

    @unittest.skipIf(shutil.which(ARM64) is None, f"{ARM64} is not installed")
    def test_arguments_in_registers_that_hooks_do_not_keep(self) -> None:
        built = {}
        for name, text, flags in (("shim.so", "int scratch_hook_enter_v1;", ["-shared"]),
                                  ("libvectors.so", WITH_VECTORS, ["-shared"]),
                                  ("vectors", VECTORS_CALLER, [str(self.folder / "libvectors.so")])):
            built[name] = self.folder / name
            subprocess.run([ARM64, "-x", "c", "-", "-x", "none", *flags, "-fPIC", "-o", str(built[name])], check=True,
                           input=text, text=True)
        kind = Elf(str(built["shim.so"]))
        closure = Closure(str(built["vectors"]), kind, {b"LD_LIBRARY_PATH": bytes(self.folder)})
        finder = Finder(closure, str(built["shim.so"]))
        self.assertEqual(["plain"], [found.name for found in finder.find(Wish("region", REGION, "plain"))])
        with self.assertRaisesRegex(NotHookable, "in a way of its own .*a hook of libvectors.so would not keep"):
            finder.find(Wish("region", REGION, "vectored"))
        matched = {found.name for found in finder.find(Wish("region", REGION, "libvectors.so!*"))}
        self.assertEqual({"plain"}, matched & {"plain", "vectored"})

    def test_libraries_that_are_damaged(self) -> None:
        broken = self.folder / "broken"
        broken.mkdir()
        library, kind = broken / "libprovider.so.1", Elf(str(self.stub))
        whole = self.provider.read_bytes()
        numbers = Random(4)
        answers = {True: 0, False: 0}
        for turn in range(300):
            content = bytearray(whole[:numbers.randrange(len(whole)) if turn % 10 == 0 else len(whole)])
            # Headers, the dynamic section and the tables that it names stand in the first pages and behind the code.
            for _ in range(turn % 7 * 5):
                content[numbers.randrange(len(content) or 1)] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF))
            library.write_bytes(content)
            environment = {b"LD_LIBRARY_PATH": bytes(broken)}
            for function in ("twice", "libprovider!*", "twise"):
                try:
                    finder = Finder(Closure(str(self.caller), kind, environment), str(self.stub))
                    answers[bool(finder.find(Wish("region", REGION, function)))] += 1
                except NotHookable:
                    answers[False] += 1
        self.assertTrue(answers[True] and answers[False], answers)


LIBRARY_WITH_STATIC = """
static int hidden_one(int value) { return value + 1; }
int calls(int value) { return hidden_one(value) * 2; }
"""

main()
