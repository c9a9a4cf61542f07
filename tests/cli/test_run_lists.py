"""Lists of runs show what sets them apart, or the columns that are asked for."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backtest_store.models import PERIOD_FIELDS, Record
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore


def venue(slippage: float) -> dict[str, Any]:
    model = {"config": {"prob_slippage": slippage}, "fill_model_path": "a:B"}
    return {"venues": [{"name": "XCBO", "fill_model": model}]}


@pytest.fixture
def grid(store_url: str) -> list[Record]:
    """Store three runs that differ in a parameter, a venue setting and a date."""
    runs = [
        make_record(
            started_at=STARTED + timedelta(minutes=n),
            parameters={"fast_period": 5 * (n + 1), "exit": {"atr": 1.5}, "use_stop": n > 1},
            config_snapshot=venue(n / 4),
            end_date=datetime(2020 + n // 2, 1, 1, tzinfo=UTC),  # a bar of December closes then
            sharpe_ratio=1.0 + n,
        )
        for n in range(3)
    ]
    store_at(store_url, *runs)
    return runs


def test_what_sets_three_runs_apart_is_seen_at_80_columns(
    grid: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = btstore("history").out
    assert max(map(len, table.splitlines())) <= 80
    assert re.search(r" true +15 +0\.5 +2018-01→2020-12 .* 3\.00\b", table)
    assert re.search(r" false +5 +0\.0 +2018-01→2019-12 .* 1\.00\b", table)
    assert "atr" not in table
    monkeypatch.setenv("COLUMNS", "140")
    assert re.search(r"exit|[▁▂▃▄▅▆▇█]{3}$", btstore("history").out, re.MULTILINE)


def test_failures_and_stars_are_seen_at_80_columns(
    grid: list[Record], store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    store_at(store_url, *grid[:2], make_record(status="failed"))
    btstore("star", str(grid[0].run_id))
    table = btstore("history").out
    assert max(map(len, table.splitlines())) <= 80
    assert re.search(r" failed .* \u2013", table)
    assert len(re.findall(f" \N{BLACK STAR} {grid[0].strategy_name}", table)) == 1
    assert f"\N{BLACK STAR} {grid[0].strategy_name}" in btstore("show", str(grid[0].run_id)).out


def test_runs_are_chosen_by_whether_they_have_months(store_url: str) -> None:
    without = make_record(period=None, period_start=None, **dict.fromkeys(PERIOD_FIELDS))
    store_at(store_url, without, make_record())
    for words in (["history"], ["history", "--all"], ["history", "--sort", "cagr"], ["best"]):
        for where, found in (("period_returns is None", 1), ("period_returns is not None", 1)):
            answer = btstore(*words, "--where", where, "--format", "jsonl")
            assert (answer.code, len(answer.out.splitlines())) == (0, found), words
    for words in (["summary", "--by", "strategy"], ["strategies"], ["pivot", "fast_period"]):
        assert btstore(*words, "--where", "period_returns is None").code in {0, 2}
    assert btstore("export", "-", "--where", "period_returns is None").err == "exported 1 run\n"


def test_a_component_without_configuration_is_no_input(store_url: str) -> None:
    models: list[dict[str, Any]] = [{"config": {}}, {}]
    snapshots = [{"venues": [{"fee_model": model}]} for model in models]
    store_at(store_url, *(make_record(config_snapshot=each) for each in snapshots))
    assert "config" not in btstore("history").out


def test_inputs_of_other_strategies_do_not_vary(store_url: str) -> None:
    store_at(store_url, make_record(), make_record(strategy_name="Other", parameters={"n": 1}))
    assert not re.search("fast|slow", btstore("history").out)


COLUMNS = "sharpe_ratio,parameters.fast_period,use_stop,venues.0.fill_model.prob_slippage,tags"
WANTED = [[3.0, 15, True, 0.5, []], [2.0, 10, False, 0.25, []], [1.0, 5, False, 0.0, []]]


@pytest.mark.parametrize("every", [[], ["--all"]])
def test_columns_are_those_that_are_asked_for(grid: object, every: list[str]) -> None:
    words = ("history", "--columns", COLUMNS, *every)
    found = [json.loads(line) for line in btstore(*words, "--format", "jsonl").out.splitlines()]
    names = [
        "sharpe_ratio",
        "parameters.fast_period",
        "parameters.use_stop",
        *COLUMNS.split(",")[3:],
    ]
    assert [list(run) for run in found] == [names] * 3
    assert [[*run.values()] for run in found] == WANTED
    table = [*csv.reader(io.StringIO(btstore(*words, "--format", "csv").out))]
    assert table[:2] == [names, ["3.0", "15", "true", "0.5", ""]]
    assert re.search(r"3\.00 +15 +true +0\.5", btstore(*words).out)


def test_a_snapshot_s_own_name_of_a_setting_is_understood(grid: object) -> None:
    name = "config_snapshot.venues.0.fill_model.config.prob_slippage"
    answer = btstore("history", "--columns", name, "--limit", "1", "--format", "csv")
    assert answer.out == "venues.0.fill_model.prob_slippage\n0.5\n"


def test_a_column_that_there_is_not_gets_the_nearest(grid: object) -> None:
    answer = btstore("history", "--columns", "run_id,fast_perod")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: there is no column 'fast_perod'\nhint: did you mean fast_period?\n"


def test_a_whole_name_that_no_run_has_is_an_empty_column_and_told_of(grid: object) -> None:
    words = ("--limit", "1", "--format", "csv")
    answer = btstore("history", "--columns", "venues.0.fill_model.prob_slipage", *words)
    assert (answer.code, answer.out) == (0, 'venues.0.fill_model.prob_slipage\n""\n')
    assert answer.err.startswith(
        "warning: no run here has 'venues.0.fill_model.prob_slipage'; did you mean "
        "'venues.0.fill_model.prob_slippage'?\n"
    )


def test_a_rank_of_runs_whose_equity_is_not_measured_in_one_way_is_told_of(store_url: str) -> None:
    runs = [
        make_record(equity_basis=basis, started_at=STARTED, config_hash=f"{n:064x}", note=str(n))
        for n, basis in enumerate(["balance", "mark_to_market", "mark_to_market"])
    ]
    store_at(store_url, *runs, make_record(status="failed"))
    months = ("history", "--while", "2018-01", "--sort", "sharpe_ratio")
    for words in (("history", "--sort", "cagr"), ("best",), months):
        assert "note: runs are ranked here whose open positions" in btstore(*words).err, words
        one = btstore(*words, "--where", "equity_basis == 'mark_to_market'")
        assert "ranked here" not in one.err, words
    assert "ranked here" not in btstore("history").err


def test_a_page_says_how_many_there_are(grid: list[Record]) -> None:
    answer = btstore("history", "--limit", "2")
    last = str(grid[1].run_id)[:8]
    assert answer.err == f"2 of 3 runs. Next page: add --after {last}\n"
    assert btstore("history", "--limit", "1", "--after", last[:8]).err == ""
    assert btstore("history", "--limit", "1", "--metric", "sharpe_ratio>1").err.startswith("1 of 2")
