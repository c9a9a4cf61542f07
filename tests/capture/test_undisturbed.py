"""A backtest does not notice that it is recorded: every result is the same to the last bit."""

import random
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FillModel, LatencyModel
from nautilus_trader.config import StrategyConfig
from nautilus_trader.examples.strategies.ema_cross_bracket import (
    EMACrossBracket,
    EMACrossBracketConfig,
)
from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OmsType, OrderSide, TimeInForce
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from backtest_store import record
from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record
from backtest_store.saving.crash_journal import Entry
from tests import forked
from tests.capture.backtests import MINUTE, backtest, bar_type, bars, engine, pair, scripted, share
from tests.capture.metrics_of_1_221 import waves
from tests.capture.stores import stored

HOUR = timedelta(hours=1)
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OF_THE_CLOCK = ("run_id", "instance_id", "run_started", "run_finished")


class _Restless(Strategy):  # type: ignore[misc]
    """Sets timers, rests orders that expire, unsubscribes: what a timer of ours would move."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(order_id_tag="R"))
        self.seen: list[tuple[int, str]] = []

    def on_start(self) -> None:
        (self.instrument,) = self.cache.instruments()
        self.subscribe_bars(bar_type(self.instrument, MINUTE))
        self.clock.set_timer("tick", timedelta(minutes=37), callback=self.on_tick)

    def on_tick(self, event: Any) -> None:
        self.seen.append(
            (event.ts_event, str(self.portfolio.unrealized_pnls(self.instrument.venue)))
        )
        side = OrderSide.BUY if len(self.seen) % 3 else OrderSide.SELL
        order = self.order_factory.limit(
            self.instrument.id,
            side,
            self.instrument.make_qty(1_000),
            self.cache.bar(bar_type(self.instrument, MINUTE)).close,
            time_in_force=TimeInForce.GTD,
            expire_time=self.clock.utc_now() + timedelta(minutes=11),
        )
        self.submit_order(order)

    def on_bar(self, bar: Bar) -> None:
        self.seen.append((bar.ts_event, str(self.cache.position_open_ids())))
        if len(self.seen) == 2_000:
            self.unsubscribe_bars(bar.bar_type)

    def on_event(self, event: Any) -> None:
        self.seen.append((event.ts_event, type(event).__name__))


def busy() -> BacktestEngine:
    """Two strategies, brackets, latency, chance and fees, over three days of minutes."""
    instrument = pair("AUD/USD", AUD, USD, fee="0.00002")
    made = engine(
        instrument,
        balances=[Money(1_000_000, USD)],
        oms_type=OmsType.HEDGING,
        fill_model=FillModel(prob_fill_on_limit=0.5, prob_slippage=0.5, random_seed=7),
        latency_model=LatencyModel(base_latency_nanos=90_000_000_000),
    )
    made.add_data(bars(instrument, waves(4_000), step=MINUTE))
    made.add_strategy(
        EMACrossBracket(
            EMACrossBracketConfig(
                instrument_id=instrument.id,
                bar_type=bar_type(instrument, MINUTE),
                trade_size=Decimal(100_000),
                fast_ema_period=10,
                slow_ema_period=20,
                bracket_distance_atr=2.0,
            )
        )
    )
    made.add_strategy(_Restless())
    return made


def outcome(made: BacktestEngine) -> dict[str, Any]:
    """Return everything that a run leaves behind, random ids and wall time apart."""
    cache, result = made.cache, vars(made.get_result())
    return {
        "orders": [[e.to_dict(e) for e in o.events] for o in sorted(cache.orders(), key=str)],
        "positions": sorted(str(p.to_dict()) for p in cache.positions()),
        # By what is not random in them: each has an id of its own.
        "snapshots": sorted(masked(p.to_dict()) for p in cache.position_snapshots()),
        "accounts": [[e.to_dict(e) for e in a.events] for a in cache.accounts()],
        "commissions": [str(a.commissions()) for a in cache.accounts()],
        "result": {name: value for name, value in result.items() if name not in OF_THE_CLOCK},
        "statistics": made.portfolio.analyzer.get_performance_stats_general(),
        "components": [str(c) for c in [*made.trader.actors(), *made.trader.strategies()]],
        "timers": [c.clock.timer_names for c in made.trader.strategies()],
        "seen": [getattr(c, "seen", None) for c in made.trader.strategies()],
        "iterations": made.iteration,
        "ended": made.backtest_end,
        "clock": made.kernel.clock.timestamp_ns(),
        "bus": (made.kernel.msgbus.pub_count, made.kernel.msgbus.sent_count),
    }


def masked(value: object) -> str:
    return RANDOM.sub("*", repr(value))


def both(make: Callable[[], BacktestEngine]) -> tuple[dict[str, Any], dict[str, Any]]:
    alone = make()
    alone.run()
    watched = make()
    with record(watched):
        watched.run()
    results = outcome(alone), outcome(watched)
    alone.dispose()
    watched.dispose()
    return results


def test_every_result_is_the_same(store: str) -> None:
    alone, watched = both(busy)
    assert len(alone["orders"]) > 100
    assert len(alone["positions"]) > 20
    for name, value in alone.items():
        assert masked(watched[name]) == masked(value), name


class _Gambler(StoreSink):
    """A store whose driver draws from everybody's generator, as drivers and retries do."""

    def begin(self, record: Record) -> Entry:  # noqa: ARG002
        random.random()
        return Entry()

    def save(self, record: Record, entry: Entry | None) -> bool:  # noqa: ARG002
        random.random()
        return True


