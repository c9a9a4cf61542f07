"""The filters: each entry of `FILTERS` is one, with its option, its help, its reader and its SQL.

A new filter is an entry here and its condition in `sql/filters/`: the shell's options, their
completion and the table in the documentation are made from this list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

from backtest_store.models import METRIC_FIELDS, Status
from backtest_store.runs.expressions import field_comparisons
from backtest_store.runs.expressions.asked_filters import Filters
from backtest_store.runs.expressions.parameters import parameter_condition
from backtest_store.runs.expressions.typed_values import (
    comparison,
    parse_end_time,
    parse_time,
    plain_text,
)
from backtest_store.runs.expressions.where import PARAMETERS, Subject, where
from backtest_store.store import sql
from backtest_store.store.record_fields import COMPARABLE_METRICS, known
from backtest_store.store.sql import Condition

Typed = str | Sequence[str] | None


class Filter(NamedTuple):
    """A filter: how it is asked for, and what it asks of a run.

    `name` is the keyword that `filters` takes, `metavar` what the option's help calls the value;
    `condition` turns a typed value into a condition, whose SQL is in `sql/filters/`. Runs must meet
    all values of a `repeatable` one; `completion` names what `cli.completion` offers.
    """

    name: str
    option: str
    metavar: str
    help: str
    condition: Callable[[str], Condition]
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    completion: Literal["strategies"] | None = None


def filters(**typed: Typed) -> Filters:
    """Return the filters that a person typed, each under its name; UsageError if one is none.

    A time is a date, a date and time (UTC unless it says otherwise), or an age: 7d, 12h, 2w.
    """
    unknown = typed.keys() - FILTERS.keys()
    if unknown:
        raise TypeError(f"no such filter: {', '.join(sorted(unknown))}")
    conditions = tuple(
        found.condition(value)
        for name, found in FILTERS.items()
        for value in _values(typed.get(name))
    )
    (strategy,) = _values(typed.get("strategy")) or (None,)
    subjects = [
        *(Subject(name) for name in _compared(typed.get("metrics"))),
        *(Subject(PARAMETERS, tuple(n.split("."))) for n in _compared(typed.get("parameters"))),
        *(each for text in _values(typed.get("where")) for each in where(text).subjects),
    ]
    metrics = tuple(field for field, path in subjects if field in METRIC_FIELDS and not path)
    return Filters(conditions, metrics, strategy, tuple(dict.fromkeys(subjects)))


def _compared(typed: Typed) -> tuple[str, ...]:
    """Return what comparisons are about, each once."""
    return tuple(dict.fromkeys(comparison(text, "--param").name for text in _values(typed)))


def _values(typed: Typed) -> Sequence[str]:
    if typed is None:
        return ()
    return (typed,) if isinstance(typed, str) else typed


def _reading(name: str, read: Callable[[str], object] = str) -> Callable[[str], Condition]:
    """Return what makes the condition of that name of a typed value."""
    return lambda text: sql.condition(name, read(plain_text(text)))


def _metric(text: str) -> Condition:
    name, operator, value = comparison(text, "--metric")
    return field_comparisons.compared(known(name, COMPARABLE_METRICS, "metric"), operator, value)


_EVERY = (
    Filter(
        "strategy", "--strategy", "NAME", "Only runs of this strategy.", _reading("strategy"),
        completion="strategies",
    ),
    Filter(
        "strategy_type", "--type", "TYPE", "Only strategies of this type, such as momentum.",
        _reading("type"),
    ),
    Filter(
        "instrument", "--instrument", "ID", "Only runs with this instrument, such as ES.GLBX.",
        _reading("instrument"),
    ),
    Filter(
        "status", "--status", "STATUS", "Only runs with this status.", _reading("status"),
        choices=get_args(Status),
    ),
    Filter(
        "currency", "--currency", "CODE",
        "Only runs whose amounts are in this currency, such as USD.", _reading("currency"),
    ),
    Filter(
        "since", "--since", "TIME",
        "Only runs started at this time or later, UTC: 2024-01-31, 12h, 7d or 2w.",
        _reading("since", parse_time),
    ),
    Filter(
        "until", "--until", "TIME",
        "Only runs started up to this time, UTC; a date includes its whole day.",
        _reading("until", parse_end_time),
    ),
    Filter(
        "tags", "--tag", "TAG", "Only runs with this tag. Repeatable.",
        _reading("tag", lambda tag: [tag]), repeatable=True,
    ),
    Filter(
        "batch", "--batch", "BATCH",
        "Only runs of this grid: its id, the beginning of it, its name, @batch or @batch~2.",
        _reading("batch"),
    ),
    Filter(
        "note", "--note", "WORDS",
        "Only runs whose note has these words: 'stop -wide', '\"too tight\"', 'this or that'.",
        _reading("note"),
    ),
    Filter(
        "author", "--author", "USER", "Only runs of this user, or user@host.", _reading("author"),
    ),
    Filter(
        "parameters", "--param", "COMPARISON",
        "Only runs with a parameter like 'fast_period>=10' or 'exit.atr_multiple>2'. Repeatable.",
        lambda text: parameter_condition(comparison(text, "--param")), repeatable=True,
    ),
    Filter(
        "metrics", "--metric", "COMPARISON",
        "Only runs with a metric like 'sharpe_ratio>1' or 'max_drawdown>-10%'. Repeatable.",
        _metric, repeatable=True,
    ),
    Filter(
        "where", "--where", "EXPRESSION",
        'Only runs for which this is true: "sharpe_ratio > 1 and (fast_period >= 10 or use_stop)".',
        lambda text: sql.joined("where", "AND", where(text).conditions),
    ),
)  # fmt: skip
FILTERS = {found.name: found for found in _EVERY}
