"""Inputs that are random but made once: a key stays the same for all runs that are compared."""

from __future__ import annotations

import subprocess
from pathlib import Path


def rsa_key(path: Path, bits: int) -> None:
    """A private RSA key of so many bits."""
    subprocess.run(["/usr/bin/openssl", "genrsa", "-traditional", "-out", str(path), str(bits)],
                   check=True, stderr=subprocess.DEVNULL)  # fmt: skip
