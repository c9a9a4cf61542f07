"""`btstore tag`: labels that come and go."""

import re
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from backtest_store.cli.options import RUN_HELP, counted, examples, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import UsageError
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples("btstore tag 3f2a +good -junk", "btstore tag @batch +grid200")
MINUS = "\0"  # in no word that a shell can pass
MINUS_WORD = re.compile(r"-(?!-|h$)")
OPTION = re.compile(r"--[^=]+$")  # the next word is its value


class TagCommand(TyperCommand):
    """A command to which -junk is a word, not options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Mark words that begin with a minus, before they are taken for options."""
        words = [
            f"{MINUS}{word}" if MINUS_WORD.match(word) and not OPTION.match(before) else word
            for before, word in pairwise(["", *args])
        ]
        return super().parse_args(ctx, words)


COMMAND_CLASS = TagCommand


@with_filters()
def tag(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RUN... +TAG -TAG", help=f"Runs, and tags. {RUN_HELP}"),
    ],
    *,
    filters: Filters,
) -> None:
    """Add tags to runs, and remove tags from them."""
    from backtest_store.cli.spinner import call
    from backtest_store.runs.annotations import annotate

    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[2:] for word in words if word.startswith(f"{MINUS}-")]
    runs = [word for word in words if not word.startswith(("+", MINUS))]
    if not runs or not (add or remove):
        raise UsageError("name runs, and tags with + or -", hint="btstore tag 3f2a +good -junk")
    changed = call(lambda db: annotate(db, runs, filters, add=add, remove=remove))
    print_message(f"tagged {counted(len(changed))}")
