"""Run a script again that made a run, and find that run among all that it makes."""

from __future__ import annotations

import io
import os
import runpy
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from backtest_store.capture.identity.process_start import start
from backtest_store.errors import StoreError
from backtest_store.redaction import REDACTED
from backtest_store.runner.children import Orders, kept, record_everything, wait_for_threads

if TYPE_CHECKING:
    from backtest_store.models import Json, Record

FACTS = frozenset({"path", "sha256", "arguments", "directory"})


def script_of(provenance: Json) -> Json | None:
    """Return what is stored of the script that made a run; None if that is not all."""
    script = provenance.get("script")
    return script if isinstance(script, dict) and script.keys() >= FACTS else None


def require_script(script: Json) -> None:
    """Make sure that the script can be run as it was then; a change in it is named afterwards."""
    path, directory = Path(script["path"]), Path(script["directory"])
    if not path.is_file():
        raise StoreError(f"the script that made the run is not there any more: {path}")
    if not directory.is_dir():
        raise StoreError(f"the folder that the script ran in is not there any more: {directory}")
    if REDACTED in script["arguments"]:
        raise StoreError(
            f"the script was given a credential, and {REDACTED} is stored in its place:"
            f" {script['arguments']}"
        )


def repetition_of(original: Record, folder: Path, failure: str) -> tuple[Record, int]:
    """Return that run of a script's which repeats another, and how many it made.

    A run that draws random numbers without a seed has another hash each time, and the same
    snapshot. A changed script is taken for the same one if it makes one run in the same place.
    """
    runs = kept(folder)
    if not runs:
        raise StoreError(f"the script made no run{failure and f': {failure}'}")
    same = [run for run in runs if run.config_hash == original.config_hash is not None] or [
        run for run in runs if run.config_snapshot == original.config_snapshot
    ]
    possible = same or (runs if len(runs) == 1 else [])
    in_place = [run for run in possible if _place(original) in (None, _place(run))]
    if in_place:
        return in_place[0], len(runs)
    if failure:
        raise StoreError(f"the script failed before it made the run to repeat: {failure}")
    if not same:
        made = f"{len(runs)} run{'s' * (len(runs) > 1)}"
        raise StoreError(
            f"the script made {made}, and none has the configuration of the one to repeat"
        )
    return same[0], len(runs)


def _place(run: Record) -> int | None:
    """Return which run of its script's process it is; None if that is not known."""
    place: int | None = (run.provenance.get("script") or {}).get("run")
    return place


class PressingEnter(io.StringIO):
    """A standard input at which somebody presses Enter, as often as the script asks for it."""

    def readline(self, _: int | None = -1, /) -> str:  # type: ignore[override]
        """Return an empty line."""
        return "\n"


def run_script(script: Json, folder: Path) -> str:
    """Run a script as Python does, and put its runs into a folder; return what ended it, if any."""
    path = str(script["path"])
    os.chdir(script["directory"])
    start.script, start.directory = path, script["directory"]
    start.arguments[:] = shlex.split(script["arguments"])
    sys.argv[:] = [path, *start.arguments]
    sys.stdin = PressingEnter()
    module = script.get("module")
    sys.path.insert(0, str(Path(path).resolve().parent) if module is None else str(Path.cwd()))
    patch = record_everything(Orders(kept=str(folder)))
    try:
        if module is None:
            runpy.run_path(path, run_name="__main__")
        else:
            runpy.run_module(str(module), run_name="__main__", alter_sys=True)
    except SystemExit as error:
        return "" if error.code in (None, 0) else f"SystemExit: {error}"
    except Exception as error:  # noqa: BLE001 - the script's affair, if it made the run before
        return f"{type(error).__name__}: {error}"
    finally:
        wait_for_threads()
        patch.finish()
    return ""
