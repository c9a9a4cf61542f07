"""What is said of the backtests of `btstore run`: what would run, and how they went."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from backtest_store.cli.output.streams import print_message
from backtest_store.errors import StoreError

if TYPE_CHECKING:
    from backtest_store.models import Record
    from backtest_store.runner.batch import Planned, Report
    from backtest_store.runner.grids.grid import Combination, NotRun
    from backtest_store.runner.parallel import Workers

FAILED = 1
REFUSED = " orders were refused: "


def report_impossible(impossible: Sequence[NotRun]) -> None:
    """Say of each kind of reason, in one line, how many combinations are skipped for it."""
    kinds: dict[str, list[NotRun]] = {}
    for each in impossible:
        # What differs by its values alone is one kind: fast_period 30 and 40 over slow_period 20.
        kinds.setdefault(re.sub(r"\d+(\.\d+)?", "0", each.reason), []).append(each)
    for alike in kinds.values():
        number = f"{len(alike)} impossible combination{'s' * (len(alike) > 1)}"
        print_message(f"warning: skipped {number}: {alike[0]}")


def warn_of_stored(planned: Sequence[Planned], stored: dict[int, Record]) -> None:
    """Name the stored runs that are identical to what is about to be run."""
    from backtest_store.runs.duplicates import named

    if not stored:
        return
    place, run = next(iter(stored.items()))
    label = planned[place].combination.label or run.strategy_name
    more = f"; {len(stored) - 1} more duplicates" if len(stored) > 1 else ""
    print_message(f"warning: {label} duplicates {named(run)}{more}")
    print_message("hint: --skip-existing reuses stored runs")


def summarise(report: Report, planned: int, impossible: int, reused: int) -> None:
    """Count what became of a grid, in one line."""
    counts = Counter(
        saved=report.saved - reused,
        stopped=report.stopped,
        failed=report.failed,
        skipped=impossible,
    )
    counts["kept in the spool"] = len(report.unsaved)
    counts["stored before"] = reused
    counts["not finished"] = planned - len(report.runs) - len(report.failures)
    if planned + impossible > 1 or report.unsaved:
        shown = [f"{count} {what}" for what, count in counts.items() if count]
        print_message(", ".join(shown) or "nothing was run")
    if report.unsaved:
        print_message("hint: btstore sync saves what the spool keeps")


def note_refusals(runs: Mapping[str, Record]) -> None:
    """Say of which runs the engine refused orders, and why: what they came to does not tell."""
    told = [(name, w) for name, run in runs.items() for w in run.warnings or () if REFUSED in w]
    if told:
        more = f" (and of {len(told) - 1} more runs)" if len(told) > 1 else ""
        print_message(f"note: {told[0][0]}: {told[0][1]}{more}")


def exit_code(runs: Mapping[str, Record], not_run: Sequence[NotRun] = ()) -> None:
    """Tell of all that did not succeed, grouped by the reason, and exit with 1 if there is any."""
    note_refusals(runs)
    reasons: dict[str, list[str]] = {}
    hints: dict[str, str] = {}
    for label, run in runs.items():
        if run.status != "success":
            reason = f" {run.status}: {run.error_message or 'no reason is known'}"
            reasons.setdefault(reason, []).append(label)
            has_more = "the traceback" if run.status == "failed" else "the rest"
            hints.setdefault(reason, f"hint: btstore show {run.run_id} has {has_more}")
    for failure in not_run:
        reasons.setdefault(f": {failure.reason}", []).append(failure.label or "the backtest")
    for reason, labels in reasons.items():
        print_message(f"error: {'; '.join(labels)}{reason}")
        if reason in hints:
            print_message(hints[reason])
    if reasons:
        raise typer.Exit(FAILED)


def look_for_unsaved(report: Report, workers: Workers) -> None:
    """Find out which of the runs that went to the spool are in the store by now."""
    from backtest_store.runner.batch import forget_saved
    from backtest_store.store.connecting.connection import call

    if report.unsaved:
        try:
            call(lambda db: forget_saved(db, report))
        except StoreError as error:
            tell_once(error, workers, report)


def tell_once(error: StoreError, workers: Workers, report: Report) -> None:
    """Say for all processes that the store is away; one alone says so when it saves."""
    from backtest_store.runner.parallel import ThisProcess

    if not report.is_told and not isinstance(workers, ThisProcess):
        print_message(f"warning: {error}; runs wait in the spool: `btstore sync` saves them")
        report.is_told = True


def print_expanded(found: Sequence[Sequence[Combination | NotRun]]) -> None:
    """Print each combination as NautilusTrader is told it: one object, or one a line."""
    import json

    from backtest_store.runner.config_runs import expanded
    from backtest_store.runner.grids.grid import NotRun

    every = [combination for combinations in found for combination in combinations]
    report_impossible([c for c in every if isinstance(c, NotRun)])
    configs = [expanded(c.config).run_config for c in every if not isinstance(c, NotRun)]
    indent = 2 if len(configs) == 1 else None
    for config in configs:
        typer.echo(json.dumps(config, indent=indent))
