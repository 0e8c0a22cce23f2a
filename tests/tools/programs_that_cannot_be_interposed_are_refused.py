"""Each program that the shim cannot enter is refused with 126, one that is not there with 127, and one sentence."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from fixture import ToolTest, main, modules

modules()
from scratch_tool.elf import Elf  # noqa: E402

EM_386, EM_AARCH64, EM_X86_64 = 3, 183, 62


class ProgramsThatCannotBeInterposedAreRefused(ToolTest):
    def patched(self, name: str, offset: int, data: bytes) -> Path:
        path = self.program(name)
        content = bytearray(path.read_bytes())
        content[offset:offset + len(data)] = data
        path.write_bytes(content)
        return path

    def test_static(self) -> None:
        for flag in ("-static", "-static-pie"):
            program = self.program(f"static{flag}", flag)
            self.assert_refused(126, "run", program, says=(str(program), "statically linked", "use a"))

    def test_32_bit(self) -> None:
        path = self.folder / "old"
        interpreter = b"/lib/ld-linux.so.2\0"
        header = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, EM_386, 1, 0, 52, 0, 0, 52, 32,
                                                                 1, 0, 0, 0)
        segment = struct.pack("<IIIIIIII", 3, 84, 0, 0, len(interpreter), len(interpreter), 4, 1)
        path.write_bytes(header + segment + interpreter)
        path.chmod(0o755)
        self.assert_refused(126, "run", path, says=("32-bit i386", Elf(str(self.stub)).kind))

    def test_another_machine(self) -> None:
        other = EM_AARCH64 if Elf(str(self.stub)).machine == EM_X86_64 else EM_X86_64
        program = self.patched("foreign", 18, struct.pack("<H", other))
        self.assert_refused(126, "run", program, says=("AArch64" if other == EM_AARCH64 else "x86-64", "shim"))

    def test_another_libc(self) -> None:
        program = self.program("musl", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
        self.assert_refused(126, "run", program, says=("another libc", "musl", "glibc"))

    def test_loader_that_is_not_here(self) -> None:
        program = self.program("lost", "-Wl,--dynamic-linker=/nowhere/ld-linux-x86-64.so.2")
        self.assert_refused(126, "run", program, says=("/nowhere/ld-linux-x86-64.so.2", "install"))

    def test_damaged(self) -> None:
        program = self.program("cut")
        program.write_bytes(program.read_bytes()[:100])
        self.assert_refused(126, "run", program, says=("damaged", "cut short"))

    def test_neither_program_nor_script(self) -> None:
        for name, content in (("empty", b""), ("picture", b"\x89PNG\r\n\0\0")):
            path = self.folder / name
            path.write_bytes(content)
            path.chmod(0o755)
            self.assert_refused(126, "run", path, says=(str(path), "neither"))

    def test_directory(self) -> None:
        self.assert_refused(126, "run", self.folder, says=("is a directory",))
        self.assert_refused(126, "run", "/dev/null", says=("no regular file",))

    def test_not_executable(self) -> None:
        path = self.script("plain", "#!/bin/sh\n", 0o644)
        self.assert_refused(126, "run", path, says=("not executable", "chmod +x"))
        self.assert_refused(126, "run", "plain", says=("not executable",),
                            environment=self.environment(PATH=f"/nowhere:{self.folder}"))

    def test_a_later_folder_of_path_may_have_one_that_is(self) -> None:
        for folder, mode in (("first", 0o644), ("second", 0o755)):
            (self.folder / folder).mkdir()
            self.script(f"{folder}/choice", "#!/bin/sh\nexit 3\n", mode)
        done = self.scratch("run", "choice", environment=self.environment(
            PATH=f"{self.folder}/first:{self.folder}/second"))
        self.assertEqual(3, done.returncode, done.stderr)

    def test_missing(self) -> None:
        self.assert_refused(127, "run", "no-such-program", says=("no-such-program", "PATH"))
        self.assert_refused(127, "run", "/no/such/program", says=("/no/such/program does not exist",))
        self.assert_refused(127, "run", "/etc/passwd/program", says=("does not exist",))
        self.assert_refused(127, "run", "", says=("empty",))
        os.symlink("/no/such/program", self.folder / "dangling")
        self.assert_refused(127, "run", self.folder / "dangling", says=("does not exist",))

    def test_a_name_with_a_line_break_stays_one_line(self) -> None:
        self.assert_refused(127, "run", "a\nb\x1b[31m", says=(r"a\nb\x1b[31m",))

    def test_environment_that_is_too_long(self) -> None:
        # Linux takes 131,071 bytes in one string: the option still fits, and the variable made of it does not.
        self.assert_refused(126, "run", "--exclude", "x" * 131060, "true", says=("Argument list too long", "fewer"))

    def test_a_program_that_may_be_executed_and_not_read_runs(self) -> None:
        program = self.program("unreadable")
        program.chmod(0o111)
        done = self.scratch("run", program)
        self.assertEqual(7, done.returncode, done.stderr)

    def test_the_loader_run_by_hand_runs(self) -> None:
        program = self.program("by-hand")
        said = self.folder / "said"
        loader = Elf(str(program)).interpreter
        done = self.scratch("run", loader, program, environment=self.environment(STUB_SAYS=str(said)))
        self.assertEqual(7, done.returncode, done.stderr)
        self.assertTrue(said.exists())
        values = ("--argv0", "name", "--library-path", self.folder, "--inhibit-cache")
        self.assertEqual(7, self.scratch("run", loader, *values, program).returncode)
        self.assertEqual(0, self.scratch("run", loader, "--help").returncode)

    def test_what_the_loader_run_by_hand_is_given_is_looked_at(self) -> None:
        loader = Elf(str(self.program("dynamic"))).interpreter
        static = self.program("static", "-static")
        other = self.program("other", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
        for options in ((), ("--argv0", "name", "--inhibit-cache")):
            self.assert_refused(126, "run", loader, *options, static, says=(str(static), "statically linked"))
            self.assert_refused(126, "run", loader, *options, other, says=(str(other), "another libc", "musl", "glibc"))

    def test_loader_of_another_libc_run_by_hand(self) -> None:
        program = self.program("of-musl", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
        libc = self.folder / "ld-musl-x86_64.so.1"
        libc.write_bytes(self.program("static-loader", "-static").read_bytes())
        libc.chmod(0o755)
        self.assert_refused(126, "run", libc, program, says=(str(libc), "another libc", "musl", "glibc"))


main()
