"""A repetition is compared in every metric, and what changed is named."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.models import METRIC_FIELDS, Metrics, Record
from backtest_store.runs.changes.causes import UNCOMMITTED, UNKNOWN, Reproduction
from tests.faults.runs import a_failure, a_run

PROVENANCE: dict[str, Any] = {
    "engine_version": "1.221.0",
    "python_version": "3.11.7",
    "backtest_store_version": "0.1.0",
    "platform": "Linux",
    "git": {"commit": "aaaa", "dirty": False},
    "source_sha256": {"/home/me/mine.py": "11"},
    "package_versions": {"numpy": "1.26", "pandas": "2.2"},
    "random_state": {"random": "11"},
}
SNAPSHOT: dict[str, Any] = {
    "config": {"fast_period": 10, "nested": {"a": [1, 2]}},
    "venues": [{"name": "SIM", "leverage": 1}],
    "data": [{"start_time": 1}],
}
VALUES: dict[str, Any] = {
    "float": 0.25,
    "int": 3,
    "Decimal": Decimal("12.34"),
    "date": date(2020, 1, 2),
    "EquityBasis": "balance",
    "PeriodLength": "day",
    "list[float | None]": [0.5, None],
    "list[int]": [21, 0],
    "list[str]": ["undefined"],
    "Json": {"returns": {"Sharpe": 0.5}},
}
ONE = a_run(
    sharpe_ratio=0.5,
    data_source="prices.csv",
    data_fingerprint="aa" * 32,
    provenance=PROVENANCE,
    config_snapshot=SNAPSHOT,
    engine_stats={"returns": {"Sharpe": 0.25, "Sortino": None}, "pnls": {"USD": {"Max": 3}}},
)


def again(**changes: Any) -> Record:
    return replace(ONE, **{"sharpe_ratio": 0.6, **changes})


def kinds(reproduced: Record, original: Record = ONE) -> list[str]:
    return [cause.kind for cause in Reproduction(original, reproduced).causes]


def test_a_run_is_identical_with_itself() -> None:
    reproduction = Reproduction(ONE, ONE)
    assert (reproduction.verdict, reproduction.differences) == ("identical", [])
    assert reproduction.most_likely_cause is None


def type_of(metric: str) -> str:
    return str(Metrics.__dataclass_fields__[metric].type).removesuffix(" | None")


@pytest.mark.parametrize("metric", [name for name in METRIC_FIELDS if name != "warnings"])
def test_no_metric_is_left_out(metric: str) -> None:
    value = VALUES[type_of(metric)]
    without, having = again(**{metric: None}), again(**{metric: value})
    for original, reproduced in ((without, having), (having, without)):
        reproduction = Reproduction(original, reproduced)
        assert reproduction.verdict == "different"
        assert all(d.metric.startswith(metric) for d in reproduction.differences)


def test_the_engines_own_statistics_are_named() -> None:
    other = {"returns": {"Sharpe": 0.3, "Sortino": None}, "pnls": {"USD": {"Max": 3}}}
    (difference,) = Reproduction(ONE, again(sharpe_ratio=0.5, engine_stats=other)).differences
    assert difference.metric == "engine_stats.returns.Sharpe"
    assert (difference.original, difference.reproduced) == (0.25, 0.3)


def test_a_failure_is_reproduced_by_the_same_failure() -> None:
    failure = a_failure()
    assert Reproduction(failure, replace(failure)).verdict == "identical"
    other = replace(failure, error_type="KeyError")
    assert [d.metric for d in Reproduction(failure, other).differences] == ["error_type"]
    said = replace(failure, error_message="another reason altogether")
    (difference,) = Reproduction(failure, said).differences
    assert (difference.metric, difference.reproduced) == ("error_message", said.error_message)
    one, two = (replace(failure, error_message=f"<Bar at {at}>") for at in ("0x7f1", "0x8a2"))
    assert Reproduction(one, two).verdict == "identical"
    differing = Reproduction(failure, a_run()).differences
    assert "status" in [d.metric for d in differing]


FINITE = st.floats(-1e9, 1e9)


@given(FINITE, FINITE, st.floats(0, 1))
def test_tolerance_is_relative_and_symmetric(then: float, now: float, tolerance: float) -> None:
    original, reproduced = again(sharpe_ratio=then), again(sharpe_ratio=now)
    found = Reproduction(original, reproduced, tolerance).verdict
    assert found == Reproduction(reproduced, original, tolerance).verdict
    limit = tolerance * max(abs(then), abs(now))
    if abs(abs(then - now) - limit) > 1e-9 * max(abs(then), abs(now)):
        assert (found == "different") == (abs(then - now) > limit)
    if then != now:
        assert Reproduction(original, reproduced).verdict == "different"


def test_tolerance_is_relative_below_one_too() -> None:
    small, other = again(sharpe_ratio=0.0100), again(sharpe_ratio=0.0109)
    assert Reproduction(small, other, 0.05).verdict == "different"
    assert Reproduction(small, other, 0.1).verdict == "identical"
    assert (
        Reproduction(again(sharpe_ratio=0.0), again(sharpe_ratio=1e-9), 0.5).verdict == "different"
    )


def test_a_reworded_warning_is_no_difference() -> None:
    one, two = again(warnings=["cagr: undefined"]), again(warnings=["no cagr, too few days"])
    assert Reproduction(one, two).verdict == "identical"


def test_where_data_is_is_no_configuration() -> None:
    def at(folder: str) -> dict[str, Any]:
        made_of = {"path": f"{folder}/a.csv", "has_opens": False}
        entry = {"catalog_path": f"{folder}/catalog", "metadata": {"made_of": made_of}}
        return {"config_snapshot": SNAPSHOT | {"data": [entry]}}

    assert kinds(again(**at("/there")), again(**at("/here"))) == []


def test_a_changed_script_is_named() -> None:
    then, now = (PROVENANCE | {"script": {"path": "/s.py", "sha256": d}} for d in ("11", "22"))
    reproduction = Reproduction(again(provenance=then), again(provenance=now))
    assert [(c.kind, c.detail) for c in reproduction.causes] == [
        ("script", "the script changed: /s.py")
    ]
    assert reproduction.verdict == "identical"


def test_amounts_are_compared_as_numbers() -> None:
    exact, shorter = again(net_profit=Decimal("1.50")), again(net_profit=Decimal("1.5"))
    assert Reproduction(exact, shorter).verdict == "identical"


CHANGES: dict[str, dict[str, Any]] = {
    "data": {"data_fingerprint": "bb" * 32},
    "source": {"provenance": PROVENANCE | {"source_sha256": {"/home/me/mine.py": "22"}}},
    "engine_version": {"provenance": PROVENANCE | {"engine_version": "1.231.0"}},
    "configuration": {"config_snapshot": SNAPSHOT | {"venues": [{"name": "SIM", "leverage": 2}]}},
    "chance": {"provenance": PROVENANCE | {"random_state": {"random": "22"}}},
    "python_version": {"provenance": PROVENANCE | {"python_version": "3.12.1"}},
    "package_versions": {
        "provenance": PROVENANCE | {"package_versions": {"numpy": "2.0", "pandas": "2.2"}}
    },
    "backtest_store_version": {"provenance": PROVENANCE | {"backtest_store_version": "0.2.0"}},
    "equity_basis": {"equity_basis": "balance"},
    "commit": {"provenance": PROVENANCE | {"git": {"commit": "bbbb", "dirty": False}}},
    "platform": {"provenance": PROVENANCE | {"platform": "Darwin"}},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_changed_is_named_and_nothing_else(kind: str) -> None:
    assert kinds(again(**CHANGES[kind])) == [kind]


def test_the_likeliest_cause_comes_first() -> None:
    everything = {name: value for change in CHANGES.values() for name, value in change.items()}
    everything["provenance"] = {
        "engine_version": "1.231.0",
        "python_version": "3.12.1",
        "backtest_store_version": "0.2.0",
        "platform": "Darwin",
        "git": {"commit": "bbbb", "dirty": False},
        "source_sha256": {"/home/me/mine.py": "22"},
        "package_versions": {"numpy": "2.0", "pandas": "2.2"},
        "random_state": {"random": "22"},
    }
    assert kinds(again(**everything)) == list(CHANGES)


def test_a_source_that_was_only_moved_has_not_changed() -> None:
    moved = PROVENANCE | {"source_sha256": {"/elsewhere/mine.py": "11"}}
    assert kinds(again(provenance=moved)) == []


def test_a_script_that_takes_no_part_in_the_repetition_has_not_changed() -> None:
    original = replace(ONE, provenance=PROVENANCE | {"script": {"path": "/home/me/mine.py"}})
    without = again(provenance=PROVENANCE | {"source_sha256": {}})
    assert kinds(without, original) == []
    assert kinds(without) == ["source"]


def test_a_run_outside_of_every_repository_says_nothing_of_one() -> None:
    outside = replace(ONE, provenance=PROVENANCE | {"git": None})
    assert kinds(again(), outside) == kinds(outside, again()) == []


def test_new_data_explains_new_dates() -> None:
    later = SNAPSHOT | {"data": [{"start_time": 2}]}
    assert kinds(again(config_snapshot=later)) == ["configuration"]
    changed = again(config_snapshot=later, data_fingerprint="bb" * 32)
    assert kinds(changed) == ["data"]


def test_a_configuration_that_differs_is_named() -> None:
    (cause,) = Reproduction(ONE, again(**CHANGES["configuration"])).causes
    assert "venues.0.leverage was 1, is 2" in cause.detail


@pytest.mark.parametrize("field", ["data_fingerprint", "provenance"])
def test_what_is_not_known_may_have_changed(field: str) -> None:
    unknown = {"data_fingerprint": None, "provenance": PROVENANCE | {"source_sha256": {}}}[field]
    found = kinds(ONE, again(**{field: unknown}))
    assert found == (["data"] if field == "data_fingerprint" else ["source"])


def test_if_nothing_has_changed_that_is_said() -> None:
    assert Reproduction(ONE, again()).most_likely_cause == UNKNOWN
    dirty = again(provenance=PROVENANCE | {"git": {"commit": "aaaa", "dirty": True}})
    assert Reproduction(ONE, dirty).most_likely_cause == UNCOMMITTED
