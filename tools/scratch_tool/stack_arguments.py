"""How many bytes of arguments a function is given on the stack, as its debug information tells."""

from __future__ import annotations

import struct

from .debug_info import (BYTE_SIZE, DECLARATION, FORMAL_PARAMETER, LOW_PC, SPECIFICATION, TYPE, UNSPECIFIED_PARAMETERS,
                         DebugInfo, Entry)
from .elf import ElfError
from .symbols import Module

ARRAY_TYPE, CLASS_TYPE, STRUCTURE_TYPE, UNION_TYPE, POINTER_TO_MEMBER_TYPE = 0x01, 0x02, 0x13, 0x17, 0x1F
POINTERS = {0x0F, 0x10, 0x42, 0x3B}  # pointer, references, nullptr_t
NAMES_OF_TYPES = {0x16, 0x26, 0x35, 0x37, 0x47}  # typedef, const, volatile, restrict, atomic
AGGREGATES = {CLASS_TYPE, STRUCTURE_TYPE, UNION_TYPE}
ENCODING, ALIGNMENT, CALLING_CONVENTION, GNU_VECTOR = 0x3E, 0x88, 0x36, 0x2107
COUNT, UPPER_BOUND = 0x37, 0x2F
MEMBER, INHERITANCE, MEMBER_LOCATION = 0x0D, 0x1C, 0x38
COMPLEX = 3
FLOATS = (COMPLEX, 4, 15)  # and binary, decimal
BY_REFERENCE = 4
MOST_NAMES = 64
NO_DEBUG_INFORMATION = "there is no debug information"

X86_64, AARCH64 = 62, 183
# For integers, and for vectors.
REGISTERS = {X86_64: (6, 8), AARCH64: (8, 8)}


_known: dict[str, DebugInfo] = {}


class Unknown(Exception):
    """Why the debug information does not tell."""


def bytes_on_stack(module: Module, name: str) -> int:
    """At least as many bytes as the function `name` of `module` reads of its arguments on the stack: for a structure
    that may go in registers both kinds are taken to be used up. Raises Unknown."""
    try:
        if module.path not in _known:
            _known[module.path] = DebugInfo(module)
        addresses = [symbol.value for symbol in module.definitions(name)]
        return _most(_known[module.path], module.machine, name, addresses[0] if addresses else 0)
    except (ElfError, struct.error, OSError, LookupError, ValueError, StopIteration, RecursionError) as error:
        raise Unknown(f"the debug information of {module.path} cannot be read ({error})") from error


def _most(info: DebugInfo, machine: int, name: str, address: int) -> int:
    if not info.sections[".debug_info"]:
        raise Unknown(NO_DEBUG_INFORMATION)
    if machine not in REGISTERS:
        raise Unknown("how this machine passes arguments is not known")
    sizes = []
    for function, inside in info.functions(name, address):
        whole = _whole(info, function)
        if DECLARATION in function.values and whole is function and not inside:
            continue
        parameters = [entry for entry in inside if entry.depth == function.depth + 1]
        if any(entry.tag == UNSPECIFIED_PARAMETERS for entry in parameters):
            raise Unknown("it takes any number of arguments")
        given = [_whole_type(info, entry) for entry in parameters if entry.tag == FORMAL_PARAMETER]
        sizes.append(_on_stack(info, machine, given, whole))
        if address and function.number(LOW_PC) == address:
            break
    if not sizes:
        raise Unknown("the debug information does not describe it")
    return max(sizes)


