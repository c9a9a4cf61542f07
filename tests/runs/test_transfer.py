"""Runs leave a store and come into one: exact, once each, and a file wholly or not at all."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store.models import METRIC_FIELDS, Record, to_json
from backtest_store.runs import transfer
from backtest_store.runs.transfer import LINES_AT_ONCE as BATCH
from backtest_store.runs.transfer import Imported, RefusedLineError, in_parts
from backtest_store.store import queries
from tests.factories import make_record, store, store_at
from tests.shell import btstore
from tests.waiting import LONG

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
    return await import_bytes(db, [x.encode() for x in lines], keep_going=keep_going)


async def import_bytes(
    db: asyncpg.Connection, lines: list[bytes], *, keep_going: bool = False
) -> Imported:
    return await transfer.import_runs(db, all_of(lines), keep_going=keep_going)


async def all_of(lines: list[bytes]) -> AsyncIterator[list[bytes]]:
    for some in in_parts(lines):
        yield some


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


async def test_of_lines_of_one_run_the_first_is_stored_whole(db: asyncpg.Connection) -> None:
    run = make_record()
    assert run.period_returns
    of_months = ("period", "period_start", "period_returns")
    of_daily_returns = ("period_counts", "period_means", "period_deviations")
    nothing: Any = dict.fromkeys((*of_months, *of_daily_returns))
    bare = replace(run, **nothing)
    assert (await imported(db, [to_json(bare), to_json(run)])).stored == 1
    (found,) = await queries.get_runs(db, run_ids=[run.run_id])
    assert found == bare


async def test_empty_lines_are_no_runs_and_no_faults(db: asyncpg.Connection) -> None:
    result = await imported(db, ["", to_json(make_record()), "   ", ""])
    assert (result.stored, result.refused) == (1, [])


NO_METRICS = dict.fromkeys(METRIC_FIELDS)
BAD: dict[str, tuple[dict[str, Any] | str, str]] = {
    "no JSON": ("{", "not JSON"),
    "no object": ("[1]", "not a run"),
    "nothing of a run": ("{}", "not a run"),
    "a newer version's field": ({"omega_ratio": 1.0}, "omega_ratio"),
    "no id": ({"run_id": "abc"}, "run_id: .* was 'abc'"),
    "no time": ({"started_at": "soon"}, "started_at: .* was 'soon'"),
    "a time that is another one each day": ({"started_at": "now"}, "started_at: .* was 'now'"),
    "a date likewise": ({"max_drawdown_date": "tomorrow"}, "max_drawdown_date: .* 'tomorrow'"),
    "a time after the year 9999": ({"end_date": "12026-01-01T00:00:00Z"}, "end_date: .*12026"),
    "a time before the year 1": ({"started_at": "0044-03-15 BC"}, "started_at: "),
    "tags in tags": ({"tags": [["a"]]}, "tags.0: .*'a'"),
    "a metric of a run that failed": (
        {"status": "failed", "error_type": "E", **NO_METRICS, "cagr": 0.1},
        "cagr: a run that is failed has no metrics",
    ),
    "a Sharpe ratio of one": (
        {"status": "failed", "error_type": "E", **NO_METRICS, "sharpe_ratio": 0.1},
        "sharpe_ratio: a run that is failed has no metrics",
    ),
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
        await import_bytes(db, [b"\xff\xfe{}\n"])


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


# What a colleague with a writer's role may insert by hand, past all that checks lines.
BY_HAND: dict[str, list[Any]] = {
    "started_at": ["12026-01-01", "0044-03-15 BC", "infinity"],
    "start_date": ["12026-01-01", "0044-03-15 BC", "-infinity"],
    "end_date": ["12026-01-01", "0044-03-15 BC", "infinity"],
    "max_drawdown_date": ["12026-01-01", "0044-03-15 BC", "infinity"],
    "tags": [[["a"]], [["a", "b"], ["c", "d"]]],
    "instrument_ids": [[["a"]]],
    "warnings": [[["a"]]],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f in BY_HAND for v in BY_HAND[f]])
async def test_the_schema_refuses_what_no_reader_could_hold(
    db: asyncpg.Connection, field: str, value: Any
) -> None:
    line = broken(to_json(make_record(start_date=None, end_date=None)), **{field: value})
    with pytest.raises(asyncpg.CheckViolationError, match=field):
        await queries.insert_run(db, record=line)


async def test_months_begin_on_the_first_day_of_one(db: asyncpg.Connection) -> None:
    months = {"period_returns": [0.1], "period_counts": [2], "period_means": [0.05]}
    run = make_record(
        period="month", **months, period_deviations=[0.0], period_start=date(2020, 2, 1)
    )
    with pytest.raises(asyncpg.CheckViolationError, match="period_start_is_a_first"):
        async with db.transaction():
            await queries.insert_run(db, record=broken(to_json(run), period_start="2020-02-03"))
    assert await queries.insert_run(db, record=to_json(run))


async def test_a_thousand_bad_lines_of_two_thousand_are_a_matter_of_seconds(
    db: asyncpg.Connection,
) -> None:
    lines = [to_json(make_record()) for _ in range(300)]
    lines[::2] = [broken(line, win_rate=2) for line in lines[::2]]
    statements: list[object] = []
    db.add_query_logger(statements.append)
    result = await imported(db, lines, keep_going=True)
    assert (result.stored, len(result.refused)) == (150, 150)
    db.remove_query_logger(statements.append)
    # In halves down to each line it would be twice as many inserts, each of many lines.
    inserts = sum("insert_runs" in str(s) or "backtest_runs" in str(s) for s in statements)
    assert inserts <= len(lines) + 8


BTSTORE = [sys.executable, "-c", "from backtest_store.cli.app import entry; entry()"]


def importing() -> "subprocess.Popen[str]":
    """Start an import that waits for lines which never come."""
    process = subprocess.Popen(
        [*BTSTORE, "import", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(to_json(make_record()) + "\n")
    process.stdin.flush()
    return process


def wait_until_it_waits(url: str) -> None:
    """Wait until the line that an import was given is stored, within its transaction."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state = 'idle in transaction' AND query LIKE 'RELEASE SAVEPOINT%'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(600):
            if connection.execute(query).fetchone() == (1,):
                return
            time.sleep(0.05)
    raise TimeoutError


