"""A hook object is a sound shared library: the tools of binutils and elfutils find nothing wrong, the loaders of glibc
and musl take it, and calls that bind lazily, at once, by version or by name all go through it."""

from __future__ import annotations

import re
import shutil
import subprocess

from fixture import main
from hooks_fixture import CALLER, CALLER_SAYS, LONGJMP, REGION, STAND_IN, SWITCH, HookTest, output_of, read_object
from scratch_tool.hook_table import Entry
from scratch_tool.hooks_elf import write

ASKS_BY_NAME = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    int (*call)(int) = (int (*)(int))dlsym(RTLD_DEFAULT, "twice");
    printf("%d\n", call(4));
    return 0;
}
"""


class HookObjectsLoadAnywhere(HookTest):
    def test_layout(self) -> None:
        environment = self.fresh()
        self.scratch("run", "--region", "twice", "--frame", "thrice", self.caller, environment=environment)
        path = self.object_of(environment)
        segments = output_of("readelf", "-lW", path)
        # No page is ever writable and executable, and the stack neither.
        self.assertNotRegex(segments, r"\bRWE\b")
        self.assertRegex(segments, r"GNU_STACK .* RW ")
        self.assertRegex(segments, r"GNU_RELRO .* R ")
        self.assertEqual(3, len(re.findall(r"^\s+LOAD ", segments, re.M)))
        dynamic = output_of("readelf", "-dW", path)
        self.assertIn(f"(NEEDED)             Shared library: [{self.stub}]", dynamic)
        self.assertIn("Library soname: [libscratch-hooks.so]", dynamic)
        for tag in ("(HASH)", "(GNU_HASH)", "BIND_NOW", "Flags: NOW"):
            self.assertIn(tag, dynamic)
        for tag in ("TEXTREL", "VERSYM", "JMPREL", "RPATH", "INIT"):
            self.assertNotIn(tag, dynamic)
        self.assertIn("IBT, SHSTK", output_of("readelf", "-nW", path))
        relocations = re.findall(r"R_X86_64_\w+", output_of("readelf", "-rW", path))
        self.assertEqual(["R_X86_64_GLOB_DAT"], relocations)
        self.assertEqual(0o700, path.parent.stat().st_mode & 0o777)

    def test_every_definition_has_a_stub_of_its_own(self) -> None:
        environment = self.fresh()
        self.scratch("run", "--region", "twice", "--frame", "thrice", self.caller, environment=environment)
        path = self.object_of(environment)
        symbols = [line.split() for line in output_of("nm", "-D", path).splitlines()]
        self.assertIn(["U", "scratch_hook_enter_v1"], symbols)
        stubs = {line[2]: int(line[0], 16) for line in symbols if line[1] == "T"}
        self.assertEqual({"twice", "thrice", "longjmp", "_longjmp", "siglongjmp", "__longjmp_chk", "swapcontext",
                          "setcontext"}, set(stubs))
        self.assertEqual(len(stubs), len(set(stubs.values())))
        code = output_of("objdump", "-d", path)
        for address in stubs.values():
            self.assertEqual(0, address % 32)
            self.assertRegex(code, rf"(?m)^ +{address:x}:.*endbr64")
        kinds = {hook.symbol: hook.kind for hook in read_object(path)[0]}
        self.assertEqual({LONGJMP}, {kinds[name] for name in stubs if name.endswith(("longjmp", "_chk"))})
        self.assertEqual({SWITCH}, {kinds[name] for name in ("swapcontext", "setcontext")})

    def test_a_strict_reader_finds_nothing(self) -> None:
        if shutil.which("eu-elflint") is None:
            self.skipTest("eu-elflint is not installed")
        for options in (["--region", "twice"], ["--except", "twice"], ["--region", "*"]):
            environment = self.fresh()
            self.scratch("run", *options, self.caller, environment=environment)
            done = subprocess.run(["eu-elflint", "--gnu-ld", "--strict", str(self.object_of(environment))], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual((0, "No errors\n"), (done.returncode, done.stdout), options)

    def test_every_machine_has_sound_ones(self) -> None:
        if shutil.which("eu-elflint") is None:
            self.skipTest("eu-elflint is not installed")
        one = [Entry("twice", REGION, module="libprovider.so.1"), Entry("longjmp", LONGJMP)]
        for machine, wanted in (("X86_64", "IBT, SHSTK"), ("AARCH64", "BTI")):
            number = {"X86_64": 62, "AARCH64": 183}[machine]
            for entries, exclusions in ((one, []), ([], [("", "twice")])):
                path = self.folder / f"hooks-{machine}-{len(entries)}.so"
                path.write_bytes(write(number, "/usr/lib/libscratch-preload.so", entries, exclusions))
                done = subprocess.run(["eu-elflint", "--gnu-ld", "--strict", str(path)], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                self.assertEqual((0, "No errors\n"), (done.returncode, done.stdout), path.name)
                self.assertIn(wanted, output_of("readelf", "-nW", path))
                self.assertEqual([f"R_{machine}_GLOB_DAT"],
                                 re.findall(r"R_[A-Z]\w+", output_of("readelf", "-rW", path)))

    def test_debuggers_find_their_way_out_of_a_stub(self) -> None:
        environment = self.fresh()
        self.scratch("run", "--region", "twice", self.caller, environment=environment)
        frames = output_of("readelf", "--debug-dump=frames", self.object_of(environment))
        self.assertIn("DW_CFA_def_cfa: r7 (rsp) ofs 8", frames)
        code = re.search(r"\.text +PROGBITS +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+)",
                         output_of("readelf", "-SW", self.object_of(environment)))
        start, size = int(code[1], 16), int(code[2], 16)
        self.assertIn(f"pc={start:016x}..{start + size:016x}", frames)

    def test_calls_go_through_it_however_they_bind(self) -> None:
        # The call binds to a version of the symbol, and the object has none.
        self.assertIn("twice@FIRST_1.0", output_of("nm", "-D", self.caller))
        eager = self.program("eager", str(self.provider), f"-Wl,-rpath,{self.folder}", "-Wl,-z,now", "-fno-plt",
                             text=CALLER)
        for program, more in ((self.caller, {}), (self.caller, {"LD_BIND_NOW": "1"}), (eager, {})):
            environment = self.fresh(**more)
            done = self.scratch("run", "--region", "twice", "--region", "thrice", program, environment=environment)
            self.assertEqual((0, CALLER_SAYS, ""), (done.returncode, done.stdout, done.stderr))
            self.assertEqual([["thrice", "FIRST_1.0", "libprovider.so.1", "thrice"],
                              ["twice", "FIRST_1.0", "libprovider.so.1", "twice"]], sorted(self.said(environment)))

    def test_calls_by_name_find_it(self) -> None:
        program = self.program("by-name", str(self.provider), "-Wl,--no-as-needed", str(self.provider),
                               f"-Wl,-rpath,{self.folder}", text=ASKS_BY_NAME)
        environment = self.fresh()
        done = self.scratch("run", "--region", "twice", program, environment=environment)
        self.assertEqual((0, "8\n"), (done.returncode, done.stdout), done.stderr)
        self.assertEqual("twice", self.said(environment)[0][0])

    def test_many_names_are_all_found(self) -> None:
        names = [f"function_{index * 7919 % 1009}" for index in range(300)]
        library = self.shared("libmany.so", "".join(f"int {name}(void) {{ return {at}; }}\n"
                                                    for at, name in enumerate(names)))
        calls = "".join(f"int {name}(void); " for name in names)
        sums = " + ".join(f"{name}()" for name in names)
        program = self.program("many", str(library), f"-Wl,-rpath,{self.folder}",
                               text=f"#include <stdio.h>\n{calls}\n"
                                    f"int main(void) {{ printf(\"%d\\n\", {sums}); return 0; }}")
        environment = self.fresh(LD_BIND_NOW="1")
        done = self.scratch("run", "--region", "libmany.so!function_*", program, environment=environment)
        self.assertEqual((0, f"{sum(range(300))}\n"), (done.returncode, done.stdout), done.stderr)
        self.assertEqual(set(names), {words[0] for words in self.said(environment)})

    def test_musl_loads_it_too(self) -> None:
        if shutil.which("musl-gcc") is None:
            self.skipTest("musl-gcc is not installed")
        shim, library, program = (self.folder / f"musl-{name}" for name in ("shim.so", "library.so", "program"))

        def build(text: str, output, *flags: str) -> None:
            subprocess.run(["musl-gcc", "-x", "c", "-", "-x", "none", "-w", "-o", str(output), *flags], input=text,
                           text=True, check=True)

        build(STAND_IN.replace("dlvsym(RTLD_NEXT, name, text(entry, entry->version))", "0"), shim, "-shared", "-fPIC")
        build("int twice(int value) { return 2 * value; }", library, "-shared", "-fPIC")
        build("#include <stdio.h>\nint twice(int); int main(void) { printf(\"%d\\n\", twice(3)); return 0; }", program,
              str(library), f"-Wl,-rpath,{self.folder}")
        environment = self.fresh(SCRATCH_LIBRARY=str(shim))
        done = self.scratch("run", "--region", "twice", program, environment=environment)
        self.assertEqual((0, "6\n"), (done.returncode, done.stdout), done.stderr)
        self.assertEqual("twice", self.said(environment)[0][0])


main()
