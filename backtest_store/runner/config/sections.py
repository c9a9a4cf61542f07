"""The sections of a config by their names, for what has a key of another section."""

from backtest_store.runner.config.grid_section import PeriodConfig, WalkConfig
from backtest_store.runner.config.short_form import (
    DataConfig,
    InstrumentConfig,
    Section,
    StrategyConfig,
    VenueConfig,
)

SECTIONS: dict[str, type[Section]] = {
    "venue": VenueConfig,
    "data": DataConfig,
    "instrument": InstrumentConfig,
    "instruments": InstrumentConfig,
    "strategies": StrategyConfig,
    "periods": PeriodConfig,
    "walk": WalkConfig,
}
