"""What an expression asks for: names compared to values, joined by and, or and not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

Value = None | bool | Decimal | str


@dataclass(frozen=True)
class Name:
    """A name as it was written, in parts: `exit.multiple` has two. `at` is where, from 0."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """Return the name with dots."""
        return ".".join(self.parts)


@dataclass(frozen=True)
class Literal:
    """A value as it was written, and where."""

    value: Value
    at: int


@dataclass(frozen=True)
class Comparison:
    """A name beside a value; the operator is one of = != < <= > >=."""

    name: Name
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Contains:
    """A text or list that has a text in it."""

    name: Name
    literal: Literal


@dataclass(frozen=True)
class Holds:
    """A name alone: whether it is true, or not empty."""

    name: Name


@dataclass(frozen=True)
class Not:
    """What does not hold."""

    inner: Node


@dataclass(frozen=True)
class Joined:
    """Several of which all must hold, or one."""

    word: str
    parts: tuple[Node, ...]


Node = Comparison | Contains | Holds | Not | Joined
