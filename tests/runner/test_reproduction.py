"""A stored run is run again in a fresh process, and what has changed since is named."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from nautilus_trader.backtest.node import BacktestNode
from psycopg.types.json import Jsonb

from backtest_store import record
from backtest_store.errors import StoreError
from backtest_store.models import Record
from backtest_store.runner.config.loading import load_config, parse_config, with_overrides
from backtest_store.runner.config_runs import execute
from backtest_store.runner.demo import DEMO_CONFIGS
from backtest_store.runner.reproduce.reproduction import repeat, script_needed
from backtest_store.runs.changes.causes import Reproduction
from backtest_store.runs.selectors import resolve
from backtest_store.store.connecting.connection import call
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.capture.test_node import CLOSES, fill, run_config
from tests.runner.test_config_to_engine import write_strategy
from tests.shell import btstore

pytestmark = pytest.mark.usefixtures("forked_reproduction")
HEADER = "date,open,high,low,close\n"


@pytest.fixture(autouse=True)
def without_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as in a notebook: pytest is a script, too, and would be run again."""
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)


def verdict(run: Record) -> tuple[int, dict[str, Any]]:
    answer = btstore("reproduce", str(run.run_id), "--format", "json")
    assert answer.out, answer.err
    return answer.code, json.loads(answer.out)


def repeated(run: Record) -> Reproduction:
    """Reproduce a stored run in this process, which has the engine already."""
    original = fetched(run.run_id)
    assert script_needed(original) is None
    return Reproduction(original, fetched(repeat(original).run_id))


def fetched(run_id: UUID) -> Record:
    return call(lambda db: resolve(db, str(run_id)))


def refused(run: Record, url: str, said: str) -> None:
    """Reproduce a run that cannot be; the reason is said, and nothing stored."""
    with pytest.raises(StoreError) as caught:
        repeated(run)
    assert said in str(caught.value)
    assert [r["run_id"] for r in stored(url)] == [str(run.run_id)]


def kinds(reproduction: Reproduction) -> list[str]:
    assert reproduction.verdict == "different"
    return [cause.kind for cause in reproduction.causes]


