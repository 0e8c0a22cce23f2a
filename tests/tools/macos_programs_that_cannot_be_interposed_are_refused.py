"""On macOS each program that the shim cannot be inserted into is refused with 126, and one sentence that says why and
the way round; what lets it in is run."""

from __future__ import annotations

import os
import struct
from unittest import mock

from fixture import main
from macho_fixture import (ALLOW_VARIABLES, BUNDLE, DYLIB, GET_TASK_ALLOW, LIBRARY_VALIDATION, NO_LIBRARY_VALIDATION,
                           RESTRICT, RUNTIME, DarwinTest, fat, fat_of, macho, signature)


class ProgramsAreRefusedOnMacOS(DarwinTest):
    def assert_program_refused(self, content: bytes, *says: str, machine: str = "arm64") -> str:
        path = self.file("home/program", content)
        return self.assert_refused(126, "run", path, "argument", says=(str(path), *says), machine=machine)

    def assert_program_runs(self, content: bytes, machine: str = "arm64") -> None:
        path = self.file("home/program", content)
        ended = self.assert_runs(path, "argument", machine=machine)
        self.assertEqual((str(path), [str(path), "argument"]), (ended.path, ended.arguments))

    def test_plain_programs_run(self) -> None:
        for machine in ("x86_64", "arm64"):
            for content in (macho("x86_64"), fat("x86_64", "arm64"), fat("x86_64", "arm64", wide=True),
                            macho("x86_64", signed=None), macho("x86_64h"), macho("x86_64", platform=0)):
                self.assert_program_runs(content, machine)
        self.assert_program_runs(macho("arm64"))

    def test_protected(self) -> None:
        for name in ("usr/bin/tool", "bin/tool", "System/tool"):
            path = self.file(name, macho("x86_64"))
            self.assert_refused(126, "run", path, machine="x86_64",
                                says=(str(path), "System Integrity Protection", "Homebrew",
                                      f"cp {path} COPY && codesign -f -s - COPY"))
        self.assert_runs(self.file("usr/local/bin/tool", macho("x86_64")))
        link = self.folder / "opt/bin/link"
        link.symlink_to(self.folder / "usr/bin/tool")
        self.assert_refused(126, "run", "link", says=("System Integrity Protection",))
        beside = self.folder / "usr2"
        beside.mkdir()
        self.assert_runs(self.file("usr2/tool", macho("x86_64")))

    def test_a_copy_of_an_arm64e_program_would_not_do(self) -> None:
        said = self.assert_refused(126, "run", self.folder / "bin/sh", says=("Homebrew", "a copy would not do", "arm64e"))
        self.assertNotIn("codesign", said)

    def test_the_restricted_flag(self) -> None:
        path = self.file("home/program", macho("x86_64"))
        stat = os.stat

        def flagged(file, *more, **named):
            status = stat(file, *more, **named)
            return mock.Mock(wraps=status, st_flags=0x00080000, st_mode=status.st_mode, st_uid=status.st_uid) \
                if file == str(path) else status

        with mock.patch.object(os, "stat", flagged):
            self.assert_refused(126, "run", path, says=("System Integrity Protection",))

    def test_setuid_and_setgid(self) -> None:
        path = self.file("home/program", macho("x86_64"))
        for mode, owner, what in ((0o4755, os.getuid() + 1, "is setuid"), (0o2755, os.getgid() + 1, "is setgid")):
            stat = os.stat

            def owned(file, *more, **named):
                status = stat(file, *more, **named)
                if file != str(path):
                    return status
                return mock.Mock(st_mode=0o100000 | mode, st_uid=owner, st_gid=owner, st_flags=0)

            with mock.patch.object(os, "stat", owned), mock.patch.object(os, "access", lambda *_: True):
                self.assert_refused(126, "run", path, says=(what, "gains privileges", "copy"))

    def test_restrict_section(self) -> None:
        for architecture in ("x86_64", "arm64"):
            self.assert_program_refused(macho(architecture, sections=(("__TEXT", "__text"), ("__RESTRICT", "__restrict"))),
                                        "__RESTRICT,__restrict", "forbids")
        self.assert_program_runs(macho("x86_64", sections=(("__RESTRICT", "__other"), ("__TEXT", "__restrict"))))

    def test_restrict_flag(self) -> None:
        self.assert_program_refused(macho(signed=signature(RESTRICT)), "restricted", "codesign -f -s - COPY")

    def test_hardened_runtime(self) -> None:
        for entitlements in (None, {}, {ALLOW_VARIABLES: False}, {NO_LIBRARY_VALIDATION: True}):
            for der in (False, True):
                self.assert_program_refused(macho(signed=signature(RUNTIME, entitlements=entitlements, der=der)),
                                            "hardened runtime", ALLOW_VARIABLES, "codesign -f -s - COPY")

    def test_library_validation(self) -> None:
        for signed in (signature(RUNTIME, entitlements={ALLOW_VARIABLES: True}),
                       signature(RUNTIME, "TEAM", entitlements={ALLOW_VARIABLES: True}, der=True),
                       signature(LIBRARY_VALIDATION), signature(LIBRARY_VALIDATION, "TEAM")):
            self.assert_program_refused(macho(signed=signed), "library validation", NO_LIBRARY_VALIDATION,
                                        "sign the shim as it is signed")

    def test_what_lets_the_shim_in(self) -> None:
        both = {ALLOW_VARIABLES: True, NO_LIBRARY_VALIDATION: True, "other": ["x"]}
        for signed in (signature(RUNTIME, entitlements=both),
                       signature(RUNTIME | LIBRARY_VALIDATION, "TEAM", entitlements=both),
                       signature(LIBRARY_VALIDATION, entitlements={NO_LIBRARY_VALIDATION: True}),
                       signature(RUNTIME, entitlements={GET_TASK_ALLOW: True}), signature(0, "TEAM")):
            self.assert_program_runs(macho("arm64", signed=signed))
        self.assert_program_runs(macho(signed=signature(RUNTIME, entitlements={ALLOW_VARIABLES: True,
                                                                               NO_LIBRARY_VALIDATION: True}, der=True)))

    def test_a_shim_of_the_same_team_is_let_in(self) -> None:
        self.shim = self.file("libscratch-preload.dylib", macho("x86_64", DYLIB, False, signed=signature(0, "TEAM")))
        hardened = {ALLOW_VARIABLES: True}
        self.assert_program_runs(macho(signed=signature(RUNTIME, "TEAM", entitlements=hardened)), "x86_64")
        self.assert_program_refused(macho(signed=signature(RUNTIME, "OTHER", entitlements=hardened)), "library validation",
                                    machine="x86_64")

    def test_arm64e(self) -> None:
        self.assert_program_refused(macho("arm64e"), "arm64e", "pointers are signed", "x86_64, arm64", "Homebrew")
        # Of others than Apple the slice beside it is taken; of Apple the better one.
        self.assert_program_runs(fat("arm64e", "arm64"))
        self.assert_program_refused(fat("arm64", "arm64e", signed=signature(platform=13)), "is arm64e")
        self.shim = self.file("libscratch-preload.dylib", fat("arm64", "arm64e", kind=DYLIB, dynamic=False))
        self.assert_program_runs(macho("arm64e"))

    def test_slices_that_the_shim_has_no_code_for(self) -> None:
        self.shim = self.file("libscratch-preload.dylib", macho("arm64", DYLIB, False))
        self.assert_program_refused(macho("x86_64"), "Rosetta", "x86_64", "universal")
        self.assert_program_refused(macho("x86_64"), "would run as x86_64", "shim is for arm64", machine="x86_64")
        self.assert_program_runs(fat("x86_64", "arm64"))
        # A process under Rosetta starts the slice that is like itself.
        self.assert_program_refused(fat("x86_64", "arm64"), "would run as x86_64", machine="x86_64")

    def test_32_bit_and_other_machines(self) -> None:
        for architecture in ("i386", "ppc"):
            for content in (macho(architecture), fat(architecture)):
                self.assert_program_refused(content, f"32-bit {architecture}", "64-bit build")
        self.assert_program_refused(fat("i386", "ppc"), "32-bit i386, ppc")

    def test_no_programs(self) -> None:
        for kind, word in ((DYLIB, "a shared library"), (BUNDLE, "a plugin"), (1, "an object file")):
            self.assert_program_refused(macho(kind=kind), word, "no program")
        self.assert_program_refused(macho(dynamic=False), "statically linked", "libscratch")
        for platform, word in ((2, "iOS"), (6, "Mac Catalyst"), (7, "simulator"), (99, "platform 99")):
            self.assert_program_refused(macho(platform=platform), word, "use a build for macOS")
        self.assert_program_refused(b"\x7fELF" + bytes(60), "neither a program of macOS nor a script")
        # A class of Java begins as a fat file does.
        self.assert_program_refused(struct.pack(">IHH", 0xCAFEBABE, 0, 61) + bytes(60), "neither a program of macOS")

    def test_unsigned_arm64_code(self) -> None:
        path = self.file("home/program", macho("arm64", signed=None))
        self.assert_refused(126, "run", path, says=("is not signed", f"codesign -s - {path}"))
        self.shim = self.file("libscratch-preload.dylib", macho("arm64", DYLIB, False, signed=None))
        self.assert_refused(125, "run", self.file("home/program", macho("arm64")),
                            says=(f"{self.shim} is not signed", f"codesign -s - {self.shim}"))

    def test_damaged(self) -> None:
        whole = macho("arm64", signed=signature(RUNTIME, "TEAM", entitlements={ALLOW_VARIABLES: True}))
        self.assert_program_refused(whole[:60], "damaged", "install it anew")
        self.assert_program_refused(fat("arm64")[:4200], "damaged")
        self.assert_program_refused(whole[:-20], "damaged code signature", "codesign -f -s -")
        self.assert_program_refused(macho(signed=b"\0" * 40), "damaged code signature")
        broken = signature(entitlements={"a": True}).replace(b"<dict>", b"<dicx>")
        self.assert_program_refused(macho(signed=broken), "damaged code signature", "entitlements make no sense")
        self.assert_program_refused(fat_of(("arm64", b"no Mach-O file")), "damaged")

    def test_missing(self) -> None:
        self.assert_refused(127, "run", "no-such-program", says=("PATH",))
        self.assert_refused(127, "run", "/no/such/program", says=("does not exist",))


main()
