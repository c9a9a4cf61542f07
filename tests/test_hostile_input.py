"""Whatever is thrown at it is refused clearly or comes back exactly; no traceback, no lost run."""

import asyncio
import dataclasses
import json
import math
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest
import typer
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from backtest_store import save_run
from backtest_store.capture.identity.json_values import MAX_TEXT, clean
from backtest_store.cli.app import app
from backtest_store.models import Record, to_json
from backtest_store.redaction import Redactor
from backtest_store.runs import transfer
from backtest_store.saving import save, spool
from backtest_store.store import queries
from backtest_store.store.settings import Settings
from tests.capture.backtests import backtest
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.faults.runs import a_run
from tests.shell import btstore

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
FIVE_MEGABYTES = "ab\u00e9\u4e2d'\"\\" * 500_000
NASTY = [
    "",
    " ",
    "\0",
    "\ud800",
    "\x1b[31m",
    "\u202e",
    "'; DROP TABLE backtest_runs; --",
    "$1",
    "{}",
    "%s%n",
    "NaN",
    "-1",
    "1e999",
    "9" * 5000,
    "../" * 99,
    "=cmd()",
]
texts = st.sampled_from(NASTY) | st.text(st.characters(codec=None), max_size=12)
numbers = st.floats() | st.integers() | st.decimals() | st.integers(10**300, 10**310)
times = st.datetimes(timezones=st.just(UTC)) | st.sampled_from([FIRST, LAST])
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
anything = plain | times | st.binary(max_size=4) | st.builds(object)
details = st.fixed_dictionaries(
    {},
    optional={
        "strategy_name": texts,
        "strategy_type": texts,
        "tags": st.lists(texts, max_size=3),
        "note": texts,
        "data_source": texts,
        "data_fingerprint": texts,
        "parameters": st.dictionaries(texts, anything, max_size=3),
        "config_snapshot": st.dictionaries(texts, anything, max_size=3),
        "config_hash": texts,
        "command_line": texts,
    },
)
quickly = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def nested(levels: int) -> Any:
    """Return lists in lists."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def waiting(home: Path) -> set[UUID]:
    """Return the runs that the spool keeps, whatever became of them there."""
    return {UUID(path.name[:36]) for path in spool.folder_of(home).rglob("*.json")}


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    made = backtest([100, 110, 105])
    made.run()
    yield made
    made.dispose()


@pytest.fixture
def home(store: str, tmp_path: Path) -> Path:
    return tmp_path / "home"


@quickly
@given(details)
def test_save_run_takes_whatever_it_is_told(
    store: str, home: Path, engine: Any, details: dict[str, Any]
) -> None:
    with psycopg.connect(store) as connection:
        connection.execute("DELETE FROM backtest_runs")
    run_id = save_run(engine, **details)
    (run,) = stored(store)
    assert run["run_id"] == str(run_id)
    for name in ("strategy_name", "note", "data_source", "data_fingerprint"):
        if details.get(name):
            assert run[name] == Redactor().text(clean(details[name]))
    assert not waiting(home)


EXTREMES: dict[str, dict[str, Any]] = {
    "5 megabytes": {"note": FIVE_MEGABYTES, "parameters": {"x": FIVE_MEGABYTES}},
    "deep": {"parameters": {"deep": nested(100_000)}, "tags": NASTY},
    "no numbers": {"config_snapshot": {"a": math.nan, "b": Decimal("sNaN"), "c": FIRST}},
}


@pytest.mark.parametrize("kind", EXTREMES)
def test_save_run_takes_what_is_too_much(store: str, home: Path, engine: Any, kind: str) -> None:
    run_id = save_run(engine, **EXTREMES[kind])
    (run,) = stored(store)
    assert run["run_id"] == str(run_id)
    assert len(run["note"] or "") in (0, MAX_TEXT + 1), "cut, and marked as cut"
    assert not waiting(home)


amounts = st.none() | st.decimals() | st.sampled_from([Decimal("1e140000"), Decimal("-1e-20000")])
ratios = st.none() | st.floats()
records = st.builds(
    a_run,
    started_at=times,
    duration_seconds=ratios,
    start_date=st.none() | times,
    end_date=st.none() | times,
    strategy_name=texts,
    note=st.none() | texts,
    tags=st.lists(texts, max_size=2),
    parameters=st.dictionaries(texts, plain, max_size=2),
    initial_capital=amounts,
    net_profit=amounts,
    total_fees=amounts,
    total_return=ratios,
    sharpe_ratio=ratios,
    max_drawdown=ratios,
    max_drawdown_date=st.none() | st.dates() | st.sampled_from([date.min, date.max]),
    total_trades=st.integers(-(2**70), 2**70),
)


@quickly
@given(records)
def test_a_record_is_stored_exactly_or_kept(store: str, home: Path, record: Record) -> None:
    check_record(store, home, replace(record, run_id=uuid4()))


def check_record(store: str, home: Path, record: Record) -> bool:
    """Save a record, and say whether the database has it, exactly; else the spool does."""
    is_saved = save.save_record(record)
    if is_saved:
        (found,) = asyncio.run(fetched(store, record.run_id))
        assert found == record
    else:
        assert record.run_id in waiting(home)
    return is_saved


EXTREME_RECORDS: dict[str, tuple[dict[str, Any], bool]] = {
    "a negative duration": ({"duration_seconds": -1.0}, False),
    "year 1 and 5 megabytes": ({"started_at": FIRST, "note": FIVE_MEGABYTES}, True),
    "year 9999, nested": ({"started_at": LAST, "parameters": {"x": nested(200)}}, True),
    "nested too deep": ({"parameters": {"x": nested(100_000)}}, False),
    "tiny numbers": ({"sharpe_ratio": 5e-324, "net_profit": Decimal("0.1") ** 40}, True),
    "large numbers": ({"sharpe_ratio": 1.7e308, "net_profit": Decimal("-1e40")}, True),
}


@pytest.mark.parametrize("kind", EXTREME_RECORDS)
def test_an_extreme_record_is_stored_exactly_or_kept(store: str, home: Path, kind: str) -> None:
    changes, is_possible = EXTREME_RECORDS[kind]
    assert check_record(store, home, a_run(**changes)) == is_possible


async def fetched(url: str, run_id: UUID) -> list[Record]:
    connection = await asyncpg.connect(url)
    try:
        return await queries.get_runs(connection, run_ids=[run_id])
    finally:
        await connection.close()


FIELDS = [field.name for field in dataclasses.fields(Record)]


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a line of an export that somebody has been at."""
    run = json.loads(to_json(a_run())) | draw(
        st.dictionaries(st.sampled_from(FIELDS) | texts, plain, max_size=2)
    )
    written = json.dumps(run, default=str, ensure_ascii=draw(st.booleans()))
    content = bytearray(written.encode("utf-8", "surrogatepass"))
    if draw(st.booleans()):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content) + b"\n"


