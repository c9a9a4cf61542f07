"""Search a grid by Optuna in place of running all of it: each trial is a backtest of the grid."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from math import prod
from operator import getitem
from typing import TYPE_CHECKING, Any

from backtest_store.errors import StoreError, UsageError
from backtest_store.runner.grids.grid import Combination, Grid, NotRun, excluded, merged

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

    from backtest_store.models import Json, Record
    from backtest_store.runner.config.loading import Config

# Suggestions in a row of what was tried, or must not be, before chance decides, and before it ends.
PATIENCE, MOST_REPEATS = 10, 1000


class Search:
    """The combinations of a grid that Optuna suggests, one when it is asked for.

    The `sampler` is ``tpe``, the tree-structured Parzen estimator, or ``random``, and its seed the
    grid's. There are at most so many `trials`; the best run has most of the metric `by`.
    """

    def __init__(self, config: Config, grid: Grid, *, sampler: str, trials: int, by: str) -> None:
        if find_spec("optuna") is None:
            raise StoreError(
                "Optuna is not installed",
                hint="install the extra `search`; in a checkout: pip install -e '.[search]'",
            )
        self.size = min(trials, prod(map(len, grid.groups)))
        if not grid.groups:
            raise UsageError(
                "there is nothing to search; write what varies under [grid], or --set NAME=5..50:5"
            )
        if grid.periods:
            raise UsageError(
                f"{config.origin.at(['grid'])}: --search would settle for the period that went"
                " best; leave out walk and periods, and run over them what it finds"
            )
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(direction="maximize", sampler=_sampler(sampler, grid))
        self._config, self._grid, self._by = config, grid, by
        self._chance = random.Random(grid.seed)  # noqa: S311 - chance that can be repeated
        self._results: dict[tuple[int, ...], float | None] = {}
        self._trials: list[tuple[Trial, tuple[int, ...]]] = []
        self.combinations: list[Combination] = []

    def __iter__(self) -> Iterator[Config]:
        """Yield what is to be tried next, by what was told so far."""
        repeats = 0
        failure: NotRun | None = None
        while len(self._trials) < self.size and repeats < MOST_REPEATS:
            if repeats > PATIENCE:
                self._study.enqueue_trial(self._any())
            trial = self._study.ask()
            places = tuple(self._place(trial, group) for group in self._grid.groups)
            repeats += 1
            made = self._made(trial, places)
            if isinstance(made, Combination):
                repeats = 0
                self._trials.append((trial, places))
                self.combinations.append(made)
                yield made.config
            elif isinstance(made, NotRun):
                failure = made
        if not self._trials:
            if failure:
                raise UsageError(str(failure))
            excluded(self._config, self._grid)

    def _made(self, trial: Trial, places: tuple[int, ...]) -> Combination | NotRun | None:
        """Return what a trial runs; None if it was tried before or does not satisfy the grid."""
        from optuna.trial import TrialState

        settings = merged(map(getitem, self._grid.groups, places))
        if places in self._results:
            self._tell(trial, self._results[places])
            return None
        if not self._grid.allows(self._config, settings):
            self._study.tell(trial, state=TrialState.PRUNED)  # which counts as bad
            return None
        self._results[places] = None
        made = self._grid.combination(self._config, settings)
        if isinstance(made, NotRun):
            self._tell(trial, None)
        return made

    def learn(self, number: int, run: Record | None) -> None:
        """Take note of how a trial ended; one without the metric has failed."""
        trial, places = self._trials[number]
        value = None if run is None else getattr(run, self._by)
        self._results[places] = None if value is None else float(value)
        self._tell(trial, self._results[places])

    def _tell(self, trial: Trial, value: float | None) -> None:
        from optuna.trial import TrialState

        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        self._study.tell(trial, value, state)

    def _any(self) -> dict[str, int]:
        groups = self._grid.groups
        return {", ".join(group[0]): self._chance.randrange(len(group)) for group in groups}

    def _place(self, trial: Trial, group: Sequence[Json]) -> int:
        """Return which of a group's settings to try; those in order are near to each other."""
        name, last = ", ".join(group[0]), len(group) - 1
        values = [next(iter(setting.values())) for setting in group]
        if len(group[0]) == 1 and all(map(_is_number, values)):
            order = sorted(range(len(values)), key=lambda place: float(values[place]))
            return order[trial.suggest_int(name, 0, last)]
        return int(trial.suggest_categorical(name, range(len(values))))


def _sampler(sampler: str, grid: Grid) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if sampler == "random":
        return RandomSampler(seed=grid.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls constant_liar an experiment
        return TPESampler(seed=grid.seed, constant_liar=True)  # others are under way meanwhile


def _is_number(value: Any) -> bool:
    try:
        return float(value) == float(value) and not isinstance(value, bool)
    except (TypeError, ValueError):
        return False
