"""Run a stored snapshot again, in a fresh process of its own (`python -m`, this module).

The process reads the run on standard input and leaves an `Answer` in the folder that it is told;
a script's runs are put there, too, so that they count however it ends. What the engine and
the strategy print on standard output goes nowhere.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from backtest_store.errors import StoreError
from backtest_store.models import adapter, to_json
from backtest_store.redaction import REDACTED
from backtest_store.runner.reproduce import script_run as scripts
from backtest_store.runner.reproduce.script_run import require_script, script_of
from backtest_store.saving import save

if TYPE_CHECKING:
    from backtest_store.models import Json, Record

ANSWER = "answer"
COMPONENTS = ("strategies", "actors", "exec_algorithms")
IN_SCRIPT = "__main__"
ON_THIS_MACHINE = (None, "file", "local")


@dataclass(frozen=True)
class Answer:
    """The run that was saved, or why none was, and how many a script made."""

    run_id: str | None = None
    error: str = ""
    hint: str = ""
    script_runs: int | None = None


def run_again(original: Record, script: Json | None) -> Answer:
    """Run it again in a fresh process, which saves the run with `reproduced_from`."""
    with TemporaryDirectory(prefix="btstore-") as name:
        folder = Path(name)
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, name],
            input=to_json(original),
            stdout=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        said = Answer(error=f"the process that ran it again ended with {done.returncode}")
        if (file := folder / ANSWER).exists():
            said = Answer(**json.loads(file.read_text("utf-8")))
        if script is not None:
            return _script_repeated(original, folder, said.error)
    if said.run_id is None:
        raise StoreError(said.error, hint=said.hint)
    return said


def _script_repeated(original: Record, folder: Path, failure: str) -> Answer:
    """Save that run of the script's which repeats the one asked for, under its name."""
    run, count = scripts.repetition_of(original, folder, failure)
    repetition = replace(
        run,
        strategy_name=original.strategy_name,
        strategy_type=original.strategy_type,
        tags=[],
        note=None,
        reproduced_from=original.run_id,
    )
    save.save_record(repetition)
    return Answer(run_id=str(run.run_id), script_runs=count)


def script_needed(original: Record) -> Json | None:
    """Return the script without which there is no repeating; None if the snapshot is enough.

    Raises
    ------
    StoreError
        If the run cannot be run again.
    """
    if original.status == "interrupted":
        raise StoreError(
            f"run {original.run_id} was interrupted: it has no result to reproduce",
            hint="btstore show has its configuration",
        )
    snapshot, script = original.config_snapshot, script_of(original.provenance)
    is_in_script = any(path.startswith(f"{IN_SCRIPT}:") for path in _component_paths(snapshot))
    is_enough = _is_runnable(snapshot) and not is_in_script
    if is_enough and (script is None or _missing_catalog(snapshot["data"]) is None):
        script = None
    elif script is not None:
        require_script(script)
    else:
        _require_runnable(original)
    if script is None:
        _require_whole(original)
    return script


def _require_runnable(original: Record) -> None:
    if "partial" in original.config_snapshot:
        raise StoreError(
            f"run {original.run_id} cannot be run again: its snapshot is partial, as"
            f" {original.config_snapshot['partial']}",
            hint="import backtest_store before the engine is made, or use `btstore exec`",
        )
    if not _is_runnable(original.config_snapshot):
        raise StoreError(
            f"run {original.run_id} cannot be run again: a script fed its engine from memory, and"
            " neither the script nor the data is stored",
            hint="`btstore run`, a BacktestNode with a catalog, and `btstore exec` make runs that"
            " can be",
        )


def _require_whole(original: Record) -> None:
    leaves = _leaves(original.config_snapshot, "")
    if redacted := [name for name, value in leaves if REDACTED in str(value)]:
        raise StoreError(
            f"run {original.run_id} cannot be run again: {', '.join(redacted)} was a credential,"
            f" and {REDACTED} is stored in its place"
        )


