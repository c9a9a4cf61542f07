"""`btstore run`: run backtests from config files and save each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import FormatOption, examples
from backtest_store.cli.output.batch_messages import (
    exit_code,
    look_for_unsaved,
    print_expanded,
    report_impossible,
    summarise,
    tell_once,
    warn_of_stored,
)
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.streams import kept_for_data, print_message
from backtest_store.cli.ray_option import WithRay
from backtest_store.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from backtest_store.models import Record
    from backtest_store.runner.batch import Planned, Report
    from backtest_store.runner.config.loading import Config
    from backtest_store.runner.config_runs import Batch
    from backtest_store.runner.grids.grid import Combination, Grid, NotRun
    from backtest_store.runner.grids.search import Search
    from backtest_store.runner.parallel import Workers

COMMAND_CLASS = WithRay
EXAMPLES = examples(
    "btstore run sma.toml --set fast_period=5..50:5 --set slow_period=50,100 -j 4",
    "btstore run grid.toml --search tpe --trials 200 --by sharpe_ratio",
)


Sampler = Literal["tpe", "random"]
ConfigArgument = Annotated[
    list[Path], typer.Argument(metavar="CONFIG...", help="TOML, YAML or JSON files.")
]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=VALUE,...",
        help="Values of a parameter, or of a key such as data.start: 5,10,20 or 5..50:5. "
        "Repeatable: each combination of values is run.",
    ),
]
JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Number of runs at the same time.")
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
    typer.Option(
        "--skip-existing", help="Reuse an identical stored run; it gets the tags of --tag."
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print what would run, as NautilusTrader's own BacktestRunConfig in JSON, and stop.",
    ),
]
SearchOption = Annotated[
    Sampler | None,
    typer.Option(
        "--search",
        help="Let Optuna choose which combinations of the grid to run, by how the others went.",
    ),
]
TrialsOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Number of combinations that --search runs.")
]
ByOption = Annotated[
    str,
    typer.Option(
        metavar="METRIC",
        help="Metric that --search maximises.",
        autocompletion=completion.sortable,
    ),
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


def run(  # noqa: PLR0913 - each is an option
    configs: ConfigArgument,
    *,
    set_: SetOption = [],  # noqa: B006 - Typer reads it and never writes to it
    search: SearchOption = None,
    trials: TrialsOption = 100,
    by: ByOption = "sharpe_ratio",
    jobs: JobsOption = 1,
    ray: RayOption = None,
    skip_existing: SkipOption = False,
    dry_run: DryRunOption = False,
    name: NameOption = None,
    tag: TagOption = [],  # noqa: B006 - likewise
    note: NoteOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Run backtests from config files, or a grid of them, and save each."""
    from backtest_store.runner.config.loading import described, load_config
    from backtest_store.runner.config_runs import require_engine
    from backtest_store.runner.grids.grid import grid_of, parse_settings

    settings = parse_settings(set_)
    loaded = [described(load_config(path), name=name, tags=tag, note=note) for path in configs]
    grids = [grid_of(config).combined(settings) for config in loaded]
    require_engine()
    if dry_run:
        print_expanded(every_combination(configs, loaded, grids))
        return
    with kept_for_data() as data:
        if search is not None:
            what = search_of(loaded, grids, search, trials, by)
            with make_workers(min(jobs, trials), ray) as workers:
                report = run_trials(what, grids[0].name, workers, reuse=skip_existing)
        else:
            found = every_combination(configs, loaded, grids)
            with make_workers(min(jobs, sum(map(len, found))), ray) as workers:
                batch = batch_of(found, grids)
                report = run_grid(found, workers, batch, reuse=skip_existing, tags=tag)
        with redirect_stdout(data):
            show_outcome(report, format_)


def every_combination(
    paths: Sequence[Path], configs: Sequence[Config], grids: Sequence[Grid]
) -> list[list[Combination | NotRun]]:
    """Return what each config's grid asks for; with several, labels name the file."""
    from backtest_store.runner.grids.grid import combinations

    return [
        list(combinations(config, grid, name=str(path) if len(paths) > 1 else ""))
        for path, config, grid in zip(paths, configs, grids, strict=True)
    ]


