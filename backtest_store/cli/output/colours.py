"""Colours on a terminal: what has one, and whether the terminal's user minds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from backtest_store.cli.output.cells import Column

RED, YELLOW = "31", "33"
STATUS_COLOURS = {"failed": RED, "interrupted": YELLOW, "stopped": YELLOW}


def colour_of(column: Column, value: object) -> str:
    """Return the colour that helps to find what went wrong."""
    return STATUS_COLOURS.get(str(value), "") if column.name == "status" else ""


def coloured(text: str, colour: str) -> str:
    """Return a text in a colour; as it is in none."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def has_colours(stream: TextIO) -> bool:
    """Say whether a stream may have colours and what moves: a terminal whose user does not mind."""
    minds = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not minds
