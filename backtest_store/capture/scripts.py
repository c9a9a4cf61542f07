"""The script that a process runs: all that is needed to run it again."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from backtest_store.capture.provenance import file_digest
from backtest_store.models import Json

OWN_FOLDER = Path(__file__).parents[1]


def script_of_process() -> Json | None:
    """Return the script's path, digest, arguments and working directory; None if there is none.

    A notebook, an interactive session and our own commands have none.
    """
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file is None or not str(file).endswith(".py"):
        return None
    path = Path(file).absolute()
    digest = file_digest(path)
    if digest is None or path.is_relative_to(OWN_FOLDER):
        return None
    try:
        directory = str(Path.cwd())
    except OSError:  # the working directory was removed
        return None
    return {
        "path": str(path),
        "sha256": digest,
        "arguments": shlex.join(sys.argv[1:]),
        "directory": directory,
    }
