"""The result of a benchmark: medians, ratios to the plain run, and the limits they are held to."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness.measure import Cost

# Of a program under the adaptive shim, against the same program without it.
CPU_LIMIT = 1.02
PEAK_LIMIT = 1.05
PEAK_ALLOWANCE = 1 << 20

Samples = dict[str, list[Cost]]


@dataclass(frozen=True)
class Summary:
    """The medians of one variant of one program, and the spread of its CPU time."""

    cpu: float
    peak: float
    spread: float


def summarize(costs: list[Cost]) -> Summary:
    """Medians; the spread is half the distance of the quartiles, relative to the median."""
    times = [cost.cpu for cost in costs]
    middle = statistics.median(times)
    spread = 0.0
    if len(times) > 2 and middle > 0:
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        spread = (high - low) / 2 / middle
    return Summary(middle, statistics.median(cost.peak for cost in costs), spread)


def verdict(plain: Summary, other: Summary) -> str:
    """Which limits `other` passes over; a question mark where the noise is as large as the excess."""
    words: list[str] = []
    ratio = other.cpu / plain.cpu
    if ratio > CPU_LIMIT:
        noise = plain.spread + other.spread
        words.append("CPU over" + ("?" if ratio - noise <= CPU_LIMIT else ""))
    if other.peak > max(plain.peak * PEAK_LIMIT, plain.peak + PEAK_ALLOWANCE):
        words.append("memory over")
    return ", ".join(words) or "ok"


def header(variants: list[str], unit: str) -> str:
    """The first line of the table."""
    columns = "".join(f" | {name:>8} {'peak':>7} {'verdict':<22}" for name in variants)
    return f"{'program':<14} {unit:>9} {'+-':>5} {'peak MiB':>8}{columns}"


def row(name: str, samples: Samples, floor: str = "") -> str:
    """One line: the plain run, then for each variant the ratio of CPU time, the growth of the peak
    in MiB, and the verdict."""
    plain = summarize(samples["plain"])
    scale = 1e6 if plain.cpu > 1e5 else 1.0
    line = f"{name:<14} {plain.cpu / scale:9.3f} {plain.spread:5.1%} {plain.peak / 2**20:8.1f}"
    for variant, costs in samples.items():
        if variant == "plain":
            continue
        other = summarize(costs)
        growth = (other.peak - plain.peak) / 2**20
        words = verdict(plain, other)
        if floor in samples and floor != variant:
            words += f" ({other.cpu / summarize(samples[floor]).cpu:.3f} of {floor})"
        line += f" | {other.cpu / plain.cpu:8.3f} {growth:+7.2f} {words:<22}"
    return line
