"""What each command that reads does with nothing, one run, a wrong run, and in every format."""

import csv
import io
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from backtest_store.models import RECORD_FIELDS, UNLISTED, Record
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

FORMATS = ["table", "csv", "json", "jsonl", "markdown"]
LISTING = [["history"], ["history", "--all"], ["strategies"], ["trend", "SMA Crossover"]]
ONE_RUN = [["show"], ["compare", "@latest"], ["delete", "--yes"], ["reproduce"]]
FIRST = UUID("abcd0000-0000-4000-8000-000000000001")
SECOND = UUID("abcd0000-0000-4000-8000-000000000002")
HOSTILE = 'x\x1b[31mred\x07\r\nnext\u202eevil\u200b 漢字 "quoted", ; =cmd()'


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def two(store_url: str) -> tuple[Record, Record]:
    runs = (
        make_record(run_id=FIRST, parameters={"fast": 5, "slow": 50}),
        make_record(
            run_id=SECOND,
            started_at=STARTED + timedelta(hours=1),
            parameters={"fast": 10, "slow": 50},
            sharpe_ratio=1.25,
            total_return=None,
            warnings=["total_return: undefined, for a test"],
        ),
    )
    store_at(store_url, *runs)
    return runs


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("words", LISTING)
def test_an_empty_store_is_told_of_kindly(store_url: str, words: list[str], format_: str) -> None:
    answer = btstore(*words, "--format", format_)
    assert answer.code == 0
    assert answer.err.startswith("no run")
    if format_ == "json":
        assert json.loads(answer.out) == []
    elif format_ == "csv":
        assert len(answer.out.splitlines()) == 1
    elif format_ == "jsonl":
        assert answer.out == ""


@pytest.mark.parametrize("words", ONE_RUN)
@pytest.mark.parametrize("run", ["nonsense", "dddd", str(UUID(int=1)), "@latest~7", "@best:cagr"])
def test_an_unknown_run_exits_3(store_url: str, words: list[str], run: str) -> None:
    if words[0] == "compare":
        store_at(store_url, make_record(cagr=None))
    answer = btstore(*words, run)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: ")
    assert "hint: " in answer.err


@pytest.mark.parametrize("words", ONE_RUN)
def test_an_ambiguous_prefix_exits_3_and_names_the_candidates(
    two: object, words: list[str]
) -> None:
    answer = btstore(*words, "abcd")
    assert answer.code == 3
    assert str(FIRST) in answer.err
    assert str(SECOND) in answer.err


@pytest.mark.parametrize("words", [*LISTING, ["show", "@latest"], ["compare", "@latest"]])
def test_a_bad_option_exits_2(two: object, words: list[str]) -> None:
    assert btstore(*words, "--nonsense").code == 2
    assert btstore(*words, "--format", "xml").code == 2


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (["--sort", "sharp_ratio"], "sharpe_ratio"),
        (["--metric", "max_drawdwn>0"], "max_drawdown"),
        (["--metric", "sharpe_ratio"], "--metric"),
        (["--metric", "sharpe_ratio>high"], "number"),
        (["--since", "yesterday-ish"], "7d"),
    ],
)
def test_a_wrong_name_gets_the_nearest_right_one(
    store_url: str, wrong: list[str], right: str
) -> None:
    answer = btstore("history", *wrong)
    assert (answer.code, answer.out) == (2, "")
    assert right in answer.err


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("all_", [[], ["--all"]])
def test_history_has_the_contract_s_fields(two: object, format_: str, all_: list[str]) -> None:
    answer = btstore("history", "--format", format_, *all_)
    names = [name for name in RECORD_FIELDS if name not in UNLISTED]
    if format_ == "csv":
        found: list[dict[str, object]] = [dict(row) for row in rows(answer.out)]
        assert found[0]["total_return"] == ""
        assert json.loads(str(found[0]["parameters"])) == {"fast": 10, "slow": 50}
    else:
        lines = answer.out.splitlines() if format_ == "jsonl" else None
        found = [json.loads(line) for line in lines] if lines else json.loads(answer.out)
        assert found[0]["total_return"] is None
        assert found[0]["parameters"] == {"fast": 10, "slow": 50}
        assert found[0]["sharpe_ratio"] == 1.25
        assert str(found[0]["started_at"]).startswith("2026-01-05T13:30:00")
        assert (
            '"final_balance": 125000.50' in answer.out or '"final_balance":125000.50' in answer.out
        )
    assert [list(run) for run in found] == [names, names]
    assert [run["run_id"] for run in found] == [str(SECOND), str(FIRST)]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_the_streamed_list_is_the_list(two: object, format_: str) -> None:
    some = btstore("history", "--format", format_, "--limit", "1000").out
    every = btstore("history", "--format", format_, "--all").out
    if format_ == "jsonl":
        assert [json.loads(a) for a in some.splitlines()] == [
            json.loads(a) for a in every.splitlines()
        ]
    else:
        assert rows(some) == rows(every)


def test_a_page_says_how_to_get_the_next(two: object) -> None:
    answer = btstore("history", "--limit", "1", "--format", "csv")
    after = re.search(r"--after (\S+)", answer.err)
    assert after is not None
    rest = btstore("history", "--limit", "1", "--format", "csv", "--after", after[1])
    assert rows(answer.out)[0]["run_id"] == str(SECOND)
    assert rows(rest.out)[0]["run_id"] == str(FIRST)
    assert "--after" not in rest.err


