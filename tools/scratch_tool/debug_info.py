"""The debug information (DWARF 4 and 5) of one object: the entries of its functions, and what they refer to."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator

from .elf import LARGEST_TABLE, Elf, ElfError

SHF_COMPRESSED = 0x800
ZLIB = 1
# A second or two; every caller names a function, too.
MOST_READ = 8 << 20
SEPARATE_FILES = "/usr/lib/debug/.build-id"
NEEDED = (".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_str_offsets")

# Tags and attributes (DW_TAG_..., DW_AT_...).
FORMAL_PARAMETER, COMPILE_UNIT, UNSPECIFIED_PARAMETERS, SUBPROGRAM = 0x05, 0x11, 0x18, 0x2E
NAME, BYTE_SIZE, LOW_PC, LINKAGE_NAME, TYPE, DECLARATION, STR_OFFSETS_BASE = 0x03, 0x0B, 0x11, 0x6E, 0x49, 0x3C, 0x72
SPECIFICATION, MIPS_LINKAGE_NAME = 0x47, 0x2007

# How each form is read: so many bytes of it, or by its own rule below (DW_FORM_...).
FIXED = {0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x19: 0, 0x1E: 16, 0x20: 8,
         0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4}
OFFSETS = {0x0E, 0x10, 0x17, 0x1D, 0x1F, 0x1F20, 0x1F21}
BLOCKS = {0x03: 2, 0x04: 4, 0x0A: 1}
ADDRESS, BLOCK, STRING, SDATA, STRP, UDATA, REF_UDATA = 0x01, 0x09, 0x08, 0x0D, 0x0E, 0x0F, 0x15
EXPRLOC, STRX, ADDRX, LINE_STRP, IMPLICIT, LOCLISTX, RNGLISTX, REF_ADDR = 0x18, 0x1A, 0x1B, 0x1F, 0x21, 0x22, 0x23, 0x10
STRX_FIXED = {0x25, 0x26, 0x27, 0x28}
UNIT_REFERENCES = {0x11, 0x12, 0x13, 0x14, REF_UDATA}
ELSEWHERE = {0x1C, 0x1D, 0x1F20, 0x1F21, 0x20}


class Entry:
    """One entry with its attributes, and how deep it stands in its unit."""

    def __init__(self, at: int, tag: int, depth: int, values: dict[int, int | str | None], unit: Unit) -> None:
        self.at, self.tag, self.depth, self.values, self.unit = at, tag, depth, values, unit

    def number(self, attribute: int) -> int | None:
        value = self.values.get(attribute)
        return value if isinstance(value, int) else None


class Unit:
    """One compilation unit: from `begin` to `end` of .debug_info."""

    def __init__(self, info: DebugInfo, begin: int) -> None:
        data = info.sections[".debug_info"]
        length, = struct.unpack_from("<I", data, begin)
        if length >= 0xFFFFFFF0:
            raise ElfError("its debug information has offsets of 64 bits")
        self.info, self.begin, self.end = info, begin, begin + 4 + length
        self.version, = struct.unpack_from("<H", data, begin + 4)
        self.kind, self.first = 1, begin + 11
        if self.version == 5:
            self.kind, self.pointer, abbreviations = struct.unpack_from("<BBI", data, begin + 6)
            self.first = begin + 12
        else:
            abbreviations, self.pointer = struct.unpack_from("<IB", data, begin + 6)
        self.is_read = self.version in (4, 5) and self.kind in (1, 3) and self.end <= len(data)
        self._abbreviations = abbreviations
        self._string_base: int | None = None

    def entries(self, at: int = 0) -> Iterator[Entry]:
        """From the one at that place on, the first one by default."""
        data, depth = self.info.sections[".debug_info"], 0
        abbreviations = self.info.abbreviations(self._abbreviations)
        if at and self._string_base is None:
            next(self.entries())
        at = at or self.first
        while at < self.end:
            here = at
            code, at = _unsigned(data, at)
            if code == 0:
                depth -= 1
                if depth <= 0:
                    return
                continue
            tag, has_children, attributes = abbreviations[code]
            values: dict[int, int | str | None] = {}
            for attribute, form, constant in attributes:
                value, at = self._value(data, at, form, constant)
                values[attribute] = value
            if tag == COMPILE_UNIT:
                self._string_base = int(values.get(STR_OFFSETS_BASE) or 8)
            yield Entry(here, tag, depth, values, self)
            depth += has_children
            if depth == 0:
                return

    def _value(self, data: bytes, at: int, form: int, constant: int) -> tuple[int | str | None, int]:
        if form in FIXED or form in OFFSETS or form == ADDRESS:
            size = FIXED.get(form, 4 if form in OFFSETS else self.pointer)
            number = int.from_bytes(data[at:at + size], "little") if size else 1
            at += size
        elif form == STRING:
            end = data.index(b"\0", at)
            return data[at:end].decode("utf-8", "surrogateescape"), end + 1
        elif form in BLOCKS:
            size = BLOCKS[form]
            return None, at + size + int.from_bytes(data[at:at + size], "little")
        elif form in (BLOCK, EXPRLOC):
            size, at = _unsigned(data, at)
            return None, at + size
        elif form == SDATA:
            return _unsigned(data, at)  # its sign is asked for by nobody
        elif form == IMPLICIT:
            return constant, at
        elif form in (UDATA, REF_UDATA, STRX, ADDRX, LOCLISTX, RNGLISTX, 0x1C):
            number, at = _unsigned(data, at)
        else:
            raise ElfError(f"its debug information has a form that is not known ({form:#x})")
        if form in (STRP, LINE_STRP):
            return self.info.text(".debug_str" if form == STRP else ".debug_line_str", number), at
        if form == STRX or form in STRX_FIXED:
            offsets = self.info.sections[".debug_str_offsets"]
            place = (self._string_base or 8) + 4 * number
            return self.info.text(".debug_str", int.from_bytes(offsets[place:place + 4], "little")), at
        if form in UNIT_REFERENCES:
            number += self.begin
        return (None if form in ELSEWHERE else number), at


class SeparateFile(Elf):
    """Has the headers of the object that it belongs to, but not what those tell of."""

    def _read_interpreter(self, file) -> str | None:
        return None


class DebugInfo:
    """Raises ElfError and struct.error for what is damaged. `sections` are empty where there is none."""

    def __init__(self, module: Elf) -> None:
        self.sections = _sections(module)
        separate = _separate_file(module) if not self.sections[".debug_info"] else None
        if separate is not None:
            self.sections = _sections(SeparateFile(separate))
        self._abbreviations: dict[int, dict[int, tuple[int, bool, list[tuple[int, int, int]]]]] = {}
        self.units: list[Unit] = []
        at, data = 0, self.sections[".debug_info"]
        while at + 12 <= len(data):
            self.units.append(Unit(self, at))
            at = self.units[-1].end

    def functions(self, name: str, address: int) -> Iterator[tuple[Entry, list[Entry]]]:
        """Each description of the function that the linker knows as `name`, with the entries inside it; those first
        that stand where something is said of `address`."""
        left = MOST_READ
        for unit in self._units_with(name, struct.pack("<Q", address)):
            left -= unit.end - unit.begin
            if left < 0:
                raise ElfError("its debug information names the function in too many places")
            found: list[Entry] = []
            for entry in unit.entries():
                if found and entry.depth <= found[0].depth:
                    yield found[0], found[1:]
                    found = []
                if found:
                    found.append(entry)
                elif entry.tag == SUBPROGRAM and _describes(entry, name, address):
                    found = [entry]
            if found:
                yield found[0], found[1:]

    def entry(self, at: int) -> Entry:
        for unit in self.units:
            if unit.first <= at < unit.end and unit.is_read:
                return next(unit.entries(at))
        raise ElfError("its debug information refers to nothing")

    def text(self, section: str, at: int) -> str:
        strings = self.sections[section]
        return strings[at:strings.index(b"\0", at)].decode("utf-8", "surrogateescape")

    def abbreviations(self, at: int) -> dict[int, tuple[int, bool, list[tuple[int, int, int]]]]:
        if at not in self._abbreviations:
            self._abbreviations[at] = _abbreviations(self.sections[".debug_abbrev"], at)
        return self._abbreviations[at]

    def _units_with(self, name: str, address: bytes) -> list[Unit]:
        """Those that may name it: to read every entry of a large library takes Python minutes."""
        data = self.sections[".debug_info"]
        text = name.encode("utf-8", "surrogateescape") + b"\0"
        wanted = [text]
        strings = self.sections[".debug_str"]
        at = strings.find(text)
        while at >= 0:
            wanted.append(struct.pack("<I", at))
            at = strings.find(text, at + 1)
        offsets = self.sections[".debug_str_offsets"]
        by_number = any(one in offsets for one in wanted[1:])
        wanted.append(address)
        units = [unit for unit in self.units if unit.is_read and (
            by_number or any(data.find(one, unit.first, unit.end) >= 0 for one in wanted))]
        return sorted(units, key=lambda unit: data.find(address, unit.first, unit.end) < 0)


def _describes(entry: Entry, name: str, address: int) -> bool:
    values = entry.values
    if name in (values.get(NAME), values.get(LINKAGE_NAME), values.get(MIPS_LINKAGE_NAME)):
        return True
    # By another of its names.
    return bool(address) and entry.number(LOW_PC) == address and NAME in values


def _sections(module: Elf) -> dict[str, bytes]:
    found = dict.fromkeys(NEEDED, b"")
    for name, (flags, content) in module.content_of(NEEDED).items():
        if flags & SHF_COMPRESSED:
            kind, _, size = struct.unpack_from("<IIQ", content)
            if kind != ZLIB or size > LARGEST_TABLE:
                raise ElfError("its debug information is compressed in a way that is not known")
            try:
                content = zlib.decompressobj().decompress(content[24:], size)
            except zlib.error as error:
                raise ElfError("its debug information is damaged") from error
        found[name] = content
    return found


def _separate_file(module: Elf) -> str | None:
    """By the build id, where the system keeps such files."""
    note = module.content_of((".note.gnu.build-id",)).get(".note.gnu.build-id", (0, b""))[1]
    # Sizes and kind, "GNU", the number.
    text = note[16:].hex()
    path = f"{SEPARATE_FILES}/{text[:2]}/{text[2:]}.debug"
    return path if text and os.path.exists(path) else None


def _abbreviations(data: bytes, at: int) -> dict[int, tuple[int, bool, list[tuple[int, int, int]]]]:
    table: dict[int, tuple[int, bool, list[tuple[int, int, int]]]] = {}
    while at < len(data):
        code, at = _unsigned(data, at)
        if code == 0:
            break
        tag, at = _unsigned(data, at)
        has_children = data[at] != 0
        at += 1
        attributes = []
        while True:
            attribute, at = _unsigned(data, at)
            form, at = _unsigned(data, at)
            constant = 0
            if form == IMPLICIT:
                constant, at = _unsigned(data, at)
            if not attribute and not form:
                break
            attributes.append((attribute, form, constant))
        table[code] = tag, has_children, attributes
    return table


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
