#!/usr/bin/env python3
"""interpose_section_is_exact.py FOLDER: reads what tools/build-darwin left in FOLDER.

The preloaded objects interpose exactly the functions of the contract, each bound to the library that has it; they and
libscratch show exactly the API; macOS 11 is the oldest system that all of them ask for; what is for arm64 has a sound
signature, without which no Mac loads it. Of each architecture, in the universal object too.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = "/usr/lib/libSystem.B.dylib"
RUNTIME = "/usr/lib/libc++.1.dylib"
# Functions that older systems lack are looked for in all libraries, and may be missing.
ANYWHERE_IF_THERE = "anywhere, if there"

MALLOC_FAMILY = """malloc free calloc realloc reallocf posix_memalign aligned_alloc valloc vfree malloc_size
    malloc_good_size malloc_zone_from_ptr malloc_zone_free malloc_zone_realloc malloc_zone_batch_free
    malloc_zone_statistics""".split()
STRINGS = """strdup strndup wcsdup asprintf vasprintf asprintf_l vasprintf_l realpath$DARWIN_EXTSN getcwd getdelim
    getline""".split()
TYPED_FAMILY = ["malloc_type_" + name for name in """malloc calloc realloc valloc aligned_alloc posix_memalign
    free zone_realloc zone_free""".split()]
NOTHROW, ALIGNED = "RKSt9nothrow_t", "St11align_val_t"
OPERATORS = [
    *("_Zn" + kind + "m" + rest for kind in "wa" for rest in ("", NOTHROW, ALIGNED, ALIGNED + NOTHROW)),
    *(
        "_Zd" + kind + "Pv" + rest
        for kind in "la"
        for rest in ("", "m", NOTHROW, ALIGNED, "m" + ALIGNED, ALIGNED + NOTHROW)
    ),
]
EXPECTED = {
    **{"_" + name: SYSTEM for name in MALLOC_FAMILY + STRINGS},
    **{"_" + name: ANYWHERE_IF_THERE for name in TYPED_FAMILY},
    **{"_" + name: RUNTIME for name in OPERATORS},
}

ANNOTATIONS = {
    *("_scratch_annotate_" + name + "_v1" for name in ("region_enter", "region_leave", "frame_turn", "alloc", "free")),
    *("_scratch_" + name for name in ("region_enter", "region_leave", "frame_turn", "alloc", "free")),
}

CPU_TYPES = {"x86_64": 0x01000007, "arm64": 0x0100000C}
SEGMENT, SYMTAB, BUILD_VERSION = 0x19, 0x2, 0x32
DYLIBS = (0xC, 0x80000018, 0x8000001F, 0x80000023)  # load, weak, re-export, upward
DYLD_INFO = (0x22, 0x80000022)
MACOS, VERSION_11 = 1, 11 << 16
CODE_SIGNATURE, SIGNATURE_MAGIC, DIRECTORY_MAGIC = 0x1D, 0xFADE0CC0, 0xFADE0C02
AD_HOC, SHA256, PAGE_OF_ARM64 = 0x2, 2, 16384


@dataclass
class Binding:
    symbol: str
    library: str


@dataclass
class Image:
    data: bytes
    cpu_type: int = 0
    segments: list[tuple[int, int, int, int]] = field(default_factory=list)  # address, size, offset in file, bytes there
    sections: dict[str, tuple[int, int]] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)
    bindings: dict[int, Binding] = field(default_factory=dict)
    exports: set[str] = field(default_factory=set)
    oldest_system: tuple[int, int] = (0, 0)
    signature: tuple[int, int] = (0, 0)  # offset in file, size

    def word(self, address: int) -> int:
        for start, size, offset, held in self.segments:
            if start <= address < start + size:
                at = address - start
                return int(struct.unpack_from("<Q", self.data, offset + at)[0]) if at < held else 0
        raise ValueError(f"no segment holds {address:#x}")


def text_at(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def number_at(data: bytes, at: int, signed: bool) -> tuple[int, int]:
    """A LEB128 number and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return (value - (1 << shift) if signed and byte & 0x40 else value), at


def library_name(image: Image, ordinal: int, weak: bool) -> str:
    if ordinal > 0:
        return image.libraries[ordinal - 1]
    return ANYWHERE_IF_THERE if ordinal == -2 and weak else f"library {ordinal}"


