"""What the short form reads: other instruments, other data, several of each."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.data import BookOrder, OrderBookDelta, QuoteTick
from nautilus_trader.model.enums import BookAction, OrderSide
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from backtest_store.errors import StoreError, UsageError
from backtest_store.runner.config.expansion import expand
from backtest_store.runner.config.loading import load_config, parse_config
from backtest_store.runner.config_runs import execute
from backtest_store.runner.data.instruments import name_from_file
from backtest_store.runner.facts_before_run import facts_of
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.runner.conftest import Preparing
from tests.runner.test_venue import STRATEGY
from tests.shell import btstore

HEADER = "timestamp,open,high,low,close,volume\n"


def bars(path: Path, step: int = 86_400, count: int = 30, factor: float = 1.0) -> None:
    rows = [
        f"{1_577_836_800 + n * step},{factor * (100 + n)},{factor * (103 + n)},{factor * (98 + n)},"
        f"{factor * (101 + n)},{1000 + n}"
        for n in range(count)
    ]
    path.write_text(HEADER + "\n".join(rows))


def planned(folder: Path, **changes: Any) -> dict[str, Any]:
    (folder / "plan.py").write_text(STRATEGY)
    return {
        "strategy": "plan:Plan",
        "parameters": {"orders": {"1": "2", "5": "-2"}},
        "venue": {"starting_balance": "1000000 USD", "leverage": 10},
        "directory": str(folder),
    } | changes


def profit(prepared: Any) -> float:
    """Run, and return what the account has won."""
    prepared.engine.run()
    balance: float = prepared.engine.cache.accounts()[0].balance_total().as_double()
    return round(balance - 1_000_000, 6)


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        ("AAPL.csv", "AAPL.SIM"),
        ("AAPL.XNAS.csv", "AAPL.XNAS"),
        ("AAPL.XNAS.csv.gz", "AAPL.XNAS"),
        ("EURUSD.csv", "EUR/USD.SIM"),
        ("EURUSD_2017_1h.csv", "EUR/USD.SIM"),
        ("BTCUSDT.BINANCE.csv", "BTC/USDT.BINANCE"),
        ("BTC-USD.csv", "BTC/USD.SIM"),
        ("ESZ4.csv", "ESZ4.SIM"),
        ("bars.csv", None),
        ("my prices.csv", None),
    ],
)
def test_a_files_name_tells_its_instrument(name: str, instrument: str | None) -> None:
    assert name_from_file(name) == instrument


@pytest.mark.parametrize(
    ("step", "bar"),
    [
        (60, "1-MINUTE"),
        (900, "15-MINUTE"),
        (14_400, "4-HOUR"),
        (86_400, "1-DAY"),
        (604_800, "1-WEEK"),
    ],
)
def test_a_path_alone_is_enough(step: int, bar: str, tmp_path: Path, preparing: Preparing) -> None:
    bars(tmp_path / "AAPL.XNAS.csv", step)
    prepared = preparing(planned(tmp_path, data={"path": "AAPL.XNAS.csv"}))
    assert str(prepared.instrument.id) == "AAPL.XNAS"
    assert prepared.parameters["bar_type"] == f"AAPL.XNAS-{bar}-LAST-EXTERNAL"
    assert profit(prepared) == 8  # 2 units, bought at 101, sold at 105


def test_what_no_name_and_no_spacing_tell_is_asked_for(tmp_path: Path) -> None:
    bars(tmp_path / "prices.csv")
    with pytest.raises(UsageError) as caught:
        expand(parse_config(planned(tmp_path, data={"path": "prices.csv"}), origin="c.toml"))
    assert str(caught.value) == (
        "c.toml: data: which instrument is prices.csv? Its name does not tell; write"
        ' instrument = "AAPL.XNAS"'
    )
    bars(tmp_path / "AAPL.csv", step=37 * 60)
    with pytest.raises(UsageError, match='tell no kind of bar; write bar = "1-DAY"'):
        expand(parse_config(planned(tmp_path, data={"path": "AAPL.csv"}), origin="c.toml"))


def test_a_future_has_a_multiplier_and_an_end(tmp_path: Path, preparing: Preparing) -> None:
    bars(tmp_path / "ESZ4.XCME.csv")
    instrument = {"type": "future", "multiplier": 50, "expiry": "2024-12-20", "tick_size": 0.25}
    prepared = preparing(planned(tmp_path, data={"path": "ESZ4.XCME.csv"}, instrument=instrument))
    assert type(prepared.instrument).__name__ == "FuturesContract"
    assert prepared.instrument.expiration_utc.date().isoformat() == "2024-12-20"
    assert profit(prepared) == 8 * 50


def test_a_perpetual_trades_fractions(tmp_path: Path, preparing: Preparing) -> None:
    bars(tmp_path / "BTCUSDT-PERP.BINANCE.csv")
    content = planned(
        tmp_path,
        data={"path": "BTCUSDT-PERP.BINANCE.csv", "instrument": "BTCUSDT-PERP.BINANCE"},
        instrument={"type": "perpetual", "size_precision": 3, "margin": 0.05},
        parameters={"orders": {"1": "0.5", "5": "-0.5"}},
        venue={"starting_balance": "1000000 USDT"},
    )
    prepared = preparing(content)
    assert type(prepared.instrument).__name__ == "CryptoPerpetual"
    assert prepared.instrument.base_currency.code == "BTC"
    assert profit(prepared) == 2


def test_an_option_has_a_strike(tmp_path: Path, preparing: Preparing) -> None:
    bars(tmp_path / "AAPL240119C.XCBO.csv", factor=0.1)
    instrument = {
        "type": "option", "multiplier": 100, "expiry": "2024-01-19", "option_kind": "call",
        "strike_price": 150, "underlying": "AAPL",
    }  # fmt: skip
    data = {"path": "AAPL240119C.XCBO.csv", "instrument": "AAPL240119C.XCBO"}
    prepared = preparing(planned(tmp_path, data=data, instrument=instrument))
    assert type(prepared.instrument).__name__ == "OptionContract"
    assert str(prepared.instrument.strike_price) == "150"


@pytest.mark.parametrize(
    ("instrument", "said"),
    [
        ({"type": "future", "expiry": "2024-12-20"}, "instrument.multiplier is missing"),
        ({"type": "option", "multiplier": 100, "expiry": "2024-12-20"}, "option_kind is missing"),
        ({"multiplier": 50}, "instrument.multiplier: only contracts have one, was 50"),
        ({"strike_price": 5}, "instrument.strike_price: only an option has one, was 5"),
    ],
)
def test_what_an_instrument_lacks_or_cannot_have_is_named(
    instrument: dict[str, Any], said: str, tmp_path: Path
) -> None:
    bars(tmp_path / "ESZ4.csv")
    content = planned(tmp_path, data={"path": "ESZ4.csv"}, instrument=instrument)
    with pytest.raises(UsageError) as caught:
        expand(parse_config(content, origin="c.toml"))
    assert said in str(caught.value)


TICKS = '''
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class TicksConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    kind: str


class Ticks(Strategy):
    """Buy at the third tick, sell at the sixth."""

    def on_start(self):
        self.seen = 0
        getattr(self, f"subscribe_{self.config.kind}")(self.config.instrument_id)

    def on_tick(self, _):
        self.seen += 1
        side = {3: OrderSide.BUY, 6: OrderSide.SELL}.get(self.seen)
        if side is not None:
            quantity = self.cache.instrument(self.config.instrument_id).make_qty(10)
            order = self.order_factory.market(self.config.instrument_id, side, quantity)
            self.submit_order(order)

    on_quote_tick = on_trade_tick = on_order_book_deltas = on_tick
'''


def ticks(folder: Path, kind: str, **changes: Any) -> dict[str, Any]:
    (folder / "ticks.py").write_text(TICKS)
    return {
        "strategy": "ticks:Ticks",
        "parameters": {"kind": kind},
        "venue": {"starting_balance": "1000000 USD"},
        "directory": str(folder),
    } | changes


def test_a_file_of_quotes_fills_on_both_sides(tmp_path: Path, preparing: Preparing) -> None:
    rows = [f"2020-01-01T10:00:{n:02},{10 + n},{10.5 + n},100,200" for n in range(10)]
    (tmp_path / "AAPL.csv").write_text("time,bid,ask,bid_size,ask_size\n" + "\n".join(rows))
    prepared = preparing(ticks(tmp_path, "quote_ticks", data={"path": "AAPL.csv"}))
    assert profit(prepared) == 10 * (15 - 12.5)
    assert prepared.start == datetime(2020, 1, 1, 10, tzinfo=UTC)


def test_a_file_of_trades_may_repeat_a_time(tmp_path: Path, preparing: Preparing) -> None:
    rows = [f"2020-01-01T10:00:{n // 2:02},{10 + n},5000" for n in range(10)]
    (tmp_path / "AAPL.csv").write_text("time,price,size\n" + "\n".join(rows))
    prepared = preparing(ticks(tmp_path, "trade_ticks", data={"path": "AAPL.csv"}))
    assert profit(prepared) == 10 * 3


def test_bars_may_be_made_of_ticks(tmp_path: Path, preparing: Preparing) -> None:
    rows = [f"2020-01-01T{n // 60:02}:{n % 60:02}:00,{10 + n},5000,buy" for n in range(600)]
    (tmp_path / "AAPL.csv").write_text("time,price,size,side\n" + "\n".join(rows))
    content = planned(tmp_path, data={"path": "AAPL.csv", "bar": "1-HOUR"})
    prepared = preparing(content)
    assert prepared.parameters["bar_type"] == "AAPL.SIM-1-HOUR-LAST-INTERNAL"
    prepared.engine.run()
    assert len(prepared.engine.cache.orders()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "time,bid\n2020-01-01,5",
            "line 1: no column named ask; write it in the first line, which has time, bid",
        ),
        ("time,bid,ask\n2020-01-01,5,4", "line 2: ask 4.0 is under bid 5.0"),
        ("time,price,side\n2020-01-01,5,hold", "line 2: 'hold' is not a side"),
        ("time,price\n2020-01-02,5\n2020-01-01,5", "line 3: time 2020-01-01 is before the row"),
    ],
)
def test_a_bad_tick_is_refused_by_its_file_line_and_value(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "AAPL.csv").write_text(text)
    with pytest.raises(UsageError) as caught:
        expand(parse_config(ticks(tmp_path, "quote_ticks", data={"path": "AAPL.csv"}), origin="c"))
    assert said in str(caught.value)


def test_quotes_and_deltas_come_from_a_catalog(tmp_path: Path, preparing: Preparing) -> None:
    instrument = TestInstrumentProvider.equity("AAPL", "XNAS")
    catalog = ParquetDataCatalog(str(tmp_path / "catalog"))
    price, size = instrument.make_price, instrument.make_qty(1000)
    stamps = [1_577_836_800_000_000_000 + n * 10**9 for n in range(10)]
    quotes = [
        QuoteTick(instrument.id, price(10 + n), price(11 + n), size, size, t, t)
        for n, t in enumerate(stamps)
    ]
    deltas = []
    for n, t in enumerate(stamps):
        deltas.append(OrderBookDelta.clear(instrument.id, n, t, t))
        for side, value in ((OrderSide.BUY, 10 + n), (OrderSide.SELL, 12 + n)):
            order = BookOrder(side, price(value), size, 1)
            deltas.append(OrderBookDelta(instrument.id, BookAction.ADD, order, 0, n, t, t))
    catalog.write_data([instrument])
    catalog.write_data(quotes)
    catalog.write_data(deltas)
    data = {"catalog": "catalog", "instrument": "AAPL.XNAS", "type": "quotes"}
    prepared = preparing(ticks(tmp_path, "quote_ticks", data=data))
    assert profit(prepared) == 10 * (15 - 13)
    venue = {"starting_balance": "1000000 USD", "book_type": "L2_MBP"}
    content = ticks(tmp_path, "order_book_deltas", data=data | {"type": "deltas"}, venue=venue)
    assert prepared.backtest.run_config["data"][0]["catalog_path"] == str(tmp_path / "catalog")
    assert profit(preparing(content)) != 0


def test_several_strategies_trade_several_instruments(store: str, tmp_path: Path) -> None:
    bars(tmp_path / "AAPL.csv")
    bars(tmp_path / "MSFT.csv", factor=2)
    (tmp_path / "plan.py").write_text(STRATEGY)
    path = tmp_path / "both.toml"
    path.write_text(
        """
        [[data]]
        path = "AAPL.csv"
        [[data]]
        path = "MSFT.csv"
        [[strategies]]
        strategy = "plan:Plan"
        parameters = {orders = {1 = "2", 5 = "-2"}}
        [[strategies]]
        strategy = "plan:Plan"
        parameters = {instrument_id = "MSFT.SIM", orders = {1 = "3", 5 = "-3"}}
        [venue]
        taker_fee = 0.0001
        """
    )
    run = execute(load_config(path))
    assert run.status == "success", run.error_message
    assert run.instrument_ids == ["AAPL.SIM", "MSFT.SIM"]
    assert run.total_trades == 2
    fees = 0.0001 * (2 * (101 + 105) + 3 * (202 + 210))
    assert float(run.net_profit or 0) == pytest.approx(2 * 4 + 3 * 8 - fees, abs=0.05)
    assert run.data_source == f"{tmp_path / 'AAPL.csv'}, {tmp_path / 'MSFT.csv'}"
    (saved,) = stored(store)
    assert len(saved["config_snapshot"]["engine"]["strategies"]) == 2


def test_data_in_several_venues_need_the_long_form(tmp_path: Path) -> None:
    bars(tmp_path / "AAPL.XNAS.csv")
    bars(tmp_path / "MSFT.XNYS.csv")
    data = [{"path": "AAPL.XNAS.csv"}, {"path": "MSFT.XNYS.csv"}]
    with pytest.raises(UsageError, match="the data is of XNAS, XNYS; write the long form"):
        expand(parse_config(planned(tmp_path, data=data), origin="c.toml"))


def test_what_does_not_change_the_data_does_not_change_its_catalog(tmp_path: Path) -> None:
    import gzip

    bars(tmp_path / "AAPL.csv")
    (tmp_path / "moved").mkdir()
    text = (tmp_path / "AAPL.csv").read_bytes()
    (tmp_path / "moved" / "AAPL.csv.gz").write_bytes(gzip.compress(text))
    contents = [
        planned(tmp_path, data={"path": name}) for name in ("AAPL.csv", "moved/AAPL.csv.gz")
    ]
    found = [expand(parse_config(content, origin="c")) for content in contents]
    assert len({b.run_config["data"][0]["catalog_path"] for b in found}) == 1
    assert len({facts_of(b).data_fingerprint for b in found}) == 1
    assert len({facts_of(b).config_hash for b in found}) == 1


def test_a_home_that_cannot_be_written_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars(tmp_path / "AAPL.csv")
    (tmp_path / "file").touch()
    monkeypatch.setenv("BTSTORE_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreError) as caught:
        expand(parse_config(planned(tmp_path, data={"path": "AAPL.csv"}), origin="c"))
    assert f"cannot write the data as a catalog in {tmp_path}/file/catalogs: " in str(caught.value)
    assert "BTSTORE_HOME" in caught.value.hint


def test_orders_that_are_refused_are_told_of(store: str, tmp_path: Path) -> None:
    closes = [100, 99, 98, 97, 96, 99, 103, 106, 103, 98, 94, 99, 105]
    rows = [f"2020-01-{day:02d},{c},{c},{c},{c},1000" for day, c in enumerate(closes, 1)]
    (tmp_path / "ESM24.XCME.csv").write_text(HEADER + "\n".join(rows))
    path = tmp_path / "c.toml"
    path.write_text(
        'strategy = "sma_crossover"\n[parameters]\nfast_period = 2\nslow_period = 4\n'
        'trade_size = 1\n[data]\npath = "ESM24.XCME.csv"\n[venue]\nstarting_balance = "100 USD"\n'
        '[instrument]\ntype = "future"\nmultiplier = 50\nexpiry = 2024-06-21\n'
    )
    answer = btstore("run", str(path))
    assert answer.code == 0, answer.err
    (run,) = stored(store)
    (told,) = [warning for warning in run["warnings"] if "refused" in warning]
    number, said = told.split(" orders were refused: ")
    refused, of = number.split(" of ")
    assert refused == of
    assert int(refused) > 0
    assert re.fullmatch(r"INSUFFICIENT_MARGIN: needs [\d.]+ USD, equity is 100.00", said)
    assert f"note: SMA Crossover: {told}\n" in answer.err
