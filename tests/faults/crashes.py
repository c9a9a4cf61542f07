"""Processes that are killed: the server's and the writers'."""

import os
import signal
import time
from contextlib import suppress

import psycopg

from tests.faults.lab import Lab, Result
from tests.faults.random_moments import chance
from tests.faults.servers import Server
from tests.waiting import wait_until

WRITERS = 4


def server_killed(lab: Lab, rounds: int) -> Result:
    """Kill the server, or one of its backends, at random moments under 4 writers."""
    server = lab.server()
    trial = lab.trial(server)
    with trial.writing(WRITERS, pause=0.03):
        for _ in range(rounds):
            time.sleep(chance.uniform(0.02, 0.5))
            chance.choice([_kill_postmaster, _kill_backend])(server)
    return trial.result(rounds)


def _kill_postmaster(server: Server) -> None:
    server.kill()
    time.sleep(chance.uniform(0, 0.3))
    server.start()


def _kill_backend(server: Server) -> None:
    with suppress(ProcessLookupError, psycopg.OperationalError):  # still not over the last one
        for backend in server.backends()[:1]:
            os.kill(backend, signal.SIGKILL)  # which has the server restart all of them
    wait_until(server.answers)


def writer_killed(lab: Lab, rounds: int) -> Result:
    """Kill a process that saves, at random moments."""
    trial = lab.trial()
    for _ in range(rounds):
        before = len(trial.told("started"))
        process = trial.start()
        trial.wait_for("started", before + 1)
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        process.join()
    return trial.result(rounds)


def server_restarted(lab: Lab, rounds: int) -> Result:
    """Restart the server between two saves of one process, which must not even notice."""
    server = lab.server()
    trial = lab.trial(server)
    for _ in range(rounds):
        assert trial.attempt()
        server.restart()
        assert trial.attempt()
    return trial.result(rounds)


def many_processes(lab: Lab, rounds: int) -> Result:
    """Save from 32 processes at once."""
    trial = lab.trial()
    for _ in range(rounds):
        processes = [trial.start(runs=5) for _ in range(32)]
        for process in processes:
            process.join()
    return trial.result(rounds)