def test_show_has_every_field(two: object) -> None:
    found = json.loads(btstore("show", "@latest", "--format", "json").out)
    assert list(found) == list(RECORD_FIELDS)
    assert found["run_id"] == str(SECOND)
    assert json.loads(btstore("show", str(FIRST), "--config").out) == {"strategy_path": "a:B"}
    table = btstore("show", "@latest").out
    assert str(SECOND) in table
    assert "undefined, for a test" in table


def test_selectors_name_runs(two: object) -> None:
    def shown(run: str) -> str:
        return str(json.loads(btstore("show", run, "--format", "json").out)["run_id"])

    assert shown("@latest~1") == str(FIRST)
    assert shown("@best:sharpe_ratio") == str(SECOND)
    assert shown("@best:total_return") == str(FIRST)
    assert shown(str(FIRST).upper()) == str(FIRST)
    assert shown(str(FIRST).replace("-", "")) == str(FIRST)


def test_compare_marks_the_best_and_shows_what_differs(two: object) -> None:
    table = btstore("compare", "@latest", "@latest~1").out
    assert re.search(r"sharpe_ratio\s+\*1\.25\s+0\.75", table)
    assert re.search(r"fast\s+10\s+5", table)
    assert "slow" not in table
    assert "slow" in btstore("compare", "@latest", "@latest~1", "--all-parameters").out
    delta = btstore("compare", "@latest", "@latest~1", "--baseline", "@latest~1").out
    assert re.search(r"\+0\.50?\b", delta)


def test_compare_as_csv_is_one_row_a_run(two: object) -> None:
    found = rows(btstore("compare", "@latest", "@latest~1", "--format", "csv").out)
    assert [row["parameters.fast"] for row in found] == ["10", "5"]
    assert [float(row["sharpe_ratio"]) for row in found] == [1.25, 0.75]


@pytest.mark.parametrize("count", [1, 11])
def test_compare_takes_2_to_10(two: object, count: int) -> None:
    assert btstore("compare", *["@latest"] * count).code == 2


def test_an_unfair_comparison_is_noted(store_url: str) -> None:
    store_at(store_url, make_record(instrument_ids=["A.X"]), make_record(currency="EUR"))
    answer = btstore("compare", "@latest", "@latest~1")
    assert "instruments" in answer.err
    assert "currenc" in answer.err


def test_strategies_and_trend_sum_up(two: object, store_url: str) -> None:
    store_at(store_url, make_record(status="failed"))
    (found,) = json.loads(btstore("strategies", "--format", "json").out)
    assert found["runs"] == 3
    assert 1 in found.values()
    assert {1.0, 1.25} <= {v for v in found.values() if isinstance(v, (int, float))}
    by_month = json.loads(btstore("trend", "SMA Crossover", "--format", "json").out)
    assert len(by_month) == 1
    assert 1.25 in by_month[0].values()


def test_delete_asks_and_takes_the_metrics_along(two: object) -> None:
    assert btstore("delete", str(FIRST), typed="n\n").code == 1
    assert len(rows(btstore("history", "--format", "csv").out)) == 2
    assert btstore("delete", str(FIRST), typed="y\n").code == 0
    assert btstore("show", str(FIRST)).code == 3
    assert btstore("delete", "@latest", "--yes").code == 0
    assert btstore("history", "--format", "json").out.strip() == "[]"


def test_export_and_import_round_trip_every_field(two: object, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert btstore("export", str(file)).code == 0
    before = btstore("show", str(FIRST), "--format", "json").out
    assert btstore("delete", str(FIRST), "--yes").code == 0
    assert btstore("import", str(file)).code == 0
    assert btstore("show", str(FIRST), "--format", "json").out == before
    assert btstore("import", str(file)).code == 0
    assert len(rows(btstore("history", "--format", "csv").out)) == 2


def test_a_bad_line_is_named_and_nothing_of_its_file_imported(two: object, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    btstore("export", str(file))
    btstore("delete", "--yes", str(FIRST), str(SECOND))
    good, other = file.read_text().splitlines()
    file.write_text(f"{good}\nnonsense\n{other}\n")
    refused = btstore("import", str(file))
    assert refused.code == 1
    assert re.search(r"line 2\b", refused.err)
    assert btstore("history", "--format", "json").out.strip() == "[]"
    assert btstore("import", str(file), "--keep-going").code in {0, 1}
    assert len(rows(btstore("history", "--format", "csv").out)) == 2


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_text_reaches_neither_terminal_nor_spreadsheet(
    store_url: str, format_: str
) -> None:
    for text in (HOSTILE, "=cmd()", "@SUM(A1)", "+1", "-1+2", "\t=x", "x" * 100_000):
        store_at(
            store_url,
            make_record(
                strategy_name=text, tags=[text], note=text, status="failed", error_message=text
            ),
        )
    for words in (["history"], ["history", "--all"], ["show", "@latest"], ["strategies"]):
        out = btstore(*words, "--format", format_).out
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)
        if format_ in {"table", "markdown"}:
            assert not re.search("[\u202a-\u202e\u2066-\u2069]", out)
        if format_ == "csv":
            cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
            assert not [c for c in cells if re.match(r"[=+@\t\r]|-(?![\d.])", c)]


def test_a_reader_that_leaves_ends_it_quietly(store_url: str) -> None:
    store_at(store_url, *(make_record(note="n" * 2000) for _ in range(200)))
    script = (
        f"set -o pipefail; {sys.executable} -c 'from backtest_store.cli.app import main; main()' "
        "history --all --format csv | head -n 1"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 141
    assert done.stdout.startswith("run_id,")
    assert done.stderr == ""
