"""`btstore run`: run backtests from config files and save each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import Format, FormatOption, examples
from backtest_store.cli.output.streams import print_message
from backtest_store.cli.ray import WithRay
from backtest_store.errors import StoreError, UnreachableError

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record
    from backtest_store.runner.batch import Planned, Report
    from backtest_store.runner.grid import Combination, Impossible
    from backtest_store.runner.parallel import Workers

KIND = WithRay
EXAMPLES = examples(
    "btstore run sma.toml",
    "btstore run sma.toml --set fast_period=5,10 --set slow_period=50,100 -j 4",
)
ConfigArgument = Annotated[
    list[Path], typer.Argument(metavar="CONFIG...", help="TOML, YAML or JSON files.")
]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=VALUE,...",
        help="Values of a parameter, or of a key such as data.start. Repeatable: each "
        "combination of values is run.",
    ),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Run so many at the same time.")
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Run on a Ray cluster: the one that this machine is in, the one at an address such "
        "as host:6379, or 'local', one of this machine alone.",
    ),
]
SkipOption = Annotated[
    bool,
    typer.Option("--skip-existing", help="Take the stored run where an identical one exists."),
]
NameOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="List the runs under this strategy name.")
]
TagOption = Annotated[
    list[str], typer.Option(metavar="TAG", help="Store the runs with this tag. Repeatable.")
]
NoteOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Store the runs with this remark.")
]
FAILED = 1
MOST_LINES = 5


def run(  # noqa: PLR0913 - each is an option
    configs: ConfigArgument,
    *,
    set_: SetOption = [],  # noqa: B006 - Typer reads it and never writes to it
    jobs: JobsOption = 1,
    ray: RayOption = None,
    skip_existing: SkipOption = False,
    name: NameOption = None,
    tag: TagOption = [],  # noqa: B006 - likewise
    note: NoteOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Run backtests from config files, or a grid of them, and save each."""
    from backtest_store.cli.commands.history import COLUMNS_BY_NEED
    from backtest_store.cli.output import render
    from backtest_store.runner.config.config import load_config
    from backtest_store.runner.execution import require_engine
    from backtest_store.runner.grid import combinations, described, parse_grid

    grid = parse_grid(set_)
    loaded = [described(load_config(path), name=name, tags=tag, note=note) for path in configs]
    labels = [str(path) if len(configs) > 1 else "" for path in configs]
    found = [
        list(combinations(config, grid, name=label))
        for config, label in zip(loaded, labels, strict=True)
    ]
    require_engine()
    with make_workers(min(jobs, sum(map(len, found))), ray) as workers:
        require_store()
        report = run_grid(found, workers, skip_existing=skip_existing)
    if report.runs:
        render.many(report.in_order(), format_, shown=COLUMNS_BY_NEED)
    exit_code(report.in_order(), [str(failure) for failure in report.failures.values()])
    if report.unsaved:
        raise typer.Exit(UnreachableError.exit_code)


def make_workers(jobs: int, ray: str | None) -> Workers:
    """Return what runs the backtests."""
    if ray is not None:
        from backtest_store.runner.distributed import RayCluster

        return RayCluster(ray)
    from backtest_store.runner.execution import warm_up
    from backtest_store.runner.parallel import ThisProcess, WorkerProcesses

    return WorkerProcesses(jobs, warm_up) if jobs > 1 else ThisProcess()


def run_grid(
    found: Sequence[Sequence[Combination | Impossible]], workers: Workers, *, skip_existing: bool
) -> Report:
    """Check every combination, then run them; tell of those that are skipped or were run before."""
    from backtest_store.cli.output.progress import progress
    from backtest_store.cli.spinner import call
    from backtest_store.runner.batch import Report, plan, run_all

    # Every backtest is checked before the first one runs: a mistake in the last costs nothing.
    planned, impossible = [], []
    for combinations in found:
        of_one_config = plan(combinations, workers)
        planned += of_one_config[0]
        impossible += of_one_config[1]
    report_impossible(impossible)
    before = call(lambda db: look_up(db, planned, sync=skip_existing))
    reuse = before if skip_existing else {}
    if not skip_existing:
        warn_of_stored(planned, before)
    report = Report()
    try:
        with progress(len(planned) - len(reuse), "backtests") as advance:
            for _ in run_all(planned, workers, report, reuse):
                advance()
        look_for_unsaved(report)
    finally:
        summarise(report, len(planned), len(impossible), len(reuse))
    return report


async def look_up(db: Connection, planned: Sequence[Planned], *, sync: bool) -> dict[int, Record]:
    """Find the stored runs that are identical; those that wait in the spool are saved first."""
    from backtest_store.runner.batch import stored
    from backtest_store.saving import save as saving
    from backtest_store.store.settings import Settings

    home = Settings.from_environment().home
    if sync and saving.has_leftovers(home):
        await saving.sync(db, home)
    return await stored(db, planned)


def report_impossible(impossible: Sequence[Impossible]) -> None:
    """Say in one line how many combinations are skipped, and why the first of them is."""
    if impossible:
        first = impossible[0]
        number = f"{len(impossible)} impossible combination{'s' * (len(impossible) > 1)}"
        print_message(f"warning: skipped {number}: {first.label}: {first.reason}")


def warn_of_stored(planned: Sequence[Planned], stored: dict[int, Record]) -> None:
    """Name the stored runs that are identical to what is about to be run."""
    from backtest_store.runs.duplicates import named

    for place, run in [*stored.items()][:MOST_LINES]:
        label = planned[place].combination.label or run.strategy_name
        print_message(f"warning: {label} was run before: {named(run)}")
    if len(stored) > MOST_LINES:
        print_message(f"warning: so were {len(stored) - MOST_LINES} more")
    if stored:
        print_message("hint: --skip-existing takes stored runs instead")


def summarise(report: Report, planned: int, impossible: int, reused: int) -> None:
    """Count what became of a grid, in one line."""
    counts = Counter(
        saved=report.saved - reused,
        failed=report.failed,
        skipped=impossible,
    )
    counts["kept in the spool"] = len(report.unsaved)
    counts["stored before"] = reused
    counts["not run"] = planned - len(report.runs) - len(report.failures)
    if planned + impossible > 1 or report.unsaved:
        shown = [f"{count} {what}" for what, count in counts.items() if count]
        print_message(", ".join(shown) or "nothing was run")
    if report.unsaved:
        print_message("hint: btstore sync saves what the spool keeps")


def look_for_unsaved(report: Report) -> None:
    """Find out which of the runs that went to the spool are in the store by now."""
    from backtest_store.runner.batch import forget_saved
    from backtest_store.store.connection import call

    if report.unsaved:
        with suppress(StoreError):
            call(lambda db: forget_saved(db, report))


def require_store() -> None:
    """Refuse to run a backtest for a store that cannot be reached."""
    from backtest_store.cli.spinner import call

    async def nothing(_: Connection) -> None:
        pass

    call(nothing)


def exit_code(runs: Sequence[Record], unsaved: Sequence[str] = ()) -> None:
    """Tell of the runs that failed, and exit with 1 if there are any."""
    failed = [run for run in runs if run.status != "success"]
    lines = [
        f"error: {run.strategy_name} failed: {run.error_message}\n"
        f"hint: btstore show {run.run_id} has the traceback"
        for run in failed
    ] + [f"error: {reason}" for reason in unsaved]
    for line in lines[:MOST_LINES]:
        print_message(line)
    if len(lines) > MOST_LINES:
        print_message(f"error: {len(lines) - MOST_LINES} more failed")
    if lines:
        raise typer.Exit(FAILED)
