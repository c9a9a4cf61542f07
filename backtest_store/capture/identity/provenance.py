"""Where a run came from: versions, source, commit, command line."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from backtest_store.models import Json

GIT_SECONDS = 2.0


def provenance_of(classes: Iterable[type], *, command_line: str | None = None) -> Json:
    """Describe what ran: the engine, Python, this package, the strategies' source, the command."""
    files = [file for file in map(source_file, classes) if file is not None]
    return {
        "engine": "nautilus_trader",
        "engine_version": _version("nautilus_trader"),
        "python_version": platform.python_version(),
        "backtest_store_version": _version("backtest-store"),
        "platform": _platform(),
        "git": git_state(repository_folder(files)),
        "source_sha256": {str(file): digest for file in files if (digest := file_digest(file))},
        "command_line": command_line if command_line is not None else current_command_line(),
    }


def current_command_line() -> str:
    """Return the command line of this process, the interpreter left out."""
    return shlex.join(getattr(sys, "argv", None) or [])


def source_file(cls: type) -> Path | None:
    """Return the file that defines a class; a notebook's cell is none."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def repository_folder(files: Iterable[Path]) -> Path | None:
    """Return the folder whose repository tells the state of the user's code, not a package's."""
    own = (f.parent for f in files if "site-packages" not in f.parts and f.parent.is_dir())
    try:
        return next(own, None) or Path.cwd()
    except OSError:  # the working directory was removed
        return None


def file_digest(file: Path) -> str | None:
    """Return the SHA-256 of a file, read once for as long as it does not change."""
    try:
        status = file.stat()
        return _digest(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


@cache
def _digest(file: Path, _modified: int, _size: int) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@cache
def git_state(folder: Path | None) -> Json | None:
    """Return commit and cleanness of a folder's repository; None without one, or without git."""
    if folder is None:
        return None
    command = [
        "git",
        "-C",
        str(folder),
        "-c",
        "core.fsmonitor=false",
        "status",
        "--porcelain=v2",
        "--branch",
    ]
    try:
        answer = subprocess.run(
            [*command, "--untracked-files=no", "--ignore-submodules"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _read_status(answer.stdout.decode("utf-8", "replace"))


def _read_status(status: str) -> Json | None:
    lines = status.splitlines()
    heads = dict(
        line[2:].split(" ", 1) for line in lines if line.startswith("# ") and " " in line[2:]
    )
    commit = heads.get("branch.oid", "")
    if not commit or commit.startswith("("):
        return None
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


@cache
def _platform() -> str:
    return platform.platform()


@cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
