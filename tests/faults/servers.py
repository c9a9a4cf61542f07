"""Servers of a fault's own: with any settings, to be killed, cloned and promoted."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg

from backtest_store.store import migrations
from backtest_store.store.embedded.binaries import Binaries, find_binaries
from backtest_store.store.embedded.os_user import Account, account_for
from backtest_store.store.embedded.server_files import USER
from tests.waiting import wait_until

TEMPLATE = "store"
TRUST = "local all all trust\nlocal replication all trust\n"
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "autovacuum": "off",  # it keeps a template busy now and then
}
SETTINGS_SINCE = {18: {"io_method": "sync"}}
BINDIR = Path(named) if (named := os.environ.get("BTSTORE_PG_BINDIR")) else None


class Server:
    """A PostgreSQL server in a directory whose name is short enough for its socket."""

    def __init__(self, directory: Path, **settings: str) -> None:
        directory.mkdir(mode=0o700)
        self.directory = directory
        self.data = directory / "data"
        self.settings = SETTINGS | settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def binaries(self) -> Binaries:
        """The programs that BTSTORE_PG_BINDIR names, or the newest there are."""
        return find_binaries(BINDIR, None)

    @property
    def account(self) -> Account:
        """Whom it runs as."""
        return account_for(self.data)

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of the server's programs to its end."""
        command = self.account.command(self.binaries.directory / program, *arguments)
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def create(self) -> "Server":
        """Make a cluster, with a migrated store to make others of."""
        self.run("initdb", "-D", self.data, "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync")
        (self.data / "pg_hba.conf").write_text(TRUST)
        self.start()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        migrations.migrate(self.url(TEMPLATE))
        self.signal(signal.SIGINT)
        return self

    def copy(self, original: "Server") -> "Server":
        """Take over the cluster of a server that does not run."""
        shutil.copytree(original.data, self.data)
        return self

    def clone(self, primary: "Server") -> "Server":
        """Become a streaming standby."""
        self.run(
            "pg_basebackup", "-d", primary.url("postgres"), "-D", self.data, "-R", "-c", "fast"
        )
        return self

    def start(self) -> "Server":
        """Start, and wait until it answers."""
        command = self._command()
        wait_until(lambda: self._is_up(command))
        return self

    def launch(self) -> None:
        """Start, and do not wait."""
        self._launch(self._command())

    def _command(self) -> list[str]:
        settings = self.settings | {
            name: value
            for since, added in SETTINGS_SINCE.items()
            if self.binaries.major >= since
            for name, value in added.items()
        }
        options = [f"-c{name}={value}" for name, value in settings.items()]
        return self.account.command(
            self.binaries.postgres, "-D", self.data, "-k", self.directory, *options
        )

    def _launch(self, command: list[str]) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")

    def _is_up(self, command: list[str]) -> bool:
        """Say whether it answers; start it again if a killed one's backends did not let it."""
        if self._process is None or self._process.poll() is not None:
            self._launch(command)
        return self.answers()

    def answers(self, database: str = "postgres") -> bool:
        """Say whether it takes connections to a database."""
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url(database)).close()
            return True
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send the postmaster a signal and wait until it has ended."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """Kill the postmaster; its children notice."""
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Stop at once, as `pg_ctl stop -m immediate` does."""
        self.signal(signal.SIGQUIT)

    def restart(self) -> None:
        """Restart as an administrator does."""
        self.signal(signal.SIGINT)
        self.start()

    def backends(self) -> list[int]:
        """Return the process ids of its clients' backends."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'btstore'"
        with psycopg.connect(self.url("postgres")) as connection:
            return [pid for (pid,) in connection.execute(query)]

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, query: str, database: str = "postgres") -> object:
        """Return the one value that a query gives."""
        with psycopg.connect(self.url(database)) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@/{database}?host={self.directory}"

    def store(self) -> str:
        """Return the URL of a new, migrated store."""
        name = f"store_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    def remove(self) -> None:
        """Stop it and delete all that it was."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
