"""Run a stored snapshot again, in a fresh process of its own (`python -m`, this module).

The process reads a `Request` on standard input and leaves an `Answer` in the folder that it is
told; a script's runs are put there, too, so that they count however it ends. What the engine and
the strategy print on standard output goes nowhere.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.redaction import REDACTED
from backtest_store.runner.reproduce import script_run as scripts
from backtest_store.runner.reproduce.script_run import require_script, script_of
from backtest_store.runner.reproduce.stored_snapshot import (
    IN_SCRIPT,
    component_paths,
    import_roots,
    is_runnable,
    missing_catalog,
    redacted_names,
)
from backtest_store.saving import save

if TYPE_CHECKING:
    from backtest_store.models import Json, Record

ANSWER = "answer"


@dataclass(frozen=True)
class Request:
    """What a fresh process needs to know of the run that it is to repeat."""

    run_id: str
    snapshot: Json
    strategy_name: str
    strategy_type: str
    data_source: str | None = None
    script: Json | None = None
    config_hash: str | None = None
    import_roots: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """The run that was saved, or why none was, and how many a script made."""

    run_id: str | None = None
    error: str = ""
    hint: str = ""
    script_runs: int | None = None


def run_again(request: Request) -> Answer:
    """Do what is requested in a fresh process, which saves the run with `reproduced_from`."""
    with TemporaryDirectory(prefix="btstore-") as name:
        folder = Path(name)
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, name],
            input=json.dumps(asdict(request)),
            stdout=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        said = _answer_in(folder) or Answer(
            error=f"the process that ran it again ended with {done.returncode}"
        )
        if request.script is not None:
            return _script_repeated(request, request.script, folder, said.error)
    if said.run_id is None:
        raise StoreError(said.error, hint=said.hint)
    return said


def _answer_in(folder: Path) -> Answer | None:
    file = folder / ANSWER
    return Answer(**json.loads(file.read_text("utf-8"))) if file.exists() else None


def _script_repeated(request: Request, script: Json, folder: Path, failure: str) -> Answer:
    """Save that run of the script's which repeats the one asked for, under its name."""
    original = request.config_hash, request.snapshot
    run, count = scripts.chosen(script, original, folder, failure)
    repetition = replace(
        run,
        strategy_name=request.strategy_name,
        strategy_type=request.strategy_type,
        tags=[],
        note=None,
        reproduced_from=UUID(request.run_id),
    )
    save.save_record(repetition)
    return Answer(run_id=str(run.run_id), script_runs=count)


def request_for(original: Record) -> Request:
    """Return what is to be run, once it is clear that it can be."""
    _require_result(original)
    script = _script_needed(original)
    if script is None:
        _require_whole(original)
    return Request(
        run_id=str(original.run_id),
        snapshot=original.config_snapshot,
        strategy_name=original.strategy_name,
        strategy_type=original.strategy_type,
        data_source=original.data_source,
        script=script,
        config_hash=original.config_hash,
        import_roots=import_roots(original.config_snapshot, original.provenance),
        command=["btstore", "reproduce", str(original.run_id)],
    )


def _script_needed(original: Record) -> Json | None:
    """Return the script without which there is no repeating; None if the snapshot is enough."""
    snapshot = original.config_snapshot
    is_in_script = any(path.startswith(f"{IN_SCRIPT}:") for path in component_paths(snapshot))
    script = script_of(original.provenance)
    is_enough = is_runnable(snapshot) and not is_in_script
    if is_enough and (script is None or missing_catalog(snapshot["data"]) is None):
        return None
    if script is not None:
        require_script(script)
    elif "partial" in snapshot:
        raise StoreError(
            f"run {original.run_id} cannot be run again: its snapshot is partial, as"
            f" {snapshot['partial']}",
            hint="import backtest_store before the engine is made, or use `btstore exec`",
        )
    elif not is_runnable(snapshot):
        raise StoreError(
            f"run {original.run_id} cannot be run again: a script fed its engine from memory, and"
            " neither the script nor the data is stored",
            hint="`btstore run`, a BacktestNode with a catalog, and `btstore exec` make runs that"
            " can be",
        )
    return script


def _require_whole(original: Record) -> None:
    if redacted := redacted_names(original.config_snapshot):
        raise StoreError(
            f"run {original.run_id} cannot be run again: {', '.join(redacted)} was a credential,"
            f" and {REDACTED} is stored in its place"
        )


def _require_result(original: Record) -> None:
    if original.status == "interrupted":
        raise StoreError(
            f"run {original.run_id} was interrupted: it has no result to reproduce",
            hint="btstore show has its configuration",
        )


def repeat(request: Request) -> Record:
    """Run the stored configuration in this process, and save the run."""
    from backtest_store.runner.config.expansion import Backtest
    from backtest_store.runner.config_runs import run

    sys.path.extend(root for root in request.import_roots if root not in sys.path)
    backtest = Backtest(
        _runnable(request.snapshot),
        name=request.strategy_name,
        type=request.strategy_type,
        data_source=request.data_source,
    )
    command = shlex.join(request.command)
    return run(backtest, reproduced_from=UUID(request.run_id), command_line=command).run


def _runnable(snapshot: Json) -> Json:
    """Return a stored configuration, whose data and classes are there, as this version has it."""
    from backtest_store.runner.data.made_catalogs import restored
    from backtest_store.runner.installed_nautilus import run_config

    if not isinstance(snapshot.get("venues"), list):
        raise StoreError("this version of NautilusTrader does not take the stored configuration")
    data = [restored(entry) for entry in snapshot["data"]]
    if gone := missing_catalog(data):
        raise StoreError(f"the run's data is not there any more: no catalog {gone}")
    _require_classes(snapshot)
    # What a run streams to disk decides nothing, and would replace what the first one wrote.
    engine = {name: value for name, value in snapshot["engine"].items() if name != "streaming"}
    config: Json = run_config().without_unknown(snapshot | {"data": data, "engine": engine})
    return config


def _require_classes(snapshot: Json) -> None:
    for path in component_paths(snapshot):
        module, _, name = path.partition(":")
        if module == IN_SCRIPT:
            raise StoreError(
                f"{name} was defined in a script and cannot be imported without running it",
                hint="move it to a module of its own, or record the script with `btstore exec`",
            )
        try:
            getattr(import_module(module), name)
        except Exception as error:
            raise StoreError(
                f"{path} cannot be imported any more: {type(error).__name__}: {error}"
            ) from error


def main() -> None:
    """Do what is requested on standard input."""
    request = Request(**json.load(sys.stdin))
    folder = Path(sys.argv[1])
    try:
        if request.script is None:
            answer = Answer(run_id=str(repeat(request).run_id))
        else:
            answer = Answer(error=scripts.run_script(request.script, folder))
    except StoreError as error:
        answer = Answer(error=str(error), hint=error.hint)
    (folder / ANSWER).write_text(json.dumps(asdict(answer)), encoding="utf-8")


if __name__ == "__main__":
    main()
