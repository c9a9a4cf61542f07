"""Make a strategy's configuration from the parameters in a config."""

from __future__ import annotations

from collections.abc import Sequence

from nautilus_trader.config import StrategyConfig

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import KeyPath, Origin, Place
from backtest_store.runner.config.grid_section import SECTIONS
from backtest_store.runner.config.loading import Config
from backtest_store.runner.config.short_form import VenueConfig
from backtest_store.runner.config.strategy_classes import StrategyClasses
from backtest_store.runner.data.sources import Source, Traded
from backtest_store.runner.nautilus_installed import run_config
from backtest_store.runner.strategies.base import SingleInstrumentConfig, require
from backtest_store.suggestions import did_you_mean


def strategy_parameters(
    given: Json,
    classes: StrategyClasses,
    traded: Sequence[Traded],
    keys: KeyPath,
    origin: Origin,
) -> StrategyConfig:
    """Return the strategy's configuration; what it asks to trade on comes from the data."""
    fields = run_config.fields_of(classes.config)
    for name in given:
        if name not in fields and not run_config.takes_any(classes.config):
            where = origin.at((*keys, name))
            raise UsageError(
                f"{where}: {classes.name} has no parameter {name!r}{_nearest(name, classes)}"
            )
    values = {n: v for n, v in _from_data(given, traded).items() if n in fields} | given
    try:
        made: StrategyConfig = run_config.parse_component(values, classes.config, Place((), origin))
    except UsageError as error:
        said = str(error).removeprefix(f"{origin.at()}: ")
        name = said.partition(":")[0].partition(" ")[0].partition("[")[0]
        where = origin.at((*keys, name))
        if "missing `bar_type`" in said:
            said += '; write bar = "1-HOUR" under [data], and bars are made of its quotes or trades'
        raise UsageError(f"{where}: {classes.name}: {said}", hint=error.hint) from None
    return made


def _nearest(name: str, classes: StrategyClasses) -> str:
    """Name the section that has such a key, or the nearest parameter."""
    for section in ("venue", "data", "instrument"):
        if name in SECTIONS[section].model_fields:
            return f"; did you mean '{section}.{name}'?"
    return did_you_mean(name, run_config.own_fields(classes.config))


def check_position(
    parameters: StrategyConfig, source: Source, config: Config, keys: KeyPath
) -> None:
    """Refuse positions of a bundled strategy that its instrument or its account cannot be in."""
    if not isinstance(parameters, SingleInstrumentConfig):
        return
    for field, (possible, demand) in _demands(parameters, source, config.short.venue).items():
        with config.origin.placing((*keys, field)):
            require(possible, field, getattr(parameters, field), demand)


def _demands(
    parameters: SingleInstrumentConfig, source: Source, venue: VenueConfig
) -> dict[str, tuple[bool, str]]:
    """Return of each parameter whether it is possible, and what it would have to be."""
    instrument, traded = source.instrument, source.traded
    most = venue.leverage / float(instrument.margin_init or 1)
    fraction, size = parameters.equity_fraction, parameters.trade_size
    lot = (instrument.lot_size or instrument.size_increment).as_decimal()
    return {
        **{
            name: (str(getattr(parameters, name)) == of_data, f"be the data's {of_data}")
            for name, of_data in vars(traded).items()
        },
        "equity_fraction": (
            fraction is None or fraction <= most,
            f"be at most venue.leverage {most:g} (0.95 is 95 % of equity)",
        ),
        "trade_size": (
            size is None or size % lot == 0,
            f"be a multiple of {lot}, the lot size of {instrument.id}",
        ),
        "allow_short": (
            not parameters.allow_short or venue.account_type == "MARGIN",
            "be False in a CASH account",
        ),
    }


def _from_data(given: Json, traded: Sequence[Traded]) -> Json:
    """Return what strategies call what they trade on."""
    wanted = str(given.get("instrument_id", traded[0].instrument_id))
    first = next((t for t in traded if t.instrument_id == wanted), traded[0])
    bars = [t.bar_type for t in traded if t.bar_type is not None]
    values: Json = {
        "instrument_id": first.instrument_id,
        "instrument_ids": list(dict.fromkeys(t.instrument_id for t in traded)),
    }
    if first.bar_type is not None:
        values["bar_type"] = first.bar_type
    return values | ({"bar_types": bars} if bars else {})
