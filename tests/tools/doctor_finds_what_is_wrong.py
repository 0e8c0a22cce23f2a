"""`scratch doctor` ends with 0 where all is in place, with 1 where not, and each line says what was found."""

from __future__ import annotations

import subprocess

from fixture import COMPILER, DoctorTest, ToolTest, compile_text, main

OWN_MALLOC = """
#include <stddef.h>
static char store[1 << 20]; static size_t used;
void *malloc(size_t n) { void *p = store + used; used += (n + 15) & ~15ul; return p; }
void free(void *p) { (void)p; }
int main(void) { return 0; }
"""


class DoctorFindsWhatIsWrong(DoctorTest, ToolTest):
    def doctor(self, *arguments: object, status: int = 0, **more: str) -> list[list[str]]:
        """The lines as [level, subject, what was found]."""
        done = self.scratch("doctor", *arguments, environment=self.environment(**more))
        self.assertEqual((status, ""), (done.returncode, done.stderr), done.stdout)
        lines = self.lines_of_doctor(done.stdout)
        self.assertEqual(status, int(any(line[0] == "fail" for line in lines)))
        return lines

    def test_all_in_place(self) -> None:
        lines = self.doctor()
        self.assertIn(str(self.stub), self.found(lines, "ok", "library"))
        self.assertIn("statistics", self.found(lines, "ok", "loading"))
        self.assertEqual("empty", self.found(lines, "ok", "LD_PRELOAD"))

    def test_no_library(self) -> None:
        lines = self.doctor(status=1, SCRATCH_LIBRARY="/no/library.so")
        self.assertIn("/no/library.so", self.found(lines, "fail", "library"))

    def test_library_that_does_not_load(self) -> None:
        broken = self.folder / "broken.so"
        compile_text("extern int nowhere_defined(void); int (*keep)(void) = nowhere_defined;", broken, "-shared",
                     "-fPIC")
        self.found(self.doctor(status=1, SCRATCH_LIBRARY=str(broken)), "fail", "loading")
        crashes = self.folder / "crashes.so"
        compile_text("#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }", crashes,
                     "-shared", "-fPIC")
        self.assertIn("status -6", self.found(self.doctor(status=1, SCRATCH_LIBRARY=str(crashes)), "fail", "loading"))
        silent = self.folder / "silent.so"
        compile_text("int nothing;", silent, "-shared", "-fPIC")
        self.found(self.doctor(SCRATCH_LIBRARY=str(silent)), "warn", "loading")

    def test_environment(self) -> None:
        other = self.library("libother.so")
        lines = self.doctor(LD_PRELOAD=f"{self.stub}:{other}", SCRATCH_MODE="off")
        preloaded = [text for _, subject, text in lines if subject == "LD_PRELOAD"]
        self.assertIn("already", preloaded[0])
        self.assertIn("behind the shim", preloaded[1])
        self.assertIn("SCRATCH_MODE=off", "".join(text for _, subject, text in lines if subject == "environment"))

    def test_plain_program(self) -> None:
        program = self.program("plain")
        lines = self.doctor(program)
        self.assertEqual(str(program), self.found(lines, "ok", "program"))
        self.assertEqual("comes from libc", self.found(lines, "ok", "malloc"))

    def test_script(self) -> None:
        script = self.script("script", "#!/usr/bin/env sh\n")
        self.assertIn(f" runs /usr/bin/env runs {script}", self.found(self.doctor(script), "ok", "program"))

    def test_program_that_cannot_be_interposed(self) -> None:
        static = self.program("static", "-static")
        self.assertIn("statically linked", self.found(self.doctor(static, status=1), "fail", "program"))
        self.found(self.doctor("no-such-program", status=1), "fail", "program")

    def test_several_programs(self) -> None:
        one, two = self.program("one"), self.program("two", text=OWN_MALLOC)
        lines = self.doctor(one, "no-such-program", two, status=1)
        checked = [text for level, about, text in lines if (level, about) == ("ok", "program")]
        self.assertEqual([str(one), str(two)], checked)
        self.assertIn("no-such-program", self.found(lines, "fail", "program"))
        self.assertIn("defines malloc itself", self.found(lines, "warn", "malloc"))

    def test_own_malloc(self) -> None:
        program = self.program("own", text=OWN_MALLOC)
        self.assertIn("defines malloc itself", self.found(self.doctor(program), "warn", "malloc"))

    def test_malloc_of_another_library(self) -> None:
        library = self.folder / "libown.so"
        compile_text(OWN_MALLOC.replace("int main(void) { return 0; }", ""), library, "-shared", "-fPIC")
        program = self.program("linked", "-Wl,--no-as-needed", str(library))
        self.assertIn(str(library), self.found(self.doctor(program), "ok", "malloc"))

    def test_address_sanitizer(self) -> None:
        try:
            program = self.program("sanitized", "-fsanitize=address")
        except subprocess.CalledProcessError:
            self.skipTest(f"{COMPILER[0]} has no AddressSanitizer here")
        # gcc's runtime is a library and refuses a preload; clang's is inside and only has a malloc of its own.
        self.assertIn("AddressSanitizer", self.scratch("doctor", program).stdout)

    def test_go(self) -> None:
        program = self.program("go", text='__attribute__((section(".go.buildinfo"))) int keep = 1;'
                                          'int main(void) { return 0; }')
        self.assertIn("Go", self.found(self.doctor(program), "warn", "language"))


main()
