"""A machine that misbehaves: a full disk, a clock that jumps backwards."""

import asyncio
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg

from backtest_store.models import to_json
from backtest_store.saving import save, spool
from backtest_store.store.embedded.server import EmbeddedServer
from backtest_store.store.settings import Settings
from tests.faults.lab import Lab, NotRunError, Result, Trial
from tests.faults.refusing_servers import database, disconnect
from tests.faults.runs import an_impossible_run
from tests.faults.servers import BINDIR
from tests.waiting import wait_until

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
DISK_BYTES = 64 * 1024
SERVER_S_DISK_BYTES = 320 * 2**20
WRITING = (
    ("export", "--yes", "runs.jsonl"),
    ("export", "--yes", "--format", "parquet", "runs.parquet"),
    ("report", "@latest", "--yes", "-o", "runs.html"),
    ("db", "backup", "--yes", "runs.dump"),
)
ENTRY = "from backtest_store.cli.app import entry; entry()"


def spool_full(lab: Lab, rounds: int) -> Result:
    """Fill the spool's disk: while the store is well, and while it is away, too."""
    trial = lab.trial()
    _mount_small_disk(lab, trial.home)
    for _ in range(rounds):
        _fill(trial)
        assert trial.attempt_with_time()
        lab.common.execute(f"ALTER DATABASE {database(trial)} ALLOW_CONNECTIONS false")
        disconnect(lab, trial)
        assert not trial.attempt_in_vain()
        lab.common.execute(f"ALTER DATABASE {database(trial)} ALLOW_CONNECTIONS true")
        trial.attempt_until_saved()
        wait_until(lambda: trial.told("started") <= trial.stored().keys())
    return trial.result(rounds)


def disk_full(lab: Lab, rounds: int) -> Result:
    """Fill the disk of notes, of what is rejected or set aside, and of what commands write."""
    trial = lab.trial()
    _mount_small_disk(lab, trial.home)
    here = Settings(database_url=trial.url, home=trial.home)
    for _ in range(rounds):
        bad = an_impossible_run()
        path = spool.add(trial.home, bad.run_id, to_json(bad), here.store_name)
        torn = path.with_name("torn.json")
        torn.write_text("{")
        for *_, file in WRITING:
            (trial.home / file).write_text("precious")
        _fill(trial)
        assert trial.attempt(), "without a note of it"
        asyncio.run(save.save_waiting(here))
        assert path.exists() or spool.holds(trial.home, bad.run_id), "no room for the reason"
        for command in WRITING:
            _write_in_vain(trial, *command)
        (trial.home / "rubbish").unlink()
        asyncio.run(save.save_waiting(here))
        assert spool.holds(trial.home, bad.run_id)
        assert not spool.waiting(trial.home)
        shutil.rmtree(spool.folder_of(trial.home))  # what is neither lost nor a run of the trial
    return trial.result(rounds)


def _write_in_vain(trial: Trial, *command: str) -> None:
    """Have a command write over a file of a full disk, which is as it was afterwards."""
    *words, file = command
    said = _btstore(trial, *words, str(trial.home / file))
    assert said.returncode == 1
    assert f"cannot write {trial.home / file}: No space left on device" in said.stderr
    assert (trial.home / file).read_text() == "precious"


def server_s_disk_full(lab: Lab, rounds: int) -> Result:
    """Fill the disk of an embedded server: before it is made, and then under its feet."""
    trial = lab.trial()
    shared, trial.url = trial.url, ""
    _mount_small_disk(lab, trial.home)
    refused = _btstore(trial, "history")
    assert refused.returncode, refused.stderr
    assert "Traceback" not in refused.stderr
    subprocess.run(["mount", "-o", f"remount,size={SERVER_S_DISK_BYTES}", trial.home], check=True)
    assert not _btstore(trial, "history").returncode, "nothing is in the way of the next"
    server = EmbeddedServer(trial.home, BINDIR)
    lab.afterwards(server.stop)
    with psycopg.connect(server.url(), autocommit=True) as db:
        db.execute("ALTER SYSTEM SET max_wal_size = '48MB'")  # or the log itself fills the disk
        db.execute("SELECT pg_reload_conf()")
    try:
        for _ in range(rounds):
            assert trial.attempt_with_time()
            _fill(trial)
            _use_up_the_log(server)
            trial.attempt_in_vain()  # in memory: the spool is full, too, if the log finds no room
            (trial.home / "rubbish").unlink()
            trial.attempt_until_saved()
            wait_until(lambda: trial.told("started") <= trial.stored(server.start()).keys())
            with psycopg.connect(server.start(), autocommit=True) as db:
                db.execute("CHECKPOINT")  # which has the log's files used again
        return trial.result(rounds, server.start())
    finally:
        trial.url = shared


def _use_up_the_log(server: EmbeddedServer) -> None:
    """Have a server need a new file for its log, and go down as there is no room for it."""
    with suppress(psycopg.Error), psycopg.connect(server.url(), autocommit=True) as db:
        for _ in range(20):
            db.execute("SELECT pg_current_xact_id(), pg_switch_wal()")


def _btstore(trial: Trial, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", ENTRY, *words],
        env={**os.environ, **trial.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _mount_small_disk(lab: Lab, place: Path) -> None:
    place.mkdir(mode=0o700)
    options = f"size={DISK_BYTES},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        raise NotRunError("only root, outside a container, can mount a small disk")
    lab.afterwards(lambda: subprocess.run(["umount", "-l", place], check=False))


def _fill(trial: Trial) -> None:
    with (trial.home / "rubbish").open("ab", buffering=0) as rubbish:
        try:
            while True:
                rubbish.write(b"\0" * 512)
        except OSError:
            return


def clock_jumps_back(lab: Lab, rounds: int) -> Result:
    """Set the clock of writers back by a day, in the middle of their work, and kill them."""
    if not Path(FAKETIME).exists():
        raise NotRunError("needs Debian's package faketime")
    trial = lab.trial()
    for _ in range(rounds):
        clock = trial.directory / "clock"
        _set(clock, "+0d")
        before = len(trial.told("saved"))
        process = subprocess.Popen(
            trial.command(),
            env={
                **os.environ,
                **trial.environment,
                "LD_PRELOAD": FAKETIME,
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            },
        )
        trial.wait_for("saved", before + 1)
        _set(clock, "-1d")
        trial.wait_for("saved", len(trial.told("saved")) + 5)
        process.kill()
        process.wait()
    return trial.result(rounds)


def _set(clock: Path, offset: str) -> None:
    clock.with_suffix(".new").write_text(offset)
    clock.with_suffix(".new").replace(clock)
