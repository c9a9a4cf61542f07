"""The state of the repository that a run's code is in, at the moment of the run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from backtest_store.models import Json

GIT_SECONDS = 2.0
# Nothing here may start a daemon, take a lock or wait for a person.
SETTINGS = ("-c", "core.fsmonitor=false")
ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


class GitQuery:
    """Asks git about the first file that no package installed, while the caller goes on."""

    def __init__(self, files: Iterable[Path]) -> None:
        own = [file for file in files if "site-packages" not in file.parts]
        folder = repository_folder(own)
        self._status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
        # Of files in other repositories, or in none, git would say nothing but that they are.
        asked = [file for file in own if folder and _root(file.parent) == _root(folder)]
        inside = folder if asked else None
        self._tracked = _git(inside, "ls-files", "--full-name", "--error-unmatch", "--", *asked)

    @cached_property
    def answer(self) -> Json | None:
        """Return commit and cleanness; None without a repository, or without git.

        Code that git does not know is as dirty as code that was changed.
        """
        deadline = time.monotonic() + GIT_SECONDS
        status, _ = _finish(self._status, deadline)
        _, code = _finish(self._tracked, deadline)
        state = None if status is None else _read_status(status)
        if state is not None and code == 1:
            state["dirty"] = True
        return state


def _finish(
    process: subprocess.Popen[bytes] | None, deadline: float
) -> tuple[str | None, int | None]:
    if process is None:
        return None, None
    try:
        output, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, None
    text = output.decode("utf-8", "replace")
    return (text if process.returncode == 0 else None), process.returncode


def repository_folder(files: Sequence[Path]) -> Path | None:
    """Return the folder whose repository tells the state of the user's code, not a package's."""
    own = (f.parent for f in files if "site-packages" not in f.parts and f.parent.is_dir())
    try:
        return next(own, None) or Path.cwd()
    except OSError:  # the working directory was removed
        return None


def _root(folder: Path) -> Path | None:
    """Return the top of the repository that a folder is in."""
    return next((top for top in (folder, *folder.parents) if (top / ".git").exists()), None)


def _git(folder: Path | None, *command: str | Path) -> subprocess.Popen[bytes] | None:
    if folder is None:
        return None
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *SETTINGS, *map(str, command)],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | ENVIRONMENT,
        )
    except OSError:
        return None


def _read_status(status: str) -> Json | None:
    lines = status.splitlines()
    heads = dict(
        line[2:].split(" ", 1) for line in lines if line.startswith("# ") and " " in line[2:]
    )
    commit = heads.get("branch.oid", "")
    if not commit or commit.startswith("("):
        return None
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}
