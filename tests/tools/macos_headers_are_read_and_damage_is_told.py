"""Whatever the bytes of a Mach-O file: reading its headers and its signature gives what is in them, as other readers of
such files see it, or says that they are damaged."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fixture import main, modules
from macho_fixture import (ALLOW_VARIABLES, DYLIB, RUNTIME, fat, fat_of, macho, signature)

modules()
from scratch_tool.code_signature import Signature  # noqa: E402
from scratch_tool.darwin import signature_of  # noqa: E402
from scratch_tool.macho import MachO, is_macho  # noqa: E402
from scratch_tool.object_file import ObjectError  # noqa: E402

ROUNDS = 1000
SOURCE = "int work(void) { return 1; } int main(void) { return work(); }"


# What tools/build-darwin made, where it did: CI has it beside the build.
BUILT = [path for path in (Path(os.environ.get("SCRATCH_BUILD", "/nowhere")) / "darwin").glob("*/*/*.dylib")
         if not path.is_symlink()]


def dumper_or_skip(test: unittest.TestCase) -> str:
    found = shutil.which("llvm-objdump") or shutil.which("llvm-objdump-14")
    if found is None:
        test.skipTest("llvm-objdump is not installed")
    return str(found)


class HeadersAreRead(unittest.TestCase):
    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory(prefix="scratch-test-")
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)
        self.path = self.folder / "file"

    def read_all(self, content: bytes) -> list[tuple]:
        self.path.write_bytes(content)
        found = []
        for one in MachO(str(self.path)).slices:
            signed = signature_of(one)
            found.append((one.architecture, one.defined_symbols(), one.needed, one.sections, signed and signed.team))
        return found

    def test_what_was_written_is_read(self) -> None:
        sections = (("__TEXT", "__text"), ("__DATA", "__interpose"))
        signed = signature(RUNTIME, "TEAM", 3, {ALLOW_VARIABLES: True, "no": False, "text": "x"})
        for name in ("i386", "x86_64", "x86_64h", "arm64", "arm64e", "ppc"):
            content = macho(name, sections=sections, needed=("/a", "/b" * 50), signed=signed,
                            symbols=("_main", "_work", "plain"))
            for whole in (content, fat_of((name, content)), fat_of((name, content), wide=True)):
                self.assertEqual([(name, {"main", "work", "plain"}, ["/a", "/b" * 50],
                                   {*sections, ("__TEXT", ""), ("__DATA", "")}, "TEAM")], self.read_all(whole))
                self.assertTrue(is_macho(whole[:16]))
        self.assertEqual(["x86_64", "arm64"], [one[0] for one in self.read_all(fat("x86_64", "arm64", kind=DYLIB))])

    def test_signatures(self) -> None:
        for der in (False, True):
            read = Signature(signature(RUNTIME, "TEAM", 3, {ALLOW_VARIABLES: True, "no": False, "x" * 300: True}, der))
            self.assertEqual((RUNTIME, "TEAM", 3, {ALLOW_VARIABLES, "x" * 300}),
                             (read.flags, read.team, read.platform, read.entitlements))
        self.assertEqual(("", set()), (Signature(signature()).team, Signature(signature()).entitlements))

    def test_random_damage(self) -> None:
        generator = random.Random(1)
        told = 0
        entitlements = {ALLOW_VARIABLES: True, "no": False}
        sound = [macho("x86_64", sections=(("__TEXT", "__text"),), signed=signature(RUNTIME, "T", 0, entitlements, der))
                 for der in (False, True)] + [macho("i386"), fat("x86_64", "arm64"), fat("arm64", wide=True)]
        for _ in range(ROUNDS):
            content = bytearray(generator.choice(sound))
            header = 4096 if content[:3] == b"\xca\xfe\xba" and generator.random() < 0.5 else 0
            for _ in range(generator.randrange(1, 6)):
                place = header + generator.choice((generator.randrange(0, 64), generator.randrange(64, 700)))
                content[min(place, len(content) - 1)] = generator.choice((0, 1, 127, 128, 255, generator.randrange(256)))
            try:
                self.read_all(bytes(content[: generator.choice((len(content), generator.randrange(len(content))))]))
            except ObjectError:
                told += 1
        self.assertGreater(told, ROUNDS // 10)

    def test_damage_of_signatures(self) -> None:
        generator = random.Random(2)
        told = 0
        for number in range(ROUNDS):
            content = bytearray(signature(RUNTIME, "TEAM", 3, {ALLOW_VARIABLES: True}, bool(number % 2)))
            for _ in range(generator.randrange(1, 4)):
                place = generator.randrange(len(content))
                content[place] = generator.choice((0, 1, 127, 128, 255, generator.randrange(256)))
            try:
                Signature(bytes(content[: generator.choice((len(content), generator.randrange(len(content))))]))
            except ObjectError:
                told += 1
        self.assertGreater(told, ROUNDS // 10)

    def test_numbers_that_promise_gigabytes(self) -> None:
        for content in (b"\xca\xfe\xba\xbe" + b"\0\0\0\x20" + b"\xff" * 4096, b"\xca\xfe\xba\xbe" + b"\xff" * 60,
                        b"\xcf\xfa\xed\xfe" + b"\xff" * 60, macho()[:16] + b"\xff" * 8 + macho()[24:]):
            with self.assertRaises(ObjectError):
                self.read_all(content)

    def judge(self, path: Path, dumper: str) -> None:
        """Reads as llvm-objdump does."""
        read = MachO(str(path)).slices[0]
        said = subprocess.run([dumper, "--macho", "--all-headers", str(path)], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        self.assertEqual(re.findall(r"cmd LC_LOAD_DYLIB\n.*\n +name (.*) \(offset", said), read.needed)
        self.assertEqual("LC_LOAD_DYLINKER" in said, bool(read.interpreter))
        self.assertEqual("LC_CODE_SIGNATURE" in said, bool(read.code_signature()))
        self.assertEqual(set(re.findall(r"sectname (\S+)\n +segname (\S+)", said)),
                         {(section, segment) for segment, section in read.sections if section})
        symbols = subprocess.run([dumper, "--macho", "--syms", str(path)], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout
        outside = {line.split()[-1].removeprefix("_") for line in symbols.splitlines()
                   if re.match(r"[0-9a-f]{16} (g|.w)", line) and "*ABS*" not in line}
        self.assertEqual(outside, read.defined_symbols())
        signed = signature_of(read)
        self.assertEqual(read.architecture == "arm64", signed is not None, "the linker signs for arm64 only")
        if signed is not None:
            self.assertTrue(signed.flags & 0x2, "ad hoc")
            self.assertEqual("", signed.team)

    def test_files_of_a_linker(self) -> None:
        clang, dumper = shutil.which("clang"), dumper_or_skip(self)
        linker = subprocess.run([clang, "-print-prog-name=ld64.lld"], stdout=subprocess.PIPE, text=True,
                                check=True).stdout.strip() if clang else ""
        if clang is None or shutil.which(linker) is None:
            self.skipTest("clang or ld64.lld is not installed")
        for target in ("x86_64", "arm64"):
            unit, path = self.folder / "unit.o", self.folder / "linked"
            subprocess.run([clang, "-target", f"{target}-apple-macos11", "-x", "c", "-c", "-o", str(unit), "-"],
                           input=SOURCE, text=True, check=True)
            for kind in ("-execute", "-dylib"):
                subprocess.run([linker, "-arch", target, "-platform_version", "macos", "11.0", "11.0", kind,
                                "-undefined", "dynamic_lookup", "-o", str(path), str(unit)], check=True,
                               stderr=subprocess.DEVNULL)
                self.judge(path, dumper)
                read = MachO(str(path)).slices[0]
                self.assertEqual((target, 1), (read.architecture, read.platform))

    # Without that build the files of the linker above have to do.
    if BUILT:
        def test_the_build_for_macos(self) -> None:
            for path in BUILT:
                self.judge(path, dumper_or_skip(self))

main()
