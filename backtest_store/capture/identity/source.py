"""The source of one module, as it was when the module was imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

from backtest_store.capture.identity.bytecode import described, names_in
from backtest_store.capture.identity.imports import Uses, uses_of
from backtest_store.capture.identity.json_values import canonical, path_of, plain
from backtest_store.capture.identity.loaded_modules import is_as_imported
from backtest_store.models import Plain

NOTHING = Uses()


@dataclass(frozen=True)
class Source:
    """A module's file and digest, and what it uses; without a digest it is not known."""

    file: Path | None
    digest: str | None
    uses: Uses = NOTHING


# By module, what it was loaded from, and its file: a reload makes new ones, an edit does not.
_seen: dict[str, tuple[object, str, Source]] = {}


def source_of(module: ModuleType, classes: Iterable[type] = ()) -> Source:
    """Return a module's source as it was when this process first asked for it.

    Parameters
    ----------
    module : ModuleType
        The module.
    classes : iterable of type
        The classes of the run that it defines; of a notebook these alone and what they use count.
    """
    name, loaded = module.__name__, getattr(module, "__spec__", None) or module
    file = getattr(module, "__file__", None)
    if file is None:
        return _of_namespace(module, classes)
    known = _seen.get(name)
    if known is not None and known[0] is loaded and known[1] == file:
        return known[2]
    source = source_of_file(Path(file).resolve(), module)
    _seen[name] = (loaded, file, source)
    return source


def source_of_file(file: Path, module: ModuleType | None = None) -> Source:
    """Return the source in a file; without a digest if its module was made of something else."""
    try:
        content = file.read_bytes()
        is_same = module is None or is_as_imported(module, file, content)
    except OSError:  # gone since
        return Source(file, None)
    digest = hashlib.sha256(content).hexdigest()
    uses = uses_of(content) if file.suffix == ".py" else NOTHING
    return Source(file, digest if is_same else None, uses)


def _of_namespace(module: ModuleType, classes: Iterable[type]) -> Source:
    """Digest what the classes of a notebook do, and all of its names that they use."""
    held = vars(module)
    seen: dict[str, Plain] = {}
    imports: set[str] = set()
    waiting: list[tuple[str, object]] = [(cls.__qualname__, cls) for cls in classes]
    while waiting:
        name, value = waiting.pop()
        if name in seen:
            continue
        seen[name], used = _defined(value, module.__name__)
        imports.update([value.__name__] if isinstance(value, ModuleType) else [])
        imports.update(_foreign(value, module.__name__))
        waiting.extend((other, held[other]) for other in used if other in held)
    uses = Uses(frozenset(imports), draws=frozenset({"random", "numpy"} & imports))
    return Source(None, hashlib.sha256(canonical(seen).encode()).hexdigest(), uses)


def _foreign(value: object, name: str) -> Iterator[str]:
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and home != name:
        yield home


def _defined(value: object, home: str) -> tuple[Plain, set[str]]:
    """Describe a name of a notebook, and tell what other names it uses."""
    if isinstance(value, FunctionType) and value.__module__ == home:
        return described(value), set(names_in(value.__code__))
    if isinstance(value, type) and value.__module__ == home:
        parts = [_defined(_function_in(v), home) for _, v in sorted(vars(value).items())]
        names = {name for _, used in parts for name in used} | {b.__name__ for b in value.__bases__}
        return [[path_of(value)], *(part for part, _ in parts)], names
    return plain(value), set()


def _function_in(value: object) -> object:
    """Return the function that a method, a property or a decorator holds."""
    for name in ("__func__", "fget", "__wrapped__"):
        inner = getattr(value, name, None)
        if isinstance(inner, FunctionType):
            return inner
    return value
