"""Whom the server runs as. PostgreSQL refuses root, and users without a name."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backtest_store.errors import StoreError

LAUNCHER = Path(__file__).with_name("run_as_user.py")
USE_A_SERVER = "set BTSTORE_DATABASE_URL to a PostgreSQL server"


@dataclass(frozen=True)
class Account:
    """How to run as the user the server runs as, and whom that server lets in.

    `client` is what the server sees when the user of this process connects, and it maps no one
    else. `owner` is who must own the data directory, as seen from here.
    """

    prefix: tuple[str, ...]
    client: str
    owner: int

    def command(self, *words: str | Path) -> list[str]:
        """Return a command line that runs the words as this account."""
        return [*self.prefix, *map(str, words)]


def account_for(data_directory: Path) -> Account:
    """Choose the account for a cluster that exists or is to be made.

    Raises StoreError if PostgreSQL would refuse to run as any user that this process can become.
    """
    uid = os.geteuid()
    name = _name(uid)
    if uid and name is not None:
        return Account((), name, uid)
    if sys.platform != "linux":
        raise StoreError(
            f"PostgreSQL does not run as {name or f'the nameless user id {uid}'}",
            hint=f"work as an ordinary user, or {USE_A_SERVER}",
        )
    return _root(data_directory) if uid == 0 else _nameless(uid)


def _root(data_directory: Path) -> Account:
    """Prefer a namespace, where all files stay root's, unless the cluster is another's already."""
    ways = [_in_namespace(), _unprivileged()] if _is_roots(data_directory) else [_unprivileged()]
    refusals = []
    for account in filter(None, ways):
        refusal = _refusal(account)
        if not refusal:
            return account
        refusals.append(refusal)
    raise StoreError(
        "PostgreSQL does not run as root, and here root cannot become another user that "
        f"reaches {data_directory} ({'; '.join(refusals) or 'there is no other'})",
        hint=f"work as an ordinary user, or {USE_A_SERVER}",
    )


def _nameless(uid: int) -> Account:
    account = _in_namespace()
    refusal = _refusal(account) if account else "no user has one"
    if account and not refusal:
        return account
    raise StoreError(
        f"the user id {uid} has no name, and PostgreSQL needs one ({refusal})",
        hint=f"add it to /etc/passwd, or {USE_A_SERVER}",
    )


def _in_namespace() -> Account | None:
    """Return this user under the name of another, whom nobody else looks like in there."""
    for uid in range(1, 100):
        name = _name(uid)
        if name:
            return Account(_prefix("namespace", uid, uid), name, os.geteuid())
    return None


def _unprivileged() -> Account | None:
    """Return a user without rights, whose server nevertheless lets in root alone."""
    root = _name(0)
    for name in ("nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        prefix = _prefix("account", entry.pw_uid, entry.pw_gid)
        return Account(prefix, root, entry.pw_uid) if root else None
    return None


def _prefix(way: str, uid: int, gid: int) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(LAUNCHER), way, str(uid), str(gid))


def _refusal(account: Account) -> str:
    """Say why this process cannot run as the account; nothing if it can."""
    try:
        done = subprocess.run(account.prefix, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{sys.executable}: {error.strerror}"
    return done.stderr.strip() or "no reason given" if done.returncode else ""


def _is_roots(data_directory: Path) -> bool:
    try:
        return data_directory.stat().st_uid == 0
    except FileNotFoundError:
        return True


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