def end_of(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end, standard input being left open, and return the code and what was said."""
    assert process.stdin is not None
    assert process.stderr is not None
    code = process.wait(timeout=LONG)
    said = process.stderr.read()
    process.stdin.close()
    process.stderr.close()
    return code, said


def test_the_first_ctrl_c_ends_an_import_that_waits_for_lines(store_url: str) -> None:
    process = importing()
    wait_until_it_waits(store_url)
    process.send_signal(signal.SIGINT)
    assert end_of(process) == (130, "")


def test_an_import_that_waits_for_lines_notices_that_the_connection_is_lost(
    store_url: str,
) -> None:
    process = importing()
    wait_until_it_waits(store_url)
    with psycopg.connect(store_url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    code, said = end_of(process)
    assert code == 4, said
    assert "Traceback" not in said


def test_a_file_without_lines_is_refused_before_memory_ends(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LONGEST_LINE", 2**22)
    answer = btstore("import", "/dev/zero")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: line 1 is longer than")


async def test_lines_are_read_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    content = b"a\n" * 2500 + b"\n" + b"x" * (3 * 2**20) + b"\r\nlast, without an end"
    file.write_bytes(content)
    with file.open("rb") as opened:
        parts = [part async for part in transfer.lines_of(opened.fileno())]
    assert [line for part in parts for line in part] == content.split(b"\n")
    assert max(len(part) for part in parts) == BATCH


def test_exports_to_one_file_at_once_all_succeed(store_url: str, tmp_path: Path) -> None:
    stored(store_url, *[make_record() for _ in range(50)])
    file = tmp_path / "runs.jsonl"
    command = [*BTSTORE, "export", "--yes", str(file)]
    exports = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [export.wait(timeout=LONG) for export in exports] == [0] * 4
    assert file.read_text("utf-8").count("\n") == 50
    assert [entry.name for entry in tmp_path.iterdir()] == ["runs.jsonl"]


def test_a_file_is_overwritten_only_if_that_is_wanted(store_url: str, tmp_path: Path) -> None:
    stored(store_url, make_record())
    file = tmp_path / "runs.jsonl"
    file.write_text("precious")
    for typed in ("", "n\n"):
        answer = btstore("export", str(file), typed=typed)
        assert answer.code == 1
        assert "Overwrite" in answer.err
        assert file.read_text() == "precious"
    assert btstore("export", str(file), typed="y\n").code == 0
    assert file.read_text("utf-8").count("\n") == 1
    for word in ("--yes", "-y", "--force"):
        file.write_text("precious")
        assert btstore("export", str(file), word).code == 0
        assert file.read_text("utf-8").count("\n") == 1


def test_what_lies_under_a_foreseeable_name_is_not_written_to(
    store_url: str, tmp_path: Path
) -> None:
    stored(store_url, make_record())
    private = tmp_path / "private"
    private.write_text("precious")
    (tmp_path / ".runs.jsonl.unfinished").symlink_to(private)
    assert btstore("export", str(tmp_path / "runs.jsonl")).code == 0
    assert private.read_text() == "precious"


def test_an_export_has_the_rights_of_any_new_file(store_url: str, tmp_path: Path) -> None:
    stored(store_url, make_record())
    file, before = tmp_path / "runs.jsonl", os.umask(0o027)
    try:
        assert btstore("export", str(file)).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    file.chmod(0o600)
    assert btstore("export", str(file), "--yes").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_export_to_a_full_disk_ends(store_url: str) -> None:
    """Also if the last rows are there already, when the driver has nothing left to give up."""
    store_at(store_url, make_record(note="n" * 20_000))  # more than is written at the end
    main = "from backtest_store.cli.app import entry; entry()"
    command = [sys.executable, "-c", main, "export", "--yes", "/dev/full"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "error: cannot write /dev/full: No space left on device",
    )


def test_an_export_that_fails_leaves_nothing(store_url: str, tmp_path: Path) -> None:
    stored(store_url, *[make_record(note="x" * 9000) for _ in range(20)])
    file = tmp_path / "runs.jsonl"
    file.write_text("precious")
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
    ignored = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    # -B: in a tree that has not run yet, Python would leave its compiled modules torn, for all.
    program = [sys.executable, "-B", "-c", small + ignored + BTSTORE[2]]
    command = [*program, "export", "--yes", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write")
    assert file.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["runs.jsonl"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PAR1\x15\x04", "Parquet is one way"),
        (b"PGDMP\x01\x10", "btstore db restore"),
        (gzip.compress(b"{}\n", mtime=0), "zcat FILE | btstore import -"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--keep-going"]])
def test_a_file_of_another_format_is_named(
    store_url: str, tmp_path: Path, content: bytes, said: str, options: list[str]
) -> None:
    (tmp_path / "file").write_bytes(content)
    answer = btstore("import", str(tmp_path / "file"), *options)
    assert answer.code == 1
    assert "nothing was imported\nhint: " in answer.err
    assert said in answer.err