def chance_is_left_alone() -> None:
    """Run an engine twice under a sink that gambles."""
    made = backtest([100, 110, 120], {0: 10})
    recorder = EngineRecorder(made, RunDetails(), _Gambler())
    recorder.attach()
    random.seed(1)
    before = random.getstate()
    made.run()
    made.reset()
    made.run()
    recorder.detach()
    assert recorder.runs == 2
    assert random.getstate() == before


def test_chance_is_left_alone() -> None:
    """In a process of its own: while a stranger's thread may draw, chance cannot be put back."""
    code = "from tests.capture.test_undisturbed import chance_is_left_alone as run; run()"
    forked.run([sys.executable, "-c", code], check=True)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    closes=st.lists(st.integers(50, 150), min_size=1, max_size=30),
    orders=st.dictionaries(st.integers(0, 29), st.integers(-9, 9), max_size=10),
    latency=st.integers(0, 100),
    oms_type=st.sampled_from([OmsType.NETTING, OmsType.HEDGING]),
)
def test_any_course_of_orders_is_the_same(
    store: str, closes: list[int], orders: dict[int, int], latency: int, oms_type: OmsType
) -> None:
    def make() -> BacktestEngine:
        step = timedelta(hours=6)
        model = LatencyModel(base_latency_nanos=latency * 3_600_000_000_000)
        made = engine(share(), oms_type=oms_type, latency_model=model)
        made.add_data(bars(share(), closes, step=step))
        made.add_strategy(scripted(share(), orders, step=step, close_on_stop=True))
        return made

    alone, watched = both(make)
    assert masked(alone) == masked(watched)


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from contextlib import nullcontext
from backtest_store import record
from backtest_store.capture.run_details import RunDetails
from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.saving.crash_journal import Entry
from backtest_store.models import Record
from backtest_store.saving import background_saver
from tests.capture.backtests import backtest

background_saver.PATIENCE = {patience}
for strategy in ({{}}, {{"raise_at": 2}}):
    made = backtest([100, 110, 120, 115], {{0: 10, 2: -10}}, log_level="DEBUG", strategy=strategy)
    with record(made) if {watched} else nullcontext():
        made.run()
    made.dispose()
"""
WALL_TIME = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")  # a DEBUG log shows handlers
OF_THE_MACHINE = re.compile(
    r".*(?:RAM-|Swap-|PID).*\n|\d+(?:ns|μs|ms)\b|Elapsed time:   (?:\d days )?[\d:.]+"
)


def test_output_and_exit_code_are_the_same(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, saved = _run(watched=False), _run(watched=True)
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://me:hunter22@127.0.0.1:1/none")
    spooled = _run(watched=True, patience=0.2)
    assert len(alone.stdout.splitlines()) > 200
    for watched, expected in ((saved, 0), (spooled, 1)):
        assert watched.returncode == alone.returncode == 1
        assert _same(watched.stdout) == _same(alone.stdout)
        ours = [line for line in watched.stderr.splitlines() if line.startswith("btstore:")]
        assert len(ours) == expected, watched.stderr
        assert "hunter22" not in watched.stdout + watched.stderr
        rest = [line for line in watched.stderr.splitlines() if line not in ours]
        # The engine's log has a thread of its own: its lines fall anywhere among a traceback's.
        assert sorted(rest) == sorted(alone.stderr.splitlines())
    assert [run["status"] for run in stored(store)] == ["success", "failed"]


def _run(*, watched: bool, patience: float = 60) -> CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    script = SCRIPT.format(root=root, watched=watched, patience=patience)
    return forked.run([sys.executable, "-c", script])


def _same(output: str) -> str:
    output = ADDRESS.sub("*", OF_THE_MACHINE.sub("", output))
    return WALL_TIME.sub("*", RANDOM.sub("*", output))
