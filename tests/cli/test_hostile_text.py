"""Text from outside acts on no terminal and in no spreadsheet, whatever prints it."""

import csv
import io
import json
from pathlib import Path

import pytest

from backtest_store.cli.output.formats.format_list import Format
from backtest_store.models import Record, to_json
from tests.factories import make_record, store_at
from tests.number_of_tries import IS_LONG
from tests.shell import Answer, btstore

HOSTILE = 'x\x1b[31mred\x07\r\nnext\u202eevil\u200b\x9b\ufeff 漢字 "quoted", ; |<b>=cmd()'
FORMATS = sorted({*Format} - {Format.PARQUET, Format.XLSX})  # which are no text
TEXTS = [HOSTILE, "=cmd()", "-1+2", "\t=x", "漢" * 40, "=\x1b" + "x" * 140_000]


def hostile(text: str) -> list[Record]:
    """Return a good and a failed run with a text wherever text from outside can be."""
    everywhere = {
        "strategy_name": text,
        "strategy_type": text[:200],
        "instrument_ids": [text[:200], text[:200]],
        "data_source": text,
        "parameters": {text[:50]: text, "n": {text[:50]: [text]}},
        "config_snapshot": {text[:50]: text},
        "provenance": {"git": {"commit": text}},
        "tags": [text],
        "note": text,
    }
    wrong = {"error_type": text, "error_message": text, "error_traceback": text}
    return [
        make_record(**everywhere, warnings=[text], engine_stats={text[:50]: text}),
        make_record(**everywhere, **wrong, status="failed"),
    ]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_hostile_text_acts_on_nothing(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    runs = hostile(text)
    store_at(store_url, *runs)
    ids = [str(run.run_id) for run in runs]
    commands = [
        ["history"],
        ["history", "--all"],
        ["history", "--status", "failed"],
        *(["show", run_id] for run_id in ids),
        ["compare", *ids],
        ["strategies"],
        ["trend", "--", text],
        ["trend", "--", text[:2] + "nothing"],
    ]
    for words in commands:
        for format_ in FORMATS if text == HOSTILE or IS_LONG else ("table", "csv"):
            answer = btstore(words[0], "--format", format_, *words[1:])
            assert answer.code == 0, words
            check_harmless(answer, format_)
    for words in (["show", ids[0], "--config"], ["export", "-"], ["delete", ids[0]]):
        check_harmless(btstore(*words, typed="n\n"), "")
    found = json.loads(btstore("show", ids[1], "--format", "json").out)
    assert {found[name] for name in ("strategy_name", "note", "error_message")} == {text}
    check_round_trip(tmp_path, ids)


def check_harmless(answer: Answer, format_: str) -> None:
    """Check that no terminal and no spreadsheet acts on what was printed."""
    for text in answer.out, answer.err:
        assert text.replace("\n", "").isprintable()
    if format_ == "table":
        assert max(map(len, answer.out.splitlines()), default=0) <= 80
    if format_ == "csv":
        for row in parsed(answer.out):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]
            assert all(is_number(cell) for cell in row if cell.startswith("-"))


def parsed(text: str) -> list[list[str]]:
    """Return the cells of a CSV file, however long they are."""
    before = csv.field_size_limit(len(text) + 1)
    try:
        return list(csv.reader(io.StringIO(text)))
    finally:
        csv.field_size_limit(before)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_round_trip(folder: Path, ids: list[str]) -> None:
    """Check that what was exported comes back as it was."""
    before, after = folder / "before.jsonl", folder / "after.jsonl"
    assert btstore("export", str(before)).code == 0
    assert btstore("delete", *ids, "--yes").code == 0
    assert btstore("import", str(before)).err == "imported 2 runs\n"
    assert btstore("export", str(after)).code == 0
    assert before.read_bytes() == after.read_bytes()


def test_what_is_said_of_a_hostile_file_acts_on_nothing(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    lines = [to_json(make_record()), "\x1b[2J", json.dumps({"run_id": HOSTILE}), '{"run_id": 1}']
    lines += [json.dumps({"run_id": 1, HOSTILE: 1}), to_json(make_record()).replace("0.6", "6")]
    path.write_text("\n".join(lines), "utf-8")
    for words in (["import", str(path)], ["import", "--keep-going", str(path)]):
        answer = btstore(*words)
        assert answer.code == 1
        check_harmless(answer, "")
        assert "line 2: not JSON: Expecting value in column 1" in answer.err
    assert answer.err.splitlines()[-1] == "imported 1 run, 5 refused"
