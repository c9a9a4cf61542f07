"""Write the fills and costs of the short form's venue in 1.x's terms."""

from __future__ import annotations

from backtest_store.models import Json
from backtest_store.runner.config.short_form import VenueConfig

_MODELS, _CONFIGS = "nautilus_trader.backtest.models", "nautilus_trader.backtest.config"
_OURS = "backtest_store.runner.nautilus1.venue_models"

UNCHECKED = ""  # margins are checked


def engine_settings(venue: VenueConfig) -> Json:
    """Return the part of a `BacktestVenueConfig` that 2.0 writes otherwise, as JSON."""
    settings: Json = {
        "default_leverage": venue.leverage,
        "fill_model": _fill_model(venue),
        "fee_model": _fee_model(venue),
    }
    if venue.account_type == "MARGIN":
        settings["modules"] = [_importable("actor", _OURS, "MarginCheck", _OURS, {})]
    if venue.fill == "next_open":
        latency = {"base_latency_nanos": 1}
        settings["latency_model"] = _importable("latency_model", _MODELS, "LatencyModel", _CONFIGS, latency)  # fmt: skip  # noqa: E501
    return settings


def _fill_model(venue: VenueConfig) -> Json:
    seed = {"random_seed": venue.random_seed}
    if venue.slippage_ticks or venue.slippage_fraction:
        config = seed | {"ticks": venue.slippage_ticks, "fraction": venue.slippage_fraction}
        return _importable("fill_model", _OURS, "SlippageFillModel", _OURS, config)
    config = seed | {"prob_slippage": venue.slippage_probability}
    return _importable("fill_model", _MODELS, "FillModel", _CONFIGS, config)


def _fee_model(venue: VenueConfig) -> Json:
    for name, fee in (("PerContractFeeModel", venue.fee_per_unit), ("FixedFeeModel", venue.fee_per_order)):  # fmt: skip  # noqa: E501
        if fee is not None:
            return _importable("fee_model", _MODELS, name, _CONFIGS, {"commission": fee})
    if venue.maker_fee is None and venue.taker_fee is None:
        return _importable("fee_model", _MODELS, "MakerTakerFeeModel", _CONFIGS, {})
    rates = {"maker_fee": str(venue.maker_fee or 0), "taker_fee": str(venue.taker_fee or 0)}
    return _importable("fee_model", _OURS, "RateFeeModel", _OURS, rates)


def _importable(kind: str, module: str, name: str, config_module: str, config: Json) -> Json:
    return {
        f"{kind}_path": f"{module}:{name}",
        "config_path": f"{config_module}:{name}Config",
        "config": config,
    }
