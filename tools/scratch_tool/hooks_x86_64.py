"""What a hook object has of x86-64: the machine's numbers, its stub, and how to unwind from within it."""

from __future__ import annotations

import struct

NUMBER = 62
PAGE = 0x1000
GLOB_DAT = 6

# Indirect branch tracking and shadow stacks hold in a process as long as each object says that it can do with them.
PROPERTIES = struct.pack("<IIII", 0xC0000002, 4, 3, 0)

STUB_SIZE = 32
_ENDBR64 = b"\xf3\x0f\x1e\xfa"
_LEA_R11 = b"\x4c\x8d\x1d"
_JUMP_THROUGH = b"\xff\x25"
_TRAP = b"\xcc"

# For the unwinder: distances count in words downwards, register 16 holds the return address; at every instruction
# of a stub the frame begins above that address, 8 bytes from rsp (register 7).
DATA_ALIGNMENT = -8
RETURN_REGISTER = 16
FRAME_RULES = b"\x0c\x07\x08" + b"\x90\x01"


def stub(at: int, entry: int, pointer: int) -> bytes:
    """The code at address `at`: passes the address of the table's entry in r11, which no convention of calls uses,
    and jumps to where `pointer` points. It touches neither the stack nor the flags nor any argument."""
    code = _ENDBR64
    code += _LEA_R11 + struct.pack("<i", entry - (at + len(code) + 7))
    code += _JUMP_THROUGH + struct.pack("<i", pointer - (at + len(code) + 6))
    return code.ljust(STUB_SIZE, _TRAP)
