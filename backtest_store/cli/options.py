"""Options and arguments that commands share."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from backtest_store.cli import completion

if TYPE_CHECKING:
    from backtest_store.store.sql import Condition


MOST_STRATEGIES = 1000
NO_RUNS = "no runs yet: `btstore demo` makes the first, `btstore run CONFIG` your own"
NO_MATCH = "no run matches"


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
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Filters(NamedTuple):
    """What runs are asked for: conditions, the metrics in them, and the strategy by its name."""

    conditions: "tuple[Condition, ...]" = ()
    metrics: tuple[str, ...] = ()
    strategy: str | None = None


FormatOption = Annotated[Format, typer.Option("--format", help="How to print it.")]
RUN_HELP = "A full id, its first 4 or more characters, @latest, @latest~2 or @best:sharpe_ratio."
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=completion.runs)
]
RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUN...", help=RUN_HELP, autocompletion=completion.runs)
]


def filter_options(  # noqa: PLR0913 - each is an option
    *,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only runs of this strategy.",
            autocompletion=completion.strategies,
        ),
    ] = None,
    type_: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only strategies of this type."),
    ] = None,
    instrument: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only runs with this instrument, such as ES.GLBX."),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only runs that ended so.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only runs begun since: 2024-01-31, 12h, 7d or 2w."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only runs begun until then, a day included.")
    ] = None,
    tag: Annotated[
        list[str], typer.Option(metavar="TAG", help="Only runs with this tag. Repeatable.")
    ] = [],  # noqa: B006
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
) -> "Filters":
    """Return the filters that the options of a command line make."""
    asked = (strategy, type_, instrument, status, since, until, *tag, *param, *metric)
    if all(value is None for value in asked):
        return Filters()
    from backtest_store.runs.filters import filters

    made = filters(
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
    return Filters(made.conditions, made.metrics, strategy)


def with_filters(**instead: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `filter_options`; it gets what they make as `filters`.

    Parameters
    ----------
    **instead
        Annotations of arguments that take the place of options.
    """
    shared = signature(filter_options).parameters.values()

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in signature(command).parameters.values() if p.name != "filters"]
        options = [
            p.replace(annotation=instead[p.name], default=Parameter.empty)
            if p.name in instead
            else p
            for p in shared
        ]
        every = sorted([*own, *options], key=lambda p: p.name not in instead)

        @wraps(command)
        def with_filters(**given: Any) -> None:
            asked = {p.name: given.pop(p.name) for p in shared}
            command(filters=filter_options(**asked), **given)

        with_filters.__signature__ = Signature(every)  # type: ignore[attr-defined]
        with_filters.__annotations__ = {p.name: p.annotation for p in every}
        return with_filters

    return decorated


def nothing(asked: Filters) -> str:
    """Return what to say if there are no runs; of a misspelt strategy, what may have been meant."""
    if asked.strategy is None:
        return NO_MATCH if asked.conditions else NO_RUNS
    names = _strategies()
    if asked.strategy in names:
        return NO_MATCH
    from difflib import get_close_matches

    spelt = {name.lower(): name for name in names}
    nearest = get_close_matches(asked.strategy.lower(), spelt, n=1)
    meant = f"; did you mean {spelt[nearest[0]]!r}?" if nearest else ""
    return f"no run matches: there is no strategy {asked.strategy!r}{meant}"


def _strategies() -> list[str]:
    from backtest_store.cli.spinner import call
    from backtest_store.store import queries

    return call(lambda db: queries.strategy_names(db, prefix="", limit=MOST_STRATEGIES))


def counted(runs: int) -> str:
    """Return how many runs there are, in words."""
    return "1 run" if runs == 1 else f"{runs:,} runs"


def examples(*commands: str) -> str:
    """Return the end of a command's help, each example on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
