"""Turn an expression into conditions: the names in it into fields, parameters and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from backtest_store.errors import UsageError
from backtest_store.models import RECORD_FIELDS
from backtest_store.runs.expressions import documents, field_comparisons
from backtest_store.runs.expressions.parser import on_one_line, parse, refused
from backtest_store.runs.expressions.tree import (
    Comparison,
    Contains,
    Holds,
    Joined,
    Literal,
    Name,
    Node,
    Not,
)
from backtest_store.runs.expressions.typed_values import plain_text
from backtest_store.store import sql
from backtest_store.store.record_fields import TYPES
from backtest_store.store.sql import Condition

PARAMETERS = "parameters"
ALIASES = {
    "batch": "batch",
    "config": "config_snapshot",
    "instrument": "instrument_ids",
    "strategy": "strategy_name",
    "tag": "tags",
    "type": "strategy_type",
}
DOCUMENTS = tuple(name for name in RECORD_FIELDS if TYPES[name] == "Json")


class Subject(NamedTuple):
    """What a name means: a field, or a path into a field that is a document."""

    field: str
    path: tuple[str, ...] = ()


class Where(NamedTuple):
    """An expression, ready to be asked: what a run must meet, and what it names, each once."""

    conditions: tuple[Condition, ...]
    subjects: tuple[Subject, ...]


def where(text: str) -> Where:
    """Return what an expression asks of runs, or refuse it with a mark below the place."""
    line = on_one_line(text)
    tree = parse(line)
    compiled = _Compiler(line)
    parts = tree.parts if isinstance(tree, Joined) and tree.word == "and" else (tree,)
    return Where(
        conditions=tuple(compiled.condition(part) for part in parts),
        subjects=tuple(dict.fromkeys(subject_of(name.parts) for name in names(tree))),
    )


def names(tree: Node) -> Iterator[Name]:
    """Yield the names in an expression."""
    match tree:
        case Joined(_, parts):
            for part in parts:
                yield from names(part)
        case Not(inner):
            yield from names(inner)
        case Comparison(name) | Contains(name) | Holds(name):
            yield name


def subject_of(parts: tuple[str, ...]) -> Subject:
    """Return what a name means: a field goes before a parameter of the same name."""
    first, rest = ALIASES.get(parts[0], parts[0]), parts[1:]
    if first in DOCUMENTS and rest:
        return Subject(first, rest)
    if (first in RECORD_FIELDS or first == "batch") and not rest:
        return Subject(first)
    return Subject(PARAMETERS, parts)


class _Compiler:
    """Makes conditions of an expression; what is wrong with a part is said at its place."""

    def __init__(self, text: str) -> None:
        self._text = text

    def condition(self, tree: Node) -> Condition:
        """Return the condition that a part of an expression is."""
        match tree:
            case Joined(word, parts):
                each = [self.condition(part) for part in parts]
                return sql.joined(field_comparisons.NAME, "AND" if word == "and" else "OR", each)
            case Not(inner):
                return sql.negated(self.condition(inner))
            case Comparison(name, operator, literal):
                return self._explained(literal.at, lambda: _compared(name, operator, literal))
            case Contains(name, literal):
                return self._explained(literal.at, lambda: _contains(name, literal))
            case Holds(name):
                return self._explained(name.at, lambda: _holds(name))

    def _explained(self, at: int, make: Callable[[], Condition]) -> Condition:
        try:
            return make()
        except UsageError as error:
            raise refused(self._text, at, str(error), error.hint) from None


def _compared(name: Name, operator: str, literal: Literal) -> Condition:
    field, path = subject_of(name.parts)
    value = literal.value
    if isinstance(value, str):
        plain_text(value)
    if path:
        return documents.compared(field, path, operator, value)
    return (
        _of_batch(operator, literal)
        if field == "batch"
        else (field_comparisons.compared(field, operator, value))
    )


def _of_batch(operator: str, literal: Literal) -> Condition:
    """Return the condition that a run is of a grid, whose id, its beginning or name is given."""
    if literal.value is None:
        return field_comparisons.compared("batch_id", operator, None)
    if operator not in {"=", "!="} or not isinstance(literal.value, str):
        raise UsageError("batch is an id or a name, such as batch == 'grid200'")
    found = field_comparisons.fragment("batch", literal.value)
    if operator == "=":
        return found
    is_of_one = field_comparisons.compared("batch_id", "!=", None)
    return sql.joined(field_comparisons.NAME, "AND", [is_of_one, sql.negated(found)])


def _contains(name: Name, literal: Literal) -> Condition:
    field, path = subject_of(name.parts)
    if not isinstance(literal.value, str):
        raise UsageError(f"only a text can be in {name.text}")
    text = plain_text(literal.value)
    if path:
        return documents.contains(field, path, text)
    return field_comparisons.contains("batch_name" if field == "batch" else field, text)


def _holds(name: Name) -> Condition:
    field, path = subject_of(name.parts)
    if path:
        return documents.holds(field, path)
    return field_comparisons.holds("batch_id" if field == "batch" else field)
