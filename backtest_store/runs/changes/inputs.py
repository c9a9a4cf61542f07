"""What went into a run, a name for each input: what sets runs apart, and what changed between two.

Names are those of the stored fields: `parameters.fast_period`, `venues.0.fill_model.prob_slippage`.
Where a configuration has a class, its fields are named as if they were the component's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from backtest_store.models import Json, Record
from backtest_store.runs.expressions.parameters import flattened

# Where data is says nothing of what is in it, which has a fingerprint; nor what is written where.
PLACES = re.compile(r"data\.\d+\.(catalog_path|metadata\.made_of\.path)|engine\.streaming(\..*)?")
# Of no consequence, or said by another input.
REPEATED = re.compile(
    r"strategy_path|config_path|config\..*|engine\.(instance_id|strategies\.\d+\..*)"
    r"|start|end|data\.\d+\.(start_time|end_time)"
)
RUN_INPUTS = ("strategy_name", "strategy_type", "instrument_ids")
MONEY_AND_TIME = ("initial_capital", "currency", "start_date", "end_date", "data_source")
VERSIONS = {
    "engine_version": "NautilusTrader",
    "python_version": "Python",
    "backtest_store_version": "backtest-store",
    "platform": "platform",
}
SHORT = 8


def inputs_of(run: Record) -> dict[str, Any]:
    """Return all that went into a run by name: what its trader chose first, versions last."""
    settings = settings_of(run.config_snapshot)
    venues = {name: value for name, value in settings.items() if name.startswith("venues.")}
    return {
        **{name: getattr(run, name) for name in RUN_INPUTS},
        **chosen_of(run),
        **venues,
        **{name: getattr(run, name) for name in MONEY_AND_TIME},
        "data_fingerprint": run.data_fingerprint and run.data_fingerprint[:SHORT],
        **_code(run.provenance),
        **{name: value for name, value in settings.items() if not REPEATED.fullmatch(name)},
    }


def parameters_of(parameters: Json) -> dict[str, Any]:
    """Return parameters by name, nested ones under one name each."""
    return {f"parameters.{name}": value for name, value in flattened(parameters).items()}


def chosen_of(run: Record) -> dict[str, Any]:
    """Return a run's parameters, and what else its grid varied, by the names given there.

    Dates are left out, which a run has anyway.
    """
    parameters = parameters_of(run.parameters)
    varied = run.provenance.get("batch_inputs") or {}
    return parameters | {
        name: value
        for name, value in varied.items()
        if f"parameters.{name}" not in parameters and not name.endswith(("start", "end"))
    }


def settings_of(snapshot: Json, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a run was configured with, under one name each; an empty object is nothing."""
    return {
        name.replace(".config.", "."): value
        for key, part in snapshot.items()
        if key not in without
        for name, value in _named(key, part)
        if not PLACES.fullmatch(name) and value != {}
    }


def differing(runs: Sequence[Record]) -> dict[str, list[Any]]:
    """Return the inputs that are not the same in all runs, with each run's value.

    None stands for what a run does not have. What says the same as another input is left out: the
    particulars of other data, and a setting that varies along with a parameter.
    """
    every = [inputs_of(run) for run in runs]
    found = varying(every)
    if "data_fingerprint" in found or "instrument_ids" in found:
        found = {n: v for n, v in found.items() if not n.startswith(("data.", "instruments."))}
    return _told_once(found)


def varying_settings(runs: Sequence[Record]) -> dict[str, list[Any]]:
    """Return the parameters and venue settings that vary among runs of one strategy, run by run.

    One strategy has one name, or the same parameters under several names. What only says which
    instrument it was is left out: lists have that anyway.
    """
    every = [chosen_of(run) | _venue_settings(run) for run in runs]
    alike: dict[object, list[dict[str, Any]]] = {}
    for run, settings in zip(runs, every, strict=True):
        telling = {n: v for n, v in settings.items() if not _names_instrument(v, run)}
        parameters = frozenset(name for name in telling if not name.startswith("venues."))
        for kind in (run.strategy_name, parameters):
            alike.setdefault(kind, []).append(telling)
    found = [name for some in alike.values() for name in _told_once(varying(some))]
    return {name: [settings.get(name) for settings in every] for name in found}


def _venue_settings(run: Record) -> dict[str, Any]:
    settings = settings_of({"venues": run.config_snapshot.get("venues")})
    return {
        name: value
        for name, value in settings.items()
        if name.startswith("venues.") and not name.endswith((".name", "_path"))
    }


def _names_instrument(value: object, run: Record) -> bool:
    return isinstance(value, str) and any(
        value == instrument or value.startswith(f"{instrument}-")
        for instrument in run.instrument_ids
    )


def digests_of(provenance: Json) -> dict[str, str]:
    """Return the digest of each source file that a run used."""
    found = provenance.get("source_sha256")
    return found if isinstance(found, dict) else {}


def varying(every: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what is not the same in all, in the order of `inputs_of`, with the value of each."""
    names = sorted(dict.fromkeys(name for inputs in every for name in inputs), key=_group)
    columns = {name: [inputs.get(name) for inputs in every] for name in names}
    return {name: values for name, values in columns.items() if len({*map(repr, values)}) > 1}


def _group(name: str) -> int:
    """Return the place of a name's kind: of parameters before venues, and code at the end."""
    if name in MONEY_AND_TIME or name == "data_fingerprint":
        return 3
    groups = (name in RUN_INPUTS, name.startswith("parameters."), name.startswith("venue"))
    return groups.index(True) if any(groups) else 4


def _told_once(varying: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out what varies as another input does."""
    told: set[tuple[str, ...]] = set()
    found = {}
    for name, values in varying.items():
        written = tuple(map(str, values))
        if written not in told or name in RUN_INPUTS:
            found[name] = values
        told.add(written)
    return found


def _code(provenance: Json) -> dict[str, Any]:
    """Return the versions of all code: of files by their digests, of packages by their numbers."""
    git = provenance.get("git") or {}
    commit = git.get("commit")
    packages = provenance.get("package_versions") or {}
    return {
        **{file_name(path): digest[:SHORT] for path, digest in digests_of(provenance).items()},
        "commit": commit and commit[:SHORT] + ("+" if git.get("dirty") else ""),
        **{name: provenance.get(key) for key, name in VERSIONS.items()},
        **{f"package {name}": version for name, version in packages.items()},
    }


def file_name(path: str) -> str:
    """Return a file as a person knows it; a package's own file by its folder."""
    file = PurePath(path)
    return f"{file.parent.name}/{file.name}" if file.stem == "__init__" else file.name


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is in a document under one name each, what is in lists by its place there."""
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _named(f"{name}.{key}", part)
    else:
        yield name, value
