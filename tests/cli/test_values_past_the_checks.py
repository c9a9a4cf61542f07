"""What Python cannot hold, put in by hand past the schema's checks, stops no command."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.factories import store_at
from tests.runs.known_returns import drawn, run_of
from tests.shell import Answer, btstore

GOOD = UUID("aaaa0000-0000-4000-8000-000000000001")
OTHER = UUID("aaab0000-0000-4000-8000-000000000002")
GOOD_ONES = [{"run_id": GOOD}, {"run_id": OTHER}]
UNCHECK = """
DO $$
DECLARE check_ record;
BEGIN
    FOR check_ IN SELECT * FROM pg_constraint WHERE contype = 'c' LOOP
        IF check_.conrelid::regclass::text IN ('backtest_runs', 'performance_metrics', 'periods') THEN
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', check_.conrelid::regclass, check_.conname);
        ELSIF check_.contypid::regtype::text IN ('ratio', 'unlimited_ratio', 'amount') THEN
            EXECUTE format('ALTER DOMAIN %s DROP CONSTRAINT %I', check_.contypid::regtype, check_.conname);
        END IF;
    END LOOP;
END $$
"""
COPY = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, %s)).* FROM {table} AS t WHERE run_id = %s
"""
RUNS: list[dict[str, object]] = [
    {"started_at": "infinity"},
    {"started_at": "-infinity"},
    {"started_at": "4713-01-01 00:00:00+00 BC"},
    {"started_at": "294276-12-31 00:00:00+00"},
    {"start_date": "-infinity", "end_date": "infinity"},
    {"start_date": "0044-03-15 00:00:00+00 BC", "end_date": "12000-01-01 00:00:00+00"},
    {"provenance": {"git": {"date": "0044-03-15 BC"}, "python": ["3", {"a": None}], "host": 7}},
    {"provenance": [], "parameters": "text", "config_snapshot": 1},
    {"provenance": "odd", "parameters": [1, [2]], "config_snapshot": True},
    {"parameters": {"": {"": [None]}, "n": 1e300, "huge": 10**400}},
    {"status": "dreaming", "strategy_name": "", "strategy_type": "", "instrument_ids": []},
    {"duration_seconds": "NaN"},
    {"duration_seconds": "Infinity"},
    {"duration_seconds": "-Infinity", "currency": ""},
    {"initial_capital": "NaN"},
    {"initial_capital": "Infinity"},
]
METRICS: list[dict[str, object]] = [
    {"max_drawdown_date": "infinity"},
    {"max_drawdown_date": "0044-03-15 BC", "period_start": "-infinity"},
    {"max_drawdown_date": "12000-01-01", "period_start": "12000-01-01"},
    {"sharpe_ratio": "NaN", "sortino_ratio": "Infinity", "win_rate": 7},
    {"final_balance": "NaN", "net_profit": "Infinity", "total_fees": "-Infinity"},
    {"engine_stats": [], "warnings": []},
    {"engine_stats": "odd", "equity_basis": "hope", "period": "week"},
    {"period_returns": [1, None], "period_counts": [1]},
]


DATES = ("_at", "_date", "_start")
ODD = {UUID(int=(0xBBBB + n) << 112 | n): odd for n, odd in enumerate([*RUNS, *METRICS])}


@pytest.fixture
def url(store_url: str) -> str:
    """Give a store with two runs like any other, and those that no check has seen."""
    runs = [run_of(drawn(n, 60), n, date(2018, 1, 1), **which) for n, which in enumerate(GOOD_ONES)]
    store_at(store_url, *runs)
    with psycopg.connect(store_url) as owner:
        owner.execute(UNCHECK)
        owner.execute("SET session_replication_role = replica")
        for run_id, odd in ODD.items():
            for table, names in (
                ("backtest_runs", RUNS), ("performance_metrics", METRICS), ("periods", METRICS),
            ):  # fmt: skip
                values = odd if odd in names else {}
                values = values | {"run_id": str(run_id), "config_hash": run_id.hex * 2}
                owner.execute(COPY.format(table=table).encode(), (json.dumps(values), GOOD))
    return store_url


def read(*words: str) -> Answer:
    """Run a command that has to succeed, whatever the store holds."""
    answer = btstore(*words)
    said = [ODD.get(UUID(word), word) if len(word) == len(str(GOOD)) else word for word in words]
    assert (answer.code, "Traceback" in answer.err) == (0, False), (said, answer.err)
    return answer


def in_tens(runs: Iterable[object]) -> Iterator[list[str]]:
    """Yield as many runs as a command takes at once, the good one first."""
    left = [str(run) for run in runs]
    for begin in range(0, len(left), 9):
        yield [str(GOOD), *left[begin : begin + 9]]


@pytest.mark.parametrize("format_", ["table", "csv", "json"])
def test_every_command_that_reads_shows_it_and_the_others(url: str, format_: str) -> None:
    runs = [str(run) for run in (GOOD, OTHER, *ODD)]
    for words in (["--limit", "100"], ["--all"], ["--all", "--sort", "sharpe_ratio"]):
        shown = read("history", *words, "--format", format_).out
        assert [run for run in runs if run[:4] not in shown] == []
        if format_ == "json":
            assert len(json.loads(shown)) == len(runs)
    for run in runs:
        assert run[:4] in read("show", run, "--all", "--format", format_).out
    for several in in_tens(ODD):
        read("compare", *several, "--format", format_)
    for words in (
        ["strategies"],
        ["best"],
        ["pivot", "number"],
        ["summary", "--by", "strategy"],
        ["overfit"],
        ["walkforward"],
        ["history", "--while", "2018-02..2019-03"],
        *(["trend", "SMA Crossover", "--by", step] for step in ("day", "week", "month")),
    ):
        read(*words, "--format", format_)


def test_a_report_is_made_of_it(url: str, tmp_path: Path) -> None:
    dated = [run for run, odd in ODD.items() if any(name.endswith(DATES) for name in odd)]
    for runs in (*in_tens(ODD), *([str(run)] for run in dated)):
        read("report", *runs, "--yes", "--output", str(tmp_path / "page.html"))


def test_it_is_exported_with_the_others_and_deleted(url: str, tmp_path: Path) -> None:
    read("export", str(tmp_path / "all.jsonl"))
    assert (tmp_path / "all.jsonl").read_text().count("\n") == len(ODD) + 2
    read("delete", *map(str, ODD), "--yes")
    left = json.loads(read("history", "--format", "json").out)
    assert {run["run_id"] for run in left} == {str(GOOD), str(OTHER)}
