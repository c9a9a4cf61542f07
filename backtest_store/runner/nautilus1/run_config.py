"""Check a config against NautilusTrader's own classes: `BacktestRunConfig` and all below it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from enum import Enum
from functools import lru_cache
from types import UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

import msgspec
from nautilus_trader.backtest.config import BacktestRunConfig
from nautilus_trader.common.config import NautilusConfig, msgspec_decoding_hook
from nautilus_trader.core.datetime import time_object_to_dt
from nautilus_trader.model import data
from nautilus_trader.model.enums import BarAggregation
from nautilus_trader.model.objects import Money

from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import Origin, Place, dotted
from backtest_store.runner.config.strategy_classes import import_class
from backtest_store.runner.config.value_types import in_words
from backtest_store.suggestions import did_you_mean

_PLACE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_AGGREGATIONS = "|".join(aggregation.name for aggregation in BarAggregation)
_BAR_SPEC = rf"[1-9]\d*-({_AGGREGATIONS})-(BID|ASK|MID|LAST)"
# NautilusTrader aborts the process on a kind of bar whose aggregation it does not know.
_BARS = {
    "bar_spec": re.compile(_BAR_SPEC),
    "bar_type": re.compile(
        rf".+-{_BAR_SPEC}-(EXTERNAL|INTERNAL)"
        rf"(@[1-9]\d*-({_AGGREGATIONS})-(EXTERNAL|INTERNAL))?"
    ),
}
_COMPONENTS = ("strategy", "actor", "exec_algorithm", "controller", "fill_model", "fee_model",
               "latency_model")  # fmt: skip


def normalised(content: Json, origin: Origin) -> Json:
    """Return what a mapping describes as `BacktestRunConfig` writes it in JSON."""
    content = deepcopy(content)
    top = Place((), origin)
    _check(content, BacktestRunConfig, top)
    _check_times(content, top)
    entries = content.get("data") or []
    for number, entry in enumerate(entries):
        place = top.below("data", number)
        _check_times(entry, place)
        if entry in entries[:number]:
            place.refuse(
                "is there twice; write instrument_id, or bar_types, to tell it from the other"
            )
    config: BacktestRunConfig = _parsed(content, BacktestRunConfig, top)
    for number, venue in enumerate(config.venues):
        balances = top.below("venues", number, "starting_balances")
        for each, balance in enumerate(venue.starting_balances):
            _check_money(balance, venue.base_currency, balances.below(each))
    written: Json = json.loads(config.json())
    return written


def without_unknown(values: Json, config_class: type = BacktestRunConfig) -> Json:
    """Leave out the fields that this version of NautilusTrader does not have."""
    hints = _hints(config_class)
    return {n: _known_part(value, hints[n]) for n, value in values.items() if n in hints}


def _known_part(value: Any, hint: Any) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        is_config = isinstance(option, type) and issubclass(option, NautilusConfig)
        if is_config and isinstance(value, dict):
            return without_unknown(value, option)
        if get_origin(option) is list and isinstance(value, list):
            return [_known_part(item, get_args(option)[0]) for item in value]
    return value


def fields_of(config_class: type) -> set[str]:
    """Return all fields of a component's configuration."""
    return set(config_class.__struct_fields__)  # type: ignore[attr-defined]


def takes_any(_: type) -> bool:
    """Tell whether a configuration takes fields that it does not name: in 1.x none does."""
    return False


def primitives(made: Any, _: Json) -> Json:
    """Return a component's configuration as JSON."""
    written: Json = made.json_primitives()
    return written


def own_fields(config_class: type) -> set[str]:
    """Return the fields of a component's configuration that not every component has."""
    base = next(c for c in config_class.__mro__ if c.__module__.startswith("nautilus_trader."))
    return set(config_class.__struct_fields__) - set(base.__struct_fields__)  # type: ignore[attr-defined]


def parse_component(values: Json, config_class: type, place: Place) -> Any:
    """Return a component's configuration, made by its own class."""
    _check(values, config_class, place)
    return _parsed(values, config_class, place)


def _parsed(content: Json, config_class: type, place: Place) -> Any:
    try:
        return msgspec.convert(content, config_class, strict=False, dec_hook=msgspec_decoding_hook)
    except StoreError as error:
        raise UsageError(f"{place.origin.at(place.keys)}: {error}", hint=error.hint) from None
    except Exception as error:  # noqa: BLE001 - what a component's own class refuses
        match = _PLACE.fullmatch(str(error))
        message, path = (match[1], match[2]) if match else (str(error), "")
        below = list(_steps(path))
        _explain(message, place.below(*below), _value_at(content, below))


