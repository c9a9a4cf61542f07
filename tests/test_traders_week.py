"""A trader's working week: each of its questions is one easy command, or one line of Python."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from backtest_store import Store
from backtest_store.saving import background_saver
from backtest_store.store.embedded.server import EmbeddedServer
from tests.shell import Answer, btstore

GRID = """
strategy = "sma_crossover"
[parameters]
equity_fraction = 0.95
[grid]
fast_period = [5, 10, 20]
slow_period = [50, 100]
[data]
source = "sp500_daily"
start = 2005-01-01
end = 2007-12-31
[venue]
taker_fee = 0.0001
"""
FAILING = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

class BrokenConfig(StrategyConfig, frozen=True):
    length: int = 3

class Broken(Strategy):
    def __init__(self, config):
        super().__init__(config)
        raise ArithmeticError(f"a length of {config.length} is too short")
"""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder and a store of its own with a grid of six runs, and one that failed."""
    folder = tmp_path_factory.mktemp("week")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BTSTORE_HOME", str(folder / "home"))
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        (folder / "grid.toml").write_text(GRID)
        (folder / "broken.py").write_text(FAILING)
        failing = GRID.replace('"sma_crossover"', '"broken:Broken"').partition("[parameters]")
        data = failing[2].partition("[data]")[2]
        (folder / "broken.toml").write_text(f"{failing[0]}[parameters]\nlength = 2\n[data]{data}")
        ran = btstore("run", "grid.toml")
        assert ran.code == 0, ran.err
        assert btstore("run", "broken.toml").code == 1
        yield folder
        EmbeddedServer(folder / "home").stop()


def done(*words: str, typed: str = "") -> Answer:
    answer = btstore(*words, typed=typed)
    assert answer.code == 0, answer.err
    return answer


def records(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(*words, "--format", "json").out)
    return found


def test_which_parameters_work(week: Path) -> None:
    groups = records("summary", "--by", "fast_period,slow_period", "--status", "success")
    assert len(groups) == 6
    medians = [group["median_sharpe_ratio"] for group in groups]
    assert medians == sorted(medians, reverse=True)
    assert groups[0].keys() >= {"parameters.fast_period", "parameters.slow_period"}


def test_plateau_or_spike(week: Path) -> None:
    answer = done("pivot", "fast_period", "slow_period")
    assert "plateau" in answer.err or "spike" in answer.err


def test_what_failed_and_why(week: Path) -> None:
    assert "a length of 2 is too short" in done("history", "--status", "failed").out


def test_what_changed_between_two(week: Path) -> None:
    first, other = (
        run["run_id"] for run in records("history", "--where", "slow_period == 50", "--limit", "2")
    )
    shown = done("compare", first, other).out
    assert "fast_period" in shown
    assert "Inputs" in shown


STRATEGY = """
import sizing
from backtest_store.runner.strategies.sma_crossover import SmaCrossover, SmaCrossoverConfig

class CrossoverConfig(SmaCrossoverConfig, kw_only=True, frozen=True):
    pass

class Crossover(SmaCrossover):
    def on_start(self):
        super().on_start()
        self.log.info(str(sizing.LOT))
"""


@pytest.fixture
def repository(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository with a strategy, the module that it imports, and a config; run it once."""
    assert store_url
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / ".gitignore").write_text("home\n__pycache__\n")
    (tmp_path / "mystrategy.py").write_text(STRATEGY)
    (tmp_path / "sizing.py").write_text("LOT = 100\n")
    before, _, after = GRID.replace('"sma_crossover"', '"mystrategy:Crossover"').partition("[grid]")
    data = after.partition("[data]")[2]
    (tmp_path / "run.toml").write_text(f"{before}fast_period = 5\n[data]{data}")
    git("init", "-q")
    commit_and_run()
    return tmp_path


def git(*words: str) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def commit_and_run() -> None:
    """Commit all, and run the config with its modules imported anew."""
    git("add", ".")
    git("commit", "-qm", "another idea")
    for module in ("mystrategy", "sizing"):
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
    done("run", "run.toml")


def test_what_changed_between_two_runs_of_a_repository(repository: Path) -> None:
    for file, before, after, rows in (
        ("run.toml", "taker_fee = 0.0001", "taker_fee = 0.0002", r"taker_fee +0\.0001 +0\.0002"),
        ("mystrategy.py", "sizing.LOT)", "sizing.LOT + 1)", r"mystrategy\.py +\w{8} +\w{8}"),
        ("sizing.py", "100", "200", r"sizing\.py +\w{8} +\w{8}"),
        (".gitignore", "home", "home\n*.log", r"commit +\w{7,} +\w{7,}"),
    ):
        text = (repository / file).read_text()
        (repository / file).write_text(text.replace(before, after))
        commit_and_run()
        shown = done("compare", "@latest~1", "@latest").out
        inputs = shown.partition("Inputs")[2].partition("\n\n")[0]
        assert re.search(rows, inputs), inputs
        assert len(inputs.splitlines()) <= 4, inputs


def test_is_the_best_one_luck(week: Path) -> None:
    (best,) = records("best", "--limit", "1")
    assert best["trials"] == 6
    assert best["verdict"] in {"real", "luck", "cannot_tell"}
    assert "overfit" in done("overfit", "--status", "success").out


def test_in_sample_against_out_of_sample(week: Path) -> None:
    assert records("walkforward", "--train", "12m", "--test", "6m")
    runs = [run["run_id"] for run in records("history", "--status", "success", "--limit", "2")]
    assert "2006-06" in done("compare", *runs, "--split", "2006-06").out


