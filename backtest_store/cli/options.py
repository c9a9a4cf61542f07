"""Options and arguments that commands share."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtest_store.cli import completion

if TYPE_CHECKING:
    from backtest_store.filters import Filters


class Format(StrEnum):
    """How runs are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


class Status(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print it.")]
RUN_HELP = "A full id, its first 4 or more characters, @latest, @latest~2 or @best:sharpe_ratio."
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=completion.runs)
]
RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUN...", help=RUN_HELP, autocompletion=completion.runs)
]


def filter_options(
    *,
    strategy: Annotated[
        str | None,
        typer.Option(help="Only runs of this strategy.", autocompletion=completion.strategies),
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only strategies of this type.")
    ] = None,
    instrument: Annotated[str | None, typer.Option(help="Only runs with this instrument.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only runs that ended so.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only runs begun since: 2024-01-31, 12h, 7d or 2w."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only runs begun until then, a day included.")
    ] = None,
    tag: Annotated[list[str], typer.Option(help="Only runs with this tag. Repeatable.")] = [],  # noqa: B006
    param: Annotated[
        list[str],
        typer.Option(
            metavar="COMPARISON",
            help="Only runs with a parameter like 'fast_period>=10' or 'exit.atr_multiple>2'. "
            "Repeatable.",
        ),
    ] = [],  # noqa: B006
    metric: Annotated[
        list[str],
        typer.Option(
            metavar="COMPARISON",
            help="Only runs with a metric like 'sharpe_ratio>1' or 'max_drawdown>-10%'. "
            "Repeatable.",
        ),
    ] = [],  # noqa: B006
) -> Filters:
    """Return the filters that the options of a command line make."""
    from backtest_store.filters import filters

    return filters(
        strategy=strategy,
        strategy_type=type_,
        instrument=instrument,
        status=status,
        since=since,
        until=until,
        tags=tag,
        parameters=param,
        metrics=metric,
    )


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `filter_options`; it gets what they make as `filters`."""
    shared = signature(filter_options, eval_str=True, globals=_names()).parameters
    own = signature(command, eval_str=True, globals=_names(command)).parameters
    options = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in shared.values()]
    first = [p.replace(kind=Parameter.KEYWORD_ONLY) for n, p in own.items() if n != "filters"]

    @wraps(command)
    def with_filters(**given: Any) -> None:
        asked = {name: given.pop(name) for name in shared}
        command(filters=filter_options(**asked), **given)

    with_filters.__signature__ = Signature([*first, *options])  # type: ignore[attr-defined]
    with_filters.__annotations__ = {p.name: p.annotation for p in [*first, *options]}
    return with_filters


def _names(command: Callable[..., None] | None = None) -> dict[str, Any]:
    """Return the names that annotations may use; the type of `filters` is for the reader alone."""
    return (globals() if command is None else command.__globals__) | {"Filters": object}
