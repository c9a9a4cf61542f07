"""What a comparison says of its runs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.models import METRIC_FIELDS
from backtest_store.runs.compare import Comparison
from backtest_store.runs.parameters import flattened
from tests.factories import make_record

RANKED = [name for name, field in METRIC_FIELDS.items() if field["best"]]


@pytest.mark.parametrize("metric", RANKED)
@given(values=st.lists(st.none() | st.integers(-3, 3), min_size=2, max_size=10))
def test_the_best_are_those_that_none_beats(metric: str, values: list[int | None]) -> None:
    comparison = Comparison([make_record(**{metric: value}) for value in values])
    known = [value for value in values if value is not None]
    best = {
        place
        for place, value in enumerate(values)
        if value is not None and all(value >= other for other in known)
    }
    assert comparison.best(metric) == (best if len(set(known)) > 1 else set())


@pytest.mark.parametrize(
    "metric",
    [
        "total_trades",
        "max_drawdown_date",
        "equity_basis",
        "total_fees",
        "volatility",
        "returns_skewness",
        "returns_kurtosis",
    ],
)
def test_what_has_no_better_end_has_no_best(metric: str) -> None:
    runs = [
        make_record(),
        make_record(
            total_trades=11,
            winning_trades=7,
            equity_basis="balance",
            total_fees=0,
            volatility=0.0,
            returns_skewness=1.0,
            returns_kurtosis=1.0,
        ),
    ]
    assert Comparison(runs).best(metric) == set()


def test_only_parameters_that_differ_are_named_nested_ones_too() -> None:
    runs = [
        make_record(parameters={"same": 1, "fast": 5, "exit": {"atr": 2, "on": True}}),
        make_record(parameters={"same": 1, "fast": 5.0, "exit": {"atr": 3, "on": True}, "new": 0}),
    ]
    comparison = Comparison(runs)
    assert comparison.differing_parameters() == {
        "fast": [5, 5.0],
        "exit.atr": [2, 3],
        "new": [None, 0],
    }
    assert list(comparison.parameters()) == ["same", "fast", "exit.atr", "exit.on", "new"]


def test_deltas_are_exact_and_undefined_where_either_is() -> None:
    base = make_record(net_profit=Decimal("0.1"), sharpe_ratio=None)
    run = make_record(net_profit=Decimal("0.3"))
    comparison = Comparison([run], base)
    assert comparison.delta("net_profit", 0) == Decimal("0.2")
    assert comparison.delta("sharpe_ratio", 0) is None
    assert Comparison([run]).delta("net_profit", 0) is None


def test_amounts_in_different_currencies_are_not_compared() -> None:
    dollars, yen = make_record(), make_record(currency="JPY", net_profit=Decimal(10**6), cagr=0.9)
    failed = make_record(status="failed", currency="EUR")
    comparison = Comparison([dollars, yen], dollars)
    assert comparison.best("net_profit") == set()
    assert comparison.delta("net_profit", 1) is None
    assert comparison.best("cagr") == {1}
    richer = make_record(net_profit=Decimal(10**6))
    assert Comparison([dollars, richer, failed]).best("net_profit") == {1}


def test_other_instruments_have_other_data_anyway() -> None:
    runs = [make_record(), make_record(instrument_ids=["B.X"], data_fingerprint="sha256:01")]
    (note,) = Comparison(runs).notes()
    assert "instruments" in note


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instrument_ids": ["A.X", "B.X"]}, "instruments"),
        ({"start_date": datetime(2019, 1, 1, tzinfo=UTC)}, "start dates"),
        ({"end_date": datetime(2020, 6, 1, tzinfo=UTC)}, "end dates"),
        ({"currency": "EUR"}, "currencies"),
        ({"initial_capital": Decimal(5000)}, "initial capitals"),
        ({"data_fingerprint": "sha256:01"}, "market data for the same instruments and dates"),
        ({"equity_basis": "balance"}, "equity bases"),
    ],
)
def test_what_makes_it_unfair_is_said(changes: dict[str, object], said: str) -> None:
    (note,) = Comparison([make_record(), make_record(**changes)]).notes()
    assert said in note


def test_runs_alike_or_failed_are_not_unfair() -> None:
    runs = [
        make_record(instrument_ids=["A.X", "B.X"]),
        make_record(instrument_ids=["B.X", "A.X"], strategy_name="Other"),
        make_record(status="failed", instrument_ids=[], currency="EUR"),
    ]
    assert not list(Comparison(runs).notes())


@given(st.dictionaries(st.text("ab", min_size=1), st.integers() | st.lists(st.integers())))
def test_what_is_flat_stays_as_it_is(parameters: dict[str, object]) -> None:
    assert flattened(parameters) == parameters


def test_an_empty_object_is_a_value() -> None:
    assert flattened({"exit": {}, "a": {"b": {"c": 1}}}) == {"exit": {}, "a.b.c": 1}
