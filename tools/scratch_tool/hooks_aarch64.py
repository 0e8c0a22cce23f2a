"""What a hook object has of AArch64: the machine's numbers, its stub, and how to unwind from within it."""

from __future__ import annotations

import struct

NUMBER = 183
# The largest that systems have.
PAGE = 0x10000
GLOB_DAT = 1025

# Branch targets are checked in an object's code where it says that it can do with that.
PROPERTIES = struct.pack("<IIII", 0xC0000000, 4, 1, 0)

STUB_SIZE = 32
_BTI_C = 0xD503245F
_ADRP, _ADD, _LDR, _BR_X17 = 0x90000000, 0x91000000, 0xF9400000, 0xD61F0220
_SMALL_PAGE = 0x1000

# For the unwinder: distances count in words downwards, the return address is in register 30, where it stays at every
# instruction of a stub; the frame begins at the stack pointer (register 31).
DATA_ALIGNMENT = -8
RETURN_REGISTER = 30
FRAME_RULES = b"\x0c\x1f\x00"


def stub(at: int, entry: int, pointer: int) -> bytes:
    """The code at address `at`: passes the address of the table's entry in x16 and jumps by x17 to where `pointer`
    points; these two belong to whatever stands between a caller and a function. It touches nothing else."""
    code = (
        _BTI_C,
        _page_of(16, entry, at + 4), _ADD | (entry % _SMALL_PAGE) << 10 | 16 << 5 | 16,
        _page_of(17, pointer, at + 12), _LDR | (pointer % _SMALL_PAGE // 8) << 10 | 17 << 5 | 17,
        _BR_X17,
    )
    # Behind it words of zero, which are no instruction.
    return struct.pack(f"<{len(code)}I", *code).ljust(STUB_SIZE, b"\0")


def _page_of(register: int, address: int, at: int) -> int:
    """The instruction at address `at` that loads the beginning of the page of `address`."""
    pages = (address // _SMALL_PAGE - at // _SMALL_PAGE) & 0x1FFFFF
    return _ADRP | (pages & 3) << 29 | (pages >> 2) << 5 | register
