"""Comparisons with a value inside a document: parameters, configuration, provenance, statistics.

A value is compared to values of its own kind. Text that is a decimal is a number, too, as
NautilusTrader writes sizes and prices as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from backtest_store.errors import UsageError
from backtest_store.runs.expressions.field_comparisons import NAME, fragment
from backtest_store.runs.expressions.typed_values import Value
from backtest_store.store import sql
from backtest_store.store.record_fields import SQL_NAMES
from backtest_store.store.sql import Condition

Path = Sequence[str]
MOST_DECIMALS = 18  # NautilusTrader's finest price has 16


def compared(document: str, path: Path, operator: str, value: Value) -> Condition:
    """Return the condition that a value in a document compares to another so."""
    if operator == "!=":
        other = sql.negated(compared(document, path, "=", value))
        is_there = defined(document, path)
        return is_there if value is None else sql.joined(NAME, "AND", [is_there, other])
    if operator != "=" and not isinstance(value, str | Decimal):
        raise UsageError(f"< and > need a number or text, not {value}")
    if value is None:
        return sql.negated(defined(document, path))
    if operator == "=" and document == "parameters" and not any(map(str.isdigit, path)):
        return fragment("parameter_matches", _matching(path, value))
    field = SQL_NAMES[document]
    if isinstance(value, bool):
        return fragment("json_is", [*path], json.dumps(value), field=field)
    name = "json_text" if isinstance(value, str) else "json_number"
    return fragment(name, [*path], value, field=field, operator=operator)


def _matching(path: Path, value: Value) -> str:
    """Return a path of PostgreSQL's with the forms that a value may have, one being enough."""
    place = "$" + "".join(f".{_quoted(part)}" for part in path)
    return "strict " + " || ".join(f"{place} == {form}" for form in _forms(value))


def _forms(value: Value) -> list[str]:
    if not isinstance(value, Decimal):
        return [_quoted(value)]
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0")
    wholes = [whole] if value else ["0", "-0"]
    lengths = range(len(decimals), max(len(decimals), MOST_DECIMALS) + 1)
    texts = (f"{w}.{decimals.ljust(n, '0')}" if n else w for w in wholes for n in lengths)
    return [f"{value:f}", *map(_quoted, texts)]


def _quoted(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def defined(document: str, path: Path) -> Condition:
    """Return the condition that a value is there, and not null."""
    return fragment("json_defined", [*path], field=SQL_NAMES[document])


def holds(document: str, path: Path) -> Condition:
    """Return the condition that a value is true, or neither null, zero nor empty."""
    return fragment("json_holds", [*path], field=SQL_NAMES[document])


def contains(document: str, path: Path, text: str) -> Condition:
    """Return the condition that a text is in a text or in a list."""
    return fragment("json_contains", [*path], text, field=SQL_NAMES[document])
