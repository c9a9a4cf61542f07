"""Make a strategy's configuration from the parameters in a config."""

import re
from typing import Any

import msgspec
from nautilus_trader.common.config import msgspec_decoding_hook
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import BarAggregation
from nautilus_trader.model.instruments import Instrument

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.config import BacktestConfig
from backtest_store.runner.config.sections import DataConfig, VenueConfig
from backtest_store.runner.config.strategy_classes import StrategyClasses
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.strategies.base import SingleInstrumentConfig
from backtest_store.runner.strategies.checks import require

_FIELD = re.compile(r"(.*) - at `\$\.(\w+).*`")
_AGGREGATIONS = "|".join(aggregation.name for aggregation in BarAggregation)
# NautilusTrader aborts the process on a bar type whose aggregation it does not know.
_BAR_TYPE = re.compile(
    rf".+-[1-9]\d*-({_AGGREGATIONS})-(BID|ASK|MID|LAST)-(EXTERNAL|INTERNAL)"
    rf"(@[1-9]\d*-({_AGGREGATIONS})-(EXTERNAL|INTERNAL))?"
)


def strategy_parameters(config: BacktestConfig, classes: StrategyClasses) -> StrategyConfig:
    """Return the strategy's configuration; what it asks to trade on comes from the data section.

    Raises
    ------
    UsageError
        If a parameter is unknown, missing or impossible; it names the parameter and the value.
    """
    fields = classes.config.__struct_fields__
    given = dict(config.parameters)
    _check_known(given, fields, classes)
    traded = _traded(config.data)
    values = {name: value for name, value in traded.items() if name in fields} | given
    _check_bar_types(values)
    try:
        return msgspec.convert(values, classes.config, strict=False, dec_hook=msgspec_decoding_hook)
    except UsageError as error:
        raise UsageError(f"{classes.name}: {error}", hint=error.hint) from None
    except Exception as error:
        raise UsageError(f"{classes.name}: {_explain(error, values)}") from error


def own_parameters(parameters: Json, config: BacktestConfig) -> Json:
    """Return the parameters but for those that the config left alone and every strategy has."""
    common = {*StrategyConfig.__struct_fields__, *_traded(config.data)}
    return {
        name: value
        for name, value in parameters.items()
        if name in config.parameters or name not in common
    }


def check_position(
    parameters: StrategyConfig, config: BacktestConfig, instrument: Instrument
) -> None:
    """Refuse positions of a bundled strategy that its instrument or its account cannot be in.

    Raises
    ------
    UsageError
        If a value is impossible; it names the parameter and the value.
    """
    if not isinstance(parameters, SingleInstrumentConfig):
        return
    for field in ("instrument_id", "bar_type"):
        value, expected = str(getattr(parameters, field)), getattr(config.data, field)
        require(value == expected, field, value, f"be the data's {expected}")
    _check_size(parameters, config.venue, instrument)
    is_possible = not parameters.allow_short or config.venue.account_type == "MARGIN"
    require(is_possible, "allow_short", parameters.allow_short, "be False in a CASH account")


def _check_size(
    parameters: SingleInstrumentConfig, venue: VenueConfig, instrument: Instrument
) -> None:
    fraction, size = parameters.equity_fraction, parameters.trade_size
    demand = f"be at most venue.leverage {venue.leverage:g} (0.95 is 95 % of equity)"
    require(fraction is None or fraction <= venue.leverage, "equity_fraction", fraction, demand)
    lot = (instrument.lot_size or instrument.size_increment).as_decimal()
    demand = f"be a multiple of {lot}, the lot size of {instrument.id}"
    require(size is None or size % lot == 0, "trade_size", size, demand)


def _traded(data: DataConfig) -> Json:
    return {
        "instrument_id": data.instrument_id,
        "instrument_ids": [data.instrument_id],
        "bar_type": data.bar_type,
        "bar_types": [data.bar_type],
    }


def _check_known(given: Json, fields: tuple[str, ...], classes: StrategyClasses) -> None:
    for name in given:
        if name not in fields:
            own = set(fields) - set(StrategyConfig.__struct_fields__)
            raise UsageError(f"{classes.name} has no parameter {name!r}{did_you_mean(name, own)}")


def _check_bar_types(values: Json) -> None:
    for name in ("bar_type", "bar_types"):
        value = values.get(name, [])
        for bar_type in value if isinstance(value, list) else [value]:
            if _BAR_TYPE.fullmatch(str(bar_type)) is None:
                raise UsageError(f"{name} {bar_type!r} is not a NautilusTrader bar type")


def _explain(error: Exception, values: dict[str, Any]) -> str:
    match = _FIELD.fullmatch(str(error))
    if match is None or match[2] not in values:
        return str(error).replace("Object missing required field", "missing parameter")
    return f"{match[2]}: {match[1]}, was {values[match[2]]!r}"
