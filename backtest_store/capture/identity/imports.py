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


@dataclass(frozen=True)
class Uses:
    """What source uses: the modules it imports, relative ones with their dots, and chance."""

    imports: frozenset[str] = frozenset()
    draws: bool = False


def uses_of(content: bytes) -> Uses:
    """Read what source imports, anywhere in it, and whether it draws from a shared generator."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError):
        return Uses()
    imports = frozenset(name for node in nodes for name in _imported(node))
    return Uses(imports, any(_draws(node) for node in nodes))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        yield base
        separator = "" if base.endswith(".") else "."
        yield from (f"{base}{separator}{alias.name}" for alias in node.names)


def _draws(node: ast.AST) -> bool:
    """Tell whether a node names a function of `random` or `numpy.random`."""
    if isinstance(node, ast.ImportFrom):
        is_random = (node.module or "").rpartition(".")[2] == RANDOM
        return is_random and any(alias.name not in OWN_GENERATORS for alias in node.names)
    if not isinstance(node, ast.Attribute) or node.attr in OWN_GENERATORS:
        return False
    owner = node.value
    name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    return name == RANDOM
