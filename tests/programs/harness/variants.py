"""The ways in which a program is run: plain, under the shim in each mode, under another allocator."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Mapping, Optional

SHIM_MODES = ("off", "scoped", "profile", "adaptive", "record", "check")
MODES_BUILT = ("off", "scoped", "adaptive")
ALLOCATORS = {
    "mimalloc": "libmimalloc.so.2",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
}
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")


@dataclass(frozen=True)
class Variant:
    """A name, the object to preload, if any, and what else is set in the environment.

    `in_front` is an object before it, which hooks functions, and `behind` an allocator after it.
    """

    name: str
    library: Optional[Path] = None
    environment: Mapping[str, str] = field(default_factory=dict)
    behind: Optional[Path] = None
    in_front: Optional[Path] = None

    @property
    def is_shim(self) -> bool:
        """Whether the preloaded object is the project's shim."""
        return "SCRATCH_MODE" in self.environment


PLAIN = Variant("plain")


def shim_variant(mode: str, library: Path) -> Variant:
    """The shim in one of its modes."""
    return Variant(mode, library, {"SCRATCH_MODE": mode})


def find_allocator(name: str) -> Optional[Path]:
    """The preloadable object of another allocator, if the system has it."""
    for folder in LIBRARY_FOLDERS:
        path = Path(folder) / ALLOCATORS[name]
        if path.exists():
            return path
    return None


def empty_object(directory: Path) -> Path:
    """Compile an object with nothing in it: what preloading as such costs."""
    source = directory / "empty.c"
    target = directory / "libempty.so"
    source.write_text("")
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-nostdlib"]
    subprocess.run([*command, "-o", str(target), str(source)], check=True)
    return target


def variant_by_name(name: str, shim: Path, directory: Path) -> Variant:
    """The variant called `name`: plain, a mode of the shim, another allocator, or empty."""
    if name == "plain":
        return PLAIN
    if name in SHIM_MODES:
        return shim_variant(name, shim)
    mode, plus, allocator = name.partition("+")
    if plus and mode in SHIM_MODES and allocator in ALLOCATORS:
        chained = variant_by_name(allocator, shim, directory)
        return replace(shim_variant(mode, shim), name=name, behind=chained.library)
    if name == "empty":
        return Variant(name, empty_object(directory))
    if name in ALLOCATORS:
        library = find_allocator(name)
        if library is None:
            raise ValueError(f"{name} is not installed ({ALLOCATORS[name]} not found)")
        return Variant(name, library)
    accepted = ", ".join(("plain", *SHIM_MODES, "empty", *ALLOCATORS))
    raise ValueError(
        f"unknown variant {name!r}; accepted are {accepted}, and a mode with an allocator behind it, as off+mimalloc"
    )
