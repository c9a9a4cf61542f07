"""Where the store is and how it logs, as the environment says."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from backtest_store.errors import UsageError

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LOG_FORMATS = ("console", "json")
URL_SCHEMES = ("postgresql://", "postgres://")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the store is and how it logs.

    Parameters
    ----------
    database_url : str, optional
        A libpq URI; None means the embedded server in `home`. It may hold a password, so no
        `repr` shows it.
    home : Path
        The directory of the embedded server and of the spool, absolute.
    pg_bindir : Path, optional
        The directory of the embedded server's binaries, instead of the ones found.
    log_level : str
        One of `LOG_LEVELS`.
    log_format : str
        One of `LOG_FORMATS`.
    """

    database_url: str | None = field(default=None, repr=False)
    home: Path
    pg_bindir: Path | None = None
    log_level: str = "warning"
    log_format: str = "console"

    @classmethod
    def from_environment(cls) -> Self:
        """Read the `BTSTORE_` variables; an empty one counts as unset.

        Raises
        ------
        UsageError
            If a variable holds a value that cannot be used.
        """
        return cls(
            database_url=_database_url(),
            home=home(),
            pg_bindir=_directory("BTSTORE_PG_BINDIR"),
            log_level=_choice("BTSTORE_LOG_LEVEL", LOG_LEVELS, "warning"),
            log_format=_choice("BTSTORE_LOG_FORMAT", LOG_FORMATS, "console"),
        )

    @property
    def store_name(self) -> str | None:
        """What tells the store from others, without credentials: `user@host:port/database`.

        The embedded one is called `embedded`; None is one that the URL does not tell.
        """
        return "embedded" if self.database_url is None else _named(self.database_url)


def _named(url: str) -> str | None:
    from backtest_store.store.connecting.database_url import Host, hosts_of_environment, parse

    try:
        said = parse(url)
        hosts = said.hosts or hosts_of_environment() or (Host("local"),)
    except UsageError:
        return None
    user = said.user or os.environ.get("PGUSER") or _account()
    database = said.database or os.environ.get("PGDATABASE") or user
    places = (f"{host.name}:{host.port or os.environ.get('PGPORT') or 5432}" for host in hosts)
    return f"{user}@{','.join(places)}/{database}"


def _account() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def home() -> Path:
    """Return the directory of the embedded server and of the spool.

    Raises
    ------
    UsageError
        If BTSTORE_HOME leads nowhere, or is not set and has no default.
    StoreError
        If the default is not this user's alone.
    """
    return _directory("BTSTORE_HOME") or _default_home()


def _database_url() -> str | None:
    url = os.environ.get("BTSTORE_DATABASE_URL", "").strip()
    if url and not url.startswith(URL_SCHEMES):
        raise UsageError(  # without the value: it may hold a password
            "BTSTORE_DATABASE_URL is not a libpq URI",
            hint="it begins with postgresql://, as in postgresql://user@host:5432/database",
        )
    return url or None


def _directory(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    if not value.strip():
        return None
    try:
        return Path(value).expanduser().absolute()
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{variable} is {value!r}, which is not a usable path: {error}",
            hint="give an absolute path",
        ) from error


def _default_home() -> Path:
    from platformdirs import user_data_path  # slow to import, and most who script set the variable

    try:
        home = user_data_path("backtest-store", appauthor=False)
    except RuntimeError:  # neither HOME nor the system's list of users says where
        return _home_of_the_homeless()
    return home if home.is_absolute() and _can_be_made(home) else _home_of_the_homeless()


def _can_be_made(home: Path) -> bool:
    """Say whether a directory is there, or there is one above it to make it in."""
    if home.exists():
        return True
    nearest = next(parent for parent in home.parents if parent.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


def _home_of_the_homeless() -> Path:
    """Return the home of a user without one, such as a container's `--user 12345`.

    It is made at once: in a folder that all may write to, only what is there cannot be another's.
    """
    from backtest_store.store.private_folders import make_private

    home = Path(f"/var/tmp/btstore-{os.geteuid()}")  # noqa: S108 - not lost when the machine starts
    try:
        make_private(home, may_be_a_link=False)
    except OSError as error:
        raise UsageError(
            f"this user has no home directory to default to, nor {home}: {error.strerror}",
            hint="set BTSTORE_HOME to a directory of your own",
        ) from error
    return home


def _choice(variable: str, choices: tuple[str, ...], default: str) -> str:
    value = os.environ.get(variable, "").strip() or default
    if value.lower() not in choices:
        raise UsageError(f"{variable} is {value!r}", hint=f"use one of {', '.join(choices)}")
    return value.lower()
