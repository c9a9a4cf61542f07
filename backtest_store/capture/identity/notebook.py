"""The notebook that a process is the kernel of."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from backtest_store.models import Json

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
