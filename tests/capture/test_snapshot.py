"""Configuration snapshots, the hash of what decides about a result, and provenance."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.backtest.config import BacktestVenueConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FillModel, FixedFeeModel, LatencyModel
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.config import ImportableStrategyConfig, StrategyFactory

from backtest_store.capture.details import Details, Outcome
from backtest_store.capture.identity import provenance
from backtest_store.capture.identity.json_values import plain
from backtest_store.capture.identity.market_data import SAMPLE, fingerprint, moment
from backtest_store.capture.identity.snapshot import config_hash
from backtest_store.capture.recorder import run_id_of
from backtest_store.capture.run import begin, finish
from backtest_store.models import Record
from tests.capture.backtests import MINUTE, Scripted, backtest, bars, engine, scripted, share

CLOSES = [100, 110, 120, 115]
ORDERS = {0: 10, 2: -10}


def captured(made: BacktestEngine, **run: Any) -> Record:
    """Run an engine and capture what is left, without a store."""
    made.run(**run)
    return finish(made, begin(made, Details(), run_id_of(made)), Outcome(), None)


def test_engine_is_described_in_the_terms_of_a_run_configuration() -> None:
    made = backtest(
        CLOSES,
        ORDERS,
        account_type=AccountType.CASH,
        fill_model=FillModel(prob_slippage=0.25),
        fee_model=FixedFeeModel(Money(3, USD)),
        latency_model=LatencyModel(base_latency_nanos=5),
    )
    snapshot = captured(made).config_snapshot
    (venue,) = snapshot["venues"]
    assert (venue["name"], venue["oms_type"], venue["account_type"]) == ("XNAS", "NETTING", "CASH")
    assert (venue["base_currency"], venue["starting_balances"]) == ("USD", ["10000.00 USD"])
    assert venue["fill_model"]["config"]["prob_slippage"] == 0.25
    assert venue["fee_model"]["config"]["commission"] == "3.00 USD"
    assert venue["latency_model"]["config"]["base_latency_nanos"] == 5
    parsed = BacktestVenueConfig.parse(msgspec.json.encode(venue))
    assert (parsed.name, parsed.default_leverage) == ("XNAS", 1.0)
    (data,) = snapshot["data"]
    assert data["streams"] == ["ACME.XNAS-1-DAY-LAST-EXTERNAL"]
    assert (data["count"], data["first"]) == (4, "2024-01-01T00:00:00+00:00")
    (instrument,) = snapshot["instruments"]
    assert (instrument["id"], instrument["type"]) == ("ACME.XNAS", "Equity")


def test_strategy_can_be_made_again_from_its_snapshot() -> None:
    made = backtest(CLOSES, ORDERS)
    snapshot = captured(made).config_snapshot
    (entry,) = snapshot["engine"]["strategies"]
    assert {name: snapshot[name] for name in entry} == entry
    again = StrategyFactory.create(ImportableStrategyConfig(**entry))
    (original,) = made.trader.strategies()
    assert type(again) is Scripted
    assert again.config == original.config


def test_hash_is_the_same_in_every_process() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.capture.test_snapshot import *
print(captured(backtest(CLOSES, ORDERS)).config_hash)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == captured(backtest(CLOSES, ORDERS)).config_hash


Make = Callable[[], BacktestEngine]
OTHERS: dict[str, Make] = {
    "strategy": lambda: backtest(CLOSES, {0: 11}),
    "data": lambda: backtest([*CLOSES[:-1], 116], ORDERS),
    "more data": lambda: backtest([*CLOSES, 116], ORDERS),
    "capital": lambda: backtest(CLOSES, ORDERS, balances=[Money(10_001, USD)]),
    "leverage": lambda: backtest(CLOSES, ORDERS, leverage=5),
    "account": lambda: backtest(CLOSES, ORDERS, account_type=AccountType.CASH),
    "fee": lambda: backtest(CLOSES, ORDERS, fee_model=FixedFeeModel(Money(3, USD))),
    "another fee": lambda: backtest(CLOSES, ORDERS, fee_model=FixedFeeModel(Money(4, USD))),
    "fills": lambda: backtest(CLOSES, ORDERS, fill_model=FillModel(prob_slippage=0.5)),
    "instrument": lambda: backtest(CLOSES, ORDERS, instrument=share("OTHER")),
}


def test_hash_follows_what_decides_about_the_result() -> None:
    hashes = {name: captured(make()).config_hash for name, make in OTHERS.items()}
    hashes["none"] = captured(backtest(CLOSES, ORDERS)).config_hash
    hashes["dates"] = captured(backtest(CLOSES, ORDERS), end="2024-01-03").config_hash
    assert len(set(hashes.values())) == len(hashes)


def test_hash_does_not_follow_names() -> None:
    expected = captured(backtest(CLOSES, ORDERS)).config_hash
    assert captured(backtest(CLOSES, ORDERS, log_level="ERROR")).config_hash == expected
    tagged = backtest(CLOSES, ORDERS, strategy={"order_id_tag": "7", "strategy_id": "Mine"})
    assert captured(tagged).config_hash == expected
    made = backtest(CLOSES, ORDERS)
    made.run()
    details = Details(strategy_name="x", strategy_type="momentum", tags=["a"], note="n")
    named = finish(made, begin(made, details, run_id_of(made)), Outcome(), None)
    assert named.config_hash == expected


@given(
    st.dictionaries(st.text(max_size=3), st.integers(), min_size=2, max_size=5),
    st.randoms(use_true_random=False),
)
def test_hash_does_not_follow_the_order_of_keys(snapshot: dict[str, int], random: Any) -> None:
    names = list(snapshot)
    random.shuffle(names)
    facts: dict[str, Any] = {
        "instrument_ids": ["A.B", "C.D"],
        "start_date": datetime(2024, 1, 1, tzinfo=UTC),
        "end_date": None,
        "data_fingerprint": "f",
    }
    shuffled = {name: snapshot[name] for name in names}
    assert config_hash(shuffled, **facts) == config_hash(snapshot, **facts)
    facts["instrument_ids"] = ["C.D", "A.B"]
    assert config_hash(shuffled, **facts) == config_hash(snapshot, **facts)
    assert len(config_hash(snapshot, **facts)) == 64


def test_fingerprint_follows_the_data() -> None:
    few = bars(share(), CLOSES)
    assert fingerprint(few) == fingerprint(bars(share(), CLOSES))
    assert fingerprint(few) != fingerprint(few[:-1])
    assert fingerprint(few) != fingerprint(bars(share(), [100, 110, 121, 115]))
    many = bars(share(), [100] * (3 * SAMPLE), step=MINUTE)
    assert fingerprint(many) != fingerprint(many[:-1])
    assert fingerprint(many) != fingerprint([*many[:-1], few[0]])


def test_times_keep_their_microseconds() -> None:
    assert moment(1_700_000_000_123_456_789) == datetime(
        2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC
    )
    assert moment(None) is None


def test_only_a_part_of_the_data_was_run() -> None:
    record = captured(backtest(CLOSES, ORDERS), start="2024-01-02", end="2024-01-03")
    assert record.start_date == datetime(2024, 1, 2, tzinfo=UTC)
    assert record.end_date == datetime(2024, 1, 3, tzinfo=UTC)


def test_parameters_are_what_the_strategy_has_of_its_own() -> None:
    record = captured(backtest(CLOSES, ORDERS))
    assert set(record.parameters) == {
        "instrument_id",
        "bar_type",
        "orders",
        "raise_at",
        "exception",
        "close_on_stop",
    }


def test_provenance_says_what_ran(tmp_path: Path) -> None:
    import nautilus_trader

    record = captured(backtest(CLOSES))
    origin = record.provenance
    assert origin["engine_version"] == nautilus_trader.__version__
    assert origin["python_version"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    source = Path(sys.modules[Scripted.__module__].__file__ or "")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert origin["source_sha256"] == {str(source): digest}
    assert origin["command_line"]


def test_state_of_a_repository(tmp_path: Path) -> None:
    def git(*args: str) -> str:
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        ran = subprocess.run(
            ["git", "-C", str(tmp_path), *names, *args], capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    assert provenance.git_state(tmp_path / "nowhere") is None
    git("init", "-q")
    assert provenance.git_state(tmp_path) is None
    (tmp_path / "a.py").write_text("1")
    git("add", "a.py")
    git("commit", "-qm", "a")
    provenance.git_state.cache_clear()
    assert provenance.git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "a.py").write_text("2")
    provenance.git_state.cache_clear()
    state = provenance.git_state(tmp_path)
    assert state is not None
    assert state["dirty"] is True


def test_without_git_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    provenance.git_state.cache_clear()
    assert provenance.git_state(tmp_path) is None


def test_class_of_a_notebook_has_no_source() -> None:
    made = type("Cell", (), {"__module__": "__no_such_module__"})
    origin = provenance.provenance_of([made])
    assert origin["source_sha256"] == {}


def test_package_of_others_is_not_the_users_repository(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "x"
    own = tmp_path / "own"
    for folder in (package, own):
        folder.mkdir(parents=True)
    assert provenance.repository_folder([package / "a.py", own / "b.py"]) == own
    assert provenance.repository_folder([package / "a.py"]) == Path.cwd()


def test_decimal_parameters_keep_their_text() -> None:
    made = engine(share())
    made.add_data(bars(share(), CLOSES))
    made.add_strategy(scripted(share(), {0: "1.50"}))
    record = captured(made)
    assert record.parameters["orders"] == {"0": "1.50"}
    assert plain(Decimal("1.50")) == "1.50"
