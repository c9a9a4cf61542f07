"""Add the simulated venue that a config describes, in NautilusTrader's own terms."""

from decimal import Decimal

import msgspec
from nautilus_trader.backtest.config import (
    BacktestVenueConfig,
    FeeModelFactory,
    FillModelFactory,
)
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Currency, Money

from backtest_store.models import Json
from backtest_store.runner.config.sections import VenueConfig

_MODELS = "nautilus_trader.backtest.models"
_CONFIGS = "nautilus_trader.backtest.config"


def venue_settings(name: str, venue: VenueConfig) -> Json:
    """Return what the config sets of a `BacktestVenueConfig`, as JSON values."""
    return {
        "name": name,
        "oms_type": venue.oms_type,
        "account_type": venue.account_type,
        "starting_balances": [venue.starting_balance],
        "base_currency": venue.currency,
        "default_leverage": venue.leverage,
        "fill_model": _fill_model(venue),
        "fee_model": _fee_model(venue),
    }


def add_venue(engine: BacktestEngine, settings: Json) -> None:
    """Add the venue to the engine."""
    config = BacktestVenueConfig.parse(msgspec.json.encode(settings))
    engine.add_venue(
        venue=Venue(config.name),
        oms_type=OmsType[config.oms_type],
        account_type=AccountType[config.account_type],
        starting_balances=[Money.from_str(balance) for balance in config.starting_balances],
        base_currency=Currency.from_str(config.base_currency),
        default_leverage=Decimal(str(config.default_leverage)),
        fill_model=FillModelFactory.create(config.fill_model),
        fee_model=FeeModelFactory.create(config.fee_model),
    )


def _fill_model(venue: VenueConfig) -> Json:
    return {
        "fill_model_path": f"{_MODELS}:FillModel",
        "config_path": f"{_CONFIGS}:FillModelConfig",
        "config": {
            "prob_slippage": venue.slippage_probability,
            "random_seed": venue.random_seed,
        },
    }


def _fee_model(venue: VenueConfig) -> Json:
    if venue.fee_per_unit is not None:
        return _importable_fee("PerContractFeeModel", commission=venue.fee_per_unit)
    if venue.fee_per_order is not None:
        return _importable_fee("FixedFeeModel", commission=venue.fee_per_order)
    return _importable_fee("MakerTakerFeeModel")


def _importable_fee(name: str, **config: str) -> Json:
    return {
        "fee_model_path": f"{_MODELS}:{name}",
        "config_path": f"{_CONFIGS}:{name}Config",
        "config": config,
    }
