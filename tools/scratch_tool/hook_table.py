"""The table of a hook object: what the shim reads of the functions that were hooked, and writes where it found them.

All pointers in it count from the structure that holds them, so that nothing is relocated; 0 stands for none.
"""

from __future__ import annotations

import struct

MAGIC = b"SCRHOOK1"
VERSION = 1
HEADER_SIZE, ENTRY_SIZE, EXCLUSION_SIZE = 64, 96, 16

# Kinds of entries.
REGION, TRUSTED_REGION, FRAME, TRUSTED_FRAME, PAUSED, LONGJMP, INSTRUMENTED, SWITCH = range(1, 9)


class Entry:
    """A hooked function: how it is found (symbol, version, module; empty: default, any), and what it does.

    `offset` and `does` are for functions of instrumented programs (kind INSTRUMENTED), which are found by address.
    """

    def __init__(self, symbol: str, kind: int, label: str = "", version: str = "", module: str = "",
                 stack_bytes: int = 128, offset: int = 0, does: int = 0, has_stub: bool = True) -> None:
        self.symbol, self.kind, self.label = symbol, kind, label or symbol
        self.version, self.module = version, module
        self.stack_bytes, self.offset, self.does, self.has_stub = stack_bytes, offset, does, has_stub


class Strings:
    """A table of strings in which each stands once."""

    def __init__(self) -> None:
        self.content = bytearray(b"\0")
        self.offsets = {"": 0}

    def add(self, text: str) -> int:
        if text not in self.offsets:
            self.offsets[text] = len(self.content)
            self.content += text.encode("utf-8", "surrogateescape") + b"\0"
        return self.offsets[text]


def entry_at(number: int) -> int:
    """Where an entry stands in the table."""
    return HEADER_SIZE + ENTRY_SIZE * number


class Table:
    """`exclusions` are patterns of a module and a function, an empty one standing for any. `texts` holds the
    strings, which stand apart, where nobody writes."""

    def __init__(self, entries: list[Entry], exclusions: list[tuple[str, str]]) -> None:
        self.entries, self.exclusions = entries, exclusions
        self.size = entry_at(len(entries)) + EXCLUSION_SIZE * len(exclusions)
        self.texts = Strings()
        for entry in entries:
            for text in (entry.symbol, entry.version, entry.module, entry.label):
                self.texts.add(text)
        for pair in exclusions:
            for text in pair:
                self.texts.add(text)

    def content(self, at: int, texts: int) -> bytes:
        """The table's bytes at address `at`, with its strings at address `texts`."""
        def away(text: str, place: int) -> int:
            return texts + self.texts.offsets[text] - place if text else 0

        first_exclusion = entry_at(len(self.entries))
        rows = [struct.pack("<8sIIIIqq24x", MAGIC, VERSION, len(self.entries), ENTRY_SIZE, len(self.exclusions),
                            HEADER_SIZE if self.entries else 0, first_exclusion if self.exclusions else 0)]
        for number, entry in enumerate(self.entries):
            place = at + entry_at(number)
            rows.append(struct.pack("<QqqqqIIQII32x", 0, away(entry.symbol, place), away(entry.version, place),
                                    away(entry.module, place), away(entry.label, place), entry.kind,
                                    entry.stack_bytes, entry.offset, entry.does, 0))
        for number, (module, function) in enumerate(self.exclusions):
            place = at + first_exclusion + EXCLUSION_SIZE * number
            rows.append(struct.pack("<qq", away(module, place), away(function, place)))
        return b"".join(rows)
