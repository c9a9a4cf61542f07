"""Timing of runs with and without `record`, in turn, whatever engine they are of."""

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from time import perf_counter, process_time
from typing import Any

from backtest_store import record

BARS = 20_000
ROUNDS = 9
FACTOR, ALLOWANCE = 1.03, 20  # times a run without it, and ms


def timed(make: Callable[[], Any], *, recorded: bool) -> tuple[float, float]:
    """Return the seconds of one run, its saving included: on the clock, and of this process."""
    made = make()
    gc.collect()
    around: AbstractContextManager[object] = record(made) if recorded else nullcontext()
    clock, cpu = perf_counter(), process_time()
    with around:
        made.run()
    elapsed = perf_counter() - clock, process_time() - cpu
    made.dispose()
    return elapsed


def measure(make: Callable[[], Any]) -> list[tuple[float, float]]:
    """Return medians without and with `record`, measured in turn: of the clock, and of the CPU."""
    timed(make, recorded=True)
    rounds = [(timed(make, recorded=False), timed(make, recorded=True)) for _ in range(ROUNDS)]
    alone, recorded = ([*zip(*column, strict=True)] for column in zip(*rounds, strict=True))
    return [(median(a), median(r)) for a, r in zip(alone, recorded, strict=True)]
