"""Files that version 0.1 left, kept as they were: later versions read them, whatever they add."""

import json
import os
import shutil
from dataclasses import MISSING
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from backtest_store.models import DEFAULTS, Record, adapter
from backtest_store.saving import spool
from backtest_store.store import queries
from tests.shell import btstore

KEPT = Path(__file__).with_name("kept")
EXPORT, SPOOLED = KEPT / "export-0.1.jsonl", KEPT / "spool-0.1.json"
SPOOLED_ID = UUID(int=4)
LATER = {
    "backtest_runs": "ALTER TABLE backtest_runs ADD COLUMN later text NOT NULL",
    "performance_metrics": "ALTER TABLE performance_metrics ADD COLUMN later text NOT NULL",
    "periods": "ALTER TABLE periods ADD COLUMN later text NOT NULL",
    "annotations": "ALTER TABLE annotations ADD COLUMN later text NOT NULL DEFAULT 'x'",
}


def kept_runs() -> list[dict[str, Any]]:
    """Return the runs of both files, as they were written."""
    lines = [json.loads(line) for line in EXPORT.read_text("utf-8").splitlines()]
    return [*lines, json.loads(SPOOLED.read_text("utf-8").splitlines()[-1])]


def read_both(home: Path) -> None:
    """Import the one and sync the other."""
    assert btstore("import", str(EXPORT)).code == 0
    path = spool.path_of(home, SPOOLED_ID)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(home, 0o700)  # noqa: PTH101 - parents are made with the default mode
    shutil.copyfile(SPOOLED, path)
    assert btstore("sync", "--to", os.environ["BTSTORE_DATABASE_URL"]).code == 0
    assert not path.exists()


def test_kept_files_are_read_as_they_were_written(store_url: str, home: Path) -> None:
    read_both(home)
    for kept in kept_runs():
        shown = json.loads(btstore("show", kept["run_id"], "--format", "json").out)
        assert adapter().validate_python(shown) == adapter().validate_python(kept)


@pytest.mark.parametrize("table", LATER)
def test_a_column_that_a_later_version_needs_is_filled(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    with psycopg.connect(store_url) as owner:
        owner.execute(LATER[table].encode())
    later = json.dumps(json.loads(DEFAULTS) | {"later": "usual"})
    for insert in (queries.insert_run, queries.insert_runs):
        assert insert.__kwdefaults__ is not None
        monkeypatch.setitem(insert.__kwdefaults__, "defaults", later)
    read_both(home)
    with psycopg.connect(store_url) as owner:
        row = owner.execute(f"SELECT count(*), min(later) FROM {table}".encode()).fetchone()
    assert row is not None
    assert row[0] >= 3
    assert row[1] == ("x" if table == "annotations" else "usual")


def test_the_defaults_are_those_of_the_model() -> None:
    bare = Record(run_id=SPOOLED_ID, status="success", started_at=None, strategy_name="x")  # type: ignore[arg-type]
    fields = Record.__dataclass_fields__.items()
    optional = {
        n for n, f in fields if f.default is not MISSING or f.default_factory is not MISSING
    }
    usual = {n: getattr(bare, n) for n in optional if getattr(bare, n) is not None}
    assert json.loads(DEFAULTS) == usual
