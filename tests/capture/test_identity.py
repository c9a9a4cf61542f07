"""Two runs whose results could differ never share a hash: each field of everything is varied.

The fields are those of NautilusTrader's own classes, so that one that a later version adds is
varied by itself, or fails here for want of another value.
"""

import inspect
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import msgspec
import numpy as np
import pandas as pd
import pytest
from nautilus_trader.accounting.margin_models import MarginModel, StandardMarginModel
from nautilus_trader.backtest import config as backtest_config
from nautilus_trader.backtest import models
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import (
    FeeModel,
    FillModel,
    FixedFeeModel,
    LatencyModel,
    PerContractFeeModel,
)
from nautilus_trader.backtest.modules import FXRolloverInterestConfig, FXRolloverInterestModule
from nautilus_trader.config import StrategyConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, BookType, OmsType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.strategy import Strategy

from backtest_store import record
from backtest_store.capture.end_status import Outcome
from backtest_store.capture.identity.code.source import uses_of
from backtest_store.capture.identity.config_hash import deciding_configuration
from backtest_store.capture.identity.config_snapshot import node_snapshot
from backtest_store.capture.identity.json_values import canonical, plain
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record
from tests.capture.backtests import (
    Scripted,
    ScriptedConfig,
    backtest,
    bar_type,
    bars,
    engine,
    scripted,
    share,
)
from tests.capture.config_variations import fields_of, others
from tests.capture.recorded import recorded
from tests.number_of_tries import tries

CLOSES = [100, 110, 120, 115]
ORDERS = {0: 10, 2: -10}
Make = Callable[[], BacktestEngine]


def hash_of(made: BacktestEngine, **run: Any) -> str:
    found = recorded(made, **run).config_hash
    assert found is not None
    return found


@pytest.fixture(scope="module")
def plain_hash() -> str:
    return hash_of(backtest(CLOSES, ORDERS))


