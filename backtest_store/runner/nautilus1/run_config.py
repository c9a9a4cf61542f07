"""Check a config against NautilusTrader's own classes: `BacktestRunConfig` and all below it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
from backtest_store.runner.config.file import KeyPath, Origin, dotted
from backtest_store.runner.config.strategy_classes import import_class
from backtest_store.runner.config.value_types import in_words, stated
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
    _check(content, BacktestRunConfig, (), origin)
    _check_times(content, (), origin)
    entries = content.get("data") or []
    for place, entry in enumerate(entries):
        _check_times(entry, ("data", place), origin)
        if entry in entries[:place]:
            reason = "is there twice; write instrument_id, or bar_types, to tell it from the other"
            _refuse(f"data[{place}] {reason}", ("data", place), origin)
    config: BacktestRunConfig = _parsed(content, BacktestRunConfig, (), origin)
    for venue, values in enumerate(config.venues):
        for place, balance in enumerate(values.starting_balances):
            keys = ("venues", venue, "starting_balances", place)
            _check_money(balance, values.base_currency, keys, origin)
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


def parse_component(values: Json, config_class: type, keys: KeyPath, origin: Origin) -> Any:
    """Return a component's configuration, made by its own class."""
    _check(values, config_class, keys, origin)
    return _parsed(values, config_class, keys, origin)


def _parsed(content: Json, config_class: type, keys: KeyPath, origin: Origin) -> Any:
    try:
        return msgspec.convert(content, config_class, strict=False, dec_hook=msgspec_decoding_hook)
    except StoreError as error:
        raise UsageError(f"{origin.at(keys)}: {error}", hint=error.hint) from None
    except Exception as error:
        match = _PLACE.fullmatch(str(error))
        message, below = (match[1], match[2]) if match else (str(error), "")
        place = (*keys, *_steps(below))
        value = _value_at(content, place[len(keys) :])
        raise UsageError(_explained(message, place, value, origin)) from error


def _explained(message: str, place: KeyPath, value: object, origin: Origin) -> str:
    if "`InstrumentId`" in message and isinstance(value, str):
        reason = f"{value!r} is not an instrument; write SYMBOL.VENUE, such as 'AAPL.XNAS'"
        return f"{origin.at(place)}: {dotted(place)}: {reason}"
    hint = ""
    if isinstance(value, list) and "got `array`" in message:
        hint = "; give one value here, and several under [grid] or --set"
    elif isinstance(value, dict) and "Expected `array`" in message:
        return f"{origin.at(place)}: {dotted(place)} must be a list; write [[{dotted(place)}]]"
    message = in_words(message.replace("Object missing required field", "missing"))
    said = stated(dotted(place), message) if place else message
    was = "" if message.startswith("missing") or not place else f", was {value!r}"
    return f"{origin.at(place)}: {said}{was}{hint}"


def _steps(text: str) -> Iterator[str | int]:
    for name, place in _STEP.findall(text):
        if place == "...":  # of a mapping, msgspec does not tell which value
            return
        yield name or int(place)


