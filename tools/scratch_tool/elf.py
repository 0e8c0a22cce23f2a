"""The headers of ELF files: enough to tell whether a library can be preloaded into a program."""

from __future__ import annotations

import os
import struct

from .object_file import ObjectError

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME = 1, 5, 10, 14
SHT_NOBITS, SHT_DYNSYM = 8, 11

# What people call them; other numbers are printed as they are.
MACHINES = {3: "i386", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S/390", 40: "ARM", 62: "x86-64",
            183: "AArch64", 243: "RISC-V", 258: "LoongArch"}

# What the system calls them, and folders of libraries are named by.
PROCESSORS = {62: "x86_64", 183: "aarch64", 243: "riscv64"}

# No real header comes near; a crafted one must not make us read a file of gigabytes.
MOST_HEADERS = 4096
LONGEST_PATH = 4096
LARGEST_TABLE = 64 << 20


class ElfError(ObjectError):
    """Not an ELF file, or one whose headers contradict themselves."""


class Elf:
    """The headers of the file at `path`, read when constructed; tables are read when they are asked for.

    Raises ElfError for what is no ELF file and OSError for what cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            head = file.read(64)
            if len(head) < 20 or head[:4] != b"\x7fELF":
                raise ElfError("no ELF file")
            if head[4] not in (1, 2) or head[5] not in (1, 2):
                raise ElfError("neither 32-bit nor 64-bit ELF")
            self.bits = 32 * head[4]
            self.order = "<" if head[5] == 1 else ">"
            (self.machine,) = struct.unpack_from(self.order + "H", head, 18)
            self._read_segments(file, head)
            self.interpreter = self._read_interpreter(file)

    @property
    def kind(self) -> str:
        """Words and machine, for people: "64-bit x86-64"."""
        return f"{self.bits}-bit {MACHINES.get(self.machine, f'machine {self.machine}')}"

    @property
    def processor(self) -> str:
        """The system's name of it: not that of this process, where programs of other processors run emulated."""
        return PROCESSORS.get(self.machine, os.uname().machine)

    def same_kind(self, other: Elf) -> bool:
        """Whether code of both can live in one process."""
        return (self.bits, self.order, self.machine) == (other.bits, other.order, other.machine)

    def needed(self) -> list[str]:
        """The libraries that this file asks the loader for (DT_NEEDED), in order."""
        entries = self._dynamic()
        strings = self._strings(entries)
        return [_text_at(strings, value) for tag, value in entries if tag == DT_NEEDED]

    def defined_symbols(self) -> set[str]:
        """The names which this file offers to others: the defined ones of its dynamic symbol table."""
        with open(self.path, "rb") as file:
            sections = self._sections(file)
            for kind, offset, size, link in sections:
                if kind == SHT_DYNSYM and link < len(sections):
                    symbols = _read(file, offset, size)
                    strings = _read(file, sections[link][1], sections[link][2])
                    return self._defined(symbols, strings)
        return set()

    def section_names(self) -> set[str]:
        """The names of the sections; empty where they were stripped."""
        with open(self.path, "rb") as file:
            head = file.read(64)
            index = self._field(head, 50, "H", 62, "H")
            names = self._sections(file)
            if index >= len(names):
                return set()
            strings = _read(file, names[index][1], names[index][2])
            return {_text_at(strings, name) for name in self._section_name_offsets(file)}

    def content_of(self, names: tuple[str, ...]) -> dict[str, tuple[int, bytes]]:
        """The flags and the bytes of the sections of these names, of those that are in the file."""
        found: dict[str, tuple[int, bytes]] = {}
        with open(self.path, "rb") as file:
            head = file.read(64)
            index = self._field(head, 50, "H", 62, "H")
            table, step, count = self._section_table(file)
            code = self.order + ("IIQ8xQQ" if self.bits == 64 else "III4xII")
            sections = [struct.unpack_from(code, table, number * step) for number in range(count)]
            if index >= count:
                return found
            strings = _read(file, *sections[index][3:])
            for name, kind, flags, offset, size in sections:
                text = _text_at(strings, name)
                if text in names and kind != SHT_NOBITS:
                    found[text] = flags, _read(file, offset, size)
        return found

    def _field(self, head: bytes, offset32: int, code32: str, offset64: int, code64: str) -> int:
        offset, code = (offset64, code64) if self.bits == 64 else (offset32, code32)
        try:
            return int(struct.unpack_from(self.order + code, head, offset)[0])
        except struct.error as error:
            raise ElfError("the ELF header is cut short") from error

    def _read_segments(self, file, head: bytes) -> None:
        offset = self._field(head, 28, "I", 32, "Q")
        size = self._field(head, 42, "H", 54, "H")
        count = self._field(head, 44, "H", 56, "H")
        code = self.order + ("IIQQQQ" if self.bits == 64 else "IIIIII")
        if count > MOST_HEADERS or (count and size < struct.calcsize(code)):
            raise ElfError("the program headers make no sense")
        table = _read(file, offset, size * count)
        # (type, offset in the file, address, bytes in the file)
        self.segments: list[tuple[int, int, int, int]] = []
        for index in range(count):
            fields = struct.unpack_from(code, table, index * size)
            if self.bits == 64:
                self.segments.append((fields[0], fields[2], fields[3], fields[5]))
            else:
                self.segments.append((fields[0], fields[1], fields[2], fields[4]))

    def _read_interpreter(self, file) -> str | None:
        for kind, offset, _, size in self.segments:
            if kind == PT_INTERP:
                if not 0 < size <= LONGEST_PATH:
                    raise ElfError("the name of the program's loader makes no sense")
                return _read(file, offset, size).split(b"\0")[0].decode("utf-8", "surrogateescape")
        return None

    def _dynamic(self) -> list[tuple[int, int]]:
        for kind, offset, _, size in self.segments:
            if kind == PT_DYNAMIC:
                with open(self.path, "rb") as file:
                    table = _read(file, offset, size)
                pair = struct.Struct(self.order + ("qQ" if self.bits == 64 else "iI"))
                return list(pair.iter_unpack(table[: len(table) // pair.size * pair.size]))
        return []

    def _strings(self, entries: list[tuple[int, int]]) -> bytes:
        values = dict(entries)
        address, size = values.get(DT_STRTAB), values.get(DT_STRSZ)
        if address is None or size is None:
            return b""
        for kind, offset, start, length in self.segments:
            if kind == PT_LOAD and start <= address < start + length:
                with open(self.path, "rb") as file:
                    return _read(file, offset + address - start, size)
        return b""

    def _section_table(self, file) -> tuple[bytes, int, int]:
        file.seek(0)
        head = file.read(64)
        offset = self._field(head, 32, "I", 40, "Q")
        size = self._field(head, 46, "H", 58, "H")
        count = self._field(head, 48, "H", 60, "H")
        if not offset or not count:
            return b"", 0, 0
        if count > MOST_HEADERS or size < (64 if self.bits == 64 else 40):
            raise ElfError("the section headers make no sense")
        return _read(file, offset, size * count), size, count

    def _sections(self, file) -> list[tuple[int, int, int, int]]:
        """Each section's (type, offset, size, link)."""
        table, size, count = self._section_table(file)
        code = self.order + ("4xI8x8xQQI" if self.bits == 64 else "4xI4x4xIII")
        return [struct.unpack_from(code, table, index * size) for index in range(count)]

    def _section_name_offsets(self, file) -> list[int]:
        table, size, count = self._section_table(file)
        return [struct.unpack_from(self.order + "I", table, index * size)[0] for index in range(count)]

    def _defined(self, symbols: bytes, strings: bytes) -> set[str]:
        entry = struct.Struct(self.order + ("IBBHQQ" if self.bits == 64 else "IIIBBH"))
        section = 3 if self.bits == 64 else 5
        whole = symbols[: len(symbols) // entry.size * entry.size]
        return {_text_at(strings, fields[0]) for fields in entry.iter_unpack(whole) if fields[section]}


def _read(file, offset: int, size: int) -> bytes:
    if size > LARGEST_TABLE:
        raise ElfError("a table of the ELF file is too large to be true")
    if offset + size > os.fstat(file.fileno()).st_size:
        raise ElfError("the ELF file is cut short")
    file.seek(offset)
    return file.read(size)


def _text_at(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    return strings[offset:end].decode("utf-8", "surrogateescape") if 0 <= offset < end else ""
