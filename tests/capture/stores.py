"""A store that the tests of a module share; each finds it empty. A clone a test takes a second."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from pytest_postgresql.executors import NoopExecutor

ALL_RUNS = """
    SELECT '{"tags": [], "note": null}' || to_jsonb(r) || coalesce(to_jsonb(m), '{}')
           || coalesce(to_jsonb(p), '{}')
           || coalesce(to_jsonb(a), '{}')
           || jsonb_build_object('config_snapshot', unpacked(r.config_snapshot))
           || jsonb_build_object('provenance', unpacked(r.provenance))
           || CASE WHEN m.run_id IS NULL THEN '{}'
              ELSE jsonb_build_object('engine_stats', unpacked(m.engine_stats)) END AS run
      FROM backtest_runs r LEFT JOIN performance_metrics m USING (run_id)
      LEFT JOIN periods p USING (run_id)
      LEFT JOIN annotations a USING (run_id)
     ORDER BY r.started_at, r.run_id
"""


@pytest.fixture(scope="module")
def shared_url(template: NoopExecutor) -> Iterator[str]:
    """Clone the migrated template once a module."""
    name = f"shared_{uuid4().hex}"
    server = f"postgresql://{template.user}@/{{}}?host={template.host}&port={template.port}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template.template_dbname}"')
        yield server.format(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(shared_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the environment an empty store and a fresh `BTSTORE_HOME`."""
    with psycopg.connect(shared_url) as connection:
        connection.execute("DELETE FROM backtest_runs")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", shared_url)
    monkeypatch.setenv("BTSTORE_HOME", str(tmp_path / "home"))
    return shared_url


def stored(url: str) -> list[dict[str, Any]]:
    """Return all runs with their metrics, oldest first."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return [row["run"] for row in connection.execute(ALL_RUNS)]


def only(url: str) -> dict[str, Any]:
    """Return the one run there is, with its metrics."""
    (run,) = stored(url)
    return run