async def one_part(content: list[bytes]) -> AsyncIterator[list[bytes]]:
    yield content


@quickly
@given(st.lists(lines(), min_size=1, max_size=4))
@example([b"[" * 100_000 + b"\n"])
@example([b'{"run_id": ' + b"[" * 900 + b"]" * 900 + b"}\n"])
@example([to_json(a_run(note="x" * 5_000_000)).encode()])
async def test_a_line_is_imported_or_refused(db: asyncpg.Connection, content: list[bytes]) -> None:
    transaction = db.transaction()
    await transaction.start()
    written = b"".join(content).removesuffix(b"\n").split(b"\n")  # damage may have made two of one
    imported = await transfer.import_runs(db, one_part(written), keep_going=True)
    total = imported.stored + imported.already_there + len(imported.refused)
    assert total == len([line for line in written if line.strip()])
    await transaction.rollback()


@settings(quickly, max_examples=12)
@given(st.lists(plain, min_size=1, max_size=4))
@example(["[" * 5000])
@example([json.loads(to_json(a_run())) | {"win_rate": 7, "note": "\0"}])
def test_whatever_the_spool_holds_is_kept(store: str, home: Path, content: list[Any]) -> None:
    shutil.rmtree(home, ignore_errors=True)
    sound, here = a_run(), Settings.from_environment().store_name
    for value in content:
        spool.add(
            home, uuid4(), value if value == "[" * 5000 else json.dumps(value, default=str), here
        )
    spool.add(home, sound.run_id, to_json(sound), here)
    counts = asyncio.run(save.save_waiting(Settings.from_environment()))
    assert (counts.saved, counts.rejected) == (1, len(content))
    assert len(waiting(home)) == len(content)
    assert str(sound.run_id) in {run["run_id"] for run in stored(store)}


def parameters() -> Iterator[tuple[list[str], Any]]:
    """Yield each option and argument of each command, after the command's words."""
    group: Any = typer.main.get_command(app)
    for words, found in _leaves([], group):
        for parameter in found.params:
            yield words, parameter


def _leaves(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name in children:
        yield from _leaves([*words, name], command.get_command(None, name))


PARAMETERS = [(w, p) for w, p in parameters() if not getattr(p, "is_flag", False)]

# What a shell can hand on: no NUL, and bytes that are no text as Python's surrogates.
words_of_a_shell = (
    st.sampled_from(
        [t for t in NASTY if "\0" not in t and "\ud800" not in t] + ["\udcff", "-", "--"]
    )
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(["fast", "sharpe_ratio", "@best:", "a b"]),
        st.sampled_from(["=", ">", "<=", "!=", "~"]),
        texts.filter(lambda t: "\0" not in t and t.isprintable()),
    )
)


@settings(quickly, max_examples=150)
@given(st.sampled_from(PARAMETERS), words_of_a_shell)
def test_every_argument_is_understood_or_refused(
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[list[str], Any],
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    command, parameter = place
    assume(command != ["exec"] or not os.path.exists(word or "."))  # noqa: PTH110 - it may be long
    if parameter.param_type_name == "option":
        answer = btstore(*command, parameter.opts[0], word, *["no/where"] * needed(command))
    else:
        answer = btstore(*command, *["--"] * word.startswith("-"), word)
    assert answer.code in range(7), answer
    assert "Traceback" not in answer.err
    assert answer.code == 0 or answer.err, "a refusal says why"
    assert answer.err.replace("\n", "").isprintable()


def needed(command: list[str]) -> int:
    """Return how many words a command takes besides its options."""
    return sum(
        w == command and p.param_type_name == "argument" and p.required for w, p in PARAMETERS
    )


LONG = "x" * 5000
LONG_NAMES = [
    ["export", LONG],
    ["import", LONG],
    ["exec", LONG],
    ["run", LONG],
    ["run", "CONFIG", "--set", f"data.catalog={LONG}"],
    ["run", "CONFIG", "--set", f"data.path={LONG}"],
]


@pytest.mark.parametrize("words", LONG_NAMES, ids=lambda words: words[0])
def test_a_name_that_no_file_can_have_is_refused(
    store: str, tmp_path: Path, words: list[str]
) -> None:
    config = tmp_path / "config.json"
    data = {"path": "prices.csv", "instrument": "ACME.XNAS", "bar": "1-DAY"}
    config.write_text(json.dumps({"strategy": "sma_crossover", "data": data}))
    answer = btstore(*[str(config) if word == "CONFIG" else word for word in words])
    assert answer.code in {1, 2}
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err
