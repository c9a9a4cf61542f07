"""The source of one module, as it was when it was imported: its digest, and what it uses."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from backtest_store.capture.identity.code.changed_modules import is_as_imported
from backtest_store.capture.identity.json_values import canonical, path_of, plain
from backtest_store.models import JsonValue

# What makes a generator of its own, and does not draw from the one that a whole process shares.
OWN_GENERATORS = frozenset(
    {"Random", "SystemRandom", "default_rng", "Generator", "RandomState", "SeedSequence"}
)
UNSEEDED = frozenset({"Random", "SystemRandom", "default_rng", "RandomState"})  # without a seed
SEEDING = frozenset({"seed", "setstate", "set_state"})
RANDOM = "random"
NUMPY = "numpy"
SYSTEM = "the system"  # which has no state that a run could begin from
SHARED_GENERATORS = {"random": RANDOM, "numpy.random": NUMPY}  # by the module that draws from it


@dataclass(frozen=True)
class Uses:
    """What source uses: the modules it imports, relative ones with their dots, and chance.

    `draws` names the generators that it draws from, of those that a whole process shares: that of
    the module `random`, that of `numpy`, and the system's, which seeds what nothing else does.
    """

    imports: frozenset[str] = frozenset()
    draws: frozenset[str] = frozenset()


def uses_of(content: bytes) -> Uses:
    """Read what source imports, anywhere in it, and from which shared generators it draws."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError):
        return Uses()
    imports = frozenset(name for node in nodes for name in _imported(node))
    names = _names_of_generators(nodes)
    drawn = {drawn for node in nodes for drawn in _drawn(node, names)}
    drawn.update(_passed_on(nodes, names), *map(_unseeded, nodes))
    return Uses(imports, frozenset(drawn))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        separator = "" if base.endswith(".") else "."
        yield from (f"{base}{separator}{alias.name}" for alias in node.names)


def _names_of_generators(nodes: Iterable[ast.AST]) -> dict[str, set[str]]:
    """Return the names under which source has modules that draw; one may mean either."""
    names: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if generator := SHARED_GENERATORS.get(package + alias.name):
                    names.setdefault(alias.asname or alias.name, set()).add(generator)
    return names if RANDOM in names else names | {RANDOM: {RANDOM}}


def _drawn(node: ast.AST, names: dict[str, set[str]]) -> Iterator[str]:
    """Yield the generators whose functions a node names, as `random.x` or `numpy.random.x`."""
    if isinstance(node, ast.ImportFrom):
        package, _, last = (node.module or "").rpartition(".")
        if last == RANDOM and any(alias.name not in OWN_GENERATORS for alias in node.names):
            yield NUMPY if package else RANDOM
    elif isinstance(node, ast.Attribute) and node.attr not in OWN_GENERATORS:
        owner = node.value
        if isinstance(owner, ast.Name):
            yield from names.get(owner.id, ())
        elif isinstance(owner, ast.Attribute) and owner.attr == RANDOM:
            yield NUMPY


def _passed_on(nodes: Iterable[ast.AST], names: dict[str, set[str]]) -> Iterator[str]:
    """Yield the generators whose module is itself a value, as in `rng = random`: it may draw."""
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if id(node) in owners:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                yield from names.get(name, ())
            case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"):
                yield NUMPY


def _unseeded(node: ast.AST) -> Iterator[str]:
    """Yield the system's generator if a function makes one of it and does not seed it.

    What a constructor or a module makes is kept, and counts by its state when the run begins.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
        calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
        named = [(getattr(c.func, "attr", getattr(c.func, "id", None)), _seeds(c)) for c in calls]
        if not any(name in SEEDING and seeds for name, seeds in named):
            yield from {SYSTEM for name, seeds in named if name in UNSEEDED and not seeds}


def _seeds(call: ast.Call) -> bool:
    """Tell whether a call is given anything, None aside."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(not (isinstance(one, ast.Constant) and one.value is None) for one in given)


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

    Of a notebook the classes of the run, and what they use, count alone.
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
    seen: dict[str, JsonValue] = {}
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
    drawn = frozenset(SHARED_GENERATORS.get(name, name) for name in imports) & {RANDOM, NUMPY}
    uses = Uses(frozenset(imports), drawn)
    return Source(None, hashlib.sha256(canonical(seen).encode()).hexdigest(), uses)


def _foreign(value: object, name: str) -> Iterator[str]:
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and home != name:
        yield home


def _defined(value: object, home: str) -> tuple[JsonValue, set[str]]:
    """Describe a name of a notebook, and tell what other names it uses."""
    if isinstance(value, FunctionType) and value.__module__ == home:
        return described(value), set(names_in(value.__code__))
    if isinstance(value, type) and value.__module__ == home:
        parts = [_defined(function_in(v), home) for _, v in sorted(vars(value).items())]
        names = {name for _, used in parts for name in used} | {b.__name__ for b in value.__bases__}
        return [[path_of(value)], *(part for part, _ in parts)], names
    return plain(value), set()


def function_in(value: object) -> object:
    """Return the function that a method, a property or a decorator holds."""
    for name in ("__func__", "fget", "__wrapped__"):
        inner = getattr(value, name, None)
        if isinstance(inner, FunctionType):
            return inner
    return value


def code_digest(function: FunctionType) -> str:
    """Return the SHA-256 of what a function does, with its defaults and what it encloses."""
    return hashlib.sha256(canonical(described(function)).encode()).hexdigest()


def described(function: FunctionType) -> JsonValue:
    """Describe a function: its code, its defaults, and the values that it encloses."""
    return [_code(function.__code__), *map(plain, contents_of(function))]


def contents_of(function: FunctionType) -> list[object]:
    """Return what a function holds besides its code: its defaults, and what it encloses."""
    enclosed = [_content(cell) for cell in function.__closure__ or ()]
    return [function.__defaults__ or (), function.__kwdefaults__ or {}, enclosed]


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names that code looks up, and the code inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def _code(code: CodeType) -> JsonValue:
    constants = [
        _code(constant)
        if isinstance(constant, CodeType)
        else [type(constant).__name__, plain(constant)]
        for constant in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), *constants]


def _content(cell: object) -> object:
    try:
        return cell.cell_contents  # type: ignore[attr-defined]
    except ValueError:  # nothing in it yet
        return None
