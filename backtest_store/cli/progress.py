"""A progress bar on standard error, where somebody watches it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Show a bar with rate and time left, and give what advances it by one.

    Only a terminal gets one, and only for more than one.
    """
    if total <= 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.3g}/s")

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Rate())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(compact=True), TextColumn("left"), console=console
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
