"""Options and arguments that commands share."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backtest_store.cli import completion
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from backtest_store.runs.filters import Filter

    Command = Callable[..., None]

NO_RUNS = "no runs yet: `btstore demo` makes the first, `btstore run CONFIG` your own"
NO_MATCH = "no run matches"


FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
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


def metric_option(help_: str) -> Any:
    """Return an option for a metric of which more is better."""
    return typer.Option(metavar="METRIC", help=help_, autocompletion=completion.qualities)


OverwriteOption = Annotated[
    bool, typer.Option("--yes", "-y", "--force", help="Overwrite FILE without asking.")
]


_FILTERED: dict[Command, tuple[tuple[str, ...], dict[str, object]]] = {}


def with_filters(*left_out: str, **arguments: object) -> Callable[[Command], Command]:
    """Give a command an option for each filter that is not left out; it gets them as `filters`.

    Annotated `arguments` take the place of options, under the filters' names.
    """

    def noted(command: Command) -> Command:
        _FILTERED[command] = left_out, arguments
        return command

    return noted


def with_options(command: Command) -> Command:
    """Return a command with the options of its filters, which nothing else needs to load."""
    if command not in _FILTERED:
        return command
    from backtest_store.runs.filters import FILTERS, filters

    left_out, arguments = _FILTERED[command]
    asked_for = {name: asked for name, asked in FILTERS.items() if name not in left_out}
    own = signature(command, eval_str=True).parameters.values()
    parameters = [
        *(_keyword(name, annotation) for name, annotation in arguments.items()),
        *(p for p in own if p.name != "filters"),
        *(_option(asked) for name, asked in asked_for.items() if name not in arguments),
    ]

    @wraps(command)
    def filtered(**typed: Any) -> None:
        command(filters=filters(**{name: typed.pop(name) for name in asked_for}), **typed)

    filtered.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    filtered.__annotations__ = {p.name: p.annotation for p in parameters}
    return filtered


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
    """Return what to say if there are no runs."""
    return NO_MATCH if asked.conditions else NO_RUNS


def counted(runs: int) -> str:
    """Return how many runs there are, in words."""
    return "1 run" if runs == 1 else f"{runs:,} runs"


def examples(*commands: str) -> str:
    """Return the end of a command's help, each example on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
