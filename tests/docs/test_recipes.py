"""The recipes for other programs, and the notebook, do what the pages say."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import openpyxl
import pytest
from nbclient import NotebookClient

from tests.factories import make_record, store_at

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "pandas-and-spreadsheets.md").read_text("utf-8")
EXPORT, JQ, FZF, SHEET = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
DUCKDB, PANDAS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
RATIOS = {5: 0.2, 10: 0.9, 20: 0.7}


@pytest.fixture
def folder(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder beside a store with three runs."""
    runs = (
        make_record(
            parameters={"fast_period": fast, "slow_period": 50},
            sharpe_ratio=ratio,
            config_hash=f"{fast:064}",
        )
        for fast, ratio in RATIOS.items()
    )
    store_at(store_url, *runs)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(script: str) -> str:
    ours = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": f"{ours}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(script: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(script, names)  # noqa: S102 - it is our own
    return names


def test_duckdb_and_pandas_read_what_was_exported(folder: Path) -> None:
    shell(EXPORT)
    found = python(DUCKDB)["best"].fetchall()
    assert [(fast, runs, ratio) for _, fast, runs, ratio in found] == [
        (10.0, 1, 0.9),
        (20.0, 1, 0.7),
        (5.0, 1, 0.2),
    ]
    assert python(PANDAS)["by_strategy"].loc["SMA Crossover", "count"] == 3


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_jq_chooses_lines(folder: Path) -> None:
    lines = [line.split("\t") for line in shell(JQ).splitlines()]
    assert sorted((fast, ratio) for _, fast, ratio in lines) == [("10", "0.9"), ("20", "0.7")]


@pytest.mark.skipif(shutil.which("fzf") is None, reason="fzf is not installed")
def test_fzf_chooses_a_run(folder: Path) -> None:
    assert "Sharpe 0.90" in shell(FZF.replace("fzf ", "fzf --filter=0.9 "))


def test_a_spreadsheet_opens_both_files(folder: Path) -> None:
    shell(SHEET)
    rows = list(openpyxl.load_workbook("runs.xlsx").active.iter_rows(values_only=True))
    assert rows[0] == ("run_id", "strategy_name", "parameters.fast_period", "sharpe_ratio")
    assert {row[2]: row[3] for row in rows[1:]} == RATIOS
    with Path("runs.csv").open(newline="") as file:
        found = {int(row["parameters.fast_period"]): row for row in csv.DictReader(file)}
    assert {fast: float(row["sharpe_ratio"]) for fast, row in found.items()} == RATIOS


def test_the_notebook_runs_from_top_to_bottom(folder: Path) -> None:
    read = nbformat.read(DOCS / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    notebook = read
    NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [str(cell.outputs[-1].data) for cell in cells if cell.outputs]
    assert len(shown) == len(cells)
    assert "<table>" in shown[0]
    assert "fast_period" in shown[2]
    assert "candidate" in shown[-1]