def read_bindings(image: Image, stream: bytes) -> None:
    """Runs the loader's opcodes for what is bound when the object is loaded."""
    at = ordinal = segment = offset = 0
    symbol, weak = "", False

    def bind() -> None:
        address = image.segments[segment][0] + offset
        image.bindings[address] = Binding(symbol, library_name(image, ordinal, weak))

    while at < len(stream):
        opcode, low = stream[at] & 0xF0, stream[at] & 0x0F
        at += 1
        if opcode == 0x10:
            ordinal = low
        elif opcode == 0x20:
            ordinal, at = number_at(stream, at, False)
        elif opcode == 0x30:
            ordinal = low - 16 if low else 0
        elif opcode == 0x40:
            symbol, weak = text_at(stream, at), bool(low & 1)
            at += len(symbol) + 1
        elif opcode == 0x60:
            _, at = number_at(stream, at, True)
        elif opcode == 0x70:
            segment = low
            offset, at = number_at(stream, at, False)
        elif opcode == 0x80:
            step, at = number_at(stream, at, False)
            offset = (offset + step) & (2**64 - 1)
        elif opcode == 0x90:
            bind()
            offset += 8
        elif opcode == 0xA0:
            bind()
            step, at = number_at(stream, at, False)
            offset = (offset + 8 + step) & (2**64 - 1)
        elif opcode == 0xB0:
            bind()
            offset += 8 + 8 * low
        elif opcode == 0xC0:
            count, at = number_at(stream, at, False)
            step, at = number_at(stream, at, False)
            for _ in range(count):
                bind()
                offset += 8 + step


def read_symbols(image: Image, at: int) -> None:
    symbols, count, texts, _ = struct.unpack_from("<4I", image.data, at + 8)
    for index in range(count):
        name, kind, section, _, _ = struct.unpack_from("<IBBHQ", image.data, symbols + 16 * index)
        shown = kind & 1 and not kind & 0x10 and not kind & 0xE0
        if shown and section != 0:
            image.exports.add(text_at(image.data, texts + name))


def read_image(path: Path) -> Image:
    return read_image_in(path, path.read_bytes())


def read_image_in(path: Path, data: bytes) -> Image:
    image = Image(data)
    magic, image.cpu_type, _, _, commands = struct.unpack_from("<5I", image.data)
    if magic != 0xFEEDFACF:
        raise ValueError(f"{path} is no 64-bit Mach-O file")
    streams: list[tuple[int, int]] = []
    at = 32
    for _ in range(commands):
        command, size = struct.unpack_from("<2I", image.data, at)
        if command == SEGMENT:
            image.segments.append(struct.unpack_from("<4Q", image.data, at + 24))
            for index in range(struct.unpack_from("<I", image.data, at + 64)[0]):
                section = at + 72 + 80 * index
                name = image.data[section : section + 16].rstrip(b"\0").decode()
                image.sections[name] = struct.unpack_from("<2Q", image.data, section + 32)
        elif command in DYLIBS:
            image.libraries.append(text_at(image.data, at + struct.unpack_from("<I", image.data, at + 8)[0]))
        elif command == BUILD_VERSION:
            image.oldest_system = struct.unpack_from("<2I", image.data, at + 8)
        elif command == CODE_SIGNATURE:
            image.signature = struct.unpack_from("<2I", image.data, at + 8)
        elif command == SYMTAB:
            read_symbols(image, at)
        elif command in DYLD_INFO:
            streams.append(struct.unpack_from("<2I", image.data, at + 16))
        at += size
    for start, length in streams:
        read_bindings(image, image.data[start : start + length])
    return image


def tuples_of(image: Image) -> list[tuple[int, Binding]]:
    """The address of each replacement, and what it replaces."""
    start, size = image.sections["__interpose"]
    if size % 16:
        raise ValueError("the section ends within a tuple")
    nothing = Binding("nothing", "no library")
    return [(image.word(at), image.bindings.get(at + 8, nothing)) for at in range(start, start + size, 16)]


def check_shim(image: Image, core: Image) -> list[str]:
    wrong = []
    found: dict[str, str] = {}
    code_start, code_size = image.sections["__text"]
    replacements = set()
    for replacement, replaced in tuples_of(image):
        if replaced.symbol in found:
            wrong.append(f"{replaced.symbol} is replaced twice")
        if not code_start <= replacement < code_start + code_size:
            wrong.append(f"the replacement of {replaced.symbol} is no code of this object")
        found[replaced.symbol] = replaced.library
        replacements.add(replacement)
    for symbol in sorted(EXPECTED.keys() | found.keys()):
        if found.get(symbol) != EXPECTED.get(symbol):
            wrong.append(f"{symbol} is replaced in {found.get(symbol)}, expected {EXPECTED.get(symbol)}")
    expected_exports = core.exports | ANNOTATIONS
    wrong += [f"{name} is shown and should not be" for name in sorted(image.exports - expected_exports)]
    wrong += [f"{name} is not shown" for name in sorted(expected_exports - image.exports)]
    if sorted(image.libraries) != sorted([SYSTEM, RUNTIME]):
        wrong.append(f"needs {image.libraries}")
    return wrong


