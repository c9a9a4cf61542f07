"""Real market data that comes with the package; README.md has its provenance and licences."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Dataset:
    """A bundled series of bars, the instrument that it prices, and which end its times are of."""

    path: Path
    instrument: str
    bar: str
    instrument_type: str
    currency: str
    timestamp: str


_HERE = Path(__file__).parent

BUNDLED_DATA = {
    "sp500_daily": Dataset(
        _HERE / "sp500_daily.csv.gz", "SPX.XCBO", "1-DAY-LAST", "equity", "USD", "open"
    ),
    "eurusd_hourly": Dataset(
        _HERE / "eurusd_hourly.csv.gz", "EUR/USD.SIM", "1-HOUR-LAST", "currency_pair", "USD", "open"
    ),
}
