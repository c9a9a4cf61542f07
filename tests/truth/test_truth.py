"""Random runs against an oracle that shares no code with the product, metric by metric.

TRUTH_RUNS and TRUTH_SEED say how many and which; the seed is printed, and repeats a run.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from math import isinf
from typing import Any

import pytest

from backtest_store import record
from tests.capture.stores import shared_url, store  # noqa: F401 - fixtures
from tests.truth.oracle import HalfCentError, Ledger, metrics
from tests.truth.runs import Run, expected, random_run

RUNS = int(os.environ.get("TRUTH_RUNS", "25"))
SEED = int(os.environ.get("TRUTH_SEED", "20240101"))


def play(run: Run) -> Any:
    """Run an engine as it asks for, and return its last record."""
    with record(run.made) as recording:
        for chunk in run.chunks:
            run.made.add_data(list(chunk))
            run.made.run(streaming=len(run.chunks) > 1)
            if len(run.chunks) > 1:
                run.made.clear_data()
        if len(run.chunks) > 1:
            run.made.end()
        if run.resets:
            run.made.reset()
            run.made.run()
    return recording.records[-1]


def judged(seed: int) -> Iterator[tuple[Run, Any, tuple[Ledger, Fraction, list[Any]]]]:
    """Play runs until the oracle has a verdict on one; where an amount ends on half a cent it has none."""
    for number in range(9):
        run = random_run(seed + number * 1_000_000)
        saved = play(run)
        with suppress(HalfCentError):
            yield run, saved, expected(run)


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_metric_is_the_oracle_s(store: str, seed: int) -> None:
    run, saved, (ledger, capital, days) = next(judged(seed))
    known = metrics(capital, days, ledger.trades) | {"total_fees": float(ledger.fees)}
    assert float(saved.initial_capital) == pytest.approx(float(capital), rel=1e-9)
    assert saved.equity_basis == "mark_to_market"
    for name, value in known.items():
        found = getattr(saved, name)
        assert found is not None, (name, value, saved.warnings)
        if isinstance(value, float) and isinf(value):
            assert isinf(found), name
        else:
            assert float(found) == pytest.approx(value, rel=1e-9, abs=1e-9), name
    assert not [w for w in saved.warnings or [] if "not accounted" in w or "may lack" in w]
    run.made.dispose()
