"""Bars from a real Parquet catalog."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.data.csv_file import Row, load_csv
from tests.runner.conftest import Preparing, prepare

ROWS = load_csv(BUNDLED_DATA["eurusd_hourly"].path).rows[:600]
LAST, BID, ASK = (
    BarType.from_str(f"EUR/USD.SIM-1-HOUR-{price_type}-EXTERNAL")
    for price_type in ("LAST", "BID", "ASK")
)
SPREAD = 0.0002


def instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=InstrumentId.from_str("EUR/USD.SIM"),
        raw_symbol=InstrumentId.from_str("EUR/USD.SIM").symbol,
        base_currency=Currency.from_str("EUR"),
        quote_currency=Currency.from_str("USD"),
        price_precision=5,
        size_precision=0,
        price_increment=Price.from_str("0.00001"),
        size_increment=Quantity.from_int(1),
        lot_size=Quantity.from_int(1000),
        ts_event=0,
        ts_init=0,
    )


def bars(rows: list[Row], bar_type: BarType, shift: float = 0.0) -> list[Bar]:
    return [
        Bar(
            bar_type,
            *(Price(price + shift, 5) for price in row.prices),
            Quantity(row.sizes[0], 0),
            row.time,
            row.time,
        )
        for row in rows
    ]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog")
    catalog = ParquetDataCatalog(str(path))
    catalog.write_data([instrument()])
    for part in (ROWS[:200], ROWS[200:400]):
        catalog.write_data(bars(part, LAST))
    catalog.write_data(bars(ROWS[:400], ASK))
    catalog.write_data(bars(ROWS[:400], BID, -SPREAD))
    return path


@pytest.fixture
def path(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "catalog"))


def content(path: Path, **data: str) -> dict[str, Any]:
    return {
        "strategy": "momentum",
        "parameters": {"equity_fraction": 0.95},
        "data": {"catalog": str(path), "instrument": "EUR/USD.SIM", "bar": "1-HOUR"} | data,
    }


def fills(prepared: Any) -> list[tuple[int, str]]:
    prepared.engine.run()
    return sorted((o.ts_last, str(o.quantity)) for o in prepared.engine.cache.orders())


def test_a_catalog_trades_like_the_file_it_was_made_from(path: Path, preparing: Preparing) -> None:
    prepared = preparing(content(path))
    last = to_datetime(ROWS[399].time).isoformat()
    data = {"source": "eurusd_hourly", "end": last, "timestamp": "close"}
    from_file = preparing(content(path) | {"data": data, "instrument": {"lot_size": 1000}})
    assert (prepared.start, prepared.end) == (from_file.start, from_file.end)
    assert prepared.facts.data_source == str(path)
    found = fills(prepared)
    assert len(found) > 10
    assert found == fills(from_file)


def test_quotes_fill_on_both_sides(path: Path, preparing: Preparing) -> None:
    prepared = preparing(content(path, bar="1-HOUR-BID"))
    prepared.engine.run()
    bid_at = {row.time: row.prices[3] - SPREAD for row in ROWS}
    orders = prepared.engine.cache.orders()
    assert len(orders) > 10
    for order in orders:
        spread = SPREAD if order.is_buy else 0.0
        assert order.avg_px == pytest.approx(bid_at[order.ts_last] + spread, abs=1e-9)


def test_a_range_of_a_catalog_is_used(path: Path, preparing: Preparing) -> None:
    prepared = preparing(content(path, start="2017-01-10", end="2017-01-12"))
    # A bar that closes at midnight belongs to the day that it closes.
    inside = [row.time for row in ROWS if to_datetime(row.time - 1000).day in (10, 11, 12)]
    assert (prepared.start, prepared.end) == (to_datetime(inside[0]), to_datetime(inside[-1]))


def test_a_catalog_that_grows_keeps_the_fingerprint_of_its_past(path: Path) -> None:
    past = content(path, end=to_datetime(ROWS[399].time).isoformat())
    whole = content(path)
    before = [prepare(parse_config(each, origin="test")) for each in (past, whole)]
    ParquetDataCatalog(str(path)).write_data(bars(ROWS[400:], LAST))
    after = [prepare(parse_config(each, origin="test")) for each in (past, whole)]
    assert after[0].facts.data_fingerprint == before[0].facts.data_fingerprint
    assert after[1].facts.data_fingerprint != before[1].facts.data_fingerprint


def test_other_prices_have_another_fingerprint(path: Path, tmp_path: Path) -> None:
    other = ParquetDataCatalog(str(tmp_path / "other"))
    other.write_data([instrument()])
    other.write_data(bars(ROWS[:200], LAST))
    other.write_data(bars(ROWS[200:400], LAST, 0.00001))
    contents = (content(path), content(tmp_path / "other"))
    first, second = (prepare(parse_config(each, origin="test")) for each in contents)
    assert (first.start, first.end) == (second.start, second.end)
    assert first.facts.data_fingerprint != second.facts.data_fingerprint


def test_the_venue_may_set_the_fees_of_a_catalogs_instrument(
    path: Path, preparing: Preparing
) -> None:
    prepared = preparing(content(path) | {"venue": {"taker_fee": "0.0001"}})
    prepared.engine.run()
    assert str(prepared.instrument.lot_size) == "1000"
    orders = prepared.engine.cache.orders()
    value = sum(float(order.filled_qty) * order.avg_px for order in orders)
    fees = sum(
        fee.as_double() for fee in prepared.engine.cache.accounts()[0].commissions().values()
    )
    assert fees == pytest.approx(value * 0.0001, abs=0.01 * len(orders))
    assert fees > 10


def test_an_account_must_fit_a_catalogs_instrument(path: Path, preparing: Preparing) -> None:
    for venue, said in (
        ({"account_type": "CASH"}, "MARGIN"),
        ({"starting_balance": "9 EUR"}, "USD"),
    ):
        with pytest.raises(UsageError, match=said):
            preparing(content(path) | {"venue": venue})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bar": "1-DAY"}, "has no bars EUR/USD.SIM-1-DAY-LAST-EXTERNAL; did you mean 'EURUSD.SIM"),
        ({"instrument": "GBP/USD.SIM"}, "has no bars GBP/USD.SIM-1-HOUR-LAST-EXTERNAL"),
        ({"catalog": "/nowhere"}, "/nowhere is not a NautilusTrader catalog"),
        (
            {"start": "2020-01-01"},
            "catalog has no Bar of EUR/USD.SIM-1-HOUR-LAST-EXTERNAL from 2020-",
        ),
    ],
)
def test_what_a_catalog_does_not_hold_is_named(
    changes: dict[str, str], said: str, path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        prepare(parse_config(content(path, **changes), origin="test"))
    assert said in str(caught.value)


def test_an_instrument_may_be_described_where_the_catalog_has_none(
    path: Path, preparing: Preparing
) -> None:
    shutil.rmtree(path / "data" / "currency_pair")
    with pytest.raises(UsageError, match=r"has no instrument EUR/USD\.SIM"):
        preparing(content(path))
    described = content(path) | {"instrument": {"lot_size": 1}}
    assert preparing(described).instrument.price_precision == 5
    wrong = content(path) | {"instrument": {"price_precision": 3}}
    with pytest.raises(UsageError, match="the catalog's bars have 5 decimals, was 3"):
        preparing(wrong)
