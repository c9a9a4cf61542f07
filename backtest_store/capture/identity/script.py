"""The script that a process runs: all that is needed to run it again."""

from __future__ import annotations

import shlex
import sys
from itertools import count
from pathlib import Path

from backtest_store.capture.identity.process_start import start
from backtest_store.capture.identity.provenance import file_digest
from backtest_store.models import Json

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