def test_hash_is_the_same_in_every_process(plain_hash: str) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.capture.test_identity import *
print(hash_of(backtest(CLOSES, ORDERS)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == plain_hash


# What a venue is given ------------------------------------------------------------------------


class Kept(FeeModel):  # type: ignore[misc]
    """A fee model of the user's, whose fee no public attribute shows."""

    def __init__(self, fee: float) -> None:
        self._fee = fee

    def get_commission(self, *_: object) -> Money:
        """Return the fee."""
        return Money(self._fee, USD)


class KeptFill(FillModel):  # type: ignore[misc]
    """A fill model of the user's."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level


class KeptLatency(LatencyModel):  # type: ignore[misc]
    """A latency model of the user's."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level


class KeptMargin(MarginModel):  # type: ignore[misc]
    """A margin model of the user's."""

    def __init__(self, rate: str) -> None:
        self._rate = Decimal(rate)

    def calculate_margin_init(self, *_: object) -> Money:
        """Return the margin."""
        return Money(self._rate, USD)

    def calculate_margin_maint(self, *_: object) -> Money:
        """Return the margin."""
        return Money(self._rate, USD)


class Slotted(FeeModel):  # type: ignore[misc]
    """A fee model that keeps its fee in a slot."""

    __slots__ = ("fee",)

    def __init__(self, fee: float) -> None:
        self.fee = fee

    def get_commission(self, *_: object) -> Money:
        """Return the fee."""
        return Money(self.fee, USD)


def rollover(rate: float) -> FXRolloverInterestModule:
    table = pd.DataFrame({"LOCATION": ["AUS", "USA"], "TIME": ["2024-01"] * 2, "Value": [rate, 1]})
    return FXRolloverInterestModule(FXRolloverInterestConfig(rate_data=table))


ID = InstrumentId.from_str("ACME.XNAS")
# What the parameters of `add_venue` may be besides, where their type does not tell.
VENUE_VALUES: dict[str, list[Any]] = {
    "oms_type": [OmsType.NETTING, OmsType.HEDGING],
    "account_type": [AccountType.MARGIN, AccountType.CASH],
    "starting_balances": [[Money(10_000, USD)], [Money(10_001, USD)]],
    "base_currency": [USD, None],
    "default_leverage": [Decimal(10), Decimal(5)],
    "leverages": [None, {ID: Decimal(2)}, {ID: Decimal(3)}],
    "margin_model": [None, StandardMarginModel(), KeptMargin("1"), KeptMargin("2")],
    "modules": [None, [rollover(1.0)], [rollover(1.0000001)]],
    "fill_model": [None, KeptFill(1), KeptFill(2)],
    "fee_model": [None, Kept(1), Kept(2), Slotted(1), Slotted(2)],
    "latency_model": [None, KeptLatency(1), KeptLatency(2)],
    "book_type": [BookType.L1_MBP, BookType.L2_MBP],
    "oto_trigger_mode": [],
    "price_protection_points": [None, 1],
    "settlement_prices": [None, {ID: 1.5}, {ID: 2.5}],
}
# What else a venue must be for the parameter to mean anything.
BESIDES: dict[str, dict[str, Any]] = {
    "account_type": {"default_leverage": None, "leverages": None},
    "allow_cash_borrowing": {"account_type": AccountType.CASH, "default_leverage": None},
}
# What NautilusTrader takes and does nothing with.
INERT = {"routing"}
OF_A_VENUE = inspect.signature(BacktestEngine.add_venue).parameters
VARIED = [name for name in OF_A_VENUE if name not in ("self", "venue")]


def venue_values(name: str) -> list[Any]:
    parameter = OF_A_VENUE[name]
    if VENUE_VALUES.get(name):
        return VENUE_VALUES[name]
    kind = type(parameter.default)
    return [parameter.default, *others(kind, parameter.default)[:1]]


# A venue that lends, or whose account is calculated, is so in all later engines of a process.
OWN_VENUES = {"allow_cash_borrowing": "LENDER", "frozen_account": "FREEZER"}


def on_a_venue(**values: Any) -> BacktestEngine:
    made = BacktestEngine(BacktestEngineConfig(logging=_silent()))
    usual: dict[str, Any] = {n: VENUE_VALUES[n][0] for n in VARIED if VENUE_VALUES.get(n)}
    own = next((venue for name, venue in OWN_VENUES.items() if name in values), "XNAS")
    instrument = share(venue=own)
    made.add_venue(instrument.id.venue, **usual | values)
    made.add_instrument(instrument)
    made.add_data(bars(instrument, CLOSES))
    made.add_strategy(scripted(instrument, ORDERS))
    return made


def _silent() -> Any:
    from nautilus_trader.config import LoggingConfig

    return LoggingConfig(bypass_logging=True)


@pytest.mark.parametrize("name", VARIED)
def test_each_parameter_of_a_venue_changes_the_hash(name: str) -> None:
    values = venue_values(name)
    assert len(values) > 1, f"no other value for {name}: add one to VENUE_VALUES"
    besides = BESIDES.get(name, {})
    first_frozen = reversed(values) if name == "frozen_account" else values
    hashes = {hash_of(on_a_venue(**besides | {name: value})) for value in first_frozen}
    assert len(hashes) == (1 if name in INERT else len(values))


# Models, by every field of their configurations -----------------------------------------------

PARAMETER_OF = {FillModel: "fill_model", LatencyModel: "latency_model", FeeModel: "fee_model"}
OF_MODELS = tuple(PARAMETER_OF)
MODELS = {
    name: getattr(models, name.removesuffix("Config"))
    for name in dir(backtest_config)
    if name.endswith("ModelConfig")
    and issubclass(getattr(models, name.removesuffix("Config"), int), OF_MODELS)
    and msgspec.structs.fields(getattr(backtest_config, name))
}
MODEL_VALUES: dict[str, list[Any]] = {"commission": ["3 USD", "4 USD"], "random_seed": [1, 2]}
MODEL_FIELDS = [
    (name, field) for name in MODELS for field, _ in fields_of(getattr(backtest_config, name))
]


@pytest.mark.parametrize(("name", "field"), MODEL_FIELDS)
def test_each_field_of_a_model_changes_the_hash(name: str, field: str) -> None:
    hashes = {hash_of(engine_) for engine_ in _with_models(name, field)}
    assert len(hashes) == 2


def _with_models(name: str, field: str) -> Iterator[BacktestEngine]:
    config, model = getattr(backtest_config, name), MODELS[name]
    kinds = dict(fields_of(config))
    usual: dict[str, Any] = {"commission": "3 USD"} if "commission" in kinds else {}
    if field == "random_seed":
        usual["prob_slippage"] = 0.5
    defaults: dict[str, Any] = {f.name: f.default for f in msgspec.structs.fields(config)}
    default = defaults[field]
    values = MODEL_VALUES.get(field) or [default, others(kinds[field], default)[0]]
    if field == "prob_slippage" or field.startswith("prob_"):
        values = [0.0, 1.0]
    parameter = next(p for base, p in PARAMETER_OF.items() if issubclass(model, base))
    for value in values:
        made = model(config=config(**usual | {field: value}))
        yield on_a_venue(**{parameter: made})


def test_a_fee_charged_once_or_for_each_fill() -> None:
    fees = [FixedFeeModel(Money(3, USD), charge_commission_once=once) for once in (True, False)]
    assert len({hash_of(on_a_venue(fee_model=fee)) for fee in fees}) == 2
    others_ = [PerContractFeeModel(Money(fee, USD)) for fee in (3, 4)]
    assert len({hash_of(on_a_venue(fee_model=fee)) for fee in others_}) == 2


def test_chance_counts_from_where_it_was_when_the_run_began() -> None:
    def seeded(seed: int) -> BacktestEngine:
        np.random.random()  # noqa: NPY002 - nothing here draws from this one
        return on_a_venue(fill_model=FillModel(prob_slippage=0.5, random_seed=seed))

    assert hash_of(seeded(1)) == hash_of(seeded(1))
    assert hash_of(seeded(1)) != hash_of(seeded(2))
    unseeded = [on_a_venue(fill_model=FillModel(prob_slippage=0.5)) for _ in range(2)]
    assert len({hash_of(made) for made in unseeded}) == 2
    certain = [on_a_venue(fill_model=FillModel(prob_slippage=1.0)) for _ in range(2)]
    assert len({hash_of(made) for made in certain}) == 1


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        ("import random\nrandom.gauss(0, 1)", {"random"}),
        ("import random as chance\nchance.gauss(0, 1)", {"random"}),
        ("from random import gauss as g", {"random"}),
        ("import numpy as np\nnp.random.rand()", {"numpy"}),
        ("import numpy.random as npr\nnpr.rand()", {"numpy"}),
        ("from numpy import random\nrandom.rand()", {"numpy"}),
        ("from numpy import random as nr\nnr.rand()", {"numpy"}),
        ("from numpy.random import rand", {"numpy"}),
        ("import random as r\nfrom numpy import random\nrandom.rand()", {"numpy"}),
        (
            "import random\ndef f():\n  from numpy import random\n  random.rand()",
            {"random", "numpy"},
        ),
        ("import random\nrandom.Random(7).gauss(0, 1)", set()),
        ("import numpy as np\nnp.random.default_rng(7).normal()", set()),
        ("import random as chance\nchance.Random(7)", set()),
        ("def f():\n  return random.Random().random()", {"the system"}),
        ("def f():\n  return np.random.default_rng()", {"the system"}),
        ("def f():\n  return default_rng(None)", {"the system"}),
        ("def f(seed):\n  return default_rng(seed)", set()),
        ("def f():\n  rng = Random()\n  rng.seed(5)\n  return rng", set()),
        ("def f():\n  rng = Random()\n  rng.seed()\n  return rng", {"the system"}),
        ("def __init__(self):\n  self.rng = Random()", set()),
        ("import random\ndef f(rng=None):\n  rng = rng or random", {"random"}),
        ("import numpy.random as npr\nf(npr)", {"numpy"}),
        ("import numpy as np\nrng = np.random", {"numpy"}),
        ("import numpy as np\nself.random", set()),
        ("import random\ngetattr(random, 'gauss')(0, 1)", {"random"}),
    ],
)
def test_source_is_known_to_draw_by_whichever_name(source: str, drawn: set[str]) -> None:
    assert uses_of(source.encode()).draws == drawn


