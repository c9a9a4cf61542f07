"""Typed columns of runs, each parameter in one of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from backtest_store.models import RECORD_FIELDS, Record
from backtest_store.runs.expressions.parameters import flattened, plain
from backtest_store.store.record_fields import LISTED, TYPES
from backtest_store.suggestions import suggestion

Kind = Literal["truth", "integer", "number", "text", "time", "date", "texts", "numbers", "json"]
PREFIX = "parameters."
DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
LARGEST_INTEGER = 2**63 - 1
KINDS: dict[str, Kind] = {
    "bool": "truth",
    "int": "integer",
    "float": "number",
    "Decimal": "number",
    "datetime": "time",
    "date": "date",
    "list[str]": "texts",
    "list[int]": "numbers",
    "list[float | None]": "numbers",
    "Json": "json",
}


class TypedColumn(NamedTuple):
    """A column: its name, what its values are, and the values, None where a run has none."""

    name: str
    kind: Kind
    values: list[Any]


def table_of(runs: Sequence[Record], names: Sequence[str] | None = None) -> list[TypedColumn]:
    """Return runs as columns: of the names given, or those that lists have.

    A parameter goes as `parameters.fast_period` or alone; `parameters` is all of them.
    """
    flat = [flattened(run.parameters) for run in runs]
    known = list(dict.fromkeys(name for parameters in flat for name in parameters))
    columns = []
    for name in LISTED if names is None else names:
        if name == "parameters":
            columns += [parameter_column(each, flat) for each in known]
        elif name in RECORD_FIELDS:
            columns.append(_field_column(name, runs))
        else:
            columns.append(parameter_column(_parameter(name, known, runs), flat))
    return columns


def _parameter(name: str, known: Sequence[str], runs: Sequence[Record]) -> str:
    bare = name.removeprefix(PREFIX)
    if runs and bare not in known:
        from backtest_store.errors import UsageError

        hint = suggestion(bare, [*RECORD_FIELDS, *known])
        raise UsageError(f"no run here has a field or parameter {name!r}", hint=hint)
    return bare


def _field_column(name: str, runs: Sequence[Record]) -> TypedColumn:
    kind = KINDS.get(TYPES[name], "text")
    values = [getattr(run, name) for run in runs]
    if TYPES[name] == "Decimal":
        values = [None if value is None else float(value) for value in values]
    elif TYPES[name] == "UUID":
        values = [None if value is None else str(value) for value in values]
    return TypedColumn(name, kind, values)


def parameter_column(name: str, flat: Sequence[dict[str, Any]]) -> TypedColumn:
    """Return the values of a parameter, as numbers where all are, be it as decimals in text."""
    return typed(f"{PREFIX}{name}", [parameters.get(name) for parameters in flat])


def typed(name: str, values: Sequence[Any]) -> TypedColumn:
    """Return JSON values as a column of one kind."""
    known = [value for value in values if value is not None]
    kinds = {_kind(value) for value in known}
    if kinds == {"truth"}:
        return TypedColumn(name, "truth", [*values])
    if kinds == {"integer"}:
        return TypedColumn(name, "integer", [None if v is None else int(v) for v in values])
    if kinds and kinds <= {"integer", "number"}:
        return TypedColumn(name, "number", [None if v is None else float(v) for v in values])
    return TypedColumn(name, "text", [None if v is None else plain(v) for v in values])


def _kind(value: object) -> Kind:
    """Return what a JSON value is; text that is a decimal is a number."""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        return "text"
    if isinstance(value, int | float | str):
        is_whole = not isinstance(value, float) and Decimal(value) == Decimal(value).to_integral()
        is_plain = is_whole and (not isinstance(value, str) or value.lstrip("-").isdecimal())
        return "integer" if is_plain and abs(int(value)) <= LARGEST_INTEGER else "number"
    return "json"
