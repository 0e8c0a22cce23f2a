"""Where this copy of the tool stands, and what stands beside it."""

from __future__ import annotations

import os

from .system import System, this_system


class Place:
    """What the copy of the script knows of itself.

    `library` is the folder of the shim as seen from the folder `here` of the script (a pattern, in the source tree);
    `prefix` is the folder that the shim was installed to, before anybody moved it; `version` is empty in the source
    tree. `system` is the one that programs are run on.
    """

    def __init__(self, here: str, library: str, prefix: str, version: str, system: System | None = None) -> None:
        self.here = here
        self.library = library
        self.prefix = prefix
        self.system = system or this_system()
        self.version = version or _version_of_source(here)


def _version_of_source(here: str) -> str:
    try:
        with open(os.path.join(here, "..", "meson.build"), encoding="utf-8") as file:
            for line in file:
                words = line.split("'")
                if words[0].strip() == "version:":
                    return words[1]
    except OSError:
        pass
    return "unknown"
