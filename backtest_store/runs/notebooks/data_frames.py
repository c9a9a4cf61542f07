"""Columns as a data frame of pandas or polars, which are imported when one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from backtest_store.errors import StoreError
from backtest_store.runs.expressions.parameters import plain
from backtest_store.runs.notebooks.typed_columns import Kind, TypedColumn

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

PANDAS: dict[Kind, str] = {
    "truth": "boolean",
    "integer": "Int64",
    "number": "float64",
    "time": "datetime64[us, UTC]",
    "date": "datetime64[us]",
}
POLARS: dict[Kind, str] = {
    "truth": "Boolean",
    "integer": "Int64",
    "number": "Float64",
    "date": "Date",
}


def imported(module: str, what_for: str) -> Any:
    """Return a library that is an extra, or say how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        hint = f"install it beside this package: python -m pip install {package}"
        raise StoreError(
            f"{what_for} needs {package}, which is not installed", hint=hint
        ) from error


def to_pandas(columns: Sequence[TypedColumn]) -> pd.DataFrame:
    """Return columns as a frame of pandas."""
    pandas = imported("pandas", "to_pandas()")
    series = {
        column.name: pandas.Series(column.values, dtype=PANDAS.get(column.kind, "object"))
        for column in columns
    }
    return cast("pd.DataFrame", pandas.DataFrame(series))


def to_polars(columns: Sequence[TypedColumn]) -> pl.DataFrame:
    """Return columns as a frame of polars."""
    polars = imported("polars", "to_polars()")
    kinds: dict[Kind, Any] = {kind: getattr(polars, name) for kind, name in POLARS.items()}
    kinds["time"] = polars.Datetime("us", "UTC")
    kinds["texts"] = polars.List(polars.String)
    kinds["numbers"] = polars.List(polars.Float64)
    return cast(
        "pl.DataFrame",
        polars.DataFrame(
            [
                polars.Series(column.name, _flat(column), kinds.get(column.kind, polars.String))
                for column in columns
            ]
        ),
    )


def _flat(column: TypedColumn) -> list[Any]:
    """Return values that polars has a type for: nested objects are text."""
    _, kind, values = column
    if kind == "numbers":
        return [row and [None if n is None else float(n) for n in row] for row in values]
    return [v and plain(v) for v in values] if kind == "json" else values
