"""Runs as a notebook has them: they show themselves as tables, and become data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from backtest_store.models import Record
from backtest_store.runs.notebooks import data_frames, html_tables
from backtest_store.runs.notebooks.typed_columns import table_of
from backtest_store.statistics.months import months_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

R = TypeVar("R", bound=Record)


class Runs(Sequence[R], Generic[R]):
    """Runs in an order, which a notebook shows as a table.

    Parameters
    ----------
    runs : sequence of Record
        The runs.
    columns : sequence of str, optional
        What the table and the data frames show of them.
    """

    def __init__(self, runs: Sequence[R], columns: Sequence[str] | None = None) -> None:
        self._runs = list(runs)
        self._columns = columns

    @overload
    def __getitem__(self, place: int) -> R: ...

    @overload
    def __getitem__(self, place: slice) -> Runs[R]: ...

    def __getitem__(self, place: int | slice) -> R | Runs[R]:
        if isinstance(place, slice):
            return Runs(self._runs[place], self._columns)
        return self._runs[place]

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"<{len(self)} runs>" if len(self) != 1 else "<1 run>"

    def _repr_html_(self) -> str:
        return html_tables.table(self._runs, self._columns) if self._runs else "<p>no run</p>"

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame of pandas, a row a run, each parameter in a column of its own.

        Columns are called as fields are, parameters ``parameters.fast_period``. Whole numbers
        stay whole where some are missing; times are in UTC; amounts of money are float64, exact
        ones are in the runs themselves.

        Raises
        ------
        StoreError
            If pandas is not installed.
        """
        return data_frames.to_pandas(table_of(self._runs, self._columns))

    def to_polars(self) -> pl.DataFrame:
        """Return a data frame of polars, as `to_pandas` does.

        Raises
        ------
        StoreError
            If polars is not installed.
        """
        return data_frames.to_polars(table_of(self._runs, self._columns))


class StoredRun(Record):
    """One run, whole; its fields are those of a record, and a notebook shows it as a table."""

    def months(self) -> pd.Series:
        """Return what the run earned in each month, a fraction, under the month's first day.

        It is NaN for a month without market data; the series is empty if nothing is known.

        Raises
        ------
        StoreError
            If pandas is not installed.
        """
        pandas = data_frames.imported("pandas", "months()")
        months = months_of(self)
        returns = [month.total if month.count else None for month in months]
        firsts = pandas.DatetimeIndex([month.first for month in months], name="month")
        return pandas.Series(returns, index=firsts, name="return", dtype="float64")

    def _repr_html_(self) -> str:
        return html_tables.page(self)
