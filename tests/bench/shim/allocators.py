"""What is compared: the system's malloc, the popular allocators that can be preloaded, and the shim."""

from __future__ import annotations

import ctypes.util
import os
from dataclasses import dataclass, field
from pathlib import Path

# name: the library's name without lib and .so
PEERS = {"jemalloc": "jemalloc", "tcmalloc": "tcmalloc_minimal", "mimalloc": "mimalloc"}


@dataclass(frozen=True)
class Allocator:
    name: str
    environment: dict[str, str] = field(default_factory=dict)
    # What annotated programs are told: the kind of their regions.
    region: str = "none"


def clean_environment() -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SCRATCH_", "MALLOC_"))}
    environment.pop("LD_PRELOAD", None)
    return environment


def peers() -> list[Allocator]:
    """glibc first; peers that are not installed are named and left out."""
    found = [Allocator("glibc", region="trusted")]
    for name, library in PEERS.items():
        soname = ctypes.util.find_library(library)
        if soname is None:
            print(f"SKIPPED: {name} is not installed")
        else:
            found.append(Allocator(name, {"LD_PRELOAD": soname}, "trusted"))
    return found


def shim(library: Path | None, mode: str, region: str, name: str) -> list[Allocator]:
    if library is None:
        print(f"SKIPPED: {name}: the shim is not built")
        return []
    environment = {"LD_PRELOAD": str(library.resolve()), "SCRATCH_MODE": mode}
    return [Allocator(name, environment, region)]
