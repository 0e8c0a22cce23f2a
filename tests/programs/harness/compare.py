"""Byte-for-byte comparison of two records, with the first difference shown."""

from __future__ import annotations

from harness.run import Outcome, Record, describe_status


def _context(expected: bytes, actual: bytes) -> str:
    limit = min(len(expected), len(actual))
    at = next((i for i in range(limit) if expected[i] != actual[i]), limit)
    start = max(0, at - 40)
    return (
        f"first difference at byte {at} (sizes {len(expected)} and {len(actual)})\n"
        f"      expected ...{expected[start : at + 200]!r}\n"
        f"      actual   ...{actual[start : at + 200]!r}"
    )


def _compare_outcome(expected: Outcome, actual: Outcome) -> list[str]:
    found: list[str] = []
    if expected.status != actual.status:
        tail = actual.errors[:800].decode(errors="replace")
        found.append(
            f"{expected.command}\n    status: {describe_status(actual.status)}, "
            f"expected {describe_status(expected.status)}; standard error begins:\n{tail}"
        )
    if expected.output != actual.output:
        text = _context(expected.output, actual.output)
        found.append(f"{expected.command}\n    standard output: {text}")
    if expected.errors != actual.errors:
        text = _context(expected.errors, actual.errors)
        found.append(f"{expected.command}\n    standard error: {text}")
    return found


def _compare_named(kind: str, expected: dict[str, bytes], actual: dict[str, bytes]) -> list[str]:
    found: list[str] = []
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            found.append(f"{kind} {name}: missing")
        elif name not in expected:
            found.append(f"{kind} {name}: not in the plain run")
        elif expected[name] != actual[name]:
            found.append(f"{kind} {name}: {_context(expected[name], actual[name])}")
    return found


def differences(expected: Record, actual: Record) -> list[str]:
    """Every difference between two runs in words; empty when they are the same."""
    found: list[str] = []
    if [o.command for o in expected.outcomes] != [o.command for o in actual.outcomes]:
        done = [o.command for o in actual.outcomes]
        found.append(f"other commands were run: {done}")
    for one, other in zip(expected.outcomes, actual.outcomes):
        found += _compare_outcome(one, other)
    found += _compare_named("fact", expected.facts, actual.facts)
    found += _compare_named("file", expected.files, actual.files)
    return found


def is_hollow(record: Record) -> bool:
    """Whether the run produced nothing that could differ but its exit status."""
    seen = any(o.output or o.errors or o.status != 0 for o in record.outcomes)
    return not (seen or record.facts or record.files)
