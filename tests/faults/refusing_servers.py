"""Servers that are there and do not take the run: full, slow, locked, read-only, gone."""

import threading
from contextlib import ExitStack, suppress
from itertools import count
from urllib.parse import urlsplit

import psycopg

from tests.faults.lab import Lab, Result, Trial
from tests.waiting import wait_until

SLOTS = 8
LOCK = "LOCK backtest_runs IN ACCESS EXCLUSIVE MODE"


def database(trial: Trial) -> str:
    """Return the name of a trial's database."""
    return urlsplit(trial.url).path[1:]


def slots_exhausted(lab: Lab, rounds: int) -> Result:
    """Take all connection slots: for a moment of a save, and then for longer than it waits."""
    server = lab.server(max_connections=str(SLOTS), superuser_reserved_connections="0")
    trial = lab.trial(server)
    for _ in range(rounds):
        assert trial.attempt()
        server.restart()  # else the pool would keep a slot of its own
        with _all_slots(trial) as slots:
            threading.Timer(0.2, slots.pop_all().close).start()
            trial.attempt_until_saved()
        server.restart()
        with _all_slots(trial):
            assert not trial.attempt_in_vain()
    return trial.result(rounds)


def _all_slots(trial: Trial) -> ExitStack:
    """Connect as often as the server lets in; who left just now may still have a slot."""
    slots, held = ExitStack(), count(1)

    def is_last() -> bool:
        with suppress(psycopg.OperationalError):
            slots.enter_context(psycopg.connect(trial.url))
            return next(held) == SLOTS
        return False

    wait_until(is_last)
    return slots


def statement_timeout(lab: Lab, rounds: int) -> Result:
    """Have the server give up on every statement."""
    trial = lab.trial()
    for _ in range(rounds):
        lab.common.execute(f"ALTER DATABASE {database(trial)} SET statement_timeout = '20ms'")
        with psycopg.connect(trial.url) as holder:
            holder.execute("SET statement_timeout = 0")
            holder.execute(LOCK)
            disconnect(lab, trial)
            assert not trial.attempt_in_vain()
        lab.common.execute(f"ALTER DATABASE {database(trial)} RESET statement_timeout")
        disconnect(lab, trial)
        trial.attempt_until_saved()
    return trial.result(rounds)


def disconnect(lab: Lab, trial: Trial) -> None:
    """Cut the pool's connections off; new ones come under the rules of now."""
    lab.common.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE application_name = 'btstore' AND datname = '{database(trial)}'"
    )


def table_locked(lab: Lab, rounds: int) -> Result:
    """Lock the table: for a moment of a save, and then for longer than it waits."""
    trial = lab.trial()
    for _ in range(rounds):
        assert trial.attempt()
        holder = psycopg.connect(trial.url)
        holder.execute(LOCK)
        threading.Timer(0.2, holder.close).start()
        trial.attempt_until_saved()
        with psycopg.connect(trial.url) as holder:
            holder.execute(LOCK)
            assert not trial.attempt_in_vain()
    return trial.result(rounds)


def database_dropped(lab: Lab, rounds: int) -> Result:
    """Drop the database while a save is under way, and make it anew."""
    trial = lab.trial()
    for _ in range(rounds):
        holder = psycopg.connect(trial.url)
        holder.execute(LOCK)
        dropping = threading.Timer(0.2, _drop, (lab, trial))
        dropping.start()
        assert not trial.attempt_in_vain()
        dropping.join()
        holder.close()
        url = lab.common.store()
        lab.common.execute(f"ALTER DATABASE {urlsplit(url).path[1:]} RENAME TO {database(trial)}")
    return trial.result(rounds)


def _drop(lab: Lab, trial: Trial) -> None:
    lab.common.execute(f"DROP DATABASE {database(trial)} WITH (FORCE)")


def read_only_standby(lab: Lab, rounds: int) -> Result:
    """Save to a standby, which only reads; then to its primary."""
    trial = lab.trial()
    standby = lab.standby_with(database(trial))
    primary_url = trial.url
    trial.url = standby.url(database(trial))
    for _ in range(rounds):
        assert not trial.attempt_in_vain()
    return trial.result(rounds, primary_url)
