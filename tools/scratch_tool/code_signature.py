"""Code signatures of macOS: what a program's own allows to be loaded into it. All numbers in them are big endian."""

from __future__ import annotations

import struct

from .object_file import ObjectError

SUPERBLOB, DIRECTORY, ENTITLEMENTS, ENTITLEMENTS_DER = 0xFADE0CC0, 0xFADE0C02, 0xFADE7171, 0xFADE7172

# Flags of a code directory.
ADHOC, GET_TASK_ALLOW, FORCED_LIBRARY_VALIDATION = 0x2, 0x4, 0x10
RESTRICT, LIBRARY_VALIDATION, RUNTIME = 0x800, 0x2000, 0x10000

# From which versions on it says whose it is.
WITH_TEAM = 0x20200

ALLOW_VARIABLES = "com.apple.security.cs.allow-dyld-environment-variables"
NO_LIBRARY_VALIDATION = "com.apple.security.cs.disable-library-validation"
DEBUGGED = "com.apple.security.get-task-allow"
SANDBOXED = "com.apple.security.app-sandbox"

MOST_BLOBS = 64


class Signature:
    """What the bytes of a signature say: flags, the team that signed (empty: none), whether it is of a platform's own
    programs, and the entitlements that are true. Raises ObjectError for what makes no sense."""

    def __init__(self, data: bytes) -> None:
        self.flags = 0
        self.team = ""
        self.platform = 0
        self.entitlements: set[str] = set()
        magic, length, count = _unpack(">III", data, 0)
        if magic != SUPERBLOB or length > len(data) or count > MOST_BLOBS:
            raise ObjectError("the code signature makes no sense")
        data = data[:length]
        blobs = []
        for index in range(count):
            _, offset = _unpack(">II", data, 12 + 8 * index)
            kind, size = _unpack(">II", data, offset)
            if size < 8 or offset + size > length:
                raise ObjectError("a part of the code signature lies outside of it")
            blobs.append((kind, data[offset:offset + size]))
        kinds = {kind for kind, _ in blobs}
        if DIRECTORY not in kinds:
            raise ObjectError("the code signature holds no directory of the code")
        for kind, blob in blobs:
            if kind == DIRECTORY:
                self._read_directory(blob)
            elif kind == ENTITLEMENTS:
                self.entitlements |= _true_in_text(blob[8:])
            elif kind == ENTITLEMENTS_DER and ENTITLEMENTS not in kinds:
                self.entitlements |= _true_in_der(blob[8:])

    @property
    def is_hardened(self) -> bool:
        return bool(self.flags & RUNTIME)

    @property
    def validates_libraries(self) -> bool:
        return bool(self.flags & (LIBRARY_VALIDATION | FORCED_LIBRARY_VALIDATION | RUNTIME)) and \
            NO_LIBRARY_VALIDATION not in self.entitlements

    @property
    def is_debugged(self) -> bool:
        """Signed by a build for debugging, which the system lets others look into."""
        return bool(self.flags & GET_TASK_ALLOW) or DEBUGGED in self.entitlements

    def _read_directory(self, blob: bytes) -> None:
        version, flags = _unpack(">II", blob, 8)
        # There may be one for each kind of hash, which all say the same.
        self.flags |= flags
        self.platform = self.platform or blob[38] if len(blob) > 38 else self.platform
        if version >= WITH_TEAM:
            offset, = _unpack(">I", blob, 48)
            if offset:
                end = blob.find(b"\0", offset)
                if end < 0:
                    raise ObjectError("the name of the team lies outside of the code signature")
                self.team = blob[offset:end].decode("utf-8", "replace")


def _unpack(code: str, data: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(code, data, offset)
    except struct.error:
        raise ObjectError("the code signature is cut short") from None


def _true_in_text(text: bytes) -> set[str]:
    """Of a property list in XML."""
    import plistlib
    try:
        values = plistlib.loads(text)
    except Exception:
        # The parser lets through whatever its parts raise.
        raise ObjectError("the entitlements make no sense") from None
    if not isinstance(values, dict):
        raise ObjectError("the entitlements make no sense")
    return {str(name) for name, value in values.items() if value is True}


def _true_in_der(data: bytes) -> set[str]:
    """Of the form that newer systems read: in an application's container a version, then pairs of a name and a value."""
    names = set()
    for tag, content in _items(data):
        if tag != 0x70:
            continue
        for inner, pairs in _items(content):
            if inner != 0xB0:
                continue
            for _, pair in _items(pairs):
                parts = list(_items(pair))
                if len(parts) == 2 and parts[0][0] == 0x0C and parts[1][0] == 0x01 and parts[1][1] not in (b"", b"\0"):
                    names.add(parts[0][1].decode("utf-8", "replace"))
    return names


def _items(data: bytes):
    """The tags and contents that stand in `data` one after the other."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ObjectError("the entitlements are cut short")
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 0 < size <= 4 or at + size > len(data):
                raise ObjectError("the entitlements make no sense")
            length = int.from_bytes(data[at:at + size], "big")
            at += size
        if at + length > len(data):
            raise ObjectError("the entitlements are cut short")
        yield tag, data[at:at + length]
        at += length
