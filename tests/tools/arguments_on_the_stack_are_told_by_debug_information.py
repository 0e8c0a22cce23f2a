"""How many bytes of arguments a hooked function is given on the stack is read from its debug information, by `run`, which
copies them, and by `doctor`, which says what it knows; without any both say so or copy what they are told to."""

from __future__ import annotations

from pathlib import Path

from fixture import compile_text, main, modules
from hooks_fixture import HookTest

modules()
from scratch_tool.stack_arguments import Unknown, bytes_on_stack  # noqa: E402
from scratch_tool.symbols import Module  # noqa: E402

# What each reads beyond its registers by the conventions of x86-64 and AArch64 (System V, AAPCS), at most.
FUNCTIONS = """
typedef struct { char bytes[200]; } large; typedef const large named_again;
struct pair { long first; double second; };
struct wide { long double one; };
struct __attribute__((packed)) unaligned { char first; long second; int third; short fourth; char fifth; };
struct four { float one, two, three, four; };
typedef float lanes __attribute__((vector_size(16)));
int none(void) { return 0; }
int in_registers(int a, char *b, long c, float d, struct pair e) { return a; }
int eleven(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k) { return (int)k; }
int by_value(large a, named_again b) { return a.bytes[0] + b.bytes[199]; }
int doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i) { return (int)i; }
lanes vectors(lanes a, lanes b, lanes c, lanes d, lanes e, lanes f, lanes g, lanes h, lanes i) { return i; }
int wides(struct wide a, struct wide b, struct wide c) { return (int)c.one; }
int unaligneds(struct unaligned a, struct unaligned b, struct unaligned c) { return c.third; }
int fours(struct four a, struct four b, double c, double d, double e) { return (int)e; }
int pairs(int a, __int128 b, __int128 c, __int128 d, int e) { return e; }
int any_number(const char *first, ...) { return first[0]; }
"""
ON_X86_64 = {"none": (0, 0), "in_registers": (0, 0), "eleven": (40, 48), "by_value": (400, 400), "doubles": (8, 8),
             "vectors": (16, 16), "wides": (48, 48), "unaligneds": (48, 48), "fours": (0, 24), "pairs": (8, 16)}
ON_AARCH64 = {**ON_X86_64, "eleven": (24, 24), "by_value": (0, 0), "wides": (0, 0), "unaligneds": (0, 16),
              "fours": (24, 24), "pairs": (8, 8)}

LIBRARY = """
struct large { long words[40]; };
long sum(struct large one) { long all = 0; for (int i = 0; i < 40; ++i) all += one.words[i]; return all; }
long twice(long one) { return 2 * one; }
"""
CALLER = r"""
#include <stdio.h>
struct large { long words[40]; };
long sum(struct large one); long twice(long one);
int main(void) {
    struct large one;
    for (int i = 0; i < 40; ++i) one.words[i] = i;
    printf("%ld %ld\n", sum(one), twice(4));
    return 0;
}
"""


class DebugInformation(HookTest):
    def test_each_version_of_it(self) -> None:
        for options in (["-gdwarf-4"], ["-gdwarf-5"], ["-g", "-gz", "-O2"], ["-g", "-fdebug-types-section"]):
            path = self.folder / "told.so"
            compile_text(FUNCTIONS, path, "-shared", "-fPIC", *options)
            module = Module(str(path))
            for name, (least, most) in (ON_X86_64 if module.machine == 62 else ON_AARCH64).items():
                with self.subTest(name, options=options):
                    told = bytes_on_stack(module, name)
                    self.assertTrue(least <= told <= most, told)
            with self.assertRaisesRegex(Unknown, "any number of arguments"):
                bytes_on_stack(module, "any_number")

    def test_damage_is_told(self) -> None:
        path = self.folder / "damaged.so"
        compile_text(FUNCTIONS, path, "-shared", "-fPIC", "-g")
        whole = path.read_bytes()
        _, content = Module(str(path)).content_of((".debug_info",))[".debug_info"]
        at = whole.index(content)
        for place in range(0, len(content), 7):
            broken = self.folder / f"damaged{place}.so"
            broken.write_bytes(whole[:at + place] + b"\xff" * 9 + whole[at + place + 9:])
            try:
                self.assertIsInstance(bytes_on_stack(Module(str(broken)), "by_value"), int)
            except Unknown:
                pass
            broken.unlink()

    def build(self, *options: str) -> Path:
        library, caller = self.folder / "liblarge.so", self.folder / "gives_much"
        compile_text(LIBRARY, library, "-shared", "-fPIC", "-Wl,-soname,liblarge.so", *options)
        compile_text(CALLER, caller, str(library), f"-Wl,-rpath,{self.folder}")
        return caller

    def doctor(self, *arguments: object) -> str:
        done = self.scratch("doctor", *arguments, environment=self.fresh())
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        return done.stdout

    def test_run_copies_what_it_tells(self) -> None:
        caller = self.build("-g")
        sizes = {"sum": 320, "twice": 128} if Module(str(caller)).machine == 62 else {"sum": 128, "twice": 128}
        for given in ([], ["--stack-arguments", "64"]):
            least = int(given[1]) if given else 0
            hooks = self.hooks("--region", "sum", "--region", "twice", *given, caller)
            self.assertEqual({name: size if size > 128 or not least else least for name, size in sizes.items()},
                             {name: hook.stack_bytes for name, hook in hooks.items()})
        said = self.doctor("--region", "sum", "--region", "twice", caller)
        self.assertIn("twice: at most 0 bytes on the stack by its debug information; 128 are copied", said)
        self.assertIn(f"{sizes['sum']} are copied", said)

    def test_without_any(self) -> None:
        caller = self.build()
        self.assertEqual(128, self.hooks("--region", "sum", caller)["sum"].stack_bytes)
        said = self.doctor("--region", "sum", caller)
        self.assertRegex(said, r"(?m)^note +arguments +sum: how many bytes it is given on the stack is not known \(there is "
                               r"no debug information\); 128 are copied, .*give --stack-arguments BYTES, or install .*-g$")

    def test_where_the_user_tells(self) -> None:
        caller = self.build()
        self.assertEqual(320, self.hooks("--region", "sum", "--stack-arguments", "320", caller)["sum"].stack_bytes)
        said = self.doctor("--region", "sum", "--stack-arguments", "320", caller)
        self.assertRegex(said, r"(?m)^ok +arguments +sum: .* 320 are copied, as --stack-arguments says$")
        told = self.scratch("run", "--region", "sum", "--stack-arguments", "320", "--", caller, environment=self.fresh())
        self.assertEqual((0, "780 8\n"), (told.returncode, told.stdout), told.stderr)


main()
