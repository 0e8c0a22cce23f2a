"""The headers of Mach-O files: enough to tell whether a library can be inserted into a program."""

from __future__ import annotations

import os
import struct

from .object_file import ObjectError, read_at

# Of the first four bytes: order and bits of one slice; a fat file holds several, its header always big endian.
THIN = {b"\xce\xfa\xed\xfe": ("<", 32), b"\xcf\xfa\xed\xfe": ("<", 64), b"\xfe\xed\xfa\xce": (">", 32),
        b"\xfe\xed\xfa\xcf": (">", 64)}
FAT = {b"\xca\xfe\xba\xbe": ">IIIII", b"\xca\xfe\xba\xbf": ">IIQQII"}

ABI_64 = 0x01000000
X86, ARM, POWERPC = 7, 12, 18
ARCHITECTURES = {(X86, None): "i386", (X86 | ABI_64, 8): "x86_64h", (X86 | ABI_64, None): "x86_64",
                 (ARM | ABI_64, 2): "arm64e", (ARM | ABI_64, None): "arm64", (ARM | 0x02000000, None): "arm64_32",
                 (ARM, None): "arm", (POWERPC, None): "ppc", (POWERPC | ABI_64, None): "ppc64"}
# The upper byte of a subtype holds flags.
SUBTYPE = 0x00FFFFFF

EXECUTE, DYLIB, BUNDLE = 2, 6, 8
FILE_TYPES = {1: "an object file", EXECUTE: "a program", 4: "a core file", DYLIB: "a shared library",
              7: "the dynamic loader", BUNDLE: "a plugin", 9: "a stub of a library", 10: "debug information",
              11: "a kernel extension"}

SEGMENT, SYMTAB, LOAD_DYLIB, LOAD_DYLINKER, SEGMENT_64, CODE_SIGNATURE = 0x1, 0x2, 0xC, 0xE, 0x19, 0x1D
BUILD_VERSION = 0x32
VERSION_MIN = {0x24: 1, 0x25: 2, 0x2F: 3, 0x30: 4}
LIBRARIES = (LOAD_DYLIB, 0x80000018, 0x8000001F, 0x80000023)
PLATFORMS = {1: "macOS", 2: "iOS", 3: "tvOS", 4: "watchOS", 6: "Mac Catalyst", 7: "the iOS simulator",
             8: "the tvOS simulator", 9: "the watchOS simulator", 10: "DriverKit", 11: "visionOS",
             12: "the visionOS simulator"}
MACOS = 1

# No real file comes near; a crafted one must not make us read gigabytes. A Java class begins as a fat file does, and
# has its version, 45 and more, where that has the number of its slices.
MOST_SLICES = 40
LARGEST_COMMANDS = 4 << 20
LARGEST_TABLE = 64 << 20


