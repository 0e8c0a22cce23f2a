"""The functions that options name are looked for where the loader will find them: names, globs, modules, versions,
libraries behind libraries, libraries that come later, C++ as people write it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fixture import compile_text, main
from hooks_fixture import FRAME, PAUSED, REGION, TRUSTED_FRAME, TRUSTED_REGION, HookTest, read_object

USES_DEEP = 'int deep(int); int shallow(int value) { return deep(value); }'
PRINTS_SHALLOW = '#include <stdio.h>\nint shallow(int); int main(void) { printf("%d\\n", shallow(1)); return 0; }'
OPENS = '#include <dlfcn.h>\nint main(void) { return dlopen("libnot-there.so", RTLD_NOW) != 0; }'
CPP = """
namespace paint {
struct brush { int stroke(int length); int stroke(double length); static int count(); };
int brush::stroke(int length) { return length; }
int brush::stroke(double length) { return static_cast<int>(length) + 1; }
int brush::count() { return 3; }
int clear() { return 4; }
}
"""
CPP_CALLER = """
namespace paint {
struct brush { int stroke(int length); int stroke(double length); static int count(); };
int clear();
}
int main() {
    paint::brush one;
    return one.stroke(1) + one.stroke(2.0) + paint::brush::count() + paint::clear() - 11;
}
"""
TWO_VERSIONS = """
__asm__(".symver old_answer, answer@FIRST_1"); __asm__(".symver new_answer, answer@@SECOND_2");
int old_answer(void) { return 1; } int new_answer(void) { return 2; }
"""
ASKS_OLD = '__asm__(".symver answer, answer@FIRST_1"); int answer(void); int from_old(void) { return answer(); }'


class FunctionsAreFound(HookTest):
    def test_every_kind_and_several_of_each(self) -> None:
        hooks = self.hooks("--region", "twice", "--trusted-region", "libprovider.so.1!thrice", "--frame",
                           "calls_inside", "--trusted-frame=printf", self.caller)
        self.assertEqual({"twice": REGION, "thrice": TRUSTED_REGION, "calls_inside": FRAME, "printf": TRUSTED_FRAME},
                         {name: hook.kind for name, hook in hooks.items()})
        self.assertEqual("libprovider.so.1!thrice", hooks["thrice"].label)
        self.assertEqual("FIRST_1.0", hooks["thrice"].version)
        self.assertEqual("libprovider.so.1", hooks["twice"].module)
        self.assertEqual({128}, {hook.stack_bytes for hook in hooks.values()})

    def test_bytes_of_arguments(self) -> None:
        for given, taken in (("16", 16), ("129", 144), ("65536", 65536)):
            hooks = self.hooks("--region", "twice", "--stack-arguments", given, self.caller)
            self.assertEqual(taken, hooks["twice"].stack_bytes)
        for wrong in ("-1", "65537", "1K", "", "٨"):
            self.assert_refused(125, "run", "--region", "twice", f"--stack-arguments={wrong}", self.caller,
                                says=(repr(wrong), "65536"))

    def test_globs(self) -> None:
        hooks = self.hooks("--region", "libprov*!*ice", self.caller)
        self.assertEqual({"twice": "libprovider.so.1!twice", "thrice": "libprovider.so.1!thrice"},
                         {name: hook.label for name, hook in hooks.items()})
        # Nobody calls `unused`, and nothing in this program could come to do so; data is no function.
        hooks = self.hooks("--region", "libprovider.so.1!*", self.caller)
        self.assertEqual({"twice", "thrice", "calls_inside"}, set(hooks))

    def test_modules_by_any_name(self) -> None:
        for module in ("libprovider.so.1", "libprovider", "libprovider.so.*", str(self.provider), f"{self.folder}/*"):
            self.assertEqual("libprovider.so.1", self.hooks("--region", f"{module}!twice", self.caller)["twice"].module)

    def test_the_stronger_of_two_wishes(self) -> None:
        hooks = self.hooks("--region", "libprovider!*", "--except", "libprovider!th*", "--trusted-region",
                           "twice", self.caller)
        self.assertEqual({"twice": TRUSTED_REGION, "thrice": PAUSED, "calls_inside": REGION},
                         {name: hook.kind for name, hook in hooks.items()})
        self.assert_refused(125, "run", "--region", "twice", "--frame", "twice", self.caller, environment=self.fresh(),
                            says=("--frame twice", "--region twice", "a name is hooked once", "leave one"))

    def test_exceptions_are_patterns_too(self) -> None:
        environment = self.fresh()
        self.scratch("run", "--except", "libprovider!t*", "--except", "puts", self.caller, environment=environment)
        _, exclusions = read_object(self.object_of(environment))
        self.assertIn(("libprovider.so.1", "t*"), exclusions)
        self.assertIn(("", "puts"), exclusions)

    def behind(self, name: str, *flags: str, folder: str = "deep") -> Path:
        """A program whose library needs one in a folder of its own."""
        (self.folder / folder).mkdir(exist_ok=True)
        deep = self.folder / folder / "libdeep.so"
        compile_text("int deep(int value) { return value + 40; }", deep, "-shared", "-fPIC", "-Wl,-soname,libdeep.so")
        shallow = self.shared(f"libshallow-{name}.so", USES_DEEP, str(deep), *flags)
        return self.program(name, str(shallow), f"-Wl,-rpath,{self.folder}", f"-Wl,-rpath-link,{deep.parent}",
                            text=PRINTS_SHALLOW)

    def test_libraries_of_libraries(self) -> None:
        for flags in (("-Wl,-rpath,$ORIGIN/deep", "-Wl,--enable-new-dtags"),
                      ("-Wl,-rpath,${ORIGIN}/deep", "-Wl,--disable-new-dtags")):
            program = self.behind(f"origin-{len(flags[1])}", *flags)
            self.assertEqual("libdeep.so", self.hooks("--region", "deep", program)["deep"].module)
        program = self.behind("bare", folder="elsewhere")
        self.assertIn("deep", self.hooks("--region", "deep", program, LD_LIBRARY_PATH=str(self.folder / "elsewhere")))

    def test_scripts_are_followed(self) -> None:
        script = self.script("script", f"#!{self.caller}\n")
        self.assertIn("twice", self.hooks("--region", "twice", script))

    def test_the_version_that_is_asked_for(self) -> None:
        versions = "FIRST_1 { global: answer; local: *; }; SECOND_2 { global: answer; } FIRST_1;"
        library = self.shared("libanswer.so", TWO_VERSIONS, versions=versions)
        old = self.shared("libold.so", ASKS_OLD, str(library), f"-Wl,-rpath,{self.folder}")
        runpath = f"-Wl,-rpath,{self.folder}"
        asks_old = self.program("asks-old", str(old), runpath,
                                text="int from_old(void); int main(void) { return from_old() - 1; }")
        asks_new = self.program("asks-new", str(library), runpath,
                                text="int answer(void); int main(void) { return answer() - 2; }")
        both = self.program("asks-both", str(old), str(library), runpath,
                            text="int answer(void); int from_old(void); "
                                 "int main(void) { return answer() - from_old(); }")
        self.assertEqual("FIRST_1", self.hooks("--region", "answer", asks_old)["answer"].version)
        self.assertEqual("SECOND_2", self.hooks("--region", "answer", asks_new)["answer"].version)
        self.assert_refused(125, "run", "--region", "answer", both, environment=self.fresh(),
                            says=("SECOND_2 by asks-both", "FIRST_1 by libold.so"))

    def test_libraries_that_come_later(self) -> None:
        hook = self.hooks("--region", "plugin.so!start", self.caller)["start"]
        self.assertEqual(("plugin.so", ""), (hook.module, hook.version))
        self.assertEqual("plugin.so*", self.hooks("--region", "plugin!start", self.caller)["start"].module)
        # Where the library is at hand it is looked into.
        plugin = self.shared("libplugin.so", "int start(void) { return 1; } int value = 1;")
        here = {"LD_LIBRARY_PATH": str(self.folder)}
        self.assertIn("start", self.hooks("--region", f"{plugin}!start", self.caller))
        self.assertEqual({"start"}, set(self.hooks("--region", "libplugin.so!st*", self.caller, **here)))
        self.assert_refused(125, "run", "--region", "libplugin.so!strat", self.caller, environment=self.fresh(**here),
                            says=("not defined by libplugin.so", "do you mean start"))
        self.assert_refused(125, "run", "--region", "libplugin.so!value", self.caller, environment=self.fresh(**here),
                            says=("is data of libplugin.so",))

    def test_program_that_may_load_callers_later(self) -> None:
        opens = self.program("opens", str(self.provider), "-Wl,--no-as-needed", str(self.provider),
                             f"-Wl,-rpath,{self.folder}", text=OPENS)
        hooks = self.hooks("--region", "libprovider!*", opens)
        self.assertEqual({"twice", "thrice", "unused", "calls_inside"}, set(hooks))

    def test_cpp(self) -> None:
        compiler = os.environ.get("CXX", "c++").split()
        if shutil.which("c++filt") is None or shutil.which(compiler[0]) is None:
            self.skipTest("there is no C++ compiler or no c++filt")
        library, program = self.folder / "libpaint.so", self.folder / "painter"
        for text, output, flags in ((CPP, library, ["-shared", "-fPIC", "-Wl,-soname,libpaint.so"]),
                                    (CPP_CALLER, program, [str(library), f"-Wl,-rpath,{self.folder}"])):
            source = self.folder / "source.cpp"
            source.write_text(text, encoding="utf-8")
            subprocess.run([*compiler, str(source), "-o", str(output), *flags], check=True)
        both = {"_ZN5paint5brush6strokeEi", "_ZN5paint5brush6strokeEd"}
        for wish, names in (("_ZN5paint5brush6strokeEi", {"_ZN5paint5brush6strokeEi"}),
                            ("_ZN5paint5brush*", both | {"_ZN5paint5brush5countEv"}),
                            ("paint::brush::stroke", both),
                            ("libpaint.so!paint::brush::stroke(int)", {"_ZN5paint5brush6strokeEi"}),
                            ("paint::*", both | {"_ZN5paint5brush5countEv", "_ZN5paint5clearEv"})):
            self.assertEqual(names, set(self.hooks("--region", wish, program)), wish)
        self.assert_refused(125, "run", "--region", "paint::brush::wash", program, environment=self.fresh(),
                            says=("paint::brush::wash", "no library of the program"))

    def test_env_knows_modules_only(self) -> None:
        environment = self.fresh(LD_LIBRARY_PATH=str(self.folder))
        done = self.scratch("env", "--region", "libprovider.so.1!t*", "--frame", "poll", environment=environment)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        hooks, _ = read_object(self.object_of(environment))
        self.assertTrue({"twice", "thrice", "poll"} <= {hook.symbol for hook in hooks})
        self.assert_refused(125, "env", "--region", "twice", environment=self.fresh(),
                            says=("named without its library", "library.so!function"))


main()