def change(url: str, run: Record, **values: Any) -> None:
    """Make a stored run one of other circumstances, which the store itself would refuse."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for column, value in values.items():
            table = "performance_metrics" if column == "sortino_ratio" else "backtest_runs"
            set_ = f"UPDATE {table} SET {column} = %s WHERE run_id = %s"
            given = Jsonb(value) if isinstance(value, dict) else value
            connection.execute(set_, [given, run.run_id])


@pytest.mark.parametrize("path", DEMO_CONFIGS, ids=lambda path: path.stem)
def test_the_bundled_strategies_are_reproduced(store: str, path: Path) -> None:
    period = {"data.start": "2012-01-01", "data.end": "2018-03-31"}
    config = with_overrides(load_config(path), period)
    run = execute(config)
    assert run.total_trades
    reproduction = repeated(run)
    assert (reproduction.verdict, reproduction.causes) == ("identical", [])
    again = stored(store)[-1]
    assert again["run_id"] == str(reproduction.reproduced.run_id) != str(run.run_id)
    assert again["reproduced_from"] == str(run.run_id)
    assert (again["config_hash"], again["tags"]) == (run.config_hash, [])
    assert again["provenance"]["command_line"] == f"btstore reproduce {run.run_id}"


def write_prices(directory: Path, *, last: float) -> dict[str, Any]:
    rows = [f"2020-01-{day:02},10,20,5,{10 + day % 3}" for day in range(1, 28)]
    (directory / "prices.csv").write_text(f"{HEADER}{chr(10).join(rows)}\n2020-01-28,9,20,5,{last}")
    return {"path": "prices.csv", "instrument": "ACME.XNAS", "bar": "1-DAY"}


@pytest.fixture
def mine(store: str, tmp_path: Path) -> Record:
    """Run a strategy of the user's own on prices of the user's own."""
    content = write_strategy(tmp_path, units=1) | {"data": write_prices(tmp_path, last=10)}
    run = execute(parse_config(content, origin="test"))
    assert run.status == "success", run.error_message
    return run


def test_changed_data_is_named(mine: Record, tmp_path: Path) -> None:
    assert repeated(mine).verdict == "identical"
    write_prices(tmp_path, last=11)
    reproduction = repeated(mine)
    assert kinds(reproduction) == ["data"]
    values = {d.metric: (d.original, d.reproduced) for d in reproduction.differences}
    assert values["net_profit"] == (-1, 0)


def test_a_changed_strategy_is_named(mine: Record, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(file.read_text().replace("self.config.units", "2 * self.config.units"))
    code, said = verdict(mine)
    assert (code, said["most_likely_cause"]["kind"]) == (6, "source")
    assert str(file) in said["most_likely_cause"]["detail"]


def test_what_changed_is_said_before_what_moved_and_by_how_much(
    mine: Record, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(file.read_text().replace("self.config.units", "2 * self.config.units"))
    answer = btstore("reproduce", str(mine.run_id))
    assert answer.code == 6
    assert answer.err.startswith(f"changed: the strategy's source changed: {file}\n")
    assert re.search(r"net_profit +-1\.00 +-2\.00 +-1\.00\n", answer.out)
    last = answer.err.splitlines()[-2]
    assert re.fullmatch(r"error: not reproduced: return \S+ → \S+, .+; mine\.py changed", last)


def test_of_lists_it_is_said_how_many_days_or_months_differ_and_which_most(
    store: str, mine: Record, tmp_path: Path
) -> None:
    write_prices(tmp_path, last=11)
    answer = btstore("reproduce", str(mine.run_id))
    assert answer.code == 6
    line = re.compile(r"^period_returns 2020-01-28 +(\S+) +(\S+) +largest of 1 day$", re.MULTILINE)
    assert line.search(answer.out), answer.out
    assert "[" not in answer.out + answer.err
    every = verdict(mine)[1]["differences"]
    (returns,) = [d["original"] for d in every if d["metric"] == "period_returns"]
    assert len(returns) == 28


def test_a_reproduction_is_no_run_of_its_own(store: str, mine: Record) -> None:
    again = repeated(mine).reproduced
    listed = btstore("history", "--columns", "run_id", "--format", "csv").out.split()
    assert listed == ["run_id", str(mine.run_id)]
    every = btstore("history", "--all", "--columns", "run_id", "--format", "csv").out.split()
    assert every == listed
    both = btstore("history", "--reproductions", "--columns", "run_id", "--format", "csv").out
    assert both.split() == ["run_id", str(again.run_id), str(mine.run_id)]
    assert "Next page" not in btstore("history", "--limit", "1").err


@pytest.mark.parametrize(
    ("kind", "provenance"),
    [
        ("engine_version", {"engine_version": "1.200.0"}),
        ("python_version", {"python_version": "3.10.1"}),
    ],
)
def test_other_versions_are_named(
    store: str, mine: Record, kind: str, provenance: dict[str, str]
) -> None:
    change(store, mine, provenance=mine.provenance | provenance, sortino_ratio=1.5)
    reproduction = repeated(mine)
    assert kinds(reproduction) == [kind]
    (difference,) = reproduction.differences
    assert (difference.metric, difference.original) == ("sortino_ratio", 1.5)


def test_a_configuration_that_is_not_restored_in_full_is_named(store: str, mine: Record) -> None:
    venue = mine.config_snapshot["venues"][0] | {"no_such_setting": 7}
    change(store, mine, config_snapshot=mine.config_snapshot | {"venues": [venue]}, sortino_ratio=1)
    (cause,) = repeated(mine).causes
    assert cause.kind == "configuration"
    assert "venues.0.no_such_setting was 7" in cause.detail


def test_a_difference_within_tolerance_is_none(store: str, mine: Record) -> None:
    assert mine.sortino_ratio is not None
    change(store, mine, sortino_ratio=mine.sortino_ratio * (1 + 1e-6))
    answer = btstore("reproduce", str(mine.run_id))
    assert answer.code == 6
    assert "sortino_ratio" in answer.out
    assert f"not reproduced: sortino_ratio {mine.sortino_ratio * (1 + 1e-6)} → " in answer.err
    reproduction = repeated(mine)
    assert replace(reproduction, tolerance=1e-5).verdict == "identical"


def test_data_that_is_gone_is_read_from_the_catalog_made_of_it(
    store: str, mine: Record, tmp_path: Path
) -> None:
    (tmp_path / "prices.csv").unlink()
    reproduction = repeated(mine)
    assert (reproduction.verdict, reproduction.causes) == ("identical", [])


def test_data_that_is_gone_without_a_copy_is_named(
    store: str, mine: Record, tmp_path: Path
) -> None:
    (tmp_path / "prices.csv").unlink()
    shutil.rmtree(mine.config_snapshot["data"][0]["catalog_path"])
    refused(mine, store, str(tmp_path / "prices.csv"))


def test_a_strategy_that_fails_now_or_is_not_there_is_no_reproduction(
    store: str, mine: Record, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        file.read_text().replace("if not self", "raise KeyError('lost')\n        if self")
    )
    answer = btstore("reproduce", str(mine.run_id))
    assert (answer.code, answer.out) == (1, "")
    assert "error: the repetition failed: KeyError: 'lost'" in answer.err
    assert "the strategy's source changed" in answer.err
    assert [run["status"] for run in stored(store)] == ["success", "failed"]
    file.write_text("import no_such_package")
    answer = btstore("reproduce", str(mine.run_id))
    assert (answer.code, answer.out) == (1, "")
    assert "cannot be imported any more: ModuleNotFoundError" in answer.err
    assert len(stored(store)) == 2


def test_a_redacted_credential_is_named(store: str, mine: Record) -> None:
    engine = mine.config_snapshot["engine"]
    secret = {"config": {"units": 1, "api_key": "[redacted]"}}
    strategies = [engine["strategies"][0] | secret]
    changed = mine.config_snapshot | {"engine": engine | {"strategies": strategies}}
    change(store, mine, config_snapshot=changed)
    refused(mine, store, "engine.strategies.0.config.api_key was a credential")


def test_a_run_fed_from_memory_names_what_is_missing(store: str, mine: Record) -> None:
    snapshot = mine.config_snapshot | {"data": [{"catalog_path": None}]}
    change(store, mine, config_snapshot=snapshot)
    refused(mine, store, "a script fed its engine from memory")


def test_an_interrupted_run_has_nothing_to_reproduce(store: str, mine: Record) -> None:
    nothing = dict.fromkeys(("total_return", "sharpe_ratio", "max_drawdown"))
    change(store, mine, **nothing, status="interrupted")
    refused(mine, store, "was interrupted: it has no result")


def test_an_unknown_run_exits_3(store: str) -> None:
    assert btstore("reproduce", "abcd").code == 3


def run_node(catalog: Path) -> Record:
    node = BacktestNode([run_config(fill(catalog, [float(close) for close in CLOSES]))])
    with record(node, tags=["node"]) as run:
        node.run()
    return run.records[0]


def test_a_nodes_run_is_reproduced_wherever_it_was(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_node(tmp_path / "catalog")
    assert run.total_trades
    monkeypatch.chdir(tmp_path)
    code, said = verdict(run)
    assert (code, said["verdict"], said["differences"]) == (0, "identical", [])
    again = stored(store)[-1]
    assert again["run_id"] == said["reproduced_run_id"] != str(run.run_id)
    assert (again["reproduced_from"], again["tags"]) == (str(run.run_id), [])


def test_what_a_nodes_run_lacks_is_named(store: str, tmp_path: Path) -> None:
    run = run_node(tmp_path / "catalog")
    engine = run.config_snapshot["engine"]
    for path, said in {
        "no.such.module:X": "no.such.module:X cannot be imported any more: ModuleNotFoundError",
        "__main__:X": "X was defined in a script",
        "tests.capture.backtests:Gone": "has no attribute 'Gone'",
    }.items():
        strategies = [engine["strategies"][0] | {"strategy_path": path}]
        changed = run.config_snapshot | {"engine": engine | {"strategies": strategies}}
        change(store, run, config_snapshot=changed)
        refused(run, store, said)
    change(store, run, config_snapshot=run.config_snapshot | {"venues": 3})
    refused(run, store, "does not take the stored configuration")
    (tmp_path / "catalog").rename(tmp_path / "moved")
    change(store, run, config_snapshot=run.config_snapshot)
    refused(run, store, f"no catalog {tmp_path}/catalog")
