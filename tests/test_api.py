"""`Store`: what the shell answers, as values of Python."""

import asyncio
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pandas as pd
import polars as pl
import pytest

from backtest_store import Store, record
from backtest_store.errors import RunNotFoundError, StoreError, UsageError
from backtest_store.models import Record
from backtest_store.runs.notebooks import data_frames, html_tables, typed_columns
from backtest_store.saving import background_saver
from backtest_store.store.connecting import connection
from tests.capture import backtests
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

IDS = [UUID(int=number << 96) for number in range(0x10000000, 0x10000004)]
PARAMETERS: list[dict[str, Any]] = [
    {"fast_period": 5, "trade_size": "500", "use_stop": True, "exit": {"multiple": 2}},
    {"fast_period": 10, "trade_size": "0.50", "use_stop": False, "exit": {"multiple": 2.5}},
    {"fast_period": 20, "mode": "slow"},
    {"fast_period": 40, "mode": 3, "periods": [1, 2]},
]


@pytest.fixture
def runs(store_url: str) -> list[Record]:
    made = [
        make_record(
            run_id=IDS[n],
            started_at=STARTED + timedelta(hours=n),
            parameters=PARAMETERS[n],
            sharpe_ratio=ratio,
            config_hash=f"{n}" * 64,
            tags=["<b>"],
        )
        for n, ratio in enumerate([0.5, 1.5, None, 1.0])
    ]
    store_at(store_url, *made)
    return made


def test_runs_are_typed_and_the_newest_first(runs: list[Record]) -> None:
    found = Store().runs()
    assert [run.run_id for run in found] == IDS[::-1]
    assert found[0].parameters == PARAMETERS[3]
    assert found[0].net_profit == Decimal("25000.50")
    assert [run.run_id for run in found[1:3]] == IDS[2:0:-1]


def test_the_best_of_those_that_match_come_first(runs: list[Record]) -> None:
    found = Store().runs("fast_period >= 10", sort="sharpe_ratio", limit=2)
    assert [run.sharpe_ratio for run in found] == [1.5, 1.0]
    every = Store().runs(parameters="fast_period>=10", sort="sharpe_ratio")
    assert [run.sharpe_ratio for run in every] == [1.5, 1.0, None]


def test_python_and_the_shell_answer_alike(runs: list[Record]) -> None:
    shell = btstore("history", "--sort", "sharpe_ratio", "--format", "csv").out.splitlines()
    python = Store().runs(sort="sharpe_ratio")
    assert [line.split(",")[0] for line in shell[1:]] == [str(run.run_id) for run in python]


@pytest.mark.parametrize("asked", [{"sort": "sharp"}, {"since": "soon"}, {"columns": ["fast"]}])
def test_what_makes_no_sense_is_refused_with_a_hint(
    runs: list[Record], asked: dict[str, Any]
) -> None:
    with pytest.raises(UsageError) as error:
        Store().runs(**asked).to_pandas()
    assert error.value.hint


def test_reproductions_are_listed_if_they_are_asked_for(runs: list[Record], store_url: str) -> None:
    again = make_record(reproduced_from=runs[0].run_id)
    store_at(store_url, again)
    assert again.run_id not in {run.run_id for run in Store().runs()}
    assert again.run_id in {run.run_id for run in Store().runs(reproductions=True)}


def test_fields_that_lists_leave_out_come_when_they_are_asked_for(runs: list[Record]) -> None:
    (found, *_) = Store().runs(columns=["run_id", "provenance"])
    assert found.provenance == {"python": "3.11"}


def test_pandas_has_a_column_a_parameter_of_the_right_type(runs: list[Record]) -> None:
    frame = Store().runs().to_pandas()
    assert frame["run_id"].tolist() == [str(i) for i in IDS[::-1]]
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert types["parameters.fast_period"] == "Int64"
    assert types["parameters.trade_size"] == "float64"
    assert types["parameters.use_stop"] == "boolean"
    assert types["parameters.exit.multiple"] == "float64"
    assert types["started_at"] == "datetime64[us, UTC]"
    assert types["max_drawdown_date"] == "datetime64[us]"
    assert types["total_trades"] == "Int64"
    assert types["net_profit"] == "float64"
    assert frame["parameters.mode"].tolist() == ["3", "slow", None, None]
    assert frame["parameters.trade_size"].dropna().tolist() == [0.5, 500.0]
    assert frame["started_at"].iloc[-1] == pd.Timestamp(STARTED)