def check_core(image: Image) -> list[str]:
    wrong = [f"{name} is shown and should not be" for name in sorted(image.exports) if not name.startswith("_scratch_")]
    wrong += [f"{name} is not shown" for name in ("_scratch_push", "_scratch_thread_stack_") if name not in image.exports]
    if image.libraries != [SYSTEM]:
        wrong.append(f"needs {image.libraries}")
    return wrong


def check_signature(image: Image) -> list[str]:
    """What the kernel looks at: of whoever signed, nobody, and that each page is what it was then."""
    start, size = image.signature
    if not size:
        return ["is not signed"]
    data = image.data[start : start + size]
    magic, _, count = struct.unpack_from(">3I", data)
    places = [struct.unpack_from(">2I", data, 12 + 8 * index)[1] for index in range(count)]
    places = [place for place in places if struct.unpack_from(">I", data, place) == (DIRECTORY_MAGIC,)]
    if magic != SIGNATURE_MAGIC or len(places) != 1:
        return ["has a signature that makes no sense"]
    directory = data[places[0] :]
    flags, hashes, _, _, pages, limit = struct.unpack_from(">6I", directory, 12)
    hash_size, kind, _, page_bits = struct.unpack_from("4B", directory, 36)
    if not flags & AD_HOC or (hash_size, kind) != (32, SHA256) or limit != start:
        return [f"has a signature of another kind: flags {flags:#x}, hashes {kind}, up to {limit:#x} of {start:#x}"]
    wrong = []
    for page in range(pages):
        signed = directory[hashes + 32 * page : hashes + 32 * (page + 1)]
        end = min((page + 1) << page_bits, limit)
        if hashlib.sha256(image.data[page << page_bits : end]).digest() != signed:
            wrong.append(f"is not what was signed on page {page}")
    return wrong if pages << page_bits >= limit else [*wrong, "is signed in part"]


def check_system(image: Image, architecture: str) -> list[str]:
    wrong = []
    if image.cpu_type != CPU_TYPES[architecture]:
        wrong.append(f"is for the processor {image.cpu_type:#x}")
    if image.oldest_system != (MACOS, VERSION_11):
        wrong.append(f"asks for platform {image.oldest_system[0]}, version {image.oldest_system[1]:#x}")
    if architecture == "arm64":
        wrong += check_signature(image)
        wrong += [f"has a segment at {at:#x}, no page's begin" for at, *_ in image.segments if at % PAGE_OF_ARM64]
    return wrong


def check_universal(folder: Path) -> list[str]:
    path = folder / "libscratch-preload.dylib"
    data = path.read_bytes()
    magic, count = struct.unpack_from(">2I", data)
    parts = [struct.unpack_from(">5I", data, 8 + 20 * index) for index in range(count if magic == 0xCAFEBABE else 0)]
    if {part[0] for part in parts} != set(CPU_TYPES.values()):
        return [f"holds the processors {[hex(part[0]) for part in parts]}"]
    wrong = []
    for cpu_type, _, start, size, _ in parts:
        (architecture,) = (name for name, number in CPU_TYPES.items() if number == cpu_type)
        if start % PAGE_OF_ARM64 and architecture == "arm64":
            wrong.append(f"has its part for arm64 at {start:#x}, no page's begin")
        wrong += check_system(read_image_in(path, data[start : start + size]), architecture)
    return wrong


def main() -> int:
    folder = Path(sys.argv[1])
    failed = False
    for architecture in CPU_TYPES:
        core = read_image(folder / architecture / "core/libscratch.0.dylib")
        shim = read_image(folder / f"libscratch-preload-{architecture}.dylib")
        for name, wrong in (
            ("libscratch", check_system(core, architecture) + check_core(core)),
            ("libscratch-preload", check_system(shim, architecture) + check_shim(shim, core)),
        ):
            failed |= bool(wrong)
            print(f"{name}, {architecture}: " + ("as expected" if not wrong else "\n  ".join(["", *wrong])))
    wrong = check_universal(folder)
    failed |= bool(wrong)
    print("universal libscratch-preload: " + ("as expected" if not wrong else "; ".join(wrong)))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
