"""A run as a page: what is on it, in which order, and that it fits."""

import re
from datetime import date

import pytest

from backtest_store.cli.output import for_people
from backtest_store.cli.output.pages import run_page
from backtest_store.models import Record
from tests.factories import make_record, store_at
from tests.shell import btstore

RETURNS = [0.1, -0.5, 0.2, *[0.0] * 11]
SNAPSHOT = {
    "venues": [
        {
            "name": "XCBO",
            "routing": False,
            "bar_execution": True,
            "default_leverage": 2.0,
            "fee_model": {"config": {"maker_fee": "0", "taker_fee": "0.0002"}},
            "fill_model": {"config": {"prob_slippage": 0.5}, "fill_model_path": "a:B"},
        }
    ]
}
MADE = {
    "parameters": {"fast_period": 10, "slow_period": 50, "trade_size": None, "use_stop": False},
    "provenance": {
        "defaults": ["trade_size", "use_stop"],
        "git": {"commit": "abc1234def", "dirty": False},
        "source_sha256": {"/home/me/mystrats.py": "070dbd91ffff"},
        "engine_version": "1.221.0",
    },
    "config_snapshot": SNAPSHOT,
    "tags": ["week1"],
    "note": "first try",
    "engine_stats": {"returns": {"Sharpe Ratio (252 days)": 2.84376}},
    "warnings": ["sortino_ratio: undefined, for a test"],
    "period_start": date(2018, 12, 1),
    "period_returns": RETURNS,
    "period_counts": [20] * len(RETURNS),
    "period_means": RETURNS,
    "period_deviations": RETURNS,
}


def shown(store_url: str, monkeypatch: pytest.MonkeyPatch, run: Record, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    store_at(store_url, run)
    answer = btstore("show", str(run.run_id))
    assert (answer.code, answer.err) == (0, "")
    return answer.out


def test_what_is_looked_at_first_comes_first(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(store_url, monkeypatch, make_record(**MADE))
    wanted = [
        "SMA Crossover", "2018-01-02 → 2020-12-30", "#week1", "“first try”",
        "fast_period 10 · slow_period 50", "(+2 defaults)",
        "XCBO", "taker_fee 0.02%", "prob_slippage 0.5", "default_leverage 2.0",
        "return 25.00%", "Sharpe 0.75", "drawdown -15.00% (2020-03-23)",
        "closed 10", "won 60.00%", "profit factor 2.50",
        "net profit 25,000.50 USD", "final balance 125,000.50", "open positions 120.25",
        "sortino_ratio: undefined, for a test",
        "Equity", "Drawdown", "-50.0% (month ends)",
        "Jan  Feb", "2018", "2019   -50",
        "commit abc1234d clean", "mystrats.py 070dbd91", "NautilusTrader 1.221.0",
        "differ from the above", "Sharpe Ratio (252 days) 2.84376",
    ]  # fmt: skip
    place = 0
    for text in wanted:
        place = page.find(text, place)
        assert place >= 0, text
    assert "routing" not in page
    assert "use_stop" not in page


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_page_fits(store_url: str, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    run = make_record(**MADE | {"note": "a long story " * 20, "tags": ["東京" * 30]})
    lines = shown(store_url, monkeypatch, run, columns).splitlines()
    from backtest_store.cli.output.terminal_text import width

    table = [line for line in lines if re.match(r"in %|\d{4} ", line)]
    assert max(width(line) for line in lines if line not in table) <= columns
    assert max(map(width, table)) == 72


def test_a_run_without_months_says_so(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = dict.fromkeys(
        (
            "period", "period_start", "period_returns", "period_counts", "period_means",
            "period_deviations",
        )
    )  # fmt: skip
    page = shown(store_url, monkeypatch, make_record(**nothing))
    assert run_page.NO_MONTHS in page
    assert "Equity" not in page


def test_a_failed_run_says_why_at_once(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = 'Traceback:\n  File "a.py", line 1, in f\n    g()'
    failed = make_record(status="failed", note="x", error_traceback=trace)
    page = shown(store_url, monkeypatch, failed)
    assert [line[14:] for line in page.splitlines() if line[14:] in trace.split("\n")] == [
        *trace.split("\n")
    ]
    assert page.index("ValueError: no") < page.index("Parameters") < page.index("Traceback")
    assert "Result" not in page
    assert "Months" not in page


def test_everything_is_there_when_asked_for(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_record(**MADE)
    page = shown(store_url, monkeypatch, run)
    everything = btstore("show", str(run.run_id), "--all").out
    assert everything.startswith(page)
    assert "returns_kurtosis" in everything[len(page) :]
    assert "returns_kurtosis" in btstore("show", str(run.run_id), "--format", "markdown").out


def test_a_share_of_a_course_shows_its_last_or_its_deepest() -> None:
    assert for_people.sampled([1, 2, 3, 4, 5, 6], 3) == [2, 4, 6]
    assert for_people.sampled([0, -2, -1, 0, -3, -1], 2, deepest=True) == [-2, -3]
    assert for_people.sampled([1, 2], 9) == [1, 2]
