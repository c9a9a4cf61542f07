"""Where a run came from: versions, source, commit, command line."""

from __future__ import annotations

import getpass
import hashlib
import platform
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from backtest_store.capture.identity.code import Code
from backtest_store.capture.identity.git import GitQuery
from backtest_store.capture.identity.notebook import notebook_of_process
from backtest_store.models import Json

# What every backtest computes with, whether the user's code names it or not.
ALWAYS = ("numpy", "pandas")


def provenance_of(code: Code, git: GitQuery, *, command_line: str | None = None) -> Json:
    """Describe what ran: the engine, Python, this package, the user's code, the command."""
    notebook = notebook_of_process() if command_line is None else None
    return {
        "engine": "nautilus_trader",
        "engine_version": _version("nautilus_trader"),
        "python_version": platform.python_version(),
        "backtest_store_version": _version("backtest-store"),
        "package_versions": package_versions(code.libraries),
        "platform": _platform(),
        "user": _user(),
        "host": platform.node(),
        "git": git.answer(),
        "source_sha256": code.digests(),
        "command_line": command_line or _command(notebook),
        **({} if notebook is None else {"notebook": notebook}),
    }


def current_command_line() -> str:
    """Return the command line of this process, the interpreter left out."""
    return shlex.join(getattr(sys, "argv", None) or [])


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that modules belong to, the standard library left out."""
    names = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    versions = {name: _package_version(name) for name in sorted({*names, *ALWAYS})}
    return {name: version for name, version in versions.items() if version is not None}


def file_digest(file: Path) -> str | None:
    """Return the SHA-256 of a file, read once for as long as it does not change."""
    try:
        status = file.stat()
        return _digest(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


def _command(notebook: Json | None) -> str:
    """Return the command; a notebook's kernel was started by a program, and not by that."""
    return current_command_line() if notebook is None else f"notebook {notebook['name']}"


@cache
def _digest(file: Path, _modified: int, _size: int) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@cache
def _platform() -> str:
    return platform.platform()


def _user() -> str | None:
    """Return the name of the user, if the system has one for him."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return None


@cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@cache
def _package_version(name: str) -> str | None:
    """Return a package's version: its distribution's, or what it says of itself."""
    said = getattr(sys.modules.get(name), "__version__", None)
    return _version(name) or (said if isinstance(said, str) else None)