def show_outcome(report: Report, format_: Format) -> None:
    """List the runs, tell of those that did not succeed, and leave with the exit code of both."""
    from backtest_store.cli.output import render
    from backtest_store.cli.output.run_lists import BY_NEED

    if report.runs:
        render.many(report.in_order(), format_, shown=BY_NEED)
    exit_code(report.labelled(), list(report.failures.values()))
    if report.unsaved:
        raise typer.Exit(UnreachableError.exit_code)


def search_of(
    configs: Sequence[Config], grids: Sequence[Grid], sampler: Sampler, trials: int, by: str
) -> Search:
    """Return the search of the grid of the one config that there must be."""
    from backtest_store.runner.grids.search import Search
    from backtest_store.store.record_fields import QUALITIES, known

    if len(configs) > 1:
        raise UsageError(f"--search takes one CONFIG, was {len(configs)}")
    metric = known(by, QUALITIES, "metric to maximise:")
    return Search(configs[0], grids[0], sampler=sampler, trials=trials, by=metric)


def run_trials(search: Search, name: str | None, workers: Workers, *, reuse: bool) -> Report:
    """Run what a search suggests, as runs of one batch."""
    from backtest_store.runner.batch import Report, run_search
    from backtest_store.runner.config_runs import Batch

    report = Report(search.combinations)
    ended = run_search(search, workers, report, batch=Batch(name), reuse=reuse)
    try:
        follow(ended, search.size, workers, report)
    finally:
        for remark in sorted(report.remarks):
            print_message(f"note: {remark}")
        summarise(report, len(search.combinations), 0, 0)
    return report


def follow(ended: Iterator[int], count: int, workers: Workers, report: Report) -> None:
    """Let backtests run, with a bar that counts those that have ended."""
    from backtest_store.cli.progress import progress

    with progress(count, "backtests") as advance:
        for _ in ended:
            advance()
    look_for_unsaved(report, workers)


def make_workers(jobs: int, ray: str | None) -> Workers:
    """Return what runs the backtests."""
    if ray is not None:
        from backtest_store.runner.ray_cluster import RayCluster

        return RayCluster(ray)
    from backtest_store.runner.config_runs import warm_up
    from backtest_store.runner.parallel import ThisProcess, WorkerProcesses

    return WorkerProcesses(jobs, warm_up) if jobs > 1 else ThisProcess()


def batch_of(
    found: Sequence[Sequence[Combination | NotRun]], grids: Sequence[Grid]
) -> Batch | None:
    """Return what the runs of a grid have in common; a backtest alone is of none."""
    from backtest_store.runner.config_runs import Batch

    if sum(map(len, found)) == 1:
        return None
    return Batch(next((grid.name for grid in grids if grid.name), None))


def run_grid(
    found: Sequence[Sequence[Combination | NotRun]],
    workers: Workers,
    batch: Batch | None,
    *,
    reuse: bool,
    tags: Sequence[str],
) -> Report:
    """Check every combination, then run them; tell of those that are skipped or were run before."""
    from backtest_store.runner.batch import Report, plan, run_all

    # Every backtest is checked before the first one runs: a mistake in the last costs nothing.
    planned, impossible = [], []
    for combinations in found:
        of_one_config = plan(combinations, workers)
        planned += of_one_config[0]
        impossible += of_one_config[1]
    report_impossible(impossible)
    for remark in dict.fromkeys(remark for plan_ in planned for remark in plan_.remarks):
        print_message(f"note: {remark}")
    report = Report([each.combination for each in planned])
    before = stored_before(planned, workers, report, tags=tags if reuse else None)
    reused = before if reuse else {}
    if not reuse:
        warn_of_stored(planned, before)
    ended = run_all(planned, workers, report, reuse=reused, batch=batch)
    try:
        follow(ended, len(planned) - len(reused), workers, report)
    finally:
        summarise(report, len(planned), len(impossible), len(reused))
    return report


def stored_before(
    planned: Sequence[Planned], workers: Workers, report: Report, *, tags: Sequence[str] | None
) -> dict[int, Record]:
    """Find the stored runs that are identical; without a database none is, and runs are spooled."""
    from backtest_store.cli.spinner import call
    from backtest_store.runner.batch import stored

    try:
        return call(lambda db: stored(db, planned, tags))
    except UnreachableError as error:
        if tags is not None:
            print_message(f"warning: --skip-existing finds no stored runs: {error}")
        tell_once(error, workers, report)
        return {}
