"""The code of a run: every module that it used from outside of what is installed, as imported.

A process may have imported a great deal that a run has no part in, so the modules are found from
the run's own classes: by what their source imports, wherever in it, and by what their names hold.
"""

from __future__ import annotations

import hashlib
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType

from backtest_store.capture.identity.code.own_modules import is_own, is_own_file
from backtest_store.capture.identity.code.source import Source, source_of, source_of_file
from backtest_store.capture.identity.code.values_in_code import values_in_code
from backtest_store.capture.identity.json_values import canonical, in_any_process
from backtest_store.models import Json

ENGINES_OWN = "nautilus_trader."  # its compiled modules may have neither a file nor a full name
MAIN = "__main__"
VALUES = "values that the code looks up"  # stands among the sources, in place of a file


@dataclass(frozen=True)
class Code:
    """A run's own modules, those of its classes first, and the names of what they import."""

    modules: dict[str, Source]
    libraries: frozenset[str] = field(default=frozenset())

    @property
    def code_hash(self) -> str | None:
        """Return the SHA-256 of all modules; None if one is not known as it was imported."""
        digests = [source.digest for source in self.modules.values()]
        if any(digest is None for digest in digests):
            return None
        return hashlib.sha256("\n".join(sorted(filter(None, digests))).encode()).hexdigest()

    @property
    def values(self) -> Source | None:
        """Return the digest of the values that the code looked up when the run began, if any."""
        return self.modules.get(VALUES)

    def with_values(self, values: Source | None) -> Code:
        """Return the same modules, and the values that they look up."""
        return self if values is None else replace(self, modules=self.modules | {VALUES: values})

    @property
    def draws(self) -> frozenset[str]:
        """Return the shared generators of random numbers that the code draws from."""
        return frozenset().union(*(source.uses.draws for source in self.modules.values()))

    @property
    def files(self) -> list[Path]:
        """Return the files that the modules were imported from."""
        return [source.file for source in self.modules.values() if source.file is not None]

    def digests(self) -> Json:
        """Return the digest of each module under its file, or its name if it has none."""
        return {
            str(source.file or name): source.digest
            for name, source in self.modules.items()
            if source.digest is not None
        }


UNKNOWN_CODE = Code({"": Source(None, None)})


def code_of(classes: Iterable[type]) -> Code:
    """Find the modules that a run's classes use, the script of this process, and their values."""
    code, values = modules_of(classes), values_in_code(classes)
    digest = hashlib.sha256(canonical(values).encode()).hexdigest()
    return code.with_values(Source(None, digest)) if values else code


def modules_of(classes: Iterable[type], *, more: Iterable[str] = ()) -> Code:
    """Find the modules that a run's classes use, the script of this process, and `more` by name."""
    homes: dict[str, list[type]] = {}
    for kind in dict.fromkeys(kind for cls in classes for kind in cls.__mro__):
        homes.setdefault(in_any_process(kind.__module__), []).append(kind)
    found: dict[str, Source] = {}
    libraries: set[str] = set()
    waiting = deque(full for home in homes for full in (home, *_resolved(home, "")))
    waiting.extend([*more, MAIN])
    while waiting:
        name = in_any_process(waiting.popleft())
        if name in found or name in libraries:
            continue
        module, defined = sys.modules.get(name), homes.get(name, [])
        if module is None and not defined:
            found |= _to_be_imported(name)
        elif module is None:  # made by code that was executed from nowhere
            found[name] = Source(None, None)
        elif is_own(module) and not name.startswith(ENGINES_OWN):
            found[name] = source_of(module, defined)
            waiting.extend(_used_by(module, found[name]))
        else:
            libraries.add(name)
    return Code(found, frozenset(libraries))


def _to_be_imported(name: str) -> dict[str, Source]:
    """Return the source of a module of the user's that the code imports, but has not yet."""
    parent = name.rpartition(".")[0]
    if parent and not _may_hold_more(sys.modules.get(parent)):
        return {}
    with suppress(ImportError, ValueError, AttributeError):
        spec = find_spec(name)
        if spec is not None and spec.has_location and is_own_file(str(spec.origin)):
            return {name: source_of_file(Path(str(spec.origin)).resolve())}
    return {}


def _may_hold_more(package: ModuleType | None) -> bool:
    """Tell whether a package may have modules of the user's that nobody has imported yet."""
    if package is None or not hasattr(package, "__path__"):
        return False
    return getattr(package, "__file__", None) is None or is_own(package)


def _used_by(module: ModuleType, source: Source) -> Iterator[str]:
    """Name the modules that a module imports or whose things it holds, ours left out."""
    package = getattr(module, "__package__", None) or ""
    names = {full for name in source.uses.imports for full in _resolved(name, package)}
    if source.file is not None:
        # A package holds its modules under their names, whoever imported them.
        inside = f"{module.__name__}."
        for value in list(vars(module).values()):
            if not (isinstance(value, ModuleType) and value.__name__.startswith(inside)):
                names.add(_home(value))
    yield from (name for name in names if name)


def _home(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    named = value if isinstance(value, type) or callable(value) else type(value)
    home = getattr(named, "__module__", None)
    return home if isinstance(home, str) else ""


@cache
def _resolved(name: str, package: str) -> list[str]:
    """Return a module's full name and those of the packages around it."""
    if name.startswith("."):
        try:
            name = resolve_name(name, package)
        except (ImportError, ValueError):
            return []
    parts = name.split(".")
    return [".".join(parts[: place + 1]) for place in range(len(parts))]
