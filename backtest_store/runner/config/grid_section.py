"""The [grid] of a config: how the values that vary in it are combined, and over which times."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from backtest_store.runner.config.short_form import (
    DataConfig,
    InstrumentConfig,
    Section,
    StrategyConfig,
    VenueConfig,
)


def _listed(value: object) -> object:
    """Write what may stand alone as a list of one."""
    return value if isinstance(value, list) else [value]


ZippedLists = Annotated[dict[str, Any], Field(min_length=1)]


class PeriodConfig(Section):
    """From when to when each combination is run."""

    start: str | None = None
    end: str | None = None


class WalkConfig(Section):
    """How long the windows of a walk forward through time are."""

    train: str
    test: str


class GridConfig(Section):
    """How the values of all other keys of `[grid]` are combined.

    Such a key is a parameter, or a dotted key such as `data.start`; its value is a list,
    `{from, to, step}`, or `{from, to, count, geometric = true}`.
    """

    name: str | None = Field(default=None, description="What the grid is called.")
    zip: Annotated[list[ZippedLists], BeforeValidator(_listed)] = Field(
        default=[], description="`[[grid.zip]]`: lists that go together, value by value."
    )
    constraints: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default=[],
        description="Comparisons that each combination must satisfy, such as"
        ' `"fast_period < slow_period"`.',
    )
    sample: int | None = Field(
        default=None,
        ge=1,
        description="How many combinations to draw at random, each run over all periods.",
    )
    seed: int = Field(default=0, description="Decides which are drawn.")
    periods: list[PeriodConfig] = Field(
        default=[], description="`[[grid.periods]]`: each a `start` and an `end`."
    )
    walk: WalkConfig | None = Field(
        default=None,
        description='`{train = "3y", test = "1y"}`: windows from `data.start` to `data.end`;'
        " `y`, `m`, `w`, `d`.",
    )


# The sections of a config by their names.
SECTIONS: dict[str, type[Section]] = {
    "venue": VenueConfig,
    "data": DataConfig,
    "instrument": InstrumentConfig,
    "instruments": InstrumentConfig,
    "strategies": StrategyConfig,
    "periods": PeriodConfig,
    "walk": WalkConfig,
}
