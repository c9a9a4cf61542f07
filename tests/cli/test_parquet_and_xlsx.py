"""Parquet and workbooks, read back by other programs than those that write them."""

import json
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import openpyxl
import polars as pl
import pytest

from backtest_store.cli.output.formats import parquet_and_xlsx
from backtest_store.errors import StoreError
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

ID = UUID(int=0xAAAA << 112)
FULL = make_record(
    run_id=ID,
    parameters={"fast_period": 10, "trade_size": "0.50"},
    tags=["a", "=1+1"],
    note='=HYPERLINK("http://x")',
    net_profit=Decimal("25000.50"),
    sortino_ratio=float("inf"),
)
FAILED = make_record(
    status="failed", started_at=STARTED.replace(year=2025), parameters={"fast_period": 2.5}
)


@pytest.fixture
def runs(store_url: str) -> str:
    store_at(store_url, FULL, FAILED)
    return store_url


def written(*words: str) -> bytes:
    main = "from backtest_store.cli.app import entry; entry()"
    done = subprocess.run([sys.executable, "-c", main, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def frame(*words: str) -> pl.DataFrame:
    return pl.read_parquet(BytesIO(written(*words, "--format", "parquet")))


def sheet(*words: str) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(BytesIO(written(*words, "--format", "xlsx")))
    return [tuple(row) for row in book.active.iter_rows(values_only=True)]


@pytest.mark.parametrize("all_", [[], ["--all"]])
def test_a_list_in_parquet_has_the_types_of_its_fields(runs: str, all_: list[str]) -> None:
    listed = frame("history", *all_)
    names = list(json.loads(btstore("history", "--format", "json").out)[0])
    assert listed.columns == names
    assert listed["run_id"][0] == str(ID)
    assert listed.schema["started_at"] == pl.Datetime("us", "UTC")
    assert listed["started_at"][0] == STARTED
    assert listed["max_drawdown_date"].to_list() == [date(2020, 3, 23), None]
    assert listed["total_trades"].to_list() == [10, None]
    assert listed["net_profit"].to_list() == [25000.5, None]
    assert listed["sortino_ratio"][0] == float("inf")
    assert listed["tags"].to_list() == [["a", "=1+1"], []]
    assert json.loads(listed["parameters"][0]) == FULL.parameters


def test_columns_that_are_asked_for_are_typed(runs: str) -> None:
    listed = frame("history", "--columns", "run_id,parameters.fast_period,parameters.trade_size")
    assert listed["parameters.fast_period"].to_list() == [10.0, 2.5]
    assert listed["parameters.trade_size"].to_list() == [0.5, None]
    groups = frame("summary", "--by", "fast_period")
    assert groups.filter(pl.col("parameters.fast_period") == 10)["runs"].to_list() == [1]


def test_an_empty_list_is_a_table_without_rows(store_url: str) -> None:
    assert frame("history").height == 0
    assert len(sheet("history")) == 1


def test_a_workbook_has_values_and_no_formula(runs: str) -> None:
    header, first, second = sheet("history")
    row = dict(zip(header, first, strict=True))
    assert row["run_id"] == str(ID)
    assert row["started_at"] == STARTED.replace(tzinfo=None)
    assert row["max_drawdown_date"] == datetime(2020, 3, 23)  # noqa: DTZ001 - as a sheet has it
    assert (row["sharpe_ratio"], row["net_profit"]) == (0.75, 25000.5)
    assert row["sortino_ratio"] == "Infinity"
    assert row["note"] == FULL.note
    assert row["tags"] == "a;=1+1"
    assert dict(zip(header, second, strict=True))["sharpe_ratio"] is None
    book = openpyxl.load_workbook(BytesIO(written("history", "--format", "xlsx")))
    kinds = {cell.data_type for cells in book.active.iter_rows() for cell in cells}
    assert "f" not in kinds


def test_whole_runs_are_exported_to_parquet(runs: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.parquet"
    answer = btstore("export", str(file), "--format", "parquet", "--status", "success")
    assert (answer.code, answer.err) == (0, "exported 1 run\n")
    read = duckdb.sql(
        f"SELECT run_id, provenance->>'python' AS python, period_returns[1] AS month FROM '{file}'"
    )
    assert read is not None
    assert read.fetchall() == [(str(ID), "3.11", pytest.approx(0.05))]


def test_what_is_no_text_is_not_written_to_a_terminal() -> None:
    class Terminal(parquet_and_xlsx.FileOutput):
        def isatty(self) -> bool:
            return True

    def refuse(content: bytes) -> None:
        raise AssertionError(content)

    for writer in (parquet_and_xlsx.ParquetWriter, parquet_and_xlsx.WorkbookWriter):
        with pytest.raises(StoreError, match="no text for a terminal"):
            writer([], Terminal(refuse))


def test_a_library_that_is_missing_is_named(runs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    answer = btstore("history", "--format", "xlsx")
    assert answer.code == 1
    assert "--format xlsx needs xlsxwriter" in answer.err
    assert "pip install xlsxwriter" in answer.err
