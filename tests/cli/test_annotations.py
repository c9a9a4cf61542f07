"""What is said of runs afterwards, at the shell and in Python; and which runs are let go."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backtest_store import Store
from backtest_store.errors import UsageError
from tests.factories import STARTED, make_record, store_at
from tests.shell import btstore

A, B, C, D = (str(UUID(int=number << 112)) for number in (0xAAAA, 0xBBBB, 0xCCCC, 0xDDDD))
BATCH, OLDER = UUID(int=1 << 100), UUID(int=2 << 100)


@pytest.fixture
def runs(store_url: str) -> str:
    ratios = {A: 0.5, B: 1.5, C: 1.0, D: None}
    more: dict[str, dict[str, Any]] = {
        A: {"batch_id": OLDER, "batch_name": "older"},
        B: {"batch_id": BATCH},
        C: {"batch_id": BATCH},
        D: {"status": "failed", "provenance": {"user": "ann", "host": "desk"}},
    }
    store_at(
        store_url,
        *(
            make_record(
                run_id=UUID(run),
                started_at=STARTED + timedelta(hours=n),
                **({} if ratio is None else {"sharpe_ratio": ratio}),
                **more[run],
            )
            for n, (run, ratio) in enumerate(ratios.items())
        ),
    )
    return store_url


def ids(*words: str) -> list[str]:
    """Return the ids of the runs that history lists, as letters."""
    listed = json.loads(btstore("history", *words, "--format", "json").out)
    return [run["run_id"][0].upper() for run in listed]


def shown(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(btstore("show", run, "--format", "json").out)
    return found


def test_tags_come_and_go_and_keep_their_order(runs: str) -> None:
    answer = btstore("tag", "aaaa", "bbbb", "+good", "+week 1", "-junk")
    assert (answer.code, answer.err) == (0, "tagged 2 runs\n")
    assert shown("aaaa")["tags"] == ["good", "week 1"]
    btstore("tag", "-good", "aaaa", "+hedge", "-y", "-h2")
    assert shown("aaaa")["tags"] == ["week 1", "hedge"]
    assert ids("--tag", "week 1") == ["B", "A"]
    assert ids("--tag", "good") == ["B"]
    assert ids("--where", "'good' in tags or tag == 'hedge'") == ["B", "A"]


@pytest.mark.parametrize("words", [["aaaa"], ["+good"], ["aaaa", "+"], ["aaaa", "-"]])
def test_a_tag_command_without_runs_or_tags_is_refused(runs: str, words: list[str]) -> None:
    answer = btstore("tag", *words)
    assert answer.code == 2
    assert "+good" in answer.err
    assert shown("aaaa")["tags"] == []


def test_tag_describes_itself(runs: str) -> None:
    assert "RUN... +TAG -TAG" in btstore("tag", "-h").out
    assert btstore("tag", "--nonsense", "aaaa", "+x").code == 2


def test_a_note_is_found_by_its_words(runs: str) -> None:
    assert btstore("note", "aaaa", "Stops too tight in 2008").code == 0
    btstore("note", "bbbb", "wide stops")
    assert ids("--note", "stops") == ["B", "A"]
    assert ids("--note", "stops -wide") == ["A"]
    assert ids("--note", '"too tight"') == ["A"]
    assert ids("--where", "'tight' in note") == ["A"]
    assert "Stops too tight" in btstore("show", "aaaa").out
    assert btstore("note", "aaaa", "").err == f"removed the note of {A}\n"
    assert shown("aaaa")["note"] is None


def test_starred_runs_are_named_together(runs: str) -> None:
    assert btstore("star", "aaaa", "cccc").err == "starred 2 runs\n"
    assert ids("--where", "starred") == ["C", "A"]
    btstore("tag", "@starred", "+kept")
    assert ids("--tag", "kept") == ["C", "A"]
    several = btstore("show", "@starred")
    assert several.code == 3
    assert f"they are {C}, {A}" in several.err
    btstore("star", "cccc", "--remove")
    assert shown("@starred")["run_id"] == A
    btstore("star", "aaaa", "--remove")
    assert btstore("show", "@starred").code == 3


def test_a_name_replaces_the_strategys_in_lists(runs: str) -> None:
    btstore("rename", "bbbb", "wide stops")
    assert shown("bbbb")["name"] == "wide stops"
    assert shown("bbbb")["strategy_name"] == "SMA Crossover"
    assert ids("--where", "name == 'wide stops'") == ["B"]
    assert "wide stops" in btstore("history").out
    assert "wide stops" in btstore("show", "bbbb").out
    btstore("rename", "bbbb", "")
    assert "wide stops" not in btstore("history").out
    assert shown("bbbb")["name"] is None


def test_who_said_it_and_when_is_kept(runs: str) -> None:
    import psycopg

    before = datetime.now(UTC)
    btstore("star", "aaaa")
    with psycopg.connect(runs) as db:
        found = db.execute("SELECT annotated_at, annotated_by, session_user FROM annotations")
        said, who, user = found.fetchone() or (None, None, None)
    assert said is not None
    assert said >= before - timedelta(seconds=5)
    assert who == user


def test_a_run_that_is_not_there_is_not_annotated(runs: str) -> None:
    for words in (["tag", "ffff", "+x"], ["note", "ffff", "x"], ["star", "ffff"]):
        assert btstore(*words).code == 3


def test_python_says_the_same(runs: str) -> None:
    store = Store()
    store.annotate("aaaa", "bbbb", add=["good"], note="both", starred=True, name="pair")
    assert store.run("bbbb").tags == ["good"]
    assert [run.name for run in store.runs(where="starred")] == ["pair", "pair"]
    store.annotate("@starred", remove=["good"], note="", starred=False, name="")
    run = store.run("aaaa")
    assert (run.tags, run.note, run.starred, run.name) == ([], None, False, None)


def test_batches_are_counted_back_from_the_newest(runs: str) -> None:
    assert ids("--batch", "@batch") == ids("--batch", "@latest") == ["C", "B"]
    assert ids("--batch", "@batch~1") == ["A"]
    assert ids("--batch", "@batch~2") == []
    assert ids("--where", "batch == '@batch~1'") == ["A"]
    btstore("tag", "@batch", "+grid")
    assert ids("--tag", "grid") == ["C", "B"]


def test_runs_are_found_by_who_ran_them(runs: str) -> None:
    assert ids("--author", "ann") == ids("--author", "ann@desk") == ["D"]
    assert ids("--author", "ann@lap") == []
    assert ids("--where", "provenance.host == 'desk'") == ["D"]


def test_runs_are_deleted_by_filters_after_a_question_that_says_how_many(runs: str) -> None:
    refused = btstore("delete", "--where", "sharpe_ratio < 1.2", typed="n\n")
    assert refused.code == 1
    assert "Delete 2 runs for good? [y/N]" in refused.err
    assert ids() == ["D", "C", "B", "A"]
    done = btstore("delete", "--where", "sharpe_ratio < 1.2", "--yes")
    assert done.err == "deleted 2 runs\n"
    assert ids() == ["D", "B"]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--status", "failed", "--until", "1d"], ["C", "B", "A"]),
        (["--batch", "@batch"], ["D", "A"]),
        (["@batch"], ["D", "A"]),
        (["@batch", "--where", "sharpe_ratio > 1"], ["D", "C", "A"]),
        (["--tag", "junk"], ["D", "C", "B"]),
        (["--keep-best", "2", "--by", "sharpe_ratio"], ["C", "B"]),
        (["--keep-best", "1", "--status", "success"], ["D", "B"]),
        (["@batch", "--keep-best", "1"], ["D", "B", "A"]),
        (["@best:sharpe_ratio", "--batch", "older"], ["D", "C", "B"]),
        (["--keep-best", "9"], ["D", "C", "B", "A"]),
        (["--note", "absent"], ["D", "C", "B", "A"]),
    ],
)
def test_junk_is_deleted_in_one_command(runs: str, words: list[str], left: list[str]) -> None:
    btstore("tag", "aaaa", "+junk")
    assert btstore("delete", *words, "--yes").code == 0
    if words == ["--keep-best", "9"]:
        left = ["C", "B", "A"]
    assert ids() == left


def test_nothing_is_deleted_without_saying_which(runs: str) -> None:
    assert btstore("delete", "--yes").code == 2
    with pytest.raises(UsageError):
        Store().delete()
    assert len(ids()) == 4


def test_a_mistyped_name_deletes_nothing(runs: str) -> None:
    answer = btstore("delete", "--where", "not fast_perod > 99", "--yes")
    assert answer.code == 2
    assert "no run has a parameter 'fast_perod'" in answer.err
    assert "fast_period" in answer.err
    assert len(ids()) == 4


def test_python_deletes_the_same(runs: str) -> None:
    assert Store().delete(batch="@batch", keep_best=1) == 1
    assert ids() == ["D", "B", "A"]
    assert Store().delete("aaaa") == 1


SCOPES = [
    ("@best:sharpe_ratio", ["--where", "sharpe_ratio < 1.2"], C),
    ("@best:sharpe_ratio", ["--batch", "older"], A),
    ("@latest", ["--status", "success"], C),
    ("@latest", ["--author", "ann"], D),
    ("@latest~1", ["--status", "success"], B),
]


@pytest.mark.parametrize(("selector", "scope", "wanted"), SCOPES)
def test_what_takes_a_run_obeys_the_filters_beside_it(
    runs: str, tmp_path: Path, selector: str, scope: list[str], wanted: str
) -> None:
    def one(*words: str) -> Any:
        return json.loads(btstore(*words, *scope, "--format", "json").out)

    def annotated(*words: str) -> dict[str, Any]:
        assert btstore(*words, *scope).code == 0
        return shown(wanted)

    assert one("show", selector)["run_id"] == wanted
    assert [run["run_id"] for run in one("compare", selector, B)] == [wanted, B]
    assert annotated("tag", selector, "+chosen", "-junk")["tags"] == ["chosen"]
    assert annotated("note", selector, "a remark")["note"] == "a remark"
    assert annotated("rename", selector, "the one")["name"] == "the one"
    assert annotated("star", selector)["starred"]
    page = tmp_path / "page.html"
    assert btstore("report", selector, "--output", str(page), *scope).code == 0
    assert wanted[:8] in page.read_text()
    listed = ids(*scope)
    after = listed[listed.index(wanted[0].upper()) + 1 :]
    assert ids(*scope, "--after", selector) == after
    assert btstore("delete", selector, *scope, "--yes").err == "deleted 1 run\n"
    assert wanted[0].upper() not in ids()


def test_a_mistyped_scope_annotates_nothing(runs: str) -> None:
    answer = btstore("star", "@best:sharpe_ratio", "--where", "not fast_perod > 99")
    assert answer.code == 2
    assert "did you mean 'fast_period'?; nothing changed" in answer.err
    assert ids("--where", "starred") == []


def test_options_of_tag_take_words_that_begin_with_a_minus(runs: str) -> None:
    assert btstore("tag", "@latest", "-x", "--where", "-1 < sharpe_ratio", "+y").code == 0
    assert shown(C)["tags"] == ["y"]


def test_nothing_among_the_filtered_is_said_so(runs: str) -> None:
    nothing = btstore("show", "@latest", "--status", "stopped")
    assert nothing.code == 3
    assert "that the filters match" in nothing.err


def test_a_reproduction_is_passed_over_and_leads_to_its_original(runs: str) -> None:
    again = str(UUID(int=0xEEEE << 112))
    store_at(
        runs,
        make_record(
            run_id=UUID(again),
            started_at=STARTED + timedelta(days=9),
            sharpe_ratio=9.0,
            reproduced_from=UUID(B),
        ),
    )
    assert shown("@latest")["run_id"] == D
    assert shown("@best:sharpe_ratio")["run_id"] == B
    assert shown("eeee~")["run_id"] == B
    assert btstore("show", "bbbb~").code == 3
    btstore("delete", "bbbb", "--yes")
    assert btstore("show", "eeee~").code == 3
