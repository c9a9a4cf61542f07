"""What a module's source imports, and whether it draws random numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

# What makes a generator of its own, and does not draw from the one that a whole process shares.
OWN_GENERATORS = frozenset(
    {"Random", "SystemRandom", "default_rng", "Generator", "RandomState", "SeedSequence"}
)
RANDOM = "random"
NUMPY = "numpy"


@dataclass(frozen=True)
class Uses:
    """What source uses: the modules it imports, relative ones with their dots, and chance.

    `draws` names the generators that it draws from, of those that a whole process shares: that of
    the module `random`, and that of `numpy`.
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
    is_numpys = "numpy.random" in imports and RANDOM not in imports
    drawn = frozenset(name for node in nodes for name in _drawn(node))
    return Uses(imports, frozenset({NUMPY}) if is_numpys and drawn else drawn)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        separator = "" if base.endswith(".") else "."
        yield from (f"{base}{separator}{alias.name}" for alias in node.names)


def _drawn(node: ast.AST) -> Iterator[str]:
    """Yield the generator whose functions a node names, as `random.x` or `numpy.random.x`."""
    if isinstance(node, ast.ImportFrom):
        package, _, last = (node.module or "").rpartition(".")
        if last == RANDOM and any(alias.name not in OWN_GENERATORS for alias in node.names):
            yield NUMPY if package else RANDOM
    elif isinstance(node, ast.Attribute) and node.attr not in OWN_GENERATORS:
        owner = node.value
        if isinstance(owner, ast.Name) and owner.id == RANDOM:
            yield RANDOM
        elif isinstance(owner, ast.Attribute) and owner.attr == RANDOM:
            yield NUMPY