# Strategies -----------------------------------------------------------------------------------


class EveryKind(StrategyConfig, frozen=True):
    """A field of every kind that traders use."""

    number: int = 1
    ratio: float = 0.5
    text: str = "a"
    token: str = "SOL"  # noqa: S105 - of a blockchain
    key: str = "open"
    switch: bool = False
    amount: Decimal = Decimal("1.50")
    bar_type: BarType = BarType.from_str("ACME.XNAS-1-DAY-LAST-EXTERNAL")
    instrument: InstrumentId = ID
    side: OmsType = OmsType.NETTING
    several: tuple[int, ...] = (1, 2)
    mapping: dict[str, float] = {}  # noqa: RUF012 - msgspec copies it
    anything: Any = None


class Idle(Strategy):  # type: ignore[misc]
    """Does nothing."""


STRATEGY_NAMES = {"strategy_id", "order_id_tag"}  # what names orders, and changes no result
STRATEGY_FIELDS = [name for name, _ in fields_of(EveryKind) if name not in STRATEGY_NAMES]
STRATEGY_VALUES: dict[str, Any] = {
    "oms_type": "HEDGING",
    "external_order_claims": [ID],
    "market_exit_interval_ms": 200,
}


def with_strategy(strategy: Strategy) -> BacktestEngine:
    made = engine(share())
    made.add_data(bars(share(), CLOSES))
    made.add_strategy(strategy)
    return made


