"""What a comparison says of its runs."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.runs.compare import Comparison
from backtest_store.runs.expressions.parameters import flattened
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


OTHER_WAYS: dict[str, dict[str, Any]] = {
    "total_trades": {"total_trades": 11, "winning_trades": 7},
    "max_drawdown_date": {"max_drawdown_date": date(2020, 3, 24)},
    "equity_basis": {"equity_basis": "balance"},
    "total_fees": {"total_fees": 0},
    "final_balance": {"final_balance": 1},
    "avg_win": {"avg_win": 1},
    "avg_loss": {"avg_loss": -1},
    "volatility": {"volatility": 0.0},
    "returns_skewness": {"returns_skewness": 1.0},
    "returns_kurtosis": {"returns_kurtosis": 1.0},
}


@pytest.mark.parametrize("metric", OTHER_WAYS)
def test_what_has_no_better_end_has_no_best(metric: str) -> None:
    """Of runs that differ in nothing else, so that nothing else keeps one from being the best."""
    assert Comparison([make_record(), make_record(**OTHER_WAYS[metric])]).best(metric) == set()


def test_only_parameters_that_differ_are_named_nested_ones_too() -> None:
    runs = [
        make_record(parameters={"same": 1, "fast": 5, "exit": {"atr": 2, "on": True}}),
        make_record(parameters={"same": 1, "fast": 5.0, "exit": {"atr": 3, "on": True}, "new": 0}),
    ]
    inputs = Comparison(runs).differing_inputs()
    assert {name: values for name, values in inputs.items() if name.startswith("parameters.")} == {
        "parameters.fast": [5, 5.0],
        "parameters.exit.atr": [2, 3],
        "parameters.new": [None, 0],
    }


def test_deltas_are_exact_and_undefined_where_either_is() -> None:
    base = make_record(net_profit=Decimal("0.1"), sharpe_ratio=None)
    run = make_record(net_profit=Decimal("0.3"))
    comparison = Comparison([run], base)
    assert comparison.delta("net_profit", 0) == Decimal("0.2")
    assert comparison.delta("sharpe_ratio", 0) is None
    assert Comparison([run]).delta("net_profit", 0) is None


@pytest.mark.parametrize(("value", "base"), [(inf, inf), (2.5, inf), (inf, 2.5), (inf, None)])
def test_what_is_infinite_differs_by_no_number(value: float, base: float | None) -> None:
    comparison = Comparison([make_record(profit_factor=value)], make_record(profit_factor=base))
    assert comparison.delta("profit_factor", 0) is None


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


@pytest.mark.parametrize(
    ("metric", "field", "other"),
    [
        ("sharpe_ratio", "equity_basis", "balance"),
        ("win_rate", "equity_basis", "balance"),
        ("net_profit", "currency", "EUR"),
        ("net_profit", "initial_capital", Decimal(1)),
        ("total_return", "end_date", datetime(2019, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_is_not_alike_is_not_ranked(metric: str, field: str, other: object) -> None:
    runs = [make_record(**{metric: Decimal(1)}), make_record(**{metric: Decimal(2)})]
    assert Comparison(runs).best(metric) == {1}
    assert Comparison([runs[0], replace(runs[1], **{field: other})]).best(metric) == set()  # type: ignore[arg-type]


def test_whatever_differs_is_named() -> None:
    def made(n: int) -> Record:
        venue = {"name": "X", "fee_model": {"config": {"taker_fee": f"0.000{n}"}}}
        return make_record(
            parameters={"fast": n, "same": 1},
            config_snapshot={"venues": [venue], "engine": {"risk_engine": {"bypass": n > 1}}},
            initial_capital=Decimal(1000 * n),
            start_date=datetime(2000 + n, 1, 1, tzinfo=UTC),
            data_fingerprint=f"{n}0000000ffff",
            provenance={
                "git": {"commit": f"{n}bc1234def", "dirty": n > 1},
                "source_sha256": {f"/{n}/mystrats.py": f"{n}70dbd91ff", f"/{n}/helper.py": "same"},
                "engine_version": f"1.{n}",
                "package_versions": {"numpy": f"2.{n}"},
            },
        )

    assert Comparison([made(1), made(2)]).differing_inputs() == {
        "parameters.fast": [1, 2],
        "venues.0.fee_model.taker_fee": ["0.0001", "0.0002"],
        "initial_capital": [Decimal(1000), Decimal(2000)],
        "start_date": [datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC)],
        "data_fingerprint": ["10000000", "20000000"],
        "mystrats.py": ["170dbd91", "270dbd91"],
        "commit": ["1bc1234d", "2bc1234d+"],
        "NautilusTrader": ["1.1", "1.2"],
        "package numpy": ["2.1", "2.2"],
        "engine.risk_engine.bypass": [False, True],
    }


def made_of(returns: list[float | None]) -> Record:
    deviations = [None if r is None else 0.0 for r in returns]
    counts = [0 if r is None else 1 for r in returns]
    return make_record(
        period_start=date(2018, 11, 1),
        period_returns=returns,
        period_counts=counts,
        period_means=returns,
        period_deviations=deviations,
        periods_per_year=12.0,
    )


def test_correlation_is_of_the_months_that_both_have() -> None:
    one, other = [0.01, 0.03, -0.02, None, 0.04], [0.02, 0.01, -0.05, 0.9, 0.03]
    common = [(a, b) for a, b in zip(one, other, strict=True) if a is not None]
    wanted = np.corrcoef(np.array(common).T)[0, 1]
    still = made_of([0.0] * 5)
    short = made_of([0.01, 0.02])
    found = Comparison([made_of([*one]), made_of([*other]), still, short]).correlations()
    assert found[0][1] == found[1][0] == pytest.approx(wanted)
    assert found[0][0] == pytest.approx(1)
    assert found[0][2] is None  # never moves
    assert found[0][3] is None  # two months


def test_a_fall_from_where_a_side_begins_is_a_drawdown() -> None:
    run = made_of([-0.3, 0.1, -0.2, 0.1])
    before, after = Comparison([run], split=date(2019, 1, 1)).sides(run)
    assert before is not None
    assert after is not None
    assert (before.max_drawdown, after.max_drawdown) == pytest.approx((-0.3, -0.2))


def test_a_run_is_split_at_a_month() -> None:
    run = made_of([0.1, -0.2, 0.05, 0.1])  # from November 2018 on
    before, after = Comparison([run], split=date(2019, 1, 1)).sides(run)
    assert before is not None
    assert after is not None
    assert before.total_return == pytest.approx(1.1 * 0.8 - 1)
    assert before.max_drawdown == pytest.approx(-0.2)
    assert after.total_return == pytest.approx(1.05 * 1.1 - 1)
    daily = np.array([0.05, 0.1])
    assert after.sharpe_ratio == pytest.approx(daily.mean() / daily.std(ddof=1) * 12**0.5)
    nothing, whole = Comparison([run], split=date(2001, 1, 1)).sides(run)
    assert nothing is None
    assert whole is not None
    assert whole.returns_count == 4
