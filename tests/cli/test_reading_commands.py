"""What each command that reads is for; `test_every_command.py` has what they have in common."""

import csv
import io
import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest

from backtest_store import Store
from backtest_store.models import METRIC_FIELDS, RECORD_FIELDS, UNLISTED, Record
from backtest_store.runs import unknown_names
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

FIRST = UUID("abcd0000-0000-4000-8000-000000000001")
SECOND = UUID("abcd0000-0000-4000-8000-000000000002")


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


def test_compare_marks_the_best_and_shows_what_differs(
    two: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    table = btstore("compare", "@latest", "@latest~1").out
    assert re.search(r"sharpe_ratio\s+\*1\.25\s+0\.75", table)
    assert re.search(r"fast\s+10\s+5", table)
    assert "slow" not in table
    assert "Inputs (1 differs)" in table
    assert table.index("fast") < table.index("sharpe_ratio")
    assert "returns_kurtosis" not in table
    everything = btstore("compare", "@latest", "@latest~1", "--all").out
    assert "slow" in everything
    assert "returns_kurtosis" in everything
    delta = btstore("compare", "@latest", "@latest~1", "--baseline", "@latest~1")
    assert re.search(r"\+0\.50\b", delta.out)
    assert delta.err.startswith(f"note: in brackets, the difference to {FIRST}\n")


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


TYPES_IN_PANDAS = {"ratio": "float64", "fraction": "float64", "money": "float64", "count": "int64"}


def test_a_comparison_loads_into_pandas_with_right_types(store_url: str) -> None:
    parameters: list[dict[str, object]] = [
        {"fast": 5, "exit": {"on": True}, "stop": 1.0, "mode": "a"},
        {"fast": 10, "exit": {"on": False}, "stop": 0.0, "mode": "b", "new": [1, 2]},
    ]
    runs = [
        make_record(parameters=parameters[0], cagr=None, win_rate=1.0),
        make_record(parameters=parameters[1], currency="EUR", win_rate=0.0),
    ]
    store_at(store_url, *runs)
    out = btstore("compare", *(str(run.run_id) for run in runs), "--format", "csv").out
    frame = pd.read_csv(io.StringIO(out), parse_dates=["started_at", "start_date"])
    types = {name: str(type_) for name, type_ in frame.dtypes.items()}
    assert types["started_at"] == types["start_date"] == "datetime64[ns, UTC]"
    for name, field in METRIC_FIELDS.items():
        if field["unit"] in TYPES_IN_PANDAS:
            assert types[name] == TYPES_IN_PANDAS[field["unit"]], name
            wanted = [getattr(run, name) for run in runs]
            assert [None if pd.isna(v) else Decimal(str(v)) for v in frame[name]] == [
                None if v is None else Decimal(str(v)) for v in wanted
            ]
    shown = {name: types[f"parameters.{name}"] for name in ("fast", "exit.on", "stop", "mode")}
    assert shown == {"fast": "int64", "exit.on": "bool", "stop": "float64", "mode": "object"}
    assert json.loads(frame["parameters.new"][1]) == [1, 2]
    assert list(frame["run_id"]) == [str(run.run_id) for run in runs]


def test_a_list_of_what_failed_says_why(two: object, store_url: str) -> None:
    store_at(store_url, make_record(status="failed", error_message="no bars of ES.GLBX"))
    assert "no bars of ES.GLBX" in btstore("history", "--status", "failed").out
    assert "no bars of ES.GLBX" in btstore("history", "--status", "failed", "--all").out


@pytest.mark.parametrize(
    "words", [["trend"], ["history", "--strategy"], ["export", "-", "--strategy"]]
)
def test_a_misspelt_strategy_gets_the_nearest(two: object, words: list[str]) -> None:
    answer = btstore(*words, "sma crosover")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == (
        "warning: there is no strategy 'sma crosover'; did you mean 'SMA Crossover'?\n"
        "no run matches\n"
    )
    assert "did you mean" not in btstore(*words, "Grid").err


NAMES = {
    "parameters": {"fast": 5, "exit": {"atr_multiple": 2.5}, "unset": None},
    "provenance": {"user": "ann", "git": {"dirty": False}},
    "config_snapshot": {"venues": [{"name": "SIM"}]},
}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sharpe > 100", "a parameter 'sharpe'; did you mean 'sharpe_ratio'?"),
        ("fats > 3", "a parameter 'fats'; did you mean 'fast'?"),
        (
            "exit.atr_mutiple > 3",
            "a parameter 'exit.atr_mutiple'; did you mean 'exit.atr_multiple'?",
        ),
        ("parameters.exti.atr > 3", "a parameter 'exti.atr'"),
        ("fast.length > 3", "a parameter 'fast.length'"),
        ("provenance.usr == 'ann'", "'provenance.usr'; did you mean 'provenance.user'?"),
        ("provenance.git.dirt", "'provenance.git.dirt'; did you mean 'provenance.git.dirty'?"),
        ("config.venues[0].nmae == 'X'", "'config_snapshot.venues.0.nmae'"),
    ],
)
@pytest.mark.parametrize("others", ["{}", "{} or total_return < 9", "not ({}) and tags == 'x'"])
def test_a_name_that_no_run_has_is_said_whatever_else_matches(
    store_url: str, typed: str, said: str, others: str
) -> None:
    store_at(store_url, make_record(**NAMES), make_record())
    answer = btstore("history", "--where", others.format(typed), "--format", "jsonl")
    assert answer.code == 0
    assert answer.err.splitlines()[0].startswith(f"warning: no run has {said}")
    assert ("no run matches" in answer.err) == (not answer.out)
    assert bool(answer.out) == ("or" in others)
    with pytest.warns(UserWarning, match="no run has") as caught:
        Store().runs(others.format(typed))
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "typed",
    [
        "unset is None",
        "exit.atr_multiple > 99",
        "exit",
        "provenance.git.dirty",
        "engine_stats",
        "config.venues[0].name == 'X'",
        "batch == 'none'",
        "strategy == 'none'",
    ],
)
def test_a_name_that_a_run_has_is_not_remarked_on(store_url: str, typed: str) -> None:
    store_at(store_url, make_record(**NAMES), make_record())
    assert "has" not in btstore("history", "--where", typed).err


