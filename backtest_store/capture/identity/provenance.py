"""Where a run came from: versions, source, commit, and the command, script or notebook."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

from backtest_store.capture.identity.code.code_hash import Code
from backtest_store.capture.identity.git import GitQuery
from backtest_store.capture.identity.process_start import start
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
        "platform": platform.platform(),
        "user": _user(),
        "host": platform.node(),
        "git": git.answer,
        "source_sha256": code.digests(),
        "command_line": command_line or _command(notebook),
        **({} if notebook is None else {"notebook": notebook}),
    }


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
    """Return the command without the interpreter; a notebook's kernel was started by a program."""
    if notebook is not None:
        return f"notebook {notebook['name']}"
    return shlex.join(getattr(sys, "argv", None) or [])


@cache
def _digest(file: Path, _modified: int, _size: int) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


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


OWN_FOLDER = Path(__file__).parents[3]

_RUNS = count(1)


def script_of_process() -> Json | None:
    """Return the script's path, digest, arguments and working directory; None if there is none.

    With it goes how many runs the script had begun, this one included: it tells runs of one
    configuration apart.

    A notebook, an interactive session, our own commands and an installed tool (a test runner, say)
    have none. What `python -m` runs is named as that, too.
    """
    main = sys.modules.get("__main__")
    file = start.script or getattr(main, "__file__", None)
    if file is None or not str(file).endswith(".py"):
        return None
    path = Path(file).absolute()
    digest = file_digest(path)
    if digest is None or path.is_relative_to(OWN_FOLDER) or "site-packages" in path.parts:
        return None
    if not start.directory:
        return None
    module = getattr(getattr(main, "__spec__", None), "name", "__main__")
    return ({} if module == "__main__" else {"module": module}) | {
        "path": str(path),
        "sha256": digest,
        "arguments": shlex.join(start.arguments),
        "directory": start.directory,
        "run": next(_RUNS),
    }


# Where Jupyter's server and Visual Studio Code tell the kernel which notebook it serves.
SERVER_VARIABLE = "JPY_SESSION_NAME"
EDITOR_NAME = "__vsc_ipynb_file__"
UNNAMED = "(unnamed)"
DEFINES_A_CLASS = re.compile(r"^class\s", re.MULTILINE)


def notebook_of_process() -> Json | None:
    """Return the notebook's name and folder, and the source of its cells; None elsewhere.

    The cells are the one that runs and those that define classes. The name is known where the
    notebook's server tells it.
    """
    shell = _kernel_shell()
    if shell is None:
        return None
    held = shell.user_ns
    path = held.get(EDITOR_NAME) or os.environ.get(SERVER_VARIABLE)
    cells = held.get("In") or [""]
    try:
        folder = str(Path.cwd())
    except OSError:  # the working directory was removed
        folder = None
    return {
        "name": Path(str(path)).name if path else UNNAMED,
        "directory": folder,
        "cell": str(cells[-1]),
        "definitions": [str(cell) for cell in cells if DEFINES_A_CLASS.search(str(cell))],
    }


def _kernel_shell() -> Any:
    """Return IPython's shell if it is a notebook's, and not one in a terminal."""
    interactive = sys.modules.get("IPython.core.interactiveshell")
    shell_class = getattr(interactive, "InteractiveShell", None)
    if shell_class is None or not shell_class.initialized():
        return None
    shell = shell_class.instance()
    return shell if getattr(shell, "kernel", None) is not None else None
