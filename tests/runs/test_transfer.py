"""Runs leave a store and come into one: exact, once each, and a file wholly or not at all."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store.models import Record, to_json
from backtest_store.runs import transfer
from backtest_store.runs.transfer import BATCH, Imported, RefusedLineError
from backtest_store.store import queries
from tests.factories import make_record, store, store_at
from tests.shell import btstore

TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=18)


async def exported(db: asyncpg.Connection) -> list[str]:
    pieces: list[str] = []
    await transfer.export(db, (), pieces.append)
    # Not `splitlines`, which takes U+2028 and its like for the end of a line; JSON Lines does not.
    return "".join(pieces).split("\n")[:-1]


async def imported(
    db: asyncpg.Connection, lines: Iterable[str], *, keep_going: bool = False
) -> Imported:
    return await transfer.import_runs(db, [f"{x}\n".encode() for x in lines], keep_going=keep_going)


def broken(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    ratio=FLOATS,
    amount=AMOUNTS,
    text=TEXT,
    parameters=st.dictionaries(TEXT, FLOATS | st.integers() | TEXT | st.none(), max_size=4),
)
async def test_every_field_comes_back_exactly(
    db: asyncpg.Connection, ratio: float, amount: Decimal, text: str, parameters: Any
) -> None:
    run = make_record(
        total_return=ratio, net_profit=amount, note=text, tags=[text], parameters=parameters
    )
    transaction = db.transaction()
    await transaction.start()
    await store(db, [run, make_record(status="failed", error_message=text)])
    lines = await exported(db)
    ids = [json.loads(line)["run_id"] for line in lines]
    before = await queries.get_runs(db, run_ids=ids)
    await queries.delete_runs(db, run_ids=ids)
    assert (await imported(db, lines)).stored == 2
    assert await queries.get_runs(db, run_ids=ids) == before
    assert sorted(await exported(db)) == sorted(lines)
    await transaction.rollback()


async def test_what_the_spool_writes_is_taken_too(db: asyncpg.Connection) -> None:
    run = make_record(initial_capital=Decimal("100000.10"))
    assert (await imported(db, [to_json(run)])).stored == 1
    (found,) = await queries.get_runs(db, run_ids=[run.run_id])
    assert found == run


async def test_runs_already_there_and_lines_given_twice_are_skipped(
    db: asyncpg.Connection,
) -> None:
    runs = [make_record() for _ in range(5)]
    await store(db, runs[:2])
    lines = [to_json(run) for run in (*runs, *runs)]
    result = await imported(db, lines)
    assert (result.stored, result.already_there, result.refused) == (3, 7, [])


async def test_empty_lines_are_no_runs_and_no_faults(db: asyncpg.Connection) -> None:
    result = await imported(db, ["", to_json(make_record()), "   ", ""])
    assert (result.stored, result.refused) == (1, [])


BAD: dict[str, tuple[dict[str, Any] | str, str]] = {
    "no JSON": ("{", "not JSON"),
    "no object": ("[1]", "not a run"),
    "nothing of a run": ("{}", "not a run"),
    "a newer version's field": ({"omega_ratio": 1.0}, "omega_ratio"),
    "no id": ({"run_id": "abc"}, "uuid"),
    "no time": ({"started_at": "soon"}, "timestamp"),
    "not a status": ({"status": "fine"}, "status"),
    "an impossible metric": ({"win_rate": 1.5}, "win_rate"),
    "nothing where something must be": ({"strategy_name": None}, "strategy_name"),
    "a character that PostgreSQL has not": ({"note": "\0"}, "Unicode"),
    "no object of parameters": ({"parameters": 1}, "parameters"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_line_is_named_and_refused(db: asyncpg.Connection, kind: str) -> None:
    changes, said = BAD[kind]
    bad = changes if isinstance(changes, str) else broken(to_json(make_record()), **changes)
    lines = [to_json(make_record()), bad, to_json(make_record())]
    with pytest.raises(RefusedLineError, match=rf"^line 2: .*{said}"):
        await imported(db, lines)
    assert not await exported(db)
    result = await imported(db, lines, keep_going=True)
    assert [refused.number for refused in result.refused] == [2]
    assert result.stored == 2


async def test_a_bad_line_far_down_undoes_what_is_before_it(db: asyncpg.Connection) -> None:
    lines = [to_json(make_record())] * (BATCH + 10)
    lines[BATCH + 7] = "{"
    with pytest.raises(RefusedLineError, match=rf"^line {BATCH + 8}: "):
        await imported(db, lines)
    assert not await exported(db)


async def test_many_bad_lines_are_all_found(db: asyncpg.Connection) -> None:
    good = [make_record() for _ in range(20)]
    lines = [to_json(run) for run in good]
    for place in (0, 7, 8, 19):
        lines[place] = broken(lines[place], win_rate=2)
    result = await imported(db, lines, keep_going=True)
    assert sorted(refused.number for refused in result.refused) == [1, 8, 9, 20]
    assert result.stored == 16


async def test_a_line_that_is_no_text_is_refused(db: asyncpg.Connection) -> None:
    with pytest.raises(RefusedLineError, match="line 1: not JSON"):
        await transfer.import_runs(db, [b"\xff\xfe{}\n"], keep_going=False)


def stored(url: str, *records: Record) -> tuple[Record, ...]:
    store_at(url, *records)
    return records


def test_a_file_is_whole_or_as_it_was(store_url: str, tmp_path: Path) -> None:
    stored(store_url, make_record(), make_record(strategy_name="Other"))
    file = tmp_path / "runs.jsonl"
    assert btstore("export", str(file), "--strategy", "Other").code == 0
    (line,) = file.read_text("utf-8").splitlines()
    assert json.loads(line)["strategy_name"] == "Other"
    assert btstore("export", str(file), "--metric", "sharpe>1").code == 2
    assert file.read_text("utf-8").splitlines() == [line]
    assert [entry.name for entry in tmp_path.iterdir()] == ["runs.jsonl"]


def test_a_link_to_a_file_stays_one(store_url: str, tmp_path: Path) -> None:
    stored(store_url, make_record())
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    assert btstore("export", str(link)).code == 0
    assert link.is_symlink()
    assert (tmp_path / "file").read_text("utf-8").count("\n") == 1


def test_a_file_that_cannot_be_written_or_read_is_no_lost_connection(
    store_url: str, tmp_path: Path
) -> None:
    stored(store_url, make_record())
    for words in (["export", "/dev/full"], ["export", str(tmp_path / "no" / "where")]):
        answer = btstore(*words)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.startswith("error: cannot write")
    answer = btstore("import", str(tmp_path / "nothing"))
    assert answer.code == 2
    assert answer.err.startswith("error: cannot read")


def test_export_to_standard_output_and_an_empty_store(store_url: str) -> None:
    answer = btstore("export", "-")
    assert (answer.code, answer.out) == (0, "")
    assert "no runs yet" in answer.err
    (run,) = stored(store_url, make_record(note="\x1b[31m\u202e\x9b"))
    out = btstore("export", "-").out
    assert out.isascii()
    assert json.loads(out)["note"] == run.note
