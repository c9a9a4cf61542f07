"""`btstore exec`: record an unmodified script."""

from __future__ import annotations

from typing import Annotated

import typer

from backtest_store.cli.options import examples

EXAMPLES = examples(
    "btstore exec backtest.py", "btstore exec --tag eurusd backtest.py --fast 10 --slow 50"
)
# What comes after the script's name is the script's, options included.
CONTEXT = {"allow_interspersed_args": False}


def exec_(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A Python file.")],
    args: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="The script's own arguments.")
    ] = None,
    *,
    strategy_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Strategy name to store; the name of its class if not given."
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Label to store; repeatable.")
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Remark to store.")] = None,
) -> None:
    """Run an unmodified script and record every NautilusTrader backtest in it.

    The script sees what it would see under `python SCRIPT`: arguments, working directory,
    `__main__`, exit code, output and exceptions.
    """
    from backtest_store.capture.run_details import RunDetails
    from backtest_store.runner.exec import run_script

    details = RunDetails(strategy_name=strategy_name, tags=tuple(tag or ()), note=note)
    run_script(script, args or [], details)
