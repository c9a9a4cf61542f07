"""What the process was started with, as a script may change it before it runs a backtest."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - before pathlib is loaded
    except OSError:
        return ""


@dataclass
class Start:
    """A process as it began; of one that a script started, as the script began.

    `script` is its path if Python calls another the main module; `directory` is empty if it is
    gone.
    """

    script: str | None = None
    arguments: list[str] = field(default_factory=lambda: sys.argv[1:])
    directory: str = field(default_factory=_working_directory)


start = Start()
