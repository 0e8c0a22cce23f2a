"""Runs of several variants of a program in turns, each with its cost."""

from __future__ import annotations

import argparse
import random
from typing import Union

from harness.directories import InputCache, Workplace
from harness.measure import Callgrind, Cost, Rusage
from harness.processes import end_leftovers
from harness.registry import Case
from harness.run import Run, free_port
from harness.table import Samples
from harness.variants import PLAIN, Variant

Meter = Union[Rusage, Callgrind]


def cost_of(case: Case, run: Run, meter: Meter) -> Cost:
    """Run the case once and return what it cost."""
    run.workplace.renew()
    case.body(run)
    leftovers = end_leftovers()
    if leftovers:
        raise RuntimeError(f"{case.name} left processes behind: {leftovers}")
    return meter.take()


def measure(case: Case, variants: list[Variant], arguments: argparse.Namespace, inputs: InputCache) -> Samples:
    """All costs of one program by variant."""
    source = random.Random(arguments.seed)
    samples: Samples = {variant.name: [] for variant in variants}
    port = free_port()
    patience = 60.0 if arguments.instructions else 5.0
    with Workplace() as workplace:
        meter: Meter = Callgrind(workplace.root) if arguments.instructions else Rusage(workplace.root)

        def attempt(variant: Variant) -> Cost:
            padding = {"PADDING": "x" * source.randrange(4096)}
            run = Run(variant, arguments.scale, workplace, inputs, port, meter.wrap, padding, patience)
            return cost_of(case, run, meter)

        if not arguments.instructions:
            attempt(PLAIN)  # fills the caches of the file system
        for _ in range(1 if arguments.instructions else arguments.runs):
            for variant in source.sample(variants, len(variants)):
                samples[variant.name].append(attempt(variant))
    return samples
