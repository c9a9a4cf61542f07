"""The cluster's directory: made in one step, and set up anew at every start."""

import os
import shutil
import sys
from pathlib import Path

from backtest_store.errors import StoreError
from backtest_store.store.embedded.binaries import Binaries
from backtest_store.store.embedded.os_user import Account
from backtest_store.store.embedded.processes import run
from backtest_store.store.embedded.server_files import DATABASE, PORT, USER, ServerFiles
from backtest_store.store.private_folders import open_private

IDENT_MAP = "btstore"
ACCESS = f"""\
# Only over the socket, and only the operating system's user whom pg_ident.conf names.
local all all peer map={IDENT_MAP}
"""
INCLUDE = """
include 'btstore.conf'  # rewritten at every start
# What you set below this line wins.
"""
# For a store of up to a million runs of about 1 KB on a trader's own machine. What keeps a saved
# run safe (fsync, full_page_writes, synchronous_commit, autovacuum) is on by default and stays.
SETTINGS = f"""\
# Rewritten at every start: make your changes at the end of postgresql.conf.
cluster_name = 'btstore'
port = {PORT}
listen_addresses = ''                  # no network, only the socket
unix_socket_permissions = 0700
timezone = 'UTC'                       # a day is the same day on every machine
log_timezone = 'UTC'

# 32 processes saving at once, each with a few connections; each one allowed costs 30 KB.
max_connections = 100

# Small enough that the idle server stays under 40 MB even when all of it was used; what does not
# fit comes from the operating system's cache.
shared_buffers = '24MB'
huge_pages = off                       # they would be set aside whether used or not
work_mem = '16MB'                      # a sort of 100,000 runs without their configurations
hash_mem_multiplier = 1.0              # parallel hashes live in /dev/shm: 64 MB in a container
maintenance_work_mem = '64MB'          # an index on a million runs in one pass
random_page_cost = 1.1                 # solid state, or cached
jit = off                              # compiling takes longer than these queries do
max_parallel_workers_per_gather = 2    # filters over all runs
parallel_tuple_cost = 0.05             # what workers hand on of a run is short, often its id alone
effective_cache_size = '1GB'           # with more, looking each run up passes for the cheaper way

# No replication: less to write, and a process less.
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
wal_compression = off                  # of 15 pages that a save logs in a large store; 30 µs each
max_wal_size = '512MB'                 # an import of a million runs is not all checkpoints
min_wal_size = '32MB'

log_checkpoints = off                  # the log is read when something is wrong
"""
SETTINGS_SINCE = {
    18: "io_method = sync  # three processes less, and what is cached needs no waiting for\n",
}


def major_version(data_directory: Path) -> int | None:
    """Return the major version that the cluster is bound to; None if there is no cluster.

    Raises StoreError if the directory holds something else.
    """
    version = data_directory / "PG_VERSION"
    if version.exists():
        text = version.read_text(errors="replace").strip()
        if text.isdecimal():
            return int(text)
    elif not data_directory.exists() or not any(data_directory.iterdir()):
        return None
    raise StoreError(
        f"{data_directory} holds something that is not a PostgreSQL cluster",
        hint="restore it from a backup, or move it away to begin with an empty store",
    )


def create(files: ServerFiles, binaries: Binaries, account: Account, *, lock: int) -> None:
    """Make the cluster with its database, all of it or nothing."""
    unfinished = files.home / "pgdata.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        run(account.command(binaries.initdb, *_initdb_options(binaries, unfinished)), lock=lock)
        _create_database(unfinished, binaries, account, lock)
        _write(unfinished / "pg_hba.conf", ACCESS)
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write(INCLUDE)
        run(account.command(binaries.initdb, *_sync_options(binaries, unfinished)), lock=lock)
        unfinished.rename(files.data_directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _flush(files.home)


def configure(files: ServerFiles, binaries: Binaries, account: Account) -> None:
    """Write this version's settings, and whom to let in."""
    directory = files.data_directory
    newer = "".join(lines for major, lines in SETTINGS_SINCE.items() if binaries.major >= major)
    socket = f"unix_socket_directories = '\"{files.socket_directory}\"'\n"
    _write(directory / "btstore.conf", f"{SETTINGS}{newer}{socket}")
    _write(directory / "pg_ident.conf", f'{IDENT_MAP} "{account.client}" {USER}\n')
    if directory.stat().st_uid != account.owner:
        os.chown(directory, account.owner, -1)


def _initdb_options(binaries: Binaries, directory: Path) -> list[str]:
    options = ["-D", str(directory), "-U", USER, "-E", "UTF8", "--data-checksums", "--no-sync"]
    options += ["--auth-local=peer", "--auth-host=reject", "--locale=C"]  # C is on every machine
    if binaries.major >= 17:  # noqa: PLR2004 - the first with a locale of its own
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def _sync_options(binaries: Binaries, directory: Path) -> list[str]:
    options = ["--sync-only", "-D", str(directory)]
    if sys.platform == "linux" and binaries.major >= 17:  # noqa: PLR2004 - the first to have it
        options += ["--sync-method=syncfs"]  # one flush of the disk instead of one a file, 1,300
    return options


def _create_database(directory: Path, binaries: Binaries, account: Account, lock: int) -> None:
    """Create the database before there is a server, so no one ever sees a cluster without it."""
    options = ["--single", "-F", "-c", "exit_on_error=on", "-c", "log_checkpoints=off"]
    run(
        account.command(binaries.postgres, *options, "-D", directory, "template1"),
        lock=lock,
        text=f"CREATE DATABASE {DATABASE} STRATEGY file_copy\n",
    )


def _write(path: Path, text: str) -> None:
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
