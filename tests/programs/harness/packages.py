"""Which package of a distribution holds a program: read from packages.txt."""

from __future__ import annotations

from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "packages.txt"


def packages(family: str = "debian") -> dict[str, str]:
    """Program to package, for the column `family` of the table."""
    rows = [line.split() for line in TABLE.read_text().splitlines() if line and line[0] != "#"]
    column = rows[0].index(family)
    return {row[0]: row[column] for row in rows[1:]}


def package_of(program: str, family: str = "debian") -> str:
    """The package that holds `program`."""
    return packages(family).get(program, "unknown")
