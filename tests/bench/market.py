"""Who runs what on what: the strategies and instruments of a made-up but lifelike research desk."""

from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

SEED = 20240102
STYLES = {
    "trend_following": ("Crossover", "Breakout", "Channel", "Supertrend", "Turtle"),
    "mean_reversion": ("RSI Reversion", "Bollinger Fade", "Z-Score Reversion", "VWAP Reversion"),
    "momentum": ("Momentum", "Rate of Change", "Relative Strength", "Opening Drive"),
    "statistical_arbitrage": ("Pairs Spread", "Basket Spread", "Cointegration"),
    "volatility": ("ATR Expansion", "Volatility Squeeze", "Range Contraction"),
    "market_making": ("Spread Quoter", "Inventory Skew"),
    "grid": ("Grid", "Martingale Grid"),
    "unclassified": ("Sandbox", "Notebook"),
}
PREFIXES = ("SMA", "EMA", "Adaptive", "Dual", "Intraday", "Weekly", "Multi-Leg", "Filtered")
CURRENCIES = ("AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "NZD", "SEK")
COINS = [
    "BTC",
    "ETH",
    "SOL",
    "XRP",
    "ADA",
    "DOGE",
    "AVAX",
    "LINK",
    "DOT",
    "LTC",
    "UNI",
    "ATOM",
    "NEAR",
    "APT",
    "ARB",
    "OP",
    "FIL",
    "AAVE",
    "SUI",
    "TON",
]
SHARES = [
    "AAPL",
    "MSFT",
    "NVDA",
    "AMZN",
    "GOOGL",
    "META",
    "TSLA",
    "JPM",
    "XOM",
    "UNH",
    "V",
    "PG",
    "MA",
    "HD",
    "COST",
    "KO",
    "PEP",
    "WMT",
    "BAC",
    "DIS",
    "CRM",
    "NFLX",
    "AMD",
    "INTC",
    "CSCO",
    "ORCL",
    "IBM",
    "GE",
    "CAT",
    "BA",
    "NKE",
    "MCD",
]
PARAMETERS = {
    "fast_period": (5, 8, 10, 12, 15, 20, 25, 30),
    "slow_period": (40, 50, 60, 80, 100, 120, 150, 200),
    "lookback": (10, 14, 20, 30, 45, 60, 90),
    "entry_threshold": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    "exit_threshold": (0.0, 0.25, 0.5, 0.75),
    "stop_atr": (1.0, 1.5, 2.0, 3.0, 4.0),
    "max_positions": (1, 2, 3, 5),
    "use_trailing_stop": (True, False),
}


@dataclass(frozen=True)
class Strategy:
    """A strategy: what it is, how it tends to do, what can be set, and where it is used."""

    name: str
    type: str
    skill: float
    depth: float
    parameters: tuple[str, ...]
    instruments: tuple[str, ...]
    popularity: tuple[float, ...]
    pair_skill: dict[str, float] = field(repr=False)


def instruments() -> tuple[str, ...]:
    """Return some 80 instruments, the most used ones first."""
    pairs = [f"{a}/{b}.SIM" for a in CURRENCIES for b in ("USD",)] + ["EUR/GBP.SIM", "EUR/JPY.SIM"]
    coins = [f"{coin}USDT-PERP.BINANCE" for coin in COINS]
    shares = [f"{share}.XNAS" for share in SHARES]
    futures = [f"{root}.GLBX" for root in ("ESH5", "NQH5", "CLG5", "GCG5", "ZNH5", "6EH5")]
    mixed = pairs + coins + futures + shares
    Random(SEED).shuffle(mixed)
    return tuple(mixed)


def strategies() -> tuple[tuple[Strategy, ...], tuple[float, ...]]:
    """Return some 60 strategies and their cumulative popularity, a few of which do most runs."""
    random = Random(SEED + 1)
    names = [
        (f"{p} {n}", style) for style, kinds in STYLES.items() for n in kinds for p in PREFIXES
    ]
    random.shuffle(names)
    traded = instruments()
    chosen = tuple(_strategy(random, name, style, traded) for name, style in names[:60])
    return chosen, tuple(accumulate(1 / (rank + 2) for rank in range(len(chosen))))


def _strategy(random: Random, name: str, style: str, traded: tuple[str, ...]) -> Strategy:
    # A third of the desk's strategies lose money everywhere, and grids always go deep: what a
    # filter finds is then all at the far end of the order that the user asks for.
    skill = -2.5 if random.random() < 0.3 else random.gauss(0.3, 0.5)
    likely, others = random.sample(traded[:24], 8), random.sample(traded, random.randint(2, 14))
    used = tuple(sorted({*likely, *others}, key=traded.index))
    return Strategy(
        name=name,
        type=style,
        skill=skill,
        depth=3.0 if style == "grid" else 1.0,
        parameters=tuple(random.sample(list(PARAMETERS), random.randint(2, 6))),
        instruments=used,
        popularity=tuple(accumulate(1 / (rank + 1) for rank in range(len(used)))),
        pair_skill={i: random.gauss(0, 0.7) for i in used},
    )