def _value_at(content: Any, keys: KeyPath) -> Any:
    for key in keys:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _check(value: Any, hint: Any, keys: KeyPath, origin: Origin) -> None:
    """Look through a value for what NautilusTrader would overlook, or die of."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        below = get_args(option)
        if isinstance(option, type) and issubclass(option, NautilusConfig):
            if isinstance(value, dict):
                _check_struct(value, option, keys, origin)
        elif get_origin(option) is list and isinstance(value, list):
            for place, item in enumerate(value):
                _check(item, below[0], (*keys, place), origin)
        elif isinstance(option, type) and issubclass(option, Enum) and isinstance(value, str):
            _check_enum(value, option, keys, origin)
    if isinstance(value, str):
        _check_bars(value, keys, origin)


def _check_enum(value: str, option: type[Enum], keys: KeyPath, origin: Origin) -> None:
    known = list(option.__members__)
    if value not in known and value not in [member.value for member in option]:
        reason = f"no {option.__name__} {value!r}{did_you_mean(value.upper(), known)}"
        _refuse(f"{dotted(keys)}: {reason}", keys, origin)


def _check_struct(values: dict[str, Any], cls: type, keys: KeyPath, origin: Origin) -> None:
    hints = _hints(cls)
    for name, value in values.items():
        if name not in hints:
            known = own_fields(cls) or hints
            choices = known if did_you_mean(name, known).startswith("; did") else hints
            _refuse(
                f"no key {dotted((*keys, name))!r}{did_you_mean(name, choices)}",
                (*keys, name), origin,
            )  # fmt: skip
        _check(value, hints[name], (*keys, name), origin)
    _check_component(values, keys, origin)


@lru_cache(maxsize=256)
def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except Exception:  # noqa: BLE001 - an annotation may name what cannot be found here
        return dict.fromkeys(cls.__struct_fields__, Any)  # type: ignore[attr-defined]


def _check_component(values: dict[str, Any], keys: KeyPath, origin: Origin) -> None:
    """Import the classes that are named, and check a component's configuration by its own."""
    paths = [f"{kind}_path" for kind in _COMPONENTS if f"{kind}_path" in values]
    for name in [*paths, "data_cls", *(["config_path"] if paths else [])]:
        path = values.get(name)
        if not isinstance(path, str):
            continue
        if name == "data_cls" and hasattr(data, path):
            reason = f"{path!r} is without its module; write '{data.__name__}:{path}'"
            _refuse(f"{dotted((*keys, name))}: {reason}", (*keys, name), origin)
        try:
            found = import_class(path, NautilusConfig if name == "config_path" else object)
        except UsageError as error:
            _refuse(f"{dotted((*keys, name))}: {error}", (*keys, name), origin)
        config = values.get("config")
        if name == "config_path" and isinstance(config, dict):
            made = parse_component(config, found, (*keys, "config"), origin)
            values["config"] = _as_read(config, made)


def _as_read(config: Json, made: Any) -> Json:
    """Return what is given as its class reads it: a number, where the shell gave a text."""
    with suppress(Exception):  # a field of a kind that NautilusTrader cannot write
        read: Json = made.json_primitives()
        return {name: read.get(name, value) for name, value in config.items()}
    return config


def _check_bars(value: str, keys: KeyPath, origin: Origin) -> None:
    name = next((str(key) for key in reversed(keys) if isinstance(key, str)), "")
    pattern = _BARS.get(name.removesuffix("s"))
    if pattern is None or pattern.fullmatch(value):
        return
    example = "1-DAY-LAST" if name == "bar_spec" else "AAPL.XNAS-1-DAY-LAST-EXTERNAL"
    reason = f"{value!r} is no kind of bar; write it as {example!r}"
    _refuse(f"{dotted(keys)}: {reason}", keys, origin)


def _check_times(values: Any, keys: KeyPath, origin: Origin) -> None:
    for name in ("start", "end", "start_time", "end_time"):
        value = values.get(name) if isinstance(values, dict) else None
        try:
            time_object_to_dt(value)
        except (ValueError, TypeError):
            place = (*keys, name)
            reason = f"{value!r} is not a time; write 2005-01-31 or 2005-01-31T15:30:00Z"
            _refuse(f"{dotted(place)}: {reason}", place, origin)


def _check_money(text: Any, base: Any, keys: KeyPath, origin: Origin) -> None:
    try:
        money = Money.from_str(str(text))
    except ValueError:
        reason = f"{text!r} is not an amount of money; write it as '100000 USD'"
        _refuse(f"{dotted(keys)}: {reason}", keys, origin)
    if base is not None and str(base) != money.currency.code:
        _refuse(f"{dotted(keys)}: {text!r} is not in the base_currency {base}", keys, origin)


def _refuse(message: str, keys: KeyPath, origin: Origin) -> NoReturn:
    raise UsageError(f"{origin.at(keys)}: {message}")
