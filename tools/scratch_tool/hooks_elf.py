"""Writes a hook object: a small shared library, made without a compiler, that defines the functions to be hooked.

Each definition is a stub that hands an entry of the object's table to the shim (scratch_hook_enter_v1), which goes on
to the function meant.
"""

from __future__ import annotations

import struct

from . import hooks_aarch64, hooks_x86_64
from .hook_table import Entry, Strings, Table, entry_at

MACHINES = {machine.NUMBER: machine for machine in (hooks_x86_64, hooks_aarch64)}

SONAME = "libscratch-hooks.so"
ENTER = "scratch_hook_enter_v1"
TABLE = "scratch_hooks_v1"

(PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_GNU_EH_FRAME, PT_GNU_STACK, PT_GNU_RELRO,
 PT_GNU_PROPERTY) = 1, 2, 4, 0x6474E550, 0x6474E551, 0x6474E552, 0x6474E553
READ, WRITE, EXECUTE = 4, 2, 1
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHT_PROGBITS, SHT_STRTAB, SHT_RELA, SHT_HASH, SHT_DYNAMIC, SHT_NOTE, SHT_DYNSYM = 1, 3, 4, 5, 6, 7, 11
SHT_GNU_HASH = 0x6FFFFFF6
(DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_RELAENT, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_FLAGS,
 DT_GNU_HASH, DT_FLAGS_1) = 1, 4, 5, 6, 7, 8, 9, 10, 11, 14, 30, 0x6FFFFEF5, 0x6FFFFFFB
DF_BIND_NOW, DF_1_NOW = 8, 1
OBJECT, FUNCTION, GLOBAL = 1, 2, 1 << 4

# The second of the two bits that a name sets in the filter of .gnu.hash comes from this far up in its hash.
FILTER_SHIFT = 26


class _Section:
    def __init__(self, name: str, kind: int, flags: int, align: int, size: int, link: str = "", item: int = 0,
                 info: int = 0) -> None:
        self.name, self.kind, self.flags, self.align, self.size = name, kind, flags, align, size
        self.link, self.item, self.info = link, item, info
        self.address = 0

    @property
    def end(self) -> int:
        return self.address + self.size


def write(machine: int, shim: str, entries: list[Entry], exclusions: list[tuple[str, str]]) -> bytes:
    """The object's bytes, the same ones for the same arguments.

    `machine` is a key of MACHINES, `shim` the absolute path of the library that the object needs; `exclusions` are
    patterns of a module and a function, an empty one standing for any.
    """
    return _Writer(MACHINES[machine], shim, entries, exclusions).image()


