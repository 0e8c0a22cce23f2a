"""What the contract names and what is not built yet: it is not offered, and given anyway it is answered with one
sentence."""

from __future__ import annotations

# Commands.
LATER = ("record", "report", "profile", "top")

# Modes of `run` and `env`.
LATER_MODES = ("profile", "record")
