"""What the readers of the systems' object files share."""

from __future__ import annotations

import os


class ObjectError(ValueError):
    """Not a file of the format that was expected, or one whose headers contradict themselves."""


def read_at(file, offset: int, size: int, most: int, what: str) -> bytes:
    """`size` bytes from `offset`; raises ObjectError where the file is shorter, or there are more than `most`."""
    if size > most:
        raise ObjectError(f"{what} is too large to be true")
    if offset < 0 or offset + size > os.fstat(file.fileno()).st_size:
        raise ObjectError(f"the file ends before {what} does")
    file.seek(offset)
    return file.read(size)