@pytest.mark.parametrize("field", STRATEGY_FIELDS)
def test_each_field_of_a_strategy_changes_the_hash(field: str) -> None:
    usual = EveryKind()
    kind = dict(fields_of(EveryKind))[field]
    other = STRATEGY_VALUES.get(field) or others(kind, getattr(usual, field))[0]
    changed = msgspec.structs.replace(usual, **{field: other})
    assert hash_of(with_strategy(Idle(changed))) != hash_of(with_strategy(Idle(usual)))


@pytest.mark.parametrize("field", sorted(STRATEGY_NAMES))
def test_names_of_a_strategy_do_not_change_the_hash(field: str) -> None:
    changed = msgspec.structs.replace(EveryKind(), **{field: "Other-7"})
    assert hash_of(with_strategy(Idle(changed))) == hash_of(with_strategy(Idle(EveryKind())))


def _long(last: float) -> np.ndarray[Any, Any]:
    made = np.zeros(5_000)
    made[2_500] = last
    return made


LONG_TEXT = tries(1_100_000, 2_000_000)  # more than is kept of a value

LARGE: list[Callable[[float], Any]] = [
    _long,
    lambda last: pd.DataFrame({"a": _long(last)}),
    lambda last: pd.DataFrame({"a": [1.0, last]}),
    lambda last: pd.Series(_long(last)),
    lambda last: pd.Series([1.0], index=[last]),
    lambda last: np.array([1.0, last], dtype=object),
    lambda last: list(_long(last)),
    lambda last: "x" * LONG_TEXT + str(last),
    lambda last: bytes(LONG_TEXT) + str(last).encode(),
    lambda last: {"deep": [{"er": (last,)}]},
    lambda last: lambda: last,
]