def test_who_lost_money_in_a_year(week: Path) -> None:
    over = records("history", "--while", "2006-01..2006-12", "--sort", "total_return")
    assert len(over) == 6
    returns = [run["total_return"] for run in over]
    assert returns == sorted(returns, reverse=True)
    whole = {run["run_id"]: run["total_return"] for run in records("history")}
    assert all(run["total_return"] != whole[run["run_id"]] for run in over)


def test_results_are_handed_over_as_a_page(week: Path) -> None:
    done("report", "@best:sharpe_ratio", "--output", "best.html")
    assert "SMA Crossover" in (week / "best.html").read_text()


def test_the_months_and_the_shape_of_the_equity(week: Path) -> None:
    page = done("show", "@best:sharpe_ratio").out
    assert "2006" in page
    assert any(bar in page for bar in "▁▂▃▄▅▆▇█")
    assert len(Store().run("@best:sharpe_ratio").months()) == 36


def test_is_this_the_same_bet_as_that_one(week: Path) -> None:
    runs = [run["run_id"] for run in records("history", "--status", "success", "--limit", "2")]
    assert "correlation" in done("compare", *runs).out.lower()


def test_said_of_a_run_afterwards_and_found_by_it(week: Path) -> None:
    done("note", "@best:sharpe_ratio", "try it with wider stops")
    done("tag", "@best:sharpe_ratio", "+candidate")
    done("star", "@best:sharpe_ratio")
    done("rename", "@best:sharpe_ratio", "the good one")
    for words in (
        ["--note", "wider stops"],
        ["--where", "'wider' in note and starred"],
        ["--tag", "candidate"],
        ["--where", "name == 'the good one'"],
    ):
        assert len(records("history", *words)) == 1, words
    assert "the good one" in done("history", "--tag", "candidate").out


def test_my_last_grid_again_by_what_varied_in_it(week: Path) -> None:
    table = done("history", "--batch", "@batch").out
    header = table.partition("---")[0]
    assert "fast" in header
    assert "slow" in header
    assert "equity_fraction" not in header
    rule = next(n for n, line in enumerate(table.splitlines()) if line.startswith("---"))
    assert len(table.splitlines()[rule + 1 :]) == 6


def test_columns_are_chosen(week: Path) -> None:
    shown = done("history", "--columns", "fast_period,sharpe_ratio,note", "--format", "csv").out
    assert shown.startswith("parameters.fast_period,sharpe_ratio,note\n")


def test_read_in_a_notebook_in_pandas_and_polars(week: Path) -> None:
    runs = Store().runs("fast_period >= 10", sort="sharpe_ratio")
    assert runs.to_pandas()["parameters.fast_period"].min() == 10
    assert runs.to_polars().schema["parameters.slow_period"] == pl.Int64
    assert "<table>" in runs._repr_html_()
    csv = done("history", "--columns", "run_id,fast_period", "--format", "csv").out
    assert pd.read_csv(StringIO(csv))["parameters.fast_period"].max() == 20


def test_a_colleague_gets_results_and_sees_whose_they_are(week: Path) -> None:
    done("export", "runs.jsonl", "--batch", "@batch")
    ours = records("history", "--batch", "@batch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BTSTORE_HOME", str(week / "colleague"))
        try:
            done("import", "runs.jsonl")
            theirs = records("history")
            assert [run["run_id"] for run in theirs] == [run["run_id"] for run in ours]
            user = Store().run("@latest").provenance["user"]
            assert len(records("history", "--author", user)) == 6
            assert records("history", "--author", "nobody-else") == []
        finally:
            EmbeddedServer(week / "colleague").stop()


@pytest.mark.usefixtures("forked_reproduction")
def test_a_reproduction_is_in_nobody_s_way(week: Path) -> None:
    best = records("best", "--limit", "1")[0]["run_id"]
    done("reproduce", best)
    assert records("history", "--where", "reproduced_from is not None") == []
    again = records("history", "--reproductions", "--where", "reproduced_from is not None")
    assert [run["reproduced_from"] for run in again] == [best]
    assert again[0]["tags"] == []
    for selector in ("@best:sharpe_ratio", f"{again[0]['run_id']}~"):
        assert str(Store().run(selector).run_id) == best
    assert Store().run("@latest").reproduced_from is None
    done("reproduce", "@best:sharpe_ratio", "--where", "fast_period == 5 and slow_period == 100")
    original = records("history", "--reproductions", "--limit", "1")[0]["reproduced_from"]
    parameters = Store().run(original).parameters
    assert (parameters["fast_period"], parameters["slow_period"]) == (5, 100)


def test_a_search_by_optuna_is_stored_trial_by_trial(week: Path) -> None:
    done("run", "grid.toml", "--set", "fast_period=3,4,6", "--search", "tpe", "--trials", "2")
    assert len(records("history", "--batch", "@batch")) == 2
    done("reproduce", records("history", "--limit", "1")[0]["run_id"])


def test_the_database_was_down_and_the_run_waits_for_it(week: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BTSTORE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        patch.setattr(background_saver, "PATIENCE", 0.3)
        answer = btstore("run", "grid.toml", "--set", "fast_period=7,8", "--set", "slow_period=70")
        assert answer.code == 4
    assert btstore("sync").code in {0, 4}
    assert records("history", "--where", "fast_period == 7") == []
    done("sync", "--to", "embedded")
    assert len(records("history", "--where", "fast_period in (7, 8)")) == 2


def test_the_junk_is_deleted(week: Path) -> None:
    failed = ["delete", "--status", "failed", "--since", "30d"]
    assert "Delete 1 run for good?" in btstore(*failed, typed="n\n").err
    done(*failed, typed="y\n")
    done("delete", "--batch", "@batch", "--keep-best", "2", "--by", "sharpe_ratio", "--yes")
    assert records("history", "--status", "failed") == []
