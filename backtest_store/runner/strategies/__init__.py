"""The bundled strategies, by the name that a config file calls them."""

from dataclasses import dataclass

IS_CODE_OF_RUNS = True


@dataclass(frozen=True)
class BundledStrategy:
    """Where a bundled strategy is, in NautilusTrader's importable terms, and what it is called."""

    strategy_path: str
    config_path: str
    display_name: str
    strategy_type: str


def _bundled(path: str, display_name: str, strategy_type: str) -> BundledStrategy:
    strategy_path = f"{__name__}.{path}"
    return BundledStrategy(strategy_path, f"{strategy_path}Config", display_name, strategy_type)


BUNDLED = {
    "sma_crossover": _bundled("sma_crossover:SmaCrossover", "SMA Crossover", "trend_following"),
    "rsi_mean_reversion": _bundled(
        "rsi_mean_reversion:RsiMeanReversion", "RSI Mean Reversion", "mean_reversion"
    ),
    "momentum": _bundled("momentum:Momentum", "Momentum", "momentum"),
}