def test_a_name_to_group_by_that_no_run_has_is_said(two: object) -> None:
    assert "no run has a parameter 'fats'; did you mean 'fast'?" in (
        btstore("summary", "--by", "strategy,fats").err
    )
    assert btstore("summary", "--by", "strategy,fast,day,batch").err == ""


def test_names_in_an_empty_store_are_not_remarked_on(store_url: str) -> None:
    assert btstore("history", "--where", "fats > 3").err == "no run matches\n"


def test_more_runs_than_are_looked_at_are_not_spoken_for(
    two: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown_names, "NEWEST", 1)
    assert "none of the newest 1 runs has a parameter 'fats'" in (
        btstore("history", "--where", "fats > 3").err
    )


def test_an_expression_that_is_none_is_shown_with_a_mark(two: object) -> None:
    answer = btstore("history", "--where", "sharpe_ratio >> 1")
    assert answer.code == 2
    assert "--where: " in answer.err
    assert "\n  sharpe_ratio >> 1\n" in answer.err
    assert "^\nhint: write it like" in answer.err


def test_a_misspelt_parameter_is_named(two: object) -> None:
    answer = btstore("history", "--param", "fats>=1")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == (
        "warning: no run has a parameter 'fats'; did you mean 'fast'?\nno run matches\n"
    )
    assert btstore("history", "--param", "fast>=1000").err == "no run matches\n"


def test_a_month_is_a_month(two: object) -> None:
    table = btstore("trend", "SMA Crossover").out
    assert re.search(r"^2026-01 ", table, re.MULTILINE)
    assert "2026-01-05" in btstore("trend", "SMA Crossover", "--by", "day").out


def test_a_limit_of_everything_is_refused(two: object) -> None:
    answer = btstore("history", "--all", "--limit", "1")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: use --all or --limit, not both\n")


def test_what_nobody_answers_is_not_done(two: object) -> None:
    for words in (["delete", "@latest"], ["db", "rollback"]):
        answer = btstore(*words)
        assert answer.code == 1
        assert answer.err.endswith(
            "error: no answer; nothing changed\nhint: use --yes to skip the question\n"
        )
    assert btstore("delete", "@latest", typed="no\n").err.endswith("[y/N] nothing changed\n")
    assert len(rows(btstore("history", "--format", "csv").out)) == 2
