"""The commands by name. A command's module is imported to run it or to show its help, not before.

To describe all of them costs four times what it costs to run one, so what `btstore --help` says of
each stands here; a test holds it against the command's own first line.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

COMMANDS = {
    "run": "Run backtests from config files, or a grid of them, and save each.",
    "exec": "Run an unmodified script and record every NautilusTrader backtest in it.",
    "demo": "Run three strategies on real market data; save, list and compare them.",
    "history": "List runs: the newest, or the best by a metric.",
    "show": "Show everything about one run.",
    "compare": "Put 2 to 10 runs side by side, the best of each metric marked.",
    "trend": "Show how the best, the median and the worst of a strategy's runs went over time.",
    "strategies": "Sum up each strategy: runs, failures, median and best Sharpe ratio, last run.",
    "reproduce": "Run a stored run again from its snapshot, and compare every metric.",
    "delete": "Delete runs and their metrics, for good.",
    "export": "Write whole runs as JSON Lines, which `btstore import` reads.",
    "import": "Store the runs of a file that `btstore export` wrote, but those already there.",
    "sync": "Save the runs that are waiting in the spool.",
    "db": "Look after the store itself.",
}
# A module and its function have the command's name, unless Python or another module has it.
MODULES = {"import": "import_", "db": "database"}
FUNCTIONS = {"import": "import_", "exec": "exec_", "db": "app"}
HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Imported()

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names of the commands, in the order of `--help`."""
        return list(COMMANDS)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class Imported(MutableMapping[str, "Command"]):
    """Commands, each imported when it is asked for."""

    def __init__(self) -> None:
        self._imported: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._imported:
            self._imported[name] = _import(name)
        return self._imported[name]

    def __setitem__(self, name: str, command: Command) -> None:
        self._imported[name] = command

    def __delitem__(self, name: str) -> None:
        del self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _import(name: str) -> Command:
    if name not in COMMANDS:
        raise KeyError(name)
    module = import_module(f"backtest_store.cli.commands.{MODULES.get(name, name)}")
    command = getattr(module, FUNCTIONS.get(name, name))
    if isinstance(command, typer.Typer):
        command.rich_markup_mode = None
        group = typer.main.get_group(command)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings = HELP_NAMES | getattr(module, "CONTEXT", {})
    kind = getattr(module, "KIND", None)
    alone.command(
        name, cls=kind, epilog=getattr(module, "EXAMPLES", None), context_settings=settings
    )(command)
    return typer.main.get_command(alone)