@pytest.mark.parametrize("make", LARGE)
def test_large_values_count_to_their_last_element(make: Callable[[float], Any]) -> None:
    # Numbers that a repr of six digits shows alike.
    first, same, other = make(1.00000001), make(1.00000001), make(1.00000002)
    hashes = [hash_of(with_strategy(Idle(EveryKind(anything=v)))) for v in (first, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


class Held(Strategy):  # type: ignore[misc]
    """Has no configuration of its own: what it takes are plain arguments."""

    def __init__(self, fast: int, slow: int = 20, *, label: str = "a") -> None:
        super().__init__()
        self.fast = fast
        self._slow = slow
        self.__label = label


class Consumed(Strategy):  # type: ignore[misc]
    """Keeps what it made of its argument, under another name."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.window = [0.0] * length


class Vanished(Strategy):  # type: ignore[misc]
    """Keeps nothing that tells what it was given."""

    def __init__(self, odd: object) -> None:
        super().__init__()
        self.odd = odd


def test_plain_arguments_are_parameters() -> None:
    made = recorded(with_strategy(Held(10, 30)))
    assert made.parameters == {"fast": 10, "slow": 30, "label": "a"}
    assert made.provenance["parameters_read_from"] == "attributes of the instance"
    assert recorded(with_strategy(Consumed(2))).parameters == {"window": [0.0, 0.0]}
    assert "parameters_read_from" not in recorded(backtest(CLOSES)).provenance


@pytest.mark.parametrize(
    "pair",
    [
        (Held(10), Held(11)),
        (Held(10, 20), Held(10, 21)),
        (Held(10, label="a"), Held(10, label="b")),
        (Consumed(2), Consumed(3)),
    ],
    ids=str,
)
def test_plain_arguments_change_the_hash(pair: tuple[Strategy, Strategy]) -> None:
    first, second = (hash_of(with_strategy(strategy)) for strategy in pair)
    assert first != second


def test_arguments_that_cannot_be_read_leave_no_hash() -> None:
    made = recorded(with_strategy(Vanished(object())))
    assert made.config_hash is None
    assert made.provenance["identity_unknown"] == ["the arguments of Vanished cannot be read: odd"]


def test_what_was_set_on_a_strategy_counts() -> None:
    one, other = scripted(share(), ORDERS), scripted(share(), ORDERS)
    other.threshold = 5
    assert hash_of(with_strategy(one)) != hash_of(with_strategy(other))


class Exit:
    """How a strategy leaves the market: an object that nothing but its attributes describes."""

    def __init__(self, strategy: Strategy, multiple: int) -> None:
        self.strategy, self.multiple, self.opaque = strategy, multiple, object()


class Sharing:
    """One of several objects that have another in common; its hash decides about a set's order."""

    def __init__(self, place: int, order: int, common: Any) -> None:
        self.common, self.place = common, place
        self.__class__.orders[place] = order

    orders: ClassVar[dict[int, int]] = {}

    def __hash__(self) -> int:
        """Put it where a process may."""
        return self.orders[self.place]

    def __eq__(self, other: object) -> bool:
        """Equal nothing else."""
        return self is other


def test_the_order_of_a_set_of_objects_with_one_in_common_does_not_count() -> None:
    hashes = []
    for orders in ((1, 2), (2, 1)):
        strategy = scripted(share(), ORDERS)
        common = Exit(strategy, 1)
        strategy.exits = {Sharing(place, orders[place], common) for place in (0, 1)}
        assert [one.place for one in strategy.exits] == [orders.index(1), orders.index(2)]
        hashes.append(hash_of(with_strategy(strategy)))
    assert hashes[0] == hashes[1]


class Secretive:
    """An object without a dictionary, that keeps what it has to itself."""

    __slots__ = ("__multiple", "opaque")

    def __init__(self, multiple: int) -> None:
        self.__multiple, self.opaque = multiple, object()


@pytest.mark.parametrize(
    "held_in",
    [
        lambda exits: {"first": [exits]},
        lambda exits: {exits},
        lambda exits: deque([exits]),
        lambda exits: [Secretive(exits.multiple)],
    ],
)
def test_what_a_strategy_s_own_objects_hold_counts(held_in: Callable[[Exit], Any]) -> None:
    hashes = []
    for multiple in (1, 1, 2):
        strategy = scripted(share(), ORDERS)
        strategy.exits = held_in(Exit(strategy, multiple))
        hashes.append(hash_of(with_strategy(strategy)))
    first, again, other = hashes
    assert first == again != other


@dataclass
class Neighbour:
    """One of many objects that lead to each other on many ways."""

    number: int
    near: Any = None


def neighbours(number: int) -> list[Neighbour]:
    every = [Neighbour(number) for _ in range(40)]
    for place, one in enumerate(every):
        one.near = [every[(place + step) % 40] for step in (1, 2, 3)]
    return every


def in_a_row(number: int) -> Any:
    row: Any = None
    for _ in range(500):
        row = Exit(row, number)
    return row


class Raising:
    """An object that tells nothing."""

    def __init__(self, number: int) -> None:
        self.number = number

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """Raise."""
        raise RuntimeError("no")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("make", [neighbours, in_a_row, Raising])
def test_objects_without_an_end_neither_hold_up_a_run_nor_take_its_hash(
    make: Callable[[int], Any],
) -> None:
    strategy = scripted(share(), ORDERS)
    strategy.held = make(1)
    hash_of(with_strategy(strategy))


@pytest.mark.parametrize("make", [Random, np.random.default_rng, np.random.RandomState])
def test_a_strategy_s_own_generator_counts_by_its_state(make: Callable[[int], Any]) -> None:
    hashes = []
    for seed in (1, 1, 2):
        strategy = scripted(share(), ORDERS)
        strategy.generator = make(seed)
        hashes.append(hash_of(with_strategy(strategy)))
    first, again, other = hashes
    assert first == again != other


# Engines, nodes and instruments ---------------------------------------------------------------


def test_each_field_of_an_instrument_changes_the_hash(plain_hash: str) -> None:
    instrument = share()
    values = type(instrument).to_dict(instrument)
    changed = {"lot_size": "2", "margin_init": "0.1", "maker_fee": "0.1", "info": {"tokens": "x"}}
    for name, value in changed.items():
        assert name in values
        other = type(instrument).from_dict(values | {name: value})
        assert hash_of(backtest(CLOSES, ORDERS, instrument=other)) != plain_hash, name


def test_a_strategy_added_beside_counts(plain_hash: str) -> None:
    made = backtest(CLOSES, ORDERS)
    made.add_strategy(scripted(share(), {1: 1}, order_id_tag="2"))
    assert hash_of(made) != plain_hash


ENGINE_HARMLESS = {
    "trader_id",
    "instance_id",
    "logging",
    "loop_debug",
    "streaming",
    "catalogs",  # their content is unknown, so that a run with one has no hash at all
}
DATA_HARMLESS = {
    "catalog_path",
    "catalog_fs_protocol",
    "catalog_fs_storage_options",
    "catalog_fs_rust_storage_options",
    "start_time",
    "end_time",
    "optimize_file_loading",
}
RUN_HARMLESS = {"chunk_size", "raise_exception", "dispose_on_completion", "start", "end"}


USUAL_VENUE = {
    "name": "SIM",
    "oms_type": "NETTING",
    "account_type": "MARGIN",
    "starting_balances": ["1 USD"],
}


def node_config(**run: Any) -> BacktestRunConfig:
    data = run.pop("data", None) or {}
    venue = run.pop("venue", None) or {}
    built: dict[str, Any] = {
        "venues": [BacktestVenueConfig(**USUAL_VENUE | venue)],
        "data": [BacktestDataConfig(**{"catalog_path": "/a", "data_cls": Bar} | data)],
    }
    return BacktestRunConfig(**built | run)


def substance_of(config: BacktestRunConfig) -> str:
    return canonical(deciding_configuration(node_snapshot(config)))


def _varied(cls: type, given: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield each field of a class and what else it may be, to the fields of what it holds."""
    for field in msgspec.structs.fields(cls):
        default = None if field.default is msgspec.NODEFAULT else field.default
        found = others(field.type, given.get(field.name, default))
        assert found, f"no other value for {cls.__name__}.{field.name}"
        yield field.name, found


def _hashes(
    cls: type, make: Callable[[str, Any], BacktestRunConfig], given: Mapping[str, Any] = {}
) -> set[str]:
    """Name the fields of which two values are not told apart."""
    usual = substance_of(node_config(engine=BacktestEngineConfig()))
    return {
        name
        for name, found in _varied(cls, given)
        if len({usual, *(substance_of(make(name, other)) for other in found)}) <= len(found)
    }


def test_each_field_of_a_nodes_engine_counts_but_for_names() -> None:
    def make(name: str, value: Any) -> BacktestRunConfig:
        return node_config(engine=BacktestEngineConfig(**{name: value}))

    assert _hashes(BacktestEngineConfig, make) == ENGINE_HARMLESS


def test_each_field_of_a_nodes_data_counts_but_for_places() -> None:
    def make(name: str, value: Any) -> BacktestRunConfig:
        return node_config(engine=BacktestEngineConfig(), data={name: value})

    fields = BacktestDataConfig.__struct_fields__
    assert _hashes(BacktestDataConfig, make) == DATA_HARMLESS & set(fields)


def test_each_field_of_a_nodes_venue_counts() -> None:
    def make(name: str, value: Any) -> BacktestRunConfig:
        return node_config(engine=BacktestEngineConfig(), venue={name: value})

    assert _hashes(BacktestVenueConfig, make, USUAL_VENUE) == set()


def test_each_field_of_a_nodes_run_counts_but_for_how_it_is_carried_out() -> None:
    def make(name: str, value: Any) -> BacktestRunConfig:
        varied = {} if name in of_their_own else {name: value}
        return node_config(**{"engine": BacktestEngineConfig()} | varied)

    of_their_own = {"venues", "data", "engine"}  # each of their fields counts, as was seen above
    assert _hashes(BacktestRunConfig, make) - of_their_own == RUN_HARMLESS


# Dates, names, secrets ------------------------------------------------------------------------


def test_dates_count_however_they_are_written(plain_hash: str) -> None:
    starts = ["2024-01-02", "2024-01-02T00:00:00Z", pd.Timestamp("2024-01-02", tz="UTC")]
    hashes = {hash_of(backtest(CLOSES, ORDERS), start=start) for start in starts}
    assert len(hashes) == 1
    hashes |= {plain_hash, hash_of(backtest(CLOSES, ORDERS), end="2024-01-03")}
    assert len(hashes) == 3
    assert hash_of(backtest(CLOSES, ORDERS), start="2024-01-01") == plain_hash


class Timed(Strategy):  # type: ignore[misc]
    """Counts the hours that its clock tells."""

    def on_start(self) -> None:
        """Begin to count."""
        self.hours = 0
        self.clock.set_timer("hour", pd.Timedelta(hours=1), callback=self.count)

    def count(self, _: object) -> None:
        """Count one."""
        self.hours += 1


def test_an_end_beyond_the_data_counts_where_timers_run_till_then() -> None:
    results = set()
    for end in ("2024-01-03", "2024-01-03T12:00"):
        strategy = Timed()
        found = hash_of(with_strategy(strategy), end=end)
        results.add((strategy.hours, found))
    hours = {hours for hours, _ in results}
    assert len(results) == len(hours)


def test_hash_does_not_follow_names(plain_hash: str) -> None:
    assert hash_of(backtest(CLOSES, ORDERS, log_level="ERROR")) == plain_hash
    tagged = backtest(CLOSES, ORDERS, strategy={"order_id_tag": "7", "strategy_id": "Mine"})
    assert hash_of(tagged) == plain_hash
    details = RunDetails(strategy_name="x", strategy_type="momentum", tags=["a"], note="n")
    assert recorded(backtest(CLOSES, ORDERS), details).config_hash == plain_hash


def test_secrets_count_and_the_shell_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(name: str, value: str) -> str:
        config = msgspec.structs.replace(EveryKind(), **{name: value})
        return hash_of(with_strategy(Idle(config)))

    first = of("token", "SOL")
    assert of("token", "BONK") != first
    assert of("key", "open") != of("key", "close")
    monkeypatch.setenv("POSTGRES_PASSWORD", "nautilus")
    assert of("token", "SOL") == first


def test_hash_of_a_caller_is_taken_as_it_is() -> None:
    given = RunDetails(config_hash="ab" * 32)
    assert recorded(backtest(CLOSES), given).config_hash == "ab" * 32


def test_a_run_seen_only_after_it_ended_is_the_same_unless_it_drew(plain_hash: str) -> None:
    from backtest_store.capture.engine_recorder import run_id_of
    from backtest_store.capture.engines.interface import backtest_of
    from backtest_store.capture.run_record import begin, finish

    def afterwards(made: BacktestEngine) -> Record:
        made.run()
        told = backtest_of(made)
        return finish(told, begin(told, RunDetails(), run_id_of(told)), Outcome())

    first, second = afterwards(backtest(CLOSES, ORDERS)), afterwards(backtest(CLOSES, ORDERS))
    assert first.config_hash == second.config_hash is not None
    assert afterwards(backtest(CLOSES, {0: 1})).config_hash != first.config_hash
    drew = afterwards(on_a_venue(fill_model=FillModel(prob_slippage=0.5, random_seed=1)))
    assert drew.config_hash is None


def test_a_configuration_that_is_described_in_part_has_no_hash() -> None:
    made = recorded(with_strategy(Idle(EveryKind(anything=object()))))
    assert made.config_hash is None
    assert made.provenance["identity_unknown"]
    assert plain(object()) == plain(object())


class Averages(Scripted):
    """Keeps an average for ever."""

    def __init__(self, config: ScriptedConfig) -> None:
        super().__init__(config)
        self.average = ExponentialMovingAverage(3)

    def on_bar(self, bar: Bar) -> None:
        """Add to it."""
        self.average.handle_bar(bar)


def test_what_an_indicator_has_seen_is_part_of_a_run(store: str) -> None:
    made = engine(share())
    made.add_data(bars(share(), [100, 110, 120]))
    kind = bar_type(share())
    made.add_strategy(Averages(ScriptedConfig(instrument_id=share().id, bar_type=kind)))
    with record(made) as recording:
        made.run()
        made.reset()
        made.run()
    first, second = recording.records
    assert None not in {first.config_hash, second.config_hash}
    assert first.config_hash != second.config_hash
