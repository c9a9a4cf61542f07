"""A search by Optuna runs what it suggests of a grid, and learns from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.grids import search as searching
from backtest_store.runner.grids.grid import grid_of
from backtest_store.runner.grids.search import Search
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.factories import make_record
from tests.shell import btstore

CONFIG: dict[str, Any] = {
    "strategy": "sma_crossover",
    "parameters": {"equity_fraction": 0.95},
    "data": {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-06-30"},
    "venue": {"taker_fee": 0.0001},
    "grid": {
        "name": "hunt",
        "fast_period": {"from": 2, "to": 40},
        "slow_period": {"from": 3, "to": 60},
        "constraints": "fast_period < slow_period",
        "seed": 1,
    },
}


def hunted(sampler: str, seed: int, trials: int) -> list[float]:
    """Return what a search finds of a hill whose top is at 30 and 41."""
    config = parse_config(CONFIG | {"grid": CONFIG["grid"] | {"seed": seed}}, origin="c.json")
    search = Search(config, grid_of(config), sampler=sampler, trials=trials, by="sharpe_ratio")
    found: list[float] = []
    for number, asked in enumerate(search):
        fast, slow = (int(asked.content["parameters"][f"{n}_period"]) for n in ("fast", "slow"))
        assert fast < slow
        found.append(-((fast - 30) ** 2) - (slow - 41) ** 2)
        search.learn(number, make_record(sharpe_ratio=float(found[-1])))
    assert len(found) == trials == len({str(c.config.content) for c in search.combinations})
    return found


def test_it_learns() -> None:
    by_chance, learnt = ([sum(hunted(s, seed, 60)) for seed in range(3)] for s in ("random", "tpe"))
    assert max(by_chance) < min(learnt) / 1.5


def test_it_ends_when_all_has_been_tried() -> None:
    grid = {"fast_period": [3, 4], "slow_period": [4, 9]}
    config = parse_config(CONFIG | {"grid": grid}, origin="c.json")
    search = Search(config, grid_of(config), sampler="tpe", trials=50, by="sharpe_ratio")
    for number, _ in enumerate(search):
        search.learn(number, None)  # as if it had failed
    assert len(search.combinations) == 4


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_its_trials_are_runs_of_one_batch(store: str, tmp_path: Path, jobs: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIG))
    words = ("run", str(path), "--search", "tpe", "--trials", "12", "--by", "total_return")
    answer = btstore(*words, "--jobs", jobs, "--format", "json")
    assert (answer.code, answer.err) == (0, "12 saved\n")
    runs = stored(store)
    assert len(runs) == len(json.loads(answer.out)) == 12
    assert len({run["batch_id"] for run in runs}) == 1
    assert {run["batch_name"] for run in runs} == {"hunt"}
    tried = {(r["parameters"]["fast_period"], r["parameters"]["slow_period"]) for r in runs}
    assert len(tried) == 12
    if jobs == "1":  # the seed decides, so the same are found again
        again = btstore(*words, "--skip-existing")
        assert again.code == 0, again.err
        assert len(stored(store)) == 12


def test_that_trading_costs_nothing_is_told_once(store: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({k: v for k, v in CONFIG.items() if k != "venue"}))
    answer = btstore("run", str(path), "--search", "random", "--trials", "2")
    assert answer.code == 0
    note, saved = answer.err.splitlines()
    assert note.startswith("note: trading costs nothing here")
    assert saved == "2 saved"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--by", "total_fees"], 2, "'total_fees'"),
        (["{path}"], 2, "--search takes one CONFIG, was 2"),
        (["--search", "best"], 2, "best"),
    ],
)
def test_what_cannot_be_searched_is_told(
    store: str, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(CONFIG))
    given = [word.format(path=path) for word in words]
    answer = btstore("run", str(path), "--search", "tpe", *given)
    assert answer.code == code, answer.err
    assert said in answer.err
    assert stored(store) == []


def test_nothing_to_search_and_no_optuna_are_told(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({k: v for k, v in CONFIG.items() if k != "grid"}))
    answer = btstore("run", str(path), "--search", "tpe")
    assert answer.code == 2
    assert "there is nothing to search; write what varies under [grid]" in answer.err
    periods = [{"start": "2001-01-01"}, {"start": "2002-01-01"}]
    path.write_text(json.dumps(CONFIG | {"grid": {**CONFIG["grid"], "periods": periods}}))
    answer = btstore("run", str(path), "--search", "tpe")
    assert answer.code == 2
    assert "--search would settle for the period that went best; leave out walk" in answer.err
    monkeypatch.setattr(searching, "find_spec", lambda _: None)
    answer = btstore("run", str(path), "--search", "tpe")
    assert answer.code == 1
    assert "install the extra `search`" in answer.err
