"""PgBouncer in transaction mode, which gives every transaction another of its connections."""

import shutil
import subprocess
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg

from tests.faults.lab import Lab, NotRunError, Result
from tests.faults.servers import Server
from tests.waiting import wait_until

SAVES = 10  # that the pooler lets through before it is killed
SETTINGS = """\
[databases]
* = host={server} user=btstore

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {directory}
auth_type = any
pool_mode = transaction
default_pool_size = 2
logfile = {directory}/log
"""


def pgbouncer(lab: Lab, rounds: int) -> Result:
    """Save through PgBouncer with 4 writers and 2 connections, and kill it now and then."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise NotRunError("needs Debian's package pgbouncer")
    trial = lab.trial()
    bouncer = Bouncer(lab, lab.common, program)
    direct, trial.url = trial.url, bouncer.url(urlsplit(trial.url).path)
    with trial.writing(4, pause=0.01):
        for _ in range(rounds):
            trial.wait_for("saved", len(trial.told("saved")) + SAVES)
            bouncer.kill()
            bouncer.start()
    return trial.result(rounds, direct)


class Bouncer:
    """A PgBouncer in front of a server."""

    def __init__(self, lab: Lab, server: Server, program: str) -> None:
        self.directory = lab.place()
        self.directory.mkdir(mode=0o700)
        settings = SETTINGS.format(server=server.directory, directory=self.directory)
        ini = self.directory / "pgbouncer.ini"
        ini.write_text(settings)
        self._command = server.account.command(program, "-q", ini)
        self._process: subprocess.Popen[bytes] | None = None
        lab.afterwards(self.kill)
        self.start()

    def url(self, path: str) -> str:
        """Return the URL of a database behind it."""
        return f"postgresql://btstore@{path}?host={self.directory}&port=6432"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        for leftover in self.directory.glob(".s.PGSQL.6432*"):
            leftover.unlink()
        self._process = subprocess.Popen(self._command)
        wait_until(self._answers)

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url("/postgres")).close()
            return True
        return False
