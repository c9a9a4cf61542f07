"""What of a config decides about a run's result, and what only says where things are."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from backtest_store.runner.config.expansion import expand
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.config_runs import run
from backtest_store.runner.facts_before_run import Facts, facts_of
from tests.capture.stores import shared_url, store  # noqa: F401 - fixtures

ROWS = [f"2005-01-{day:02},{day + 10},{day + 12},{day + 9},{day + 11},100" for day in range(3, 29)]
HEADER = "date,open,high,low,close,volume"


def write(path: Path, rows: list[str] = ROWS) -> str:
    content = "\n".join([HEADER, *rows]).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


def content(path: str, **data: Any) -> dict[str, Any]:
    return {
        "strategy": "momentum",
        "parameters": {"equity_fraction": 0.5, "lookback": 3},
        "data": {"path": path, "instrument": "ACME.XNAS", "bar": "1-DAY"} | data,
    }


def of(config: dict[str, Any]) -> Facts:
    return facts_of(expand(parse_config(config, origin="c.toml")))


@pytest.fixture
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Facts:
    monkeypatch.setenv("BTSTORE_HOME", str(tmp_path / "home"))
    return of(content(write(tmp_path / "a.csv"), start="2005-01-05", end="2005-01-20"))


def test_where_a_file_is_and_how_it_is_written_does_not_count(tmp_path: Path, usual: Facts) -> None:
    assert None not in (usual.config_hash, usual.code_hash, usual.data_fingerprint)
    dates = {"start": "2005-01-05", "end": "2005-01-20"}
    (tmp_path / "b").mkdir()
    same = [
        content(write(tmp_path / "b" / "moved.csv"), **dates),
        content(write(tmp_path / "a.csv.gz"), **dates),
        content(write(tmp_path / "less.csv", ROWS[1:-3]), **dates),
        content(write(tmp_path / "a.csv"), **dates | {"start": "2005-01-05T00:00:00Z"}),
    ]
    assert {of(each).config_hash for each in same} == {usual.config_hash}


def test_a_bar_inside_the_range_counts(tmp_path: Path, usual: Facts) -> None:
    rows = [row.replace("20,22,19,21", "20,22,19,21.5") for row in ROWS]
    changed = of(content(write(tmp_path / "c.csv", rows), start="2005-01-05", end="2005-01-20"))
    assert changed.data_fingerprint != usual.data_fingerprint
    assert changed.config_hash != usual.config_hash


def test_chance_without_a_seed_is_not_known(tmp_path: Path, usual: Facts) -> None:
    path = str(tmp_path / "a.csv")
    drawing = content(path) | {"venue": {"slippage_probability": 0.5, "random_seed": 7}}
    seeded, other = of(drawing), of(drawing | {"venue": {**drawing["venue"], "random_seed": 8}})
    assert None not in (seeded.config_hash, other.config_hash)
    assert len({seeded.config_hash, other.config_hash, usual.config_hash}) == 3


def test_what_is_known_before_a_run_is_what_the_run_is_stored_with(
    tmp_path: Path, store: str
) -> None:
    assert store
    backtest = expand(parse_config(content(write(tmp_path / "a.csv")), origin="c.toml"))
    before, after = facts_of(backtest), run(backtest).run
    assert (after.config_hash, after.code_hash) == (before.config_hash, before.code_hash)
    assert after.data_fingerprint == before.data_fingerprint


def test_the_models_of_the_short_forms_venue_are_code_of_the_run(
    tmp_path: Path, store: str
) -> None:
    assert store
    config = content(write(tmp_path / "a.csv")) | {"venue": {"slippage_ticks": 1}}
    ended = run(expand(parse_config(config, origin="c.toml"))).run
    files = {Path(file).name for file in ended.provenance["source_sha256"]}
    assert {"momentum.py", "indicators.py", "venue_models.py", "slippage.py"} <= files
