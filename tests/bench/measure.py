"""Timing: medians of rounds in turn, so that a noisy moment hits everything that is compared."""

from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from time import perf_counter

Timed = Callable[[], Awaitable[object]]
WARM_UP = 3


async def medians(
    measured: Mapping[str, Timed], rounds: int, warm_up: int = WARM_UP
) -> dict[str, float]:
    """Return the median seconds of each, measured in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for round_ in range(-warm_up, rounds):
        for name, run in measured.items():
            started = perf_counter()
            await run()
            if round_ >= 0:
                seconds[name].append(perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}
