"""The symbols of one loaded object, looked up by name without reading all of its table."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from .elf import DT_NEEDED, DT_SONAME, PT_LOAD, SHT_DYNSYM, Elf, ElfError

DT_SYMTAB, DT_HASH, DT_RELA, DT_RELASZ, DT_RPATH, DT_SYMBOLIC, DT_JMPREL, DT_PLTRELSZ = 6, 4, 7, 8, 15, 16, 23, 2
DT_RUNPATH, DT_FLAGS, DT_VERSYM, DT_VERDEF, DT_VERDEFNUM = 29, 30, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
DF_SYMBOLIC = 2
SHT_SYMTAB = 2
NOTYPE, OBJECT, FUNCTION, COMMON, TLS, IFUNC = 0, 1, 2, 5, 6, 10
LOCAL, WEAK = 0, 2
DEFAULT, PROTECTED = 0, 3

SYMBOL = struct.Struct("<IBBHQQ")
MOST_VERSIONS = 65536


class Symbol:
    """One symbol: `kind` (FUNCTION, ...), `defined`, `value` (its address within its object), and its version:
    the defined one, `hidden` where it is not the default one, or the one asked for of the library `file`."""

    __slots__ = ("name", "kind", "binding", "visibility", "defined", "value", "index", "version", "hidden", "file",
                 "has_own_convention")

    def __init__(self, name: str, fields: tuple[int, ...], index: int) -> None:
        self.name, self.index = name, index
        self.kind, self.binding, self.visibility = fields[1] & 15, fields[1] >> 4, fields[2] & 3
        # On AArch64: it passes scalable vectors, or keeps other registers than most (STO_AARCH64_VARIANT_PCS).
        self.has_own_convention = bool(fields[2] & 0x80)
        self.defined, self.value = fields[3] != 0, fields[4]
        self.version, self.hidden, self.file = "", False, ""

    @property
    def is_function(self) -> bool:
        # Functions written in assembler may have no type.
        return self.kind in (FUNCTION, IFUNC, NOTYPE)


class Module(Elf):
    """An executable or a library as the loader sees it: what it needs, defines and asks for. 64-bit words, the low
    byte first; other files raise ElfError."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        if self.bits != 64 or self.order != "<":
            raise ElfError(f"{self.kind} is not looked into")
        entries = self._dynamic()
        self._values = dict(entries)
        self._names = self._strings(entries)
        self.soname = self._name(self._values[DT_SONAME]) if DT_SONAME in self._values else ""
        self.needs = [self._name(value) for tag, value in entries if tag == DT_NEEDED]
        self.rpath, self.runpath = (self._name(self._values[tag]) if tag in self._values else ""
                                    for tag in (DT_RPATH, DT_RUNPATH))
        self.binds_inside = DT_SYMBOLIC in self._values or bool(self._values.get(DT_FLAGS, 0) & DF_SYMBOLIC)
        self._symbols: bytes | None = None
        self._version_numbers: bytes | None = None
        self._versions: dict[int, tuple[str, str]] | None = None
        self._index: dict[str, list[int]] | None = None
        self._bound: set[int] | None = None

    @property
    def name(self) -> str:
        """What the loader knows it by, for a library."""
        return self.soname or os.path.basename(self.path)

    @property
    def is_program(self) -> bool:
        return self.interpreter is not None and not self.soname

    def find(self, name: str) -> list[Symbol]:
        """The symbols called `name`, in the order of the table; several where it has several versions."""
        if self._index is not None:
            return [self._symbol(name, index) for index in self._index.get(name, ())]
        text = name.encode("utf-8", "surrogateescape") + b"\0"
        table = self._table()
        found = []
        offset = self._names.find(text)
        while offset > 0:
            wanted = struct.pack("<I", offset)
            at = table.find(wanted)
            while at >= 0:
                if at % SYMBOL.size == 0:
                    found.append(self._symbol(name, at // SYMBOL.size))
                at = table.find(wanted, at + 1)
            offset = self._names.find(text, offset + 1)
        return found

    def definitions(self, name: str) -> list[Symbol]:
        """Those that other objects may bind to."""
        return [symbol for symbol in self.find(name)
                if symbol.defined and symbol.binding != LOCAL and symbol.visibility in (DEFAULT, PROTECTED)]

    def requests(self, name: str) -> list[Symbol]:
        """Those that this object binds to another one's definition."""
        return [symbol for symbol in self.find(name) if not symbol.defined]

    def asks_for(self, name: str) -> bool:
        return bool(self.requests(name))

    def names(self) -> list[str]:
        """All names in the table. After this, `find` takes no time."""
        if self._index is None:
            texts = self._names
            index: dict[str, list[int]] = {}
            for number, fields in enumerate(SYMBOL.iter_unpack(self._table())):
                start = fields[0]
                if start:
                    text = texts[start:texts.find(b"\0", start)].decode("utf-8", "surrogateescape")
                    index.setdefault(text, []).append(number)
            self._index = index
        return list(self._index)

    def binds_itself(self, symbol: Symbol) -> bool:
        """Whether calls from this object to its own `symbol` go through a binding that another object can take."""
        if self.binds_inside or symbol.visibility != DEFAULT:
            return False
        if self._index is not None:
            if self._bound is None:
                # Each relocation: offset, kind, number of the symbol, addend.
                self._bound = {number for table in self._relocations()
                               for number, in struct.iter_unpack("<12xI8x", table[:len(table) // 24 * 24])}
            return symbol.index in self._bound
        wanted = struct.pack("<I", symbol.index)
        for table in self._relocations():
            at = table.find(wanted)
            while at >= 0:
                if at % 24 == 12:
                    return True
                at = table.find(wanted, at + 1)
        return False

    def _relocations(self) -> list[bytes]:
        values = self._values
        tables = (DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ)
        return [self._at(values[table], values[size]) for table, size in tables if table in values and size in values]

    def all_functions(self) -> Iterator[Symbol]:
        """Every function with a body here, static ones too; of stripped files those that others may bind to."""
        table, names = self._full_table()
        for index, fields in enumerate(SYMBOL.iter_unpack(table)):
            if fields[3] and fields[1] & 15 in (FUNCTION, IFUNC):
                end = names.find(b"\0", fields[0])
                yield Symbol(names[fields[0]:end].decode("utf-8", "surrogateescape"), fields, index)

    def has_inside(self, name: str) -> bool:
        """Whether there is a function called `name` here that may be nobody else's to bind to."""
        text = name.encode("utf-8", "surrogateescape") + b"\0"
        return text in self._full_table()[1] and any(symbol.name == name for symbol in self.all_functions())

    def _full_table(self) -> tuple[bytes, bytes]:
        with open(self.path, "rb") as file:
            sections = self._sections(file)
            for kind in (SHT_SYMTAB, SHT_DYNSYM):
                for found, offset, size, link in sections:
                    if found == kind and link < len(sections):
                        return (_pread(file, offset, size // SYMBOL.size * SYMBOL.size),
                                _pread(file, sections[link][1], sections[link][2]))
        return b"", b""

    def _table(self) -> bytes:
        if self._symbols is None:
            self._symbols = self._read_table()
        return self._symbols

    def _read_table(self) -> bytes:
        if DT_SYMTAB not in self._values:
            return b""
        with open(self.path, "rb") as file:
            try:
                for kind, offset, size, _ in self._sections(file):
                    if kind == SHT_DYNSYM:
                        return _pread(file, offset, size // SYMBOL.size * SYMBOL.size)
            except ElfError:
                pass
        if DT_HASH not in self._values:
            return b""
        count = struct.unpack("<II", self._at(self._values[DT_HASH], 8))[1]
        return self._at(self._values[DT_SYMTAB], count * SYMBOL.size)

    def _symbol(self, name: str, index: int) -> Symbol:
        symbol = Symbol(name, SYMBOL.unpack_from(self._table(), index * SYMBOL.size), index)
        if DT_VERSYM in self._values:
            if self._version_numbers is None:
                self._version_numbers = self._at(self._values[DT_VERSYM], len(self._table()) // SYMBOL.size * 2)
            number, = struct.unpack_from("<H", self._version_numbers, 2 * index)
            symbol.hidden = bool(number & 0x8000)
            symbol.version, symbol.file = self._version_names().get(number & 0x7FFF, ("", ""))
        return symbol

    def _version_names(self) -> dict[int, tuple[str, str]]:
        """Each version's number: its name, and the library that it is asked of (empty for defined ones)."""
        if self._versions is None:
            self._versions = {}
            self._read_defined_versions(self._versions)
            self._read_asked_versions(self._versions)
        return self._versions

    def _read_defined_versions(self, versions: dict[int, tuple[str, str]]) -> None:
        at = self._values.get(DT_VERDEF, 0)
        for _ in range(min(self._values.get(DT_VERDEFNUM, 0), MOST_VERSIONS)):
            _, flags, number, _, _, first, following = struct.unpack("<HHHHIII", self._at(at, 20))
            # The one flagged as the base names the file.
            if not flags & 1:
                versions[number] = self._name(struct.unpack("<I", self._at(at + first, 4))[0]), ""
            if not following:
                break
            at += following

    def _read_asked_versions(self, versions: dict[int, tuple[str, str]]) -> None:
        at = self._values.get(DT_VERNEED, 0)
        for _ in range(min(self._values.get(DT_VERNEEDNUM, 0), MOST_VERSIONS)):
            _, count, file, first, following = struct.unpack("<HHIII", self._at(at, 16))
            entry = at + first
            for _ in range(count):
                _, _, number, name, behind = struct.unpack("<IHHII", self._at(entry, 16))
                versions[number] = self._name(name), self._name(file)
                if not behind:
                    break
                entry += behind
            if not following:
                break
            at += following

    def _name(self, offset: int) -> str:
        end = self._names.find(b"\0", offset)
        return self._names[offset:end].decode("utf-8", "surrogateescape") if 0 <= offset < end else ""

    def _at(self, address: int, size: int) -> bytes:
        """What stands at `address` once this is loaded."""
        for kind, offset, start, length in self.segments:
            if kind == PT_LOAD and start <= address and address + size <= start + length:
                with open(self.path, "rb") as file:
                    return _pread(file, offset + address - start, size)
        raise ElfError("a table lies outside of what is loaded")


def _pread(file, offset: int, size: int) -> bytes:
    if offset + size > os.fstat(file.fileno()).st_size:
        raise ElfError("the ELF file is cut short")
    return os.pread(file.fileno(), size, offset)
