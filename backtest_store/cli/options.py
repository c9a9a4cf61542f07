"""Options and arguments that commands share."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtest_store.cli import completion
from backtest_store.cli.output.writers import Format
from backtest_store.models import RECORD_FIELDS
from backtest_store.runs.filters import FILTERS, Filter, Filters, filters
from backtest_store.suggestions import named_or_nearest

if TYPE_CHECKING:
    from asyncpg import Connection

MOST_STRATEGIES = 1000
RUNS_LOOKED_AT = 10_000  # for the names of their parameters
NO_RUNS = "no runs yet: `btstore demo` makes the first, `btstore run CONFIG` your own"
NO_MATCH = "no run matches"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print it.")]
RUN_HELP = (
    "A full id, its first 4 or more characters, @latest, @latest~2, @best:sharpe_ratio, @starred,"
    " @batch, or RUN~, the original of a reproduction."
)
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help=RUN_HELP, autocompletion=completion.runs)
]
RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUN...", help=RUN_HELP, autocompletion=completion.runs)
]

OverwriteOption = Annotated[
    bool, typer.Option("--yes", "-y", "--force", help="Overwrite FILE without asking.")
]


def with_filters(
    *left_out: str, **arguments: object
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each filter; it gets what is typed as `filters`.

    Parameters
    ----------
    *left_out
        Names of filters that the command does not have.
    **arguments
        Annotations of arguments that take the place of options, under the filters' names.
    """
    asked_for = {name: asked for name, asked in FILTERS.items() if name not in left_out}

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        parameters = [
            *(_keyword(name, annotation) for name, annotation in arguments.items()),
            *(p for p in signature(command).parameters.values() if p.name != "filters"),
            *(_option(asked) for name, asked in asked_for.items() if name not in arguments),
        ]

        @wraps(command)
        def with_filters(**typed: Any) -> None:
            command(filters=filters(**{name: typed.pop(name) for name in asked_for}), **typed)

        with_filters.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        with_filters.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_filters

    return decorated


def _keyword(name: str, annotation: object, default: object = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option(asked: Filter) -> Parameter:
    """Return a filter's option as a parameter of a command."""
    kind: Any = StrEnum(asked.name, {c: c for c in asked.choices}) if asked.choices else str
    option = typer.Option(
        asked.option,
        metavar=None if asked.choices else asked.metavar,
        help=asked.help,
        autocompletion=getattr(completion, asked.completion) if asked.completion else None,
    )
    if asked.repeatable:
        return _keyword(asked.name, Annotated[list[kind], option], [])
    return _keyword(asked.name, Annotated[kind | None, option], None)


def no_runs_message(asked: Filters) -> str:
    """Return what to say if there are no runs; of a misspelt name, what may have been meant."""
    if not asked.conditions:
        return NO_RUNS
    strategies, parameters = _names() if asked.strategy or asked.parameters else ([], [])
    if asked.strategy and asked.strategy not in strategies:
        return f"{NO_MATCH}: there is no strategy {named_or_nearest(asked.strategy, strategies)}"
    for name in asked.parameters:
        if name.partition(".")[0] not in parameters:
            known = [*parameters, *RECORD_FIELDS]
            return f"{NO_MATCH}: no run has a parameter {named_or_nearest(name, known)}"
    return NO_MATCH


def _names() -> tuple[list[str], list[str]]:
    """Return the names of strategies and of parameters that runs have."""
    from backtest_store.cli.spinner import read
    from backtest_store.store import queries

    async def names(db: "Connection") -> tuple[list[str], list[str]]:
        strategies = await queries.strategy_names(db, prefix="", limit=MOST_STRATEGIES)
        return strategies, await queries.parameter_names(db, newest=RUNS_LOOKED_AT)

    return read(names)


def counted(runs: int) -> str:
    """Return how many runs there are, in words."""
    return "1 run" if runs == 1 else f"{runs:,} runs"


def examples(*commands: str) -> str:
    """Return the end of a command's help, each example on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