def _explain(message: str, place: Place, value: object) -> NoReturn:
    """Say in a trader's words what msgspec or a class refuses."""
    if "`InstrumentId`" in message and isinstance(value, str):
        place.refuse(f"{value!r} is not an instrument; write SYMBOL.VENUE, such as 'AAPL.XNAS'")
    if isinstance(value, dict) and "Expected `array`" in message:
        place.refuse(f"must be a list; write [[{dotted(place.keys)}]]")
    are_several = "got `array`" in message or "got `object`" in message
    are_several = are_several or re.match(r"-?[\d.]+\.\.", str(value)) is not None  # 5..50
    message = in_words(message.replace("Object missing required field", "missing"))
    was = "" if message.startswith("missing") or not place.keys else f", was {value!r}"
    hint = "; give one value here, and several under [grid] or --set" if are_several else ""
    place.refuse(f"{message}{was}{hint}")


def _steps(text: str) -> Iterator[str | int]:
    for name, place in _STEP.findall(text):
        if place == "...":  # of a mapping, msgspec does not tell which value
            return
        yield name or int(place)


def _value_at(content: Any, keys: Sequence[str | int]) -> Any:
    for key in keys:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _check(value: Any, hint: Any, place: Place) -> None:
    """Look through a value for what NautilusTrader would overlook, or die of."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, NautilusConfig):
            if isinstance(value, dict):
                _check_struct(value, option, place)
        elif get_origin(option) is list and isinstance(value, list):
            for number, item in enumerate(value):
                _check(item, get_args(option)[0], place.below(number))
        elif isinstance(option, type) and issubclass(option, Enum) and isinstance(value, str):
            _check_enum(value, option, place)
    if isinstance(value, str):
        _check_bars(value, place)


def _check_enum(value: str, option: type[Enum], place: Place) -> None:
    known = list(option.__members__)
    if value not in known and value not in [member.value for member in option]:
        place.refuse(f"no {option.__name__} {value!r}{did_you_mean(value.upper(), known)}")


def _check_struct(values: dict[str, Any], cls: type, place: Place) -> None:
    hints = _hints(cls)
    for name, value in values.items():
        if name not in hints:
            known = own_fields(cls)
            is_near = did_you_mean(name, known).startswith("; did")
            place.below(name).refuse_key(known if is_near else hints)
        _check(value, hints[name], place.below(name))
    _check_component(values, place)


@lru_cache(maxsize=256)
def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except Exception:  # noqa: BLE001 - an annotation may name what cannot be found here
        return dict.fromkeys(cls.__struct_fields__, Any)  # type: ignore[attr-defined]


def _check_component(values: dict[str, Any], place: Place) -> None:
    """Import the classes that are named, and check a component's configuration by its own."""
    paths = [f"{kind}_path" for kind in _COMPONENTS if f"{kind}_path" in values]
    for name in [*paths, "data_cls", *(["config_path"] if paths else [])]:
        path = values.get(name)
        if not isinstance(path, str):
            continue
        if name == "data_cls" and hasattr(data, path):
            reason = f"{path!r} is without its module; write '{data.__name__}:{path}'"
            place.below(name).refuse(reason)
        try:
            found = import_class(path, NautilusConfig if name == "config_path" else object)
        except UsageError as error:
            place.below(name).refuse(error)
        config = values.get("config")
        if name == "config_path" and isinstance(config, dict):
            values["config"] = _as_read(
                config, parse_component(config, found, place.below("config"))
            )


def _as_read(config: Json, made: Any) -> Json:
    """Return what is given as its class reads it: a number, where the shell gave a text."""
    with suppress(Exception):  # a field of a kind that NautilusTrader cannot write
        read: Json = made.json_primitives()
        return {name: read.get(name, value) for name, value in config.items()}
    return config


def _check_bars(value: str, place: Place) -> None:
    name = next((str(key) for key in reversed(place.keys) if isinstance(key, str)), "")
    pattern = _BARS.get(name.removesuffix("s"))
    if pattern is not None and not pattern.fullmatch(value):
        example = "1-DAY-LAST" if name == "bar_spec" else "AAPL.XNAS-1-DAY-LAST-EXTERNAL"
        place.refuse(f"{value!r} is no kind of bar; write it as {example!r}")


def _check_times(values: Any, place: Place) -> None:
    for name in ("start", "end", "start_time", "end_time"):
        value = values.get(name) if isinstance(values, dict) else None
        try:
            time_object_to_dt(value)
        except (ValueError, TypeError):
            place.below(name).refuse(
                f"{value!r} is not a time; write 2005-01-31 or 2005-01-31T15:30:00Z"
            )


def _check_money(text: Any, base: Any, place: Place) -> None:
    try:
        money = Money.from_str(str(text))
    except ValueError:
        place.refuse(f"{text!r} is not an amount of money; write it as '100000 USD'")
    if base is not None and str(base) != money.currency.code:
        place.refuse(f"{text!r} is not in the base_currency {base}")
