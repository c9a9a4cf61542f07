"""A snapshot is read again by the version of NautilusTrader that it was taken of, enums and all."""

import enum
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import msgspec
import nautilus_trader
import pytest
from nautilus_trader.backtest.config import BacktestEngineConfig, BacktestRunConfig
from nautilus_trader.common.config import NautilusConfig
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import TimeInForce
from nautilus_trader.persistence.config import StreamingConfig
from nautilus_trader.persistence.writer import RotationMode
from nautilus_trader.trading.config import ImportableStrategyConfig

from backtest_store.capture.identity.config_snapshot import node_snapshot
from backtest_store.capture.identity.json_values import plain
from tests.capture.config_variations import made


def _import_everything() -> None:
    for module in pkgutil.walk_packages(nautilus_trader.__path__, "nautilus_trader."):
        if not {"__main__", "examples", "test_kit"} & set(module.name.split(".")):
            with suppress(Exception):  # an adapter whose packages are not installed
                importlib.import_module(module.name)


def _classes(base: type) -> Iterator[type]:
    subclasses: list[type] = base.__subclasses__()
    for cls in subclasses:
        yield cls
        yield from _classes(cls)


def _enums(kind: Any) -> Iterator[type[enum.Enum]]:
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        yield kind
    for inner in get_args(kind):
        yield from _enums(inner)


def _cases() -> list[Any]:
    """Return each configuration class of NautilusTrader with each field that takes an enum."""
    _import_everything()
    classes = {c for c in _classes(NautilusConfig) if c.__module__.startswith("nautilus_trader.")}
    return [
        pytest.param(cls, field.name, kind, id=f"{cls.__name__}.{field.name}")
        for cls in sorted(classes, key=lambda c: f"{c.__module__}{c.__name__}")
        for field in _fields(cls)
        for kind in _enums(field.type)
    ]


def _fields(cls: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    try:
        return msgspec.structs.fields(cls)
    except NameError:  # NautilusTrader itself cannot read such a class from JSON
        return ()


@pytest.mark.parametrize(("cls", "field", "kind"), _cases())
def test_each_enum_of_a_configuration_is_read_again(
    cls: Any, field: str, kind: type[enum.Enum]
) -> None:
    hint = next(f.type for f in msgspec.structs.fields(cls) if f.name == field)
    for member in kind:
        value = _held(hint, member)
        config = msgspec.structs.replace(made(cls), **{field: value})
        try:
            cls.parse(config.json())
        except (TypeError, msgspec.ValidationError):
            pytest.skip("NautilusTrader cannot read what it writes of this field itself")
        again = cls.parse(msgspec.json.encode(plain(config, parseable=True)))
        assert _same(getattr(again, field), value)


def _held(hint: Any, member: enum.Enum) -> Any:
    """Return a value of a field that holds a member: itself, or a container of it."""
    text = str(hint)
    if "tuple[" in text:
        return (member,)
    return {"BTCUSDT": member} if "dict[" in text else member


def _same(again: Any, value: Any) -> bool:
    """Compare; a field that takes text as well is read as the name, which means the same."""
    return again == value or (isinstance(value, enum.Enum) and again == value.name)


class Timed(StrategyConfig, frozen=True):
    """A strategy's configuration with an enum of NautilusTrader's."""

    time_in_force: TimeInForce = TimeInForce.GTC


def test_a_nodes_snapshot_with_enums_is_read_again() -> None:
    config = BacktestRunConfig(
        venues=[],
        data=[],
        engine=BacktestEngineConfig(
            streaming=StreamingConfig(catalog_path="/a", rotation_mode=RotationMode.INTERVAL),
            strategies=[
                ImportableStrategyConfig(
                    strategy_path="a:b",
                    config_path=f"{Timed.__module__}:Timed",
                    config={"time_in_force": TimeInForce.IOC},
                )
            ],
        ),
    )
    again = BacktestRunConfig.parse(msgspec.json.encode(node_snapshot(config)))
    assert again.engine is not None
    assert again.engine.streaming is not None
    assert again.engine.streaming.rotation_mode == RotationMode.INTERVAL
    (strategy,) = again.engine.strategies
    parsed = Timed.parse(msgspec.json.encode(strategy.config))
    assert parsed.time_in_force == TimeInForce.IOC