def _on_stack(info: DebugInfo, machine: int, given: list[Entry | None], function: Entry) -> int:
    integers, vectors = REGISTERS[machine]
    # The address of the result may be an argument, too.
    result = _whole_type(info, function) if TYPE in function.values else None
    if machine == X86_64 and (TYPE in function.values and (result is None or result.tag in AGGREGATES)):
        integers -= 1
    size = 0
    for one in given:
        needs = _needs(info, machine, one)
        if machine == AARCH64 and needs.integers == 2 and needs.alignment == 16:
            # Such a pair begins at a register of an even number.
            integers -= integers % 2
        in_registers = needs.integers <= integers and needs.vectors <= vectors
        if needs.may_lie_in_memory or not in_registers:
            size = -(-size // needs.alignment) * needs.alignment + -(-needs.size // 8) * 8
        if in_registers:
            integers, vectors = integers - needs.integers, vectors - needs.vectors
        elif machine == AARCH64 or (needs.integers and needs.vectors):
            # On AArch64 nothing goes into registers of a kind that once were too few.
            integers = 0 if needs.integers else integers
            vectors = 0 if needs.vectors else vectors
    return size


class Needs:
    """The registers that an argument may take, or the place on the stack."""

    def __init__(self, integers: int, vectors: int, size: int, alignment: int = 8, may_lie_in_memory: bool = False) \
            -> None:
        self.integers, self.vectors, self.size, self.alignment = integers, vectors, size, alignment
        self.may_lie_in_memory = may_lie_in_memory


def _needs(info: DebugInfo, machine: int, one: Entry | None) -> Needs:
    if one is None:
        raise Unknown("the type of an argument is described elsewhere")
    if one.tag in POINTERS or (one.tag in AGGREGATES and one.number(CALLING_CONVENTION) == BY_REFERENCE):
        return Needs(1, 0, 8)
    if one.tag == POINTER_TO_MEMBER_TYPE:
        return Needs(2, 0, 16)
    size = _vector_size(info, one) if one.tag == ARRAY_TYPE and GNU_VECTOR in one.values else one.number(BYTE_SIZE)
    if size is None:
        raise Unknown("the size of an argument is not told")
    words = max(1, -(-size // 8))
    # Of structures alignment is told only where somebody wrote it; more than there is does no harm here.
    alignment = max(8, one.number(ALIGNMENT) or min(64, size & -size))
    if one.tag == ARRAY_TYPE:
        return Needs(0, 1, size, alignment, size > 16)
    if one.tag in AGGREGATES:
        if machine == AARCH64:
            # By its members, in vector registers up to four of them, and those have two bytes or more; else by its
            # address.
            return Needs(min(words, 2), min(size // 2 or 1, 4), size if size <= 64 else 8, min(alignment, 16))
        # Some classes of C++ go by their address.
        return Needs(words, words, size, alignment, not _alignment(info, one)) if size <= 16 else \
            Needs(1, 0, size, alignment, True)
    if one.number(ENCODING) in FLOATS:
        if machine == AARCH64 and one.number(ENCODING) == COMPLEX:
            words = 2
        # long double lies in memory on x86-64, a _Float128 and a complex double of the same size do not.
        return Needs(0, words, size, alignment, machine == X86_64 and size >= 16)
    # _BitInt of more than two words.
    return Needs(words, 0, size, alignment, size > 16)


def _alignment(info: DebugInfo, one: Entry | None) -> int:
    """What is usual for the type on x86-64; 0 where it keeps a structure of two words out of registers: a long double,
    a member that has not its own (packed), or one that is described elsewhere."""
    if one is None:
        return 0
    if one.tag in POINTERS or one.tag == POINTER_TO_MEMBER_TYPE:
        return 8
    if one.tag == ARRAY_TYPE and GNU_VECTOR not in one.values:
        return _alignment(info, _whole_type(info, one))
    if one.tag not in AGGREGATES:
        size = 8 if one.tag == ARRAY_TYPE else one.number(BYTE_SIZE) or 0
        return 0 if size >= 16 and one.number(ENCODING) in FLOATS else min(size, 16)
    most = 1
    for member in one.unit.entries(one.at):
        if member.depth != 1 or member.tag not in (MEMBER, INHERITANCE) or DECLARATION in member.values:
            continue
        usual = _alignment(info, _whole_type(info, member))
        if not usual or (member.number(MEMBER_LOCATION) or 0) % usual:
            return 0
        most = max(most, usual)
    return most


def _vector_size(info: DebugInfo, array: Entry) -> int:
    element = _whole_type(info, array)
    counts = [entry for entry in array.unit.entries(array.at) if entry.depth == 1]
    size = element.number(BYTE_SIZE) if element is not None else None
    if not size or len(counts) != 1:
        raise Unknown("a vector's size is not told")
    count = counts[0].number(COUNT)
    last = counts[0].number(UPPER_BOUND)
    if count is None and last is None:
        raise Unknown("a vector's size is not told")
    return size * (count if count is not None else int(last or 0) + 1)


def _whole(info: DebugInfo, function: Entry) -> Entry:
    """What a definition outside of its class leaves to the declaration inside: its result."""
    at = function.number(SPECIFICATION)
    return info.entry(at) if at is not None else function


def _whole_type(info: DebugInfo, entry: Entry) -> Entry | None:
    for _ in range(MOST_NAMES):
        at = entry.number(TYPE)
        if at is None:
            return None
        entry = info.entry(at)
        if entry.tag not in NAMES_OF_TYPES:
            return entry
    return None
