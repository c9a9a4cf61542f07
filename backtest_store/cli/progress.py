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
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    class Rate(bars.ProgressColumn):
        def render(self, task: bars.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.3g}/s")

    done = bars.TextColumn(what), bars.BarColumn(), bars.MofNCompleteColumn(), Rate()
    left = bars.TimeRemainingColumn(compact=True), bars.TextColumn("left")
    with bars.Progress(*done, *left, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