class Slice:
    """The part of a file for one architecture. `offset` is where it begins in the file, `size` its bytes."""

    def __init__(self, path: str, file, offset: int, size: int) -> None:
        self.path, self.offset, self.size = path, offset, size
        magic = read_at(file, offset, 4, 4, "a slice")
        if magic not in THIN:
            raise ObjectError("no Mach-O file")
        self.order, self.bits = THIN[magic]
        header = self._read(file, 0, 28, LARGEST_COMMANDS, "the header")
        cpu, subtype, self.type, count, length = struct.unpack_from(self.order + "4xIIIII", header)
        self.subtype = subtype & SUBTYPE
        self.architecture = ARCHITECTURES.get((cpu, self.subtype)) or ARCHITECTURES.get((cpu, None)) or f"cpu {cpu}"
        self.interpreter = ""
        self.platform = 0
        self.needed: list[str] = []
        # (segment, section)
        self.sections: set[tuple[str, str]] = set()
        self._signature = self._symbols = (0, 0, 0, 0)
        start = 32 if self.bits == 64 else 28
        commands = self._read(file, start, length, LARGEST_COMMANDS, "the list of load commands")
        self._read_commands(commands, count)

    def code_signature(self) -> bytes:
        """The bytes of the signature; none where the slice is not signed."""
        offset, size = self._signature[:2]
        if not size:
            return b""
        with open(self.path, "rb") as file:
            return self._read(file, offset, size, LARGEST_TABLE, "the code signature")

    def defined_symbols(self) -> set[str]:
        """The names which this slice offers to others, without the underscore that C's begin with."""
        offset, count, names, size = self._symbols
        entry = struct.Struct(self.order + ("IBB2x8x" if self.bits == 64 else "IBB2x4x"))
        with open(self.path, "rb") as file:
            table = self._read(file, offset, count * entry.size, LARGEST_TABLE, "the table of symbols")
            strings = self._read(file, names, size, LARGEST_TABLE, "the names of the symbols")
        found = set()
        for at, kind, section in entry.iter_unpack(table):
            # External, in a section, and none of the debugger's.
            if kind & 0xE1 == 0x01 and kind & 0x0E == 0x0E and section:
                found.add(_text_at(strings, at).removeprefix("_"))
        return found

    def _read(self, file, offset: int, size: int, most: int, what: str) -> bytes:
        if offset + size > self.size:
            raise ObjectError(f"the slice for {getattr(self, 'architecture', 'a machine')} ends before {what} does")
        return read_at(file, self.offset + offset, size, most, what)

    def _read_commands(self, commands: bytes, count: int) -> None:
        at = 0
        for _ in range(count):
            if at + 8 > len(commands):
                raise ObjectError("the load commands are cut short")
            kind, size = struct.unpack_from(self.order + "II", commands, at)
            if size < 8 or at + size > len(commands):
                raise ObjectError("a load command makes no sense")
            self._read_command(kind, commands[at:at + size])
            at += size

    def _read_command(self, kind: int, command: bytes) -> None:
        try:
            if kind in (SEGMENT, SEGMENT_64):
                self._read_segment(command, kind == SEGMENT_64)
            elif kind == LOAD_DYLINKER:
                self.interpreter = self._string(command) or "?"
            elif kind in LIBRARIES:
                self.needed.append(self._string(command))
            elif kind == CODE_SIGNATURE:
                self._signature = (*struct.unpack_from(self.order + "II", command, 8), 0, 0)
            elif kind == SYMTAB:
                self._symbols = struct.unpack_from(self.order + "IIII", command, 8)
            elif kind == BUILD_VERSION:
                platform, = struct.unpack_from(self.order + "I", command, 8)
                # One for two platforms has a command for each, and runs where either does.
                self.platform = MACOS if MACOS in (platform, self.platform) else platform
            elif kind in VERSION_MIN:
                self.platform = self.platform or VERSION_MIN[kind]
        except struct.error:
            raise ObjectError("a load command is too short for its kind") from None

    def _read_segment(self, command: bytes, wide: bool) -> None:
        count, = struct.unpack_from(self.order + "I", command, 64 if wide else 48)
        start, size = (72, 80) if wide else (56, 68)
        if start + count * size > len(command):
            raise ObjectError("a segment has more sections than its command")
        segment = _name(command[8:24])
        self.sections.add((segment, ""))
        for index in range(count):
            at = start + index * size
            self.sections.add((_name(command[at + 16:at + 32]), _name(command[at:at + 16])))

    def _string(self, command: bytes) -> str:
        offset, = struct.unpack_from(self.order + "I", command, 8)
        if offset > len(command):
            raise ObjectError("a name lies outside of its load command")
        return _name(command[offset:])


class MachO:
    """The slices of the file at `path`, their headers read when constructed; tables are read when they are asked for.

    Raises ObjectError for what is no Mach-O file and OSError for what cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            whole = os.fstat(file.fileno()).st_size
            magic = file.read(4)
            places = _fat_places(file, FAT[magic]) if magic in FAT else [(0, whole)]
            self.slices = []
            for offset, size in places:
                if offset + size > whole:
                    raise ObjectError("the file ends before one of its slices does")
                self.slices.append(Slice(path, file, offset, size))

    @property
    def architectures(self) -> list[str]:
        return [one.architecture for one in self.slices]

    def slice_for(self, *names: str) -> Slice | None:
        """The slice of the first of these architectures that is there."""
        for name in names:
            for one in self.slices:
                if one.architecture == name:
                    return one
        return None


def is_macho(head: bytes) -> bool:
    """Whether a file that begins so is a Mach-O file, and no Java class."""
    if head[:4] in FAT:
        return len(head) >= 8 and 0 < int.from_bytes(head[4:8], "big") <= MOST_SLICES
    return head[:4] in THIN


def _fat_places(file, code: str) -> list[tuple[int, int]]:
    entry = struct.Struct(code)
    count = int.from_bytes(read_at(file, 4, 4, 4, "the fat header"), "big")
    if not 0 < count <= MOST_SLICES:
        raise ObjectError("the fat header makes no sense")
    table = read_at(file, 8, count * entry.size, LARGEST_COMMANDS, "the fat header")
    return [fields[2:4] for fields in entry.iter_unpack(table)]


def _name(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "surrogateescape")


def _text_at(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    return strings[offset:end].decode("utf-8", "surrogateescape") if 0 <= offset < end else ""
