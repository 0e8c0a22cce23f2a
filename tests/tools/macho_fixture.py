"""A writer of Mach-O files for tests, and the tool as it is on a Mac: its commands are run in this process with a system
that is given to them, since no program of macOS runs here. What they would become is kept and not started."""

from __future__ import annotations

import contextlib
import io
import os
import plistlib
import struct
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from fixture import modules

modules()
from scratch_tool.darwin import Darwin  # noqa: E402
from scratch_tool.main import main as command  # noqa: E402
from scratch_tool.place import Place  # noqa: E402

CPU = {"i386": (7, 3), "x86_64": (0x01000007, 3), "x86_64h": (0x01000007, 8), "arm64": (0x0100000C, 0),
       "arm64e": (0x0100000C, 0x80000002), "ppc": (18, 0)}
EXECUTE, DYLIB, BUNDLE = 2, 6, 8
ADHOC, RESTRICT, LIBRARY_VALIDATION, RUNTIME = 0x2, 0x800, 0x2000, 0x10000

ALLOW_VARIABLES = "com.apple.security.cs.allow-dyld-environment-variables"
NO_LIBRARY_VALIDATION = "com.apple.security.cs.disable-library-validation"
GET_TASK_ALLOW = "com.apple.security.get-task-allow"


def signature(flags: int = ADHOC, team: str = "", platform: int = 0, entitlements: dict[str, object] | None = None,
              der: bool = False) -> bytes:
    """A superblob: a directory of the code, and the entitlements as text or as DER."""
    name = b"identifier\0"
    tail = name + (team.encode() + b"\0" if team else b"")
    team_offset = 88 + len(name) if team else 0
    directory = struct.pack(">IIIIIIIIIBBBBIIIIQQQQ", 0xFADE0C02, 88 + len(tail), 0x20400, flags, 88 + len(tail), 88, 0,
                            0, 0, 32, 2, platform, 12, 0, 0, team_offset, 0, 0, 0, 0, 0) + tail
    blobs = [(0, directory)]
    if entitlements is not None:
        text = (0xFADE7172, _der(entitlements)) if der else (0xFADE7171, plistlib.dumps(entitlements))
        blobs.append((7 if der else 5, struct.pack(">II", text[0], 8 + len(text[1])) + text[1]))
    at = 12 + 8 * len(blobs)
    index = b""
    for slot, blob in blobs:
        index += struct.pack(">II", slot, at)
        at += len(blob)
    return struct.pack(">III", 0xFADE0CC0, at, len(blobs)) + index + b"".join(blob for _, blob in blobs)


def _der(entitlements: dict[str, object]) -> bytes:
    def item(tag: int, content: bytes) -> bytes:
        size = len(content)
        length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
        return bytes([tag]) + length + content

    pairs = b"".join(item(0x30, item(0x0C, name.encode()) + item(0x01, b"\xff" if value else b"\0"))
                     for name, value in entitlements.items())
    return item(0x70, item(0x02, b"\1") + item(0xB0, pairs))


