"""Take a whole store to a file and back, by PostgreSQL's own programs of the server's version."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from backtest_store.errors import StoreError
from backtest_store.store import queries
from backtest_store.store.connecting import database_url
from backtest_store.store.connecting.connection import (
    applied,
    connect,
    connect_to_server,
    server_url,
)
from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 2**20  # bytes
# Who owns the tables and who has which role is the other server's business.
WITHOUT_ROLES = ("--no-owner", "--no-acl")


async def backup(settings: Settings, write: Callable[[bytes], object]) -> int:
    """Write the store in PostgreSQL's custom format, and return how many runs it has.

    Raises
    ------
    StoreError
        If there is no program of the server's version or a newer one, or it fails.
    """
    async with connect(settings) as db:
        major = db.get_server_version().major
        runs = (await queries.describe_store(db)).runs
    _run(settings, major, "pg_dump", "--format=custom", *WITHOUT_ROLES, write=write)
    return runs


async def restore(settings: Settings, file: Path) -> int:
    """Fill a store that has no runs from a backup, all or nothing, and return how many it has now.

    Raises
    ------
    StoreError
        If the store has runs, or the file is no backup.
    """
    async with connect_to_server(settings) as db:
        major = db.get_server_version().major
        if await applied(db) and await queries.count_runs(db, limit=1):
            hint = "btstore import adds the runs of an export to a store that has some"
            raise StoreError(
                "the store has runs; a backup is restored into an empty one", hint=hint
            )
    what = ("--clean", "--if-exists", "--exit-on-error", "--single-transaction", *WITHOUT_ROLES)
    _run(settings, major, "pg_restore", *what, str(file))
    async with connect(settings) as db:
        return (await queries.describe_store(db)).runs


def _run(
    settings: Settings,
    major: int,
    program: str,
    *words: str,
    write: Callable[[bytes], object] = bytes,
) -> None:
    url = database_url.parse(server_url(settings))
    path = _programs(settings, major) / program
    password = {"PGPASSWORD": url.password} if url.password else {}  # which all users see in a word
    command = [str(path), f"--dbname={url.public()}", *words]
    with (
        TemporaryFile() as said,
        subprocess.Popen(
            command, env=os.environ | password, stdout=subprocess.PIPE, stderr=said
        ) as process,
    ):
        while process.stdout is not None and (chunk := process.stdout.read(CHUNK)):
            write(chunk)
        if process.wait():
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines() or [f"{path} failed"]
            raise StoreError(next((line for line in lines if "error:" in line), lines[-1]))


def _programs(settings: Settings, major: int) -> Path:
    """Return the folder of programs of that version, or of a newer one."""
    try:
        return find_binaries(settings.pg_bindir, major).directory
    except StoreError:
        newer = find_binaries(settings.pg_bindir, None)
        if newer.major < major:
            raise
        return newer.directory