def repeat(original: Record) -> Record:
    """Run the stored configuration in this process, and save the run."""
    from backtest_store.runner.config.expansion import Backtest
    from backtest_store.runner.config_runs import run

    roots = _import_roots(original.config_snapshot, original.provenance)
    sys.path.extend(root for root in roots if root not in sys.path)
    backtest = Backtest(
        _runnable(original.config_snapshot),
        name=original.strategy_name,
        type=original.strategy_type,
        data_source=original.data_source,
    )
    command = shlex.join(["btstore", "reproduce", str(original.run_id)])
    return run(backtest, reproduced_from=original.run_id, command_line=command).run


def _runnable(snapshot: Json) -> Json:
    """Return a stored configuration, whose data and classes are there, as this version has it."""
    from backtest_store.runner.data.made_catalogs import restored
    from backtest_store.runner.nautilus_installed import run_config

    if not isinstance(snapshot.get("venues"), list):
        raise StoreError("this version of NautilusTrader does not take the stored configuration")
    data = [restored(entry) for entry in snapshot["data"]]
    if gone := _missing_catalog(data):
        raise StoreError(f"the run's data is not there any more: no catalog {gone}")
    _require_classes(snapshot)
    # What a run streams to disk decides nothing, and would replace what the first one wrote.
    engine = {name: value for name, value in snapshot["engine"].items() if name != "streaming"}
    config: Json = run_config.without_unknown(snapshot | {"data": data, "engine": engine})
    return config


def _require_classes(snapshot: Json) -> None:
    for path in _component_paths(snapshot):
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


def _is_runnable(snapshot: Json) -> bool:
    """Tell whether a node can run the snapshot; data in memory cannot be had again by it."""
    data = snapshot.get("data")
    has_catalogs = isinstance(data, list) and all(
        isinstance(entry, dict) and entry.get("catalog_path") for entry in data
    )
    return bool(data) and has_catalogs and isinstance(snapshot.get("engine"), dict)


def _missing_catalog(data: Sequence[Json]) -> str | None:
    """Return the path of the first catalog that is not on this machine, though it should be."""
    for entry in data:
        path, protocol = str(entry["catalog_path"]), entry.get("catalog_fs_protocol")
        if protocol in ON_THIS_MACHINE and "://" not in path and not Path(path).is_dir():
            return path
    return None


def _component_paths(snapshot: Json) -> list[str]:
    """List the classes that a node's run imports, as ``package.module:Class``."""
    engine = snapshot.get("engine") or {}
    return [
        value
        for kind in COMPONENTS
        for component in engine.get(kind) or []
        if isinstance(component, dict)
        for name, value in component.items()
        if name.endswith("_path") and isinstance(value, str)
    ]


def _import_roots(snapshot: Json, provenance: Json) -> list[str]:
    """Return the folders from which the run imported its strategies.

    A script's folder is on its path; a fresh process would not know it. Where a module's file was
    tells where the import began.
    """
    files = [Path(file) for file in provenance.get("source_sha256") or {}]
    modules = {path.partition(":")[0] for path in _component_paths(snapshot)}
    parts = [Path(*module.split(".")).with_suffix(".py").parts for module in sorted(modules)]
    roots = [
        str(Path(*file.parts[: -len(part)]))
        for part in parts
        for file in files
        if file.parts[-len(part) :] == part
    ]
    return list(dict.fromkeys(roots))


def _leaves(value: Any, above: str) -> Iterator[tuple[str, object]]:
    """Yield all that a nested value holds, under its dotted name."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{above}.{name}" if above else str(name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{above}.{place}")
    else:
        yield above, value


def main() -> None:
    """Run again what is on standard input."""
    original, folder = adapter().validate_json(sys.stdin.read()), Path(sys.argv[1])
    try:
        script = script_needed(original)
        if script is None:
            answer = Answer(run_id=str(repeat(original).run_id))
        else:
            answer = Answer(error=scripts.run_script(script, folder))
    except StoreError as error:
        answer = Answer(error=str(error), hint=error.hint)
    (folder / ANSWER).write_text(json.dumps(asdict(answer)), encoding="utf-8")


if __name__ == "__main__":
    main()
