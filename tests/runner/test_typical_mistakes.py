"""Ten typical mistakes, in both forms and all three formats: one line says where and what to write."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.runner.test_long_form import fx_quotes, put
from tests.runner.test_short_form_data import bars
from tests.shell import btstore

SHORT: dict[str, Any] = {
    "strategy": "sma_crossover",
    "parameters": {"fast_period": 5, "slow_period": 20, "equity_fraction": 0.95},
    "data": [{"path": "AAPL.XNAS.csv", "start": "2020-01-01"}],
    "venue": {"taker_fee": 0.001},
    "grid": {"slow_period": [20, 30]},
}
STRATEGY = "engine.strategies.0"
QUOTES = {"catalog_path": "catalog", "data_cls": "nautilus_trader.model.data:QuoteTick"}

# Where what is put, the key whose line is told (the last of that name; of a list, the line on which
# its last item begins), and the whole answer after it.
Mistake = tuple[str, Any, str, str]
MISTAKES: dict[str, dict[str, Mistake]] = {
    "unknown key": {
        "short": ("venue.taker_fees", 1, "taker_fees", "no key 'venue.taker_fees'; did you mean 'taker_fee'?"),
        "long": ("venues.0.oms_typ", "NETTING", "oms_typ", "no key 'venues[0].oms_typ'; did you mean 'oms_type'?"),
    },
    "wrong type": {
        "short": ("parameters.fast_period", "few", "fast_period", "SMA Crossover: fast_period must be a whole number, was 'few'"),
        "long": (f"{STRATEGY}.config.slow_ema_period", [7, 9], "slow_ema_period", "engine.strategies[0].config.slow_ema_period must be a whole number, was [7, 9]; give one value here, and several under [grid] or --set"),
    },
    "missing file": {
        "short": ("data.0.path", "MSFT.csv", "path", "data[0].path: no file {folder}/MSFT.csv; known are AAPL.XNAS.csv, WRONG.csv, prices.csv"),
        "long": ("data.0.catalog_path", "nowhere", "catalog_path", "data[0].catalog_path: no folder {folder}/nowhere; write where the catalog is, from {folder} on or from the root"),
    },
    "bad date": {
        "short": ("data.0.start", "1/2/2020", "start", "data[0].start: '1/2/2020' is not a date or time; write 2005-01-31 or 2005-01-31T15:30:00Z"),
        "long": ("data.0.start_time", "2020-13-01", "start_time", "data[0].start_time: '2020-13-01' is not a time; write 2005-01-31 or 2005-01-31T15:30:00Z"),
    },
    "wrong column": {
        "short": ("data.0.path", "WRONG.csv", "path", "data[0].path: {folder}/WRONG.csv, line 1: no column named close; write it in the first line, which has date, open, high, low, shut"),
        "long": ("data.0.data_cls", "nautilus_trader.model.data:Quotetick", "data_cls", "data[0].data_cls: nautilus_trader.model.data has no class 'Quotetick'; did you mean 'QuoteTick'?"),
    },
    "not in the catalog": {
        "short": ("data.0", {"catalog": "catalog", "instrument": "EUR/USD.SIM", "bar": "1-DAY"}, "data", 'data[0]: {folder}/catalog has no bars; write type = "quotes"'),
        "long": ("data.0.data_cls", "nautilus_trader.model.data:TradeTick", "data", 'data[0]: {folder}/catalog has no TradeTick of EUR/USD.SIM from 2024-01-01T00:10:00 to 2024-01-01T10:30:00; write data_cls = "nautilus_trader.model.data:QuoteTick", which it has'),
    },
    "not importable": {
        "short": ("strategy", "nowhere:Mine", "strategy", "strategy: no module 'nowhere' beside this file, in the working directory, or installed; write package.module:Class, was 'nowhere:Mine'"),
        "long": (f"{STRATEGY}.strategy_path", "nowhere:Mine", "strategy_path", "engine.strategies[0].strategy_path: no module 'nowhere' beside this file, in the working directory, or installed; write package.module:Class, was 'nowhere:Mine'"),
    },
    "class of a notebook": {
        "short": ("strategy", "__main__:Mine", "strategy", "strategy: 'Mine' is of a script or notebook; put it into a file beside this one, such as mine.py, and write 'mine:Mine'"),
        "long": (f"{STRATEGY}.strategy_path", "__main__:Mine", "strategy_path", "engine.strategies[0].strategy_path: 'Mine' is of a script or notebook; put it into a file beside this one, such as mine.py, and write 'mine:Mine'"),
    },
    "unknown instrument": {
        "short": ("data.0.instrument", "AAPL", "instrument", "data[0].instrument: 'AAPL' is not an instrument; write SYMBOL.VENUE, such as 'AAPL.XNAS'"),
        "long": ("data.0.instrument_id", "EUR/USB.SIM", "data", "data[0]: {folder}/catalog has no instrument EUR/USB.SIM; did you mean 'EUR/USD.SIM'?"),
    },
    "range on a text": {
        "short": ("grid.tags", {"from": "a", "to": "b"}, "tags", "grid.tags: a range is of numbers, was 'a'; write {range}, or a list"),
        "long": ("grid.bar_type", {"from": "a", "to": "b"}, "bar_type", "grid.bar_type: a range is of numbers, was 'a'; write {range}, or a list"),
    },
    "constraint that excludes all": {
        "short": ("grid.constraints", ["slow_period < 9"], "constraints", "grid.constraints: no combination satisfies 'slow_period < 9'; change that or the values"),
        "long": ("grid.constraints", ["fast_ema_period < 2"], "constraints", "grid.constraints: no combination satisfies 'fast_ema_period < 2'; change that or the values"),
    },
    "two data without an instrument": {
        "short": ("data", [{"path": "AAPL.XNAS.csv"}, {"path": "prices.csv"}], "data", 'data[1]: which instrument is prices.csv? Its name does not tell; write instrument = "AAPL.XNAS"'),
        "long": ("data", [QUOTES, {**QUOTES}], "data", "data[1] is there twice; write instrument_id, or bar_types, to tell it from the other"),
    },
    "no value of a grid possible": {
        "short": ("grid.venue", {"leverage": [0, 0.5]}, "leverage", "venue.leverage must be at least 1, was 0"),
        "long": ("grid.slow_ema_period", ["a", "b"], "slow_ema_period", "engine.strategies[0].config.slow_ema_period must be a whole number, was 'a'"),
    },
}  # fmt: skip


def as_toml(value: Any, path: str = "") -> str:
    """Write tables and lists of tables; what is below these stands in one line."""
    plain = {k: v for k, v in value.items() if not is_table(v)}
    lines = [f"{key} = {inline(item)}" for key, item in plain.items() if item is not None]
    for key, item in value.items():
        if isinstance(item, dict) and is_table(item):
            lines += [f"\n[{path}{key}]", as_toml(item, f"{path}{key}.")]
        elif isinstance(item, list) and is_table(item):
            for each in item:
                lines += [f"\n[[{path}{key}]]", as_toml(each, f"{path}{key}.")]
    return "\n".join(lines)


def is_table(value: Any) -> bool:
    several = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    return several or (isinstance(value, dict) and "from" not in value)


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


FORMATS: dict[str, Callable[[Any], str]] = {
    "toml": as_toml,
    "yaml": lambda content: yaml.safe_dump(content, sort_keys=False),
    "json": lambda content: json.dumps(content, indent=1),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mistakes")
    bars(place / "AAPL.XNAS.csv", count=100)
    bars(place / "prices.csv", count=100)
    (place / "WRONG.csv").write_text("date,open,high,low,shut\n2020-01-01,1,1,1,1")
    (place / "long.json").write_bytes(fx_quotes(place / "catalog").json())
    return place


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def line_of(key: str, text: str, suffix: str) -> int:
    """Return the last line that begins with a key, or of a list that on which its last item does."""
    rows = text.splitlines()
    begins = re.compile(rf'\s*(- |\[\[)?"?{re.escape(key)}"?(\]\]|\s*[=:])')
    found = max(n for n, row in enumerate(rows) if begins.match(row))
    if key != "data" or suffix == "toml":
        return found + 1
    below = rows[found + 1 :]
    depth = re.match(r"\s*", below[0])
    assert depth
    item = re.compile(rf"{depth[0]}(- |\{{)")
    end = next(
        n for n, row in enumerate(below) if re.match(rf" {{0,{len(depth[0])}}}[^ \-{{}},]", row)
    )
    return found + 2 + max(n for n, row in enumerate(below[:end]) if item.match(row))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("form", ["short", "long"])
@pytest.mark.parametrize("name", MISTAKES)
def test_it_gets_one_line(name: str, form: str, suffix: str, folder: Path, store: str) -> None:
    long: Any = without_nulls(json.loads((folder / "long.json").read_text()))
    content = deepcopy(SHORT if form == "short" else long | {"grid": {"fast_ema_period": [2, 3]}})
    path, value, key, said = MISTAKES[name][form]
    put(content, path, value)
    file = folder / f"{name} {form}.{suffix}"
    text = FORMATS[suffix](content)
    file.write_text(text)
    answer = btstore("run", str(file))
    limits = {"from": 5, "to": 50, "step": 5}
    written = inline(limits) if suffix == "toml" else json.dumps(limits)
    said = said.format(folder=folder, range=written)
    assert answer.err == f"error: {file}, line {line_of(key, text, suffix)}: {said}\n"
    assert (answer.code, answer.out) == (2, "")
    assert stored(store) == []


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("form", ["short", "long"])
def test_without_one_it_runs(form: str, suffix: str, folder: Path, store: str) -> None:
    long: Any = without_nulls(json.loads((folder / "long.json").read_text()))
    content = SHORT if form == "short" else long | {"grid": {"fast_ema_period": [2, 3]}}
    file = folder / f"right {form}.{suffix}"
    file.write_text(FORMATS[suffix](content))
    answer = btstore("run", str(file))
    assert answer.code == 0, answer.err
    assert len(stored(store)) == 2
