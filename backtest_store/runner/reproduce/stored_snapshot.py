"""What a stored snapshot says about how to run it again. Nothing here needs NautilusTrader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backtest_store.models import Json
from backtest_store.redaction import REDACTED

COMPONENTS = ("strategies", "actors", "exec_algorithms")
IN_SCRIPT = "__main__"
ON_THIS_MACHINE = (None, "file", "local")


def is_runnable(snapshot: Json) -> bool:
    """Tell whether a node can run the snapshot; data in memory cannot be had again by it."""
    data = snapshot.get("data")
    has_catalogs = isinstance(data, list) and all(
        isinstance(entry, dict) and entry.get("catalog_path") for entry in data
    )
    return bool(data) and has_catalogs and isinstance(snapshot.get("engine"), dict)


def missing_catalog(data: Sequence[Json]) -> str | None:
    """Return the path of the first catalog that is not on this machine, though it should be."""
    for entry in data:
        path, protocol = str(entry["catalog_path"]), entry.get("catalog_fs_protocol")
        if protocol in ON_THIS_MACHINE and "://" not in path and not Path(path).is_dir():
            return path
    return None


def redacted_names(snapshot: Json) -> list[str]:
    """List the keys, dotted, whose values were taken out before they were stored."""
    return [name for name, value in _leaves(snapshot, "") if REDACTED in str(value)]


def component_paths(snapshot: Json) -> list[str]:
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


def import_roots(snapshot: Json, provenance: Json) -> list[str]:
    """Return the folders from which the run imported its strategies.

    A script's folder is on its path; a fresh process would not know it. Where a module's file was
    tells where the import began.
    """
    files = [Path(file) for file in provenance.get("source_sha256") or {}]
    modules = {path.partition(":")[0] for path in component_paths(snapshot)}
    parts = [Path(*module.split(".")).with_suffix(".py").parts for module in sorted(modules)]
    roots = [
        str(Path(*file.parts[: -len(part)]))
        for part in parts
        for file in files
        if file.parts[-len(part) :] == part
    ]
    return list(dict.fromkeys(roots))


def _leaves(value: Any, above: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{above}.{name}" if above else str(name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{above}.{place}")
    else:
        yield above, value