class _Writer:
    # Headers of segments: three to load, and those that tell of parts of them.
    SEGMENTS = 9

    def __init__(self, machine, shim: str, entries: list[Entry], exclusions: list[tuple[str, str]]) -> None:
        self.machine = machine
        self.entries = entries
        self.table = Table(entries, exclusions)
        stubs = [entry for entry in entries if entry.has_stub]
        # Those with a stub, in the order in which .gnu.hash wants their symbols; a table's header is among them.
        names = [(TABLE, -1)] + [(entry.symbol, index) for index, entry in enumerate(stubs)]
        self.stubs = stubs
        self.buckets = max(1, len(names) // 2)
        hashed = [(_gnu_hash(name.encode("utf-8", "surrogateescape")), name, index) for name, index in names]
        self.symbols = sorted(hashed, key=lambda one: one[0] % self.buckets)
        self.names = Strings()
        for name in [shim, SONAME, ENTER] + [name for name, _ in names]:
            self.names.add(name)
        self.shim = shim
        self.sections = self._place()
        self.at = {section.name: section for section in self.sections}

    def image(self) -> bytes:
        contents = {
            ".note.gnu.property": self._note(), ".hash": self._hash(), ".gnu.hash": self._gnu_hash_table(),
            ".dynsym": self._symbols(), ".dynstr": bytes(self.names.content), ".rela.dyn": self._relocations(),
            ".rodata": bytes(self.table.texts.content), ".eh_frame_hdr": self._unwind_index(),
            ".eh_frame": self._unwind(), ".text": self._code(), ".dynamic": self._dynamic(), ".got": bytes(8),
            ".data": self.table.content(self.at[".data"].address, self.at[".rodata"].address),
        }
        image = bytearray(self.at[".data"].end)
        for name, content in contents.items():
            section = self.at[name]
            if len(content) != section.size:
                raise ValueError(f"{name} has {len(content)} bytes where {section.size} were planned")
            image[section.address:section.end] = content
        shown = Strings()
        for section in self.sections:
            shown.add(section.name)
        shown.add(".shstrtab")
        names_at = len(image)
        image += shown.content
        image += bytes(-len(image) % 8)
        table_at = len(image)
        image += self._section_headers(shown, names_at)
        image[:64] = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, self.machine.NUMBER, 1, 0, 64,
                                 table_at, 0, 64, 56, self.SEGMENTS, 64, len(self.sections) + 2,
                                 len(self.sections) + 1)
        image[64:64 + 56 * self.SEGMENTS] = self._segments()
        return bytes(image)

    def _place(self) -> list[_Section]:
        """All sections but the first and the last, at their addresses, which are their places in the file too."""
        symbols = 2 + len(self.symbols)
        self.filter_words = 1
        while self.filter_words * 8 < len(self.symbols):
            self.filter_words *= 2
        read, write, run = SHF_ALLOC, SHF_ALLOC | SHF_WRITE, SHF_ALLOC | SHF_EXECINSTR
        sections = [
            _Section(".note.gnu.property", SHT_NOTE, read, 8, 16 + len(self.machine.PROPERTIES)),
            _Section(".hash", SHT_HASH, read, 8, 4 * (2 + self.buckets + symbols), ".dynsym", 4),
            _Section(".gnu.hash", SHT_GNU_HASH, read, 8,
                     16 + 8 * self.filter_words + 4 * (self.buckets + len(self.symbols)), ".dynsym"),
            _Section(".dynsym", SHT_DYNSYM, read, 8, 24 * symbols, ".dynstr", 24, 1),
            _Section(".dynstr", SHT_STRTAB, read, 1, len(self.names.content)),
            _Section(".rela.dyn", SHT_RELA, read, 8, 24, ".dynsym", 24),
            _Section(".rodata", SHT_PROGBITS, read, 1, len(self.table.texts.content)),
            _Section(".eh_frame_hdr", SHT_PROGBITS, read, 4, 20),
            _Section(".eh_frame", SHT_PROGBITS, read, 8, len(self._common_unwind()) + 20 + 4),
            _Section(".text", SHT_PROGBITS, run, 32, self.machine.STUB_SIZE * max(1, len(self.stubs))),
            _Section(".dynamic", SHT_DYNAMIC, write, 8, 16 * 15, ".dynstr", 16),
            _Section(".got", SHT_PROGBITS, write, 8, 8, "", 8),
            _Section(".data", SHT_PROGBITS, write, 64, self.table.size),
        ]
        address = 64 + 56 * self.SEGMENTS
        for section in sections:
            # A page has one protection: code, what is closed after relocation, and what stays writable.
            align = self.machine.PAGE if section.name in (".text", ".dynamic", ".data") else section.align
            address += -address % align
            section.address = address
            address += section.size
        return sections

    def _segments(self) -> bytes:
        def header(kind: int, flags: int, first: str, last: str, align: int) -> bytes:
            start, end = self.at[first].address, self.at[last].end
            return struct.pack("<IIQQQQQQ", kind, flags, start, start, start, end - start, end - start, align)

        page = self.machine.PAGE
        first_end = self.at[".eh_frame"].end
        closed = self.at[".dynamic"].address
        return b"".join((
            struct.pack("<IIQQQQQQ", PT_LOAD, READ, 0, 0, 0, first_end, first_end, page),
            header(PT_LOAD, READ | EXECUTE, ".text", ".text", page),
            header(PT_LOAD, READ | WRITE, ".dynamic", ".data", page),
            header(PT_DYNAMIC, READ | WRITE, ".dynamic", ".dynamic", 8),
            header(PT_NOTE, READ, ".note.gnu.property", ".note.gnu.property", 8),
            header(PT_GNU_PROPERTY, READ, ".note.gnu.property", ".note.gnu.property", 8),
            header(PT_GNU_EH_FRAME, READ, ".eh_frame_hdr", ".eh_frame_hdr", 4),
            struct.pack("<IIQQQQQQ", PT_GNU_STACK, READ | WRITE, 0, 0, 0, 0, 0, 16),
            struct.pack("<IIQQQQQQ", PT_GNU_RELRO, READ, closed, closed, closed, page, page, 1),
        ))

    def _section_headers(self, shown: Strings, names_at: int) -> bytes:
        numbers = {section.name: number for number, section in enumerate(self.sections, 1)}
        headers = [bytes(64)]
        for section in self.sections:
            headers.append(struct.pack("<IIQQQQIIQQ", shown.add(section.name), section.kind, section.flags,
                                       section.address, section.address, section.size,
                                       numbers.get(section.link, 0), section.info, section.align, section.item))
        headers.append(struct.pack("<IIQQQQIIQQ", shown.add(".shstrtab"), SHT_STRTAB, 0, 0, names_at,
                                   len(shown.content), 0, 0, 1, 0))
        return b"".join(headers)

    def _note(self) -> bytes:
        return struct.pack("<III4s", 4, len(self.machine.PROPERTIES), 5, b"GNU") + self.machine.PROPERTIES

    def _hash(self) -> bytes:
        count = 2 + len(self.symbols)
        buckets, chain = [0] * self.buckets, [0] * count
        numbered = [(1, ENTER)] + [(number, name) for number, (_, name, _) in enumerate(self.symbols, 2)]
        for number, name in numbered:
            bucket = _sysv_hash(name.encode("utf-8", "surrogateescape")) % self.buckets
            chain[number], buckets[bucket] = buckets[bucket], number
        return struct.pack(f"<II{self.buckets}I{count}I", self.buckets, count, *buckets, *chain)

    def _gnu_hash_table(self) -> bytes:
        words, buckets, chain = [0] * self.filter_words, [0] * self.buckets, []
        for place, (value, _, _) in enumerate(self.symbols):
            words[value // 64 % self.filter_words] |= 1 << value % 64 | 1 << (value >> FILTER_SHIFT) % 64
            bucket = value % self.buckets
            buckets[bucket] = buckets[bucket] or place + 2
            last = place + 1 == len(self.symbols) or self.symbols[place + 1][0] % self.buckets != bucket
            chain.append(value & ~1 | last)
        head = struct.pack("<IIII", self.buckets, 2, self.filter_words, FILTER_SHIFT)
        return head + struct.pack(f"<{self.filter_words}Q{self.buckets}I{len(chain)}I", *words, *buckets, *chain)

    def _symbols(self) -> bytes:
        numbers = {section.name: number for number, section in enumerate(self.sections, 1)}
        code, data = self.at[".text"], self.at[".data"]
        symbols = [bytes(24), struct.pack("<IBBHQQ", self.names.add(ENTER), GLOBAL | FUNCTION, 0, 0, 0, 0)]
        for _, name, index in self.symbols:
            if index < 0:
                symbols.append(struct.pack("<IBBHQQ", self.names.add(name), GLOBAL | OBJECT, 0, numbers[".data"],
                                           data.address, data.size))
            else:
                symbols.append(struct.pack("<IBBHQQ", self.names.add(name), GLOBAL | FUNCTION, 0, numbers[".text"],
                                           code.address + index * self.machine.STUB_SIZE, self.machine.STUB_SIZE))
        return b"".join(symbols)

    def _relocations(self) -> bytes:
        return struct.pack("<QQq", self.at[".got"].address, 1 << 32 | self.machine.GLOB_DAT, 0)

    def _common_unwind(self) -> bytes:
        # A CIE: version, how addresses are written (relative, 4 bytes), units, the return address's register, rules.
        words = struct.pack("<IB3sBBBBB", 0, 1, b"zR", 1, self.machine.DATA_ALIGNMENT & 0x7F,
                            self.machine.RETURN_REGISTER, 1, 0x1B) + self.machine.FRAME_RULES
        words += bytes(-(len(words) + 4) % 8)
        return struct.pack("<I", len(words)) + words

    def _unwind(self) -> bytes:
        common, code = self._common_unwind(), self.at[".text"]
        at = self.at[".eh_frame"].address + len(common)
        # An FDE for all stubs: length, distance back to its CIE, the first address and the size, no augmentation.
        return common + struct.pack("<IIiIB3x", 16, len(common) + 4, code.address - (at + 8), code.size, 0) + bytes(4)

    def _unwind_index(self) -> bytes:
        at, frames = self.at[".eh_frame_hdr"].address, self.at[".eh_frame"].address
        first = frames + len(self._common_unwind())
        return struct.pack("<BBBBiIii", 1, 0x1B, 0x03, 0x3B, frames - (at + 4), 1,
                           self.at[".text"].address - at, first - at)

    def _code(self) -> bytes:
        code, table, pointer = self.at[".text"], self.at[".data"].address, self.at[".got"].address
        places = [table + entry_at(number) for number, entry in enumerate(self.entries) if entry.has_stub]
        stubs = [self.machine.stub(code.address + index * self.machine.STUB_SIZE, entry, pointer)
                 for index, entry in enumerate(places)]
        return b"".join(stubs) or bytes(code.size)

    def _dynamic(self) -> bytes:
        at = self.at
        entries = (
            (DT_NEEDED, self.names.add(self.shim)), (DT_SONAME, self.names.add(SONAME)),
            (DT_HASH, at[".hash"].address), (DT_GNU_HASH, at[".gnu.hash"].address),
            (DT_STRTAB, at[".dynstr"].address), (DT_SYMTAB, at[".dynsym"].address),
            (DT_STRSZ, at[".dynstr"].size), (DT_SYMENT, 24),
            (DT_RELA, at[".rela.dyn"].address), (DT_RELASZ, 24), (DT_RELAENT, 24),
            (DT_FLAGS, DF_BIND_NOW), (DT_FLAGS_1, DF_1_NOW), (0, 0), (0, 0))
        return b"".join(struct.pack("<QQ", tag, value) for tag, value in entries)


def _gnu_hash(name: bytes) -> int:
    value = 5381
    for sign in name:
        value = (value * 33 + sign) & 0xFFFFFFFF
    return value


def _sysv_hash(name: bytes) -> int:
    value = 0
    for sign in name:
        value = (value << 4) + sign
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value
