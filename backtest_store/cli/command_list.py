"""The commands by name; a module is imported when its command is run or described, not before.

A new command is a module in `commands/` and its line here. What `btstore --help` says of it is the
first line of its own docstring.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from backtest_store.cli.options import with_options

# Each command's module in `commands/`, and its function or its Typer group there.
COMMANDS = {
    "run": "run:run",
    "exec": "exec:exec_",
    "demo": "demo:demo",
    "history": "history:history",
    "show": "show:show",
    "compare": "compare:compare",
    "report": "report:report",
    "best": "best:best",
    "overfit": "overfit:overfit",
    "walkforward": "walkforward:walkforward",
    "pivot": "pivot:pivot",
    "summary": "summary:summary",
    "trend": "trend:trend",
    "strategies": "strategies:strategies",
    "reproduce": "reproduce:reproduce",
    "tag": "tag:tag",
    "note": "note:note",
    "star": "star:star",
    "rename": "rename:rename",
    "delete": "delete:delete",
    "export": "export:export",
    "import": "import_:import_",
    "sync": "sync:sync",
    "db": "database:app",
}
HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """The group of all commands, each imported when it is asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # of which the nearest is suggested for one that there is not

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        """Return a command, or None of another name."""
        return _command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - likewise
        """Write the list of commands, each with its first line whole."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, description(name)) for name in COMMANDS])


def description(name: str) -> str:
    """Return the first sentence of a command's own help."""
    found = getattr(*_imported(name))
    written = found.info.help if isinstance(found, typer.Typer) else found.__doc__
    return " ".join(str(written).partition("\n\n")[0].split())


def _imported(name: str) -> tuple[Any, str]:
    """Return a command's module and the name of what it is in there."""
    module, _, attribute = COMMANDS[name].partition(":")
    return import_module(f"backtest_store.cli.commands.{module}"), attribute


@cache  # tests call many commands in one process
def _command(name: str) -> Any:
    module, attribute = _imported(name)
    found = getattr(module, attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(
        name,
        cls=getattr(module, "COMMAND_CLASS", None),
        epilog=getattr(module, "EXAMPLES", None),
        context_settings=HELP_NAMES | getattr(module, "CONTEXT", {}),
    )(with_options(found))
    return typer.main.get_command(alone)