def macho(architecture: str = "x86_64", kind: int = EXECUTE, dynamic: bool = True, platform: int = 1,
          sections: tuple[tuple[str, str], ...] = (), needed: tuple[str, ...] = ("/usr/lib/libSystem.B.dylib",),
          symbols: tuple[str, ...] = ("_main",), signed: bytes | None = signature()) -> bytes:
    """A file of one slice. `signed` None: it has no signature."""
    cpu, subtype = CPU[architecture]
    wide = bool(cpu & 0x01000000)
    order = ">" if architecture == "ppc" else "<"
    commands = []

    def with_text(number: int, text: str, middle: bytes = b"") -> None:
        body = text.encode() + b"\0"
        body += bytes(-(12 + len(middle) + len(body)) % 8)
        commands.append(struct.pack(order + "III", number, 12 + len(middle) + len(body), 12 + len(middle)) + middle + body)

    for segment, section in sections:
        names = (segment.encode(), section.encode())
        if wide:
            commands.append(struct.pack(order + "II16sQQQQIIII", 0x19, 72 + 80, names[0], 0, 0, 0, 0, 0, 0, 1, 0)
                            + struct.pack(order + "16s16sQQIIIIIIII", names[1], names[0], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        else:
            commands.append(struct.pack(order + "II16sIIIIIIII", 1, 56 + 68, names[0], 0, 0, 0, 0, 0, 0, 1, 0)
                            + struct.pack(order + "16s16sIIIIIIIII", names[1], names[0], 0, 0, 0, 0, 0, 0, 0, 0, 0))
    if dynamic:
        with_text(0xE, "/usr/lib/dyld")
    for library in needed:
        with_text(0xC, library, struct.pack(order + "III", 2, 0x10000, 0x10000))
    if platform:
        commands.append(struct.pack(order + "IIIIII", 0x32, 24, platform, 0xB0000, 0xB0000, 0))
    names = b"\0" + b"".join(symbol.encode() + b"\0" for symbol in symbols)
    entries, at = b"", 1
    for symbol in symbols:
        entries += struct.pack(order + ("IBBHQ" if wide else "IBBHI"), at, 0x0F, 1, 0, 0)
        at += len(symbol) + 1
    size = 24 + (16 if signed is not None else 0) + sum(map(len, commands))
    start = (32 if wide else 28) + size
    commands.append(struct.pack(order + "IIIIII", 2, 24, start, len(symbols), start + len(entries), len(names)))
    data = entries + names
    data += bytes(-(start + len(data)) % 16)
    if signed is not None:
        commands.append(struct.pack(order + "IIII", 0x1D, 16, start + len(data), len(signed)))
        data += signed
    magic = 0xFEEDFACF if wide else 0xFEEDFACE
    header = struct.pack(order + "IIIIIII", magic, cpu, subtype, kind, len(commands), size, 0x85)
    header += bytes(4) if wide else b""
    return header + b"".join(commands) + data


def fat(*architectures: str, wide: bool = False, **more) -> bytes:
    return fat_of(*((name, macho(name, **more)) for name in architectures), wide=wide)


def fat_of(*slices: tuple[str, bytes], wide: bool = False) -> bytes:
    """A file of several slices, each with the name of its architecture."""
    code = ">IIQQII" if wide else ">IIIII"
    at, headers, contents = 4096, b"", b""
    for name, content in slices:
        content += bytes(-len(content) % 4096)
        fields = (*CPU[name], at, len(content), 12)
        headers += struct.pack(code, *fields, *((0,) if wide else ()))
        contents += content
        at += len(content)
    head = struct.pack(">II", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices)) + headers
    return head.ljust(4096, b"\0") + contents


class Ended:
    """How a command ended: its status and output, and the program that it would have become."""

    def __init__(self) -> None:
        self.status = 0
        self.output = ""
        self.error = ""
        self.path = ""
        self.arguments: list[str] = []
        self.environment: dict[bytes, bytes] = {}

    def variable(self, name: str) -> str | None:
        value = self.environment.get(name.encode())
        return None if value is None else value.decode()


class Became(BaseException):
    """Leaves the command where it would be another program."""


class DarwinTest(unittest.TestCase):
    """A test with a folder of its own, in which usr, bin and System are protected, usr/local is not, and the shim lies
    as a universal library that is signed ad hoc."""

    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory(prefix="scratch-test-")
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name).resolve()
        for name in ("usr/bin", "usr/local/bin", "bin", "System", "opt/bin", "home"):
            (self.folder / name).mkdir(parents=True)
        self.shim = self.file("libscratch-preload.dylib", fat("x86_64", "arm64", kind=DYLIB, dynamic=False))
        self.file("usr/bin/env", fat("x86_64", "arm64e", signed=signature(platform=13)))
        self.file("bin/sh", fat("x86_64", "arm64e", signed=signature(platform=13)))

    def file(self, name: str, content: bytes | str, mode: int = 0o755) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def system(self, machine: str) -> Darwin:
        protected = tuple(str(self.folder / name) for name in ("usr", "bin", "System"))
        return Darwin(machine, protected, (str(self.folder / "usr/local"),))

    def scratch(self, *arguments: object, machine: str = "arm64", environment: dict[str, str] | None = None,
                system: Darwin | None = None) -> Ended:
        ended = Ended()

        def become(path: str, words: list[str], variables: dict[bytes, bytes]) -> None:
            ended.path, ended.arguments, ended.environment = path, words, variables
            raise Became

        variables = {"PATH": f"{self.folder}/opt/bin:{self.folder}/usr/bin:{self.folder}/bin", "HOME": str(self.folder),
                     "SCRATCH_LIBRARY": str(self.shim), **(environment or {})}
        output = io.TextIOWrapper(io.BytesIO(), write_through=True)
        error = io.StringIO()
        place = Place(str(self.folder), "lib", "", "0", system or self.system(machine))
        with mock.patch.dict(os.environ, variables, clear=True), mock.patch.object(os, "execve", become), \
                mock.patch.object(sys, "stdout", output), contextlib.redirect_stderr(error), \
                contextlib.suppress(Became), mock.patch("_signal.signal"):
            ended.status = command([str(word) for word in arguments], place)
        output.seek(0)
        ended.output, ended.error = output.read(), error.getvalue()
        return ended

    def assert_runs(self, *arguments: object, **more) -> Ended:
        ended = self.scratch("run", *arguments, **more)
        self.assertEqual(("", 0), (ended.error, ended.status))
        self.assertTrue(ended.path)
        self.assertEqual(str(self.shim), (ended.variable("DYLD_INSERT_LIBRARIES") or "").split(":")[0])
        return ended

    def assert_refused(self, status: int, *arguments: object, says: tuple[str, ...], **more) -> str:
        ended = self.scratch(*arguments, **more)
        self.assertEqual((status, "", ""), (ended.status, ended.output, ended.path), ended.error)
        self.assertEqual(1, ended.error.count("\n"), ended.error)
        self.assertTrue(ended.error.startswith("scratch"), ended.error)
        for words in says:
            self.assertIn(words, ended.error)
        return ended.error
