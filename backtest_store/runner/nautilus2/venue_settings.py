"""Write the fills and costs of the short form's venue in 2.0's terms."""

from __future__ import annotations

from backtest_store.models import Json
from backtest_store.runner.config.short_form import VenueConfig

UNCHECKED = (
    "NautilusTrader 2.0 does not check margins: an account may take positions beyond venue.leverage"
)
_ENGINES, _OURS = "nautilus_trader.execution", "backtest_store.runner.nautilus2.venue_models"


def engine_settings(venue: VenueConfig) -> Json:
    """Return the part of a `BacktestVenueConfig` that 1.x writes otherwise, as JSON."""
    settings: Json = {
        "default_leverage": str(venue.leverage),
        "fill_model": _fill_model(venue),
        "fee_model": _fee_model(venue),
    }
    if venue.fill == "next_open":
        settings["latency_model"] = _model(_ENGINES, "StaticLatencyModel", base_latency_nanos=1)
    return settings


def _fill_model(venue: VenueConfig) -> Json:
    if venue.slippage_ticks or venue.slippage_fraction:
        worse = {"ticks": venue.slippage_ticks, "fraction": venue.slippage_fraction}
        return _model(_OURS, "SlippageFillModel", **worse)
    drawn = {"prob_slippage": venue.slippage_probability, "random_seed": venue.random_seed}
    return _model(_ENGINES, "DefaultFillModel", prob_fill_on_limit=1.0, **drawn)


def _fee_model(venue: VenueConfig) -> Json:
    for name, fee in (("PerContractFeeModel", venue.fee_per_unit), ("FixedFeeModel", venue.fee_per_order)):  # fmt: skip  # noqa: E501
        if fee is not None:
            return _model(_ENGINES, name, commission=fee)
    rates = {"maker_rate": str(venue.maker_fee or 0), "taker_rate": str(venue.taker_fee or 0)}
    return _model(_ENGINES, "MakerTakerFeeModel", **rates)


def _model(module: str, name: str, **arguments: object) -> Json:
    return {"path": f"{module}:{name}", "arguments": arguments}
