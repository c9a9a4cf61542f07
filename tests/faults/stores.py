"""Stores that are slow, silent, starting, or not the one that a run was meant for."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psycopg

from backtest_store.saving import save, spool
from backtest_store.store.settings import Settings
from tests.faults.lab import Lab, Result, Trial
from tests.faults.random_moments import chance
from tests.faults.refusing_servers import LOCK, database, disconnect
from tests.waiting import LONG, wait_until


def slow_under_sigterm(lab: Lab, rounds: int) -> Result:
    """End a process by SIGTERM or SIGKILL that saves a run which is over, while nobody answers."""
    trial = lab.trial()
    for _ in range(rounds):
        before = len(trial.told("started"))
        with psycopg.connect(trial.url) as holder:
            holder.execute(LOCK)
            process = trial.start(runs=1)
            trial.wait_for("started", before + 1)
            wait_until(lambda: spool.waiting(trial.home))
            time.sleep(chance.uniform(0, 0.5))
            os.kill(process.pid or 0, chance.choice([signal.SIGTERM, signal.SIGKILL]))
            process.join(LONG)
        trial.sync()
    statuses = trial.stored()
    for run_id in trial.told("started"):  # it was over: interrupted would be untrue
        assert statuses[run_id] == "success"
    return trial.result(rounds)


def server_in_recovery(lab: Lab, rounds: int) -> Result:
    """Save while the server recovers from a crash."""
    server = lab.server()
    trial = lab.trial(server)
    for _ in range(rounds):
        assert trial.attempt()
        server.kill()
        server.launch()
        trial.attempt()
        wait_until(server.answers)
    return trial.result(rounds)


def silent_host(lab: Lab, rounds: int) -> Result:
    """Save to the second server of a URL whose first takes connections and says nothing."""
    trial = lab.trial()
    reached = trial.url
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = urlsplit(trial.url).path[1:]
        hosts = f"127.0.0.1,{lab.common.directory}"
        ports = f"{silent.getsockname()[1]},5432"
        trial.url = f"postgresql://btstore@/{name}?host={hosts}&port={ports}&connect_timeout=1"
        for _ in range(rounds):
            assert trial.attempt_with_time(), "the second host takes it"
            disconnect(lab, trial)
    return trial.result(rounds, reached)


def another_store(lab: Lab, rounds: int) -> Result:
    """Leave runs in the spool that are meant for one store, and save others to the next."""
    team, mine = lab.trial(), lab.trial()
    mine.home = team.home
    for _ in range(rounds):
        lab.common.execute(f"ALTER DATABASE {database(team)} ALLOW_CONNECTIONS false")
        disconnect(lab, team)
        assert not team.attempt_in_vain()
        assert mine.attempt()
        here = Settings(database_url=mine.url, home=mine.home)
        asyncio.run(save.save_waiting(here))
        lab.common.execute(f"ALTER DATABASE {database(team)} ALLOW_CONNECTIONS true")
    wait_until(lambda: _sync_own(team))
    assert mine.stored().keys() == mine.told("started")
    assert team.stored().keys() == team.told("started")
    return team.result(rounds)


def _sync_own(trial: Trial) -> bool:
    counts = asyncio.run(save.save_waiting(Settings(database_url=trial.url, home=trial.home)))
    return not counts.left + counts.elsewhere


WITHOUT_DESCRIPTORS = """
import os, resource, sys
from backtest_store.saving import crash_journal, save, background_saver
from tests.faults.runs import a_run
from uuid import uuid4
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
background_saver.PATIENCE = float(sys.argv[3])
save.take_early()
run = a_run(data_source=str(uuid4()))
entry = crash_journal.open_entry(run)
os.write(log, f"started {run.run_id}\\n".encode())
taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(64)]
for file in taken[len(taken) - int(sys.argv[2]):]:
    os.close(file)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1 - int(sys.argv[2]), 4096))
is_saved = save.save_record(run, entry)
os.write(log, f"{'saved' if is_saved else 'spooled'} {run.run_id}\\n".encode())
"""


def descriptors_exhausted(lab: Lab, rounds: int) -> Result:
    """Save with none to seven descriptors left, which are too few to connect by."""
    trial = lab.trial()
    for number in range(rounds):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                WITHOUT_DESCRIPTORS,
                trial.log,
                str(number % 8),
                str(lab.patience),
            ],
            env={**os.environ, **trial.environment},
            timeout=LONG,
            check=False,
        )
        assert done.returncode == 0
    return trial.result(rounds)