def test_polars_has_the_same(runs: list[Record]) -> None:
    found = Store().runs(sort="sharpe_ratio")
    frame, other = found.to_polars(), found.to_pandas()
    assert frame.columns == list(other.columns)
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["max_drawdown_date"] == pl.Date
    assert frame.schema["tags"] == pl.List(pl.String)
    assert frame["parameters.fast_period"].to_list() == [10, 40, 5, 20]
    assert frame["sharpe_ratio"].to_list() == [1.5, 1.0, 0.5, None]


def test_frames_have_the_columns_that_were_asked_for(runs: list[Record]) -> None:
    names = ["run_id", "fast_period", "parameters.mode", "engine_stats", "period_returns"]
    frame = Store().runs(columns=names).to_polars()
    assert frame.columns == [
        "run_id",
        "parameters.fast_period",
        "parameters.mode",
        "engine_stats",
        "period_returns",
    ]
    assert frame["period_returns"][0].to_list() == pytest.approx([0.05, None, 0.19])


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 2], "integer", [1, None, 2]),
        (["1", "2"], "integer", [1, 2]),
        (["1.0", 2], "number", [1.0, 2.0]),
        ([1, 2.0], "number", [1.0, 2.0]),
        ([".5", "-1e3"], "number", [0.5, -1000.0]),
        ([2**64], "number", [float(2**64)]),
        ([True, None], "truth", [True, None]),
        ([True, 1], "text", ["true", "1"]),
        (["1", "one"], "text", ["1", "one"]),
        ([[1, 2], {"a": 1}], "text", ["[1, 2]", '{"a": 1}']),
        ([None, None], "text", [None, None]),
    ],
)
def test_values_of_parameters_have_one_type(
    values: list[Any], kind: str, expected: list[Any]
) -> None:
    _, found, made = typed_columns.typed("x", values)
    assert (found, made) == (kind, expected)
    assert [*map(type, made)] == [*map(type, expected)]


def test_a_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(StoreError, match="needs no_such_library") as error:
        data_frames.imported("no_such_library.part", "to_pandas()")
    assert error.value.hint.endswith("pip install no_such_library")


def test_asking_works_inside_a_running_event_loop(runs: list[Record]) -> None:
    async def cell() -> int:
        return len(Store().runs(limit=3))

    assert asyncio.run(cell()) == 3


def test_an_error_inside_a_running_event_loop_is_the_stores_own(runs: list[Record]) -> None:
    async def cell() -> None:
        Store().run("@best:nonsense")

    with pytest.raises(UsageError, match="nonsense"):
        asyncio.run(cell())


