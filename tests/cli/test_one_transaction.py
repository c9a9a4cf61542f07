"""Every command that reads does so in one REPEATABLE READ READ ONLY transaction, as the server sees it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from backtest_store.store.embedded.os_user import account_for
from tests.factories import make_record, store_at
from tests.shell import btstore

# Whoever reads runs in another transaction fails, at the server.
STRICT = """
CREATE FUNCTION of_one_moment() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF (current_setting('transaction_isolation'), current_setting('transaction_read_only'))
       <> ('repeatable read', 'on') THEN
        RAISE EXCEPTION 'read outside of a transaction of one moment';
    END IF;
    RETURN true;
END
$$;
ALTER TABLE backtest_runs RENAME TO kept_runs;
CREATE VIEW backtest_runs AS SELECT * FROM kept_runs WHERE of_one_moment();
"""
READING = {
    "show": ["show", "@latest"],
    "history": ["history"],
    "history of all": ["history", "--all", "--format", "csv"],
    "history of months": ["history", "--while", "2018-01..2018-02"],
    "history with columns": ["history", "--columns", "sharpe_ratio,parameters.fast_period"],
    "history by an amount": ["history", "--sort", "net_profit"],
    "history of a strategy": ["history", "--strategy", "unknown"],
    "compare": ["compare", "@batch"],
    "summary": ["summary", "--by", "strategy_name"],
    "strategies": ["strategies"],
    "trend": ["trend", "SMA Crossover"],
    "best": ["best"],
    "overfit": ["overfit"],
    "walkforward": ["walkforward"],
    "pivot": ["pivot", "fast_period"],
    "report": ["report", "@batch", "--output", "report.html"],
    "export": ["export", "runs.jsonl"],
    "what delete asks about": ["delete", "@latest"],
}
STRICTNESS = "outside of a transaction of one moment"


@pytest.fixture
def runs(store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    batch = "00000000-0000-4000-8000-000000000001"
    settings = ({"fast_period": fast, "slow_period": 50} for fast in (5, 10))
    store_at(store_url, *(make_record(parameters=each, batch_id=batch) for each in settings))
    monkeypatch.chdir(tmp_path)
    return store_url


@pytest.mark.parametrize("words", READING.values(), ids=[*READING])
def test_a_command_that_reads_sees_one_moment(runs: str, words: list[str]) -> None:
    plain = btstore(*words)
    Path("report.html").unlink(missing_ok=True)
    Path("runs.jsonl").unlink(missing_ok=True)
    with psycopg.connect(runs, autocommit=True) as owner:
        owner.execute(STRICT.encode())
    strict = btstore(*words)
    assert STRICTNESS not in strict.err
    assert (strict.code, strict.out) == (plain.code, plain.out)


def test_the_server_would_say_so(runs: str) -> None:
    with psycopg.connect(runs, autocommit=True) as owner:
        owner.execute(STRICT.encode())
        with pytest.raises(psycopg.errors.RaiseException, match=STRICTNESS):
            owner.execute("SELECT * FROM backtest_runs")


@pytest.fixture
def pooled(runs: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the environment a PgBouncer in transaction mode, with one connection behind it."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("needs Debian's package pgbouncer")
    there = urlsplit(runs)
    host, port = (parse_qs(there.query)[name][0] for name in ("host", "port"))
    account = account_for(Path(host).with_name("pgdata"))  # PgBouncer does not run as root either
    with tempfile.TemporaryDirectory() as place:
        settings = Path(place, "pgbouncer.ini")
        settings.write_text(
            f"[databases]\n* = host={host} port={port} user={there.username}\n"
            f"[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = {place}\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 1\n"
        )
        os.chown(place, account.owner, -1)
        process = subprocess.Popen(account.command(program, "-q", settings))
        url = f"postgresql://{there.username}@{there.path}?host={place}&port=6432"
        try:
            _wait(url)
            monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    said = ""
    for _ in range(200):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            said = str(error)
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"PgBouncer did not answer: {said}")


@pytest.mark.usefixtures("pooled")
def test_so_it_does_behind_pgbouncer_in_transaction_mode() -> None:
    for words in READING.values():
        answer = btstore(*words)
        assert answer.code in (0, 1, 2), (words, answer)
        assert "PostgreSQL refuses" not in answer.err, words
    assert btstore("note", "@latest", "seen through a pooler").code == 0
    assert "seen through a pooler" in btstore("show", "@latest").out
