"""Run a script again that made a run, and keep that run alone of all that it makes."""

from __future__ import annotations

import io
import os
import runpy
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from backtest_store.capture.identity.process_start import start
from backtest_store.errors import StoreError
from backtest_store.redaction import REDACTED
from backtest_store.runner.children import Orders, kept, record_everything
from backtest_store.saving import save

if TYPE_CHECKING:
    from backtest_store.models import Json, Record

FACTS = frozenset({"path", "sha256", "arguments", "directory"})


def script_of(provenance: Json) -> Json | None:
    """Return what is stored of the script that made a run; None if that is not all."""
    script = provenance.get("script")
    return script if isinstance(script, dict) and script.keys() >= FACTS else None


def require_script(script: Json) -> None:
    """Make sure that the script can be run as it was then; a change in it is named afterwards.

    Raises
    ------
    StoreError
        If it is gone, or ran in a folder that is gone, or with a secret.
    """
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


def repeat(script: Json, config_hash: str | None) -> tuple[Record, int]:
    """Run the script, and return that one of its runs which repeats another; save none.

    Parameters
    ----------
    script : dict
        As `script_of` returns it.
    config_hash : str, optional
        That of the run to repeat.

    Returns
    -------
    tuple of Record and int
        The run, and how many the script made.

    Raises
    ------
    StoreError
        If the script cannot be run, or makes no such run.
    """
    require_script(script)
    with TemporaryDirectory(prefix="btstore-") as folder:
        with saving_restored():
            failure = _run(script, folder)
        runs = kept(Path(folder))
    return _chosen(runs, config_hash, script.get("run"), failure), len(runs)


@contextmanager
def saving_restored() -> Iterator[None]:
    """Have runs saved again afterwards, which the script's are not."""
    original = save.save_record
    try:
        yield
    finally:
        save.save_record = original


class PressingEnter(io.TextIOBase):
    """A standard input at which somebody presses Enter, as often as the script asks for it."""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readline(self, _: int = -1, /) -> str:  # type: ignore[override]
        """Return an empty line."""
        return "\n"

    def read(self, _: int | None = -1, /) -> str:
        """Return all there is: nothing."""
        return ""


def _run(script: Json, folder: str) -> BaseException | None:
    """Run the script as Python does, recording what it runs; return what ended it."""
    path = str(script["path"])
    os.chdir(script["directory"])
    start.script, start.directory = path, script["directory"]
    start.arguments[:] = shlex.split(script["arguments"])
    sys.argv[:] = [path, *start.arguments]
    sys.stdin = PressingEnter()
    module = script.get("module")
    sys.path.insert(0, str(Path(path).resolve().parent) if module is None else str(Path.cwd()))
    patch = record_everything(Orders(kept=folder))
    try:
        if module is None:
            runpy.run_path(path, run_name="__main__")
        else:
            runpy.run_module(str(module), run_name="__main__", alter_sys=True)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the script's affair, unless no run was made
        return error
    finally:
        patch.finish()
    return None


def _chosen(
    runs: Sequence[Record], config_hash: str | None, place: object, failure: BaseException | None
) -> Record:
    """Choose by configuration, and of several with one configuration by the place in the script."""
    same = [run for run in runs if run.config_hash == config_hash] or runs
    if same is not runs or len(runs) == 1:
        in_place = [run for run in same if (run.provenance.get("script") or {}).get("run") == place]
        return (in_place or same)[0]
    if runs:
        raise StoreError(
            f"the script made {len(runs)} runs, and none has the configuration of the one to repeat"
        )
    ended = "" if failure is None else f": {type(failure).__name__}: {failure}"
    raise StoreError(f"the script made no run{ended}")