def test_what_only_reads_can_write_nothing(
    runs: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def call(use_case: Any) -> Any:
        async def trying(db: asyncpg.Connection) -> None:
            class Writing:
                transaction = db.transaction

                async def fetch(self, *_: object) -> list[Any]:
                    asked.append("asked")
                    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                        await db.execute("DELETE FROM backtest_runs")
                    raise RunNotFoundError("tried")

            await use_case(Writing())

        return original(trying)

    original = connection.call
    monkeypatch.setattr(connection, "call", call)
    asks: list[Callable[[Store], object]] = [
        lambda store: store.run("@latest"),
        lambda store: store.runs(limit=1),
        lambda store: store.best(),
    ]
    for ask in asks:
        with pytest.raises(RunNotFoundError):
            ask(Store())
    assert len(asked) == 3


def test_a_run_has_its_months_as_a_series(runs: list[Record]) -> None:
    run = Store().run("@best:sharpe_ratio")
    assert run.run_id == IDS[1]
    assert run.config_snapshot == {"strategy_path": "a:B"}
    months = run.months()
    assert list(months.index.date) == [date(2018, 1, 1), date(2018, 2, 1), date(2018, 3, 1)]
    assert months.iloc[0] == pytest.approx(0.05)
    assert math.isnan(months.iloc[1])
    assert "<th>sharpe_ratio</th><td>1.5</td>" in run._repr_html_()


def test_runs_are_compared_and_judged_and_pivoted_as_in_the_shell(runs: list[Record]) -> None:
    store = Store()
    compared = store.compare(str(IDS[0]), str(IDS[1]), baseline=str(IDS[0]))
    assert compared.best("sharpe_ratio") == {1}
    assert compared.delta("sharpe_ratio", 1) == 1.0
    best = store.best(limit=1)
    assert [run.run_id for run in best] == [IDS[1]]
    assert best[0].trials == 4
    pivot = store.pivot("fast_period")  # noqa: PD010 - it is no frame
    assert pivot is not None
    assert pivot.axes == ([5, 10, 40],)
    assert store.pivot("fast_period", status="failed") is None  # noqa: PD010 - likewise


def test_a_run_that_is_not_there_is_said_to_be_so(store_url: str) -> None:
    with pytest.raises(RunNotFoundError):
        Store().run("@latest")
    assert Store().runs()._repr_html_() == "<p>no run</p>"


def test_a_notebook_shows_what_differs_and_nothing_that_acts(runs: list[Record]) -> None:
    shown = Store().runs()._repr_html_()
    assert "<th>fast_period</th>" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "<th>note</th>" not in shown
    assert "25.00%" in shown
    assert "<th>provenance</th>" in Store().runs(columns=["provenance"])._repr_html_()
    assert shown in Store()._repr_html_()


def test_a_notebook_shows_a_comparison_and_a_pivot(runs: list[Record]) -> None:
    compared = Store().compare(str(IDS[0]), str(IDS[1]))
    inputs, metrics = compared._repr_html_().split("<th>total_return</th>")
    first, second = (str(run.run_id)[:8] for run in compared.runs)
    assert f"<th></th><th>{first}</th><th>{second}</th>" in inputs
    assert "<th>parameters.fast_period</th><td>5</td><td>10</td>" in inputs
    assert "<th>sharpe_ratio</th><td>0.5</td><td>1.5</td>" in metrics
    assert "<th>expectancy</th><td>2,500.05</td>" in metrics
    surface = Store().pivot("fast_period", "exit.multiple")  # noqa: PD010 - it is no frame
    assert surface is not None
    shown = surface._repr_html_()
    assert "<tr><th>fast_period \\ exit.multiple</th>" in shown
    assert all(f"<p>{note}</p>" in shown for note in surface.notes())
    line = Store().pivot("fast_period")  # noqa: PD010 - likewise
    assert line is not None
    assert "<th>fast_period</th><th>sharpe_ratio</th>" in line._repr_html_()
    assert "<tr><th>10</th><td>1.5</td></tr>" in line._repr_html_()


def test_a_notebook_is_shown_the_first_of_many() -> None:
    many = [make_record(run_id=uuid4()) for _ in range(60)]
    assert "first 50 of 60 runs" in html_tables.table(many)


def test_a_recording_shows_what_it_saved(store_url: str) -> None:
    tested = backtests.engine(backtests.share())
    recording = record(tested, strategy_name="Nothing", note="first <try>")
    assert "nothing is recorded yet" in recording._repr_html_()
    with recording:
        tested.add_data(backtests.bars(backtests.share(), [100, 110]))
        tested.run()
    assert str(recording.run_id)[:8] in recording._repr_html_()
    assert "first &lt;try&gt;" in recording._repr_html_()
    assert "spool" not in recording._repr_html_()
    assert Store().run("@latest").run_id == recording.run_id


def test_a_recording_shows_what_the_database_did_not_take(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(background_saver, "PATIENCE", 0.3)
    tested = backtests.engine(backtests.share())
    tested.add_data(backtests.bars(backtests.share(), [100, 110]))
    with record(tested) as recording:
        tested.run()
    assert f"<code>btstore sync</code>: {str(recording.run_id)[:8]}" in recording._repr_html_()


@pytest.fixture
def modules() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from backtest_store import Store; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_store_loads_neither_the_engine_nor_the_frames(modules: set[str]) -> None:
    assert modules.isdisjoint({"nautilus_trader", "pandas", "polars", "typer"})
