"""Every command, with nothing, with one run, with a wrong one, without a database, in each format.

A command that runs backtests is here as far as it needs no engine; `test_run.py`, `test_exec.py`
and `test_reproduce.py` have the rest.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from backtest_store.cli.command_list import COMMANDS
from backtest_store.models import RECORD_FIELDS, to_json
from tests.factories import make_record, store_at
from tests.shell import Answer, btstore

FORMATS = ["table", "csv", "json", "jsonl", "markdown"]
FIRST = UUID("abcd0000-0000-4000-8000-000000000001")
SECOND = UUID("abcd0000-0000-4000-8000-000000000002")
SECRET = "geheim"  # noqa: S105 - planted, to be looked for in what is printed
NO_RUNS, NO_SUCH_RUN = 0, 3
LIST_FIELDS = {
    "strategies": [
        "strategy_name",
        "instrument_ids",
        "runs",
        "failures",
        "reproductions",
        "median_sharpe_ratio",
        "best_sharpe_ratio",
        "last_run",
    ],
    "trend": [
        "period",
        "runs",
        *(f"{which}_sharpe_ratio" for which in ("best", "median", "worst")),
        *(f"{which}_total_return" for which in ("best", "median", "worst")),
    ],
    "summary": [
        "strategy_name",
        "runs",
        "failures",
        *(f"{which}_sharpe_ratio" for which in ("best", "median", "worst")),
        "last_run",
    ],
    "pivot": [
        "parameters.fast_period",
        "runs",
        *(f"{which}_sharpe_ratio" for which in ("best", "median", "worst")),
    ],
}


class Command(NamedTuple):
    """A command as it is typed; RUN stands for a run, FILE for a file of runs."""

    words: list[str]
    empty: int = NO_SUCH_RUN
    has_formats: bool = True
    needs_engine: bool = False
    needs_several: bool = False

    def typed(self, run: str, file: object = "-") -> list[str]:
        """Return the words with a run and a file in their places."""
        return [{"RUN": run, "FILE": str(file)}.get(word, word) for word in self.words]


LISTING = {
    "history": Command(["history"], NO_RUNS),
    "history --all": Command(["history", "--all"], NO_RUNS),
    "trend": Command(["trend", "SMA Crossover"], NO_RUNS),
    "strategies": Command(["strategies"], NO_RUNS),
    "best": Command(["best"], NO_RUNS),
    "pivot": Command(["pivot", "fast_period"], NO_RUNS),
    "summary": Command(["summary", "--by", "strategy"], NO_RUNS),
}
OF_RUNS = {
    "history --after": Command(["history", "--after", "RUN"]),
    "show": Command(["show", "RUN"]),
    "show --config": Command(["show", "RUN", "--config"], has_formats=False),
    "compare": Command(["compare", "RUN", "RUN"]),
    "compare --baseline": Command(["compare", "@latest", "@latest", "--baseline", "RUN"]),
    "report": Command(["report", "RUN", "--output", "/dev/null"], has_formats=False),
    "tag": Command(["tag", "RUN", "+good"], has_formats=False),
    "note": Command(["note", "RUN", "a remark"], has_formats=False),
    "star": Command(["star", "RUN"], has_formats=False),
    "rename": Command(["rename", "RUN", "a name"], has_formats=False),
    "delete": Command(["delete", "RUN", "--yes"], has_formats=False),
    "reproduce": Command(["reproduce", "RUN"], needs_engine=True),
}
OTHERS = {
    "overfit": Command(["overfit"], NO_RUNS, has_formats=False, needs_several=True),
    "walkforward": Command(["walkforward"], NO_RUNS, has_formats=False, needs_several=True),
    "export": Command(["export", "-"], NO_RUNS, has_formats=False),
    "import": Command(["import", "FILE"], NO_RUNS, has_formats=False),
    "sync": Command(["sync"], NO_RUNS, has_formats=False),
    "db status": Command(["db", "status"], NO_RUNS, has_formats=False),
}
EVERY = LISTING | OF_RUNS | OTHERS


def with_formats(commands: dict[str, Command]) -> Iterator[tuple[Command, list[str]]]:
    """Yield each command with each way to ask for its output."""
    for command in commands.values():
        for format_ in FORMATS if command.has_formats else [""]:
            yield command, ["--format", format_] if format_ else []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with one run."""
    path = tmp_path / "runs.jsonl"
    path.write_text(to_json(make_record()) + "\n", "utf-8")
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


AS_RECORDS: dict[str, Callable[[str], Sequence[object]]] = {
    "csv": lambda text: [*rows(text)],
    "json": lambda text: parsed if isinstance(parsed := json.loads(text), list) else [parsed],
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "table": lambda text: text.splitlines()[2:],
    "markdown": lambda text: text.splitlines()[2:],
}


def test_the_empty_store(store_url: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    for command, format_ in with_formats(EVERY):
        words = [*command.typed("@latest", nothing), *format_]
        answer = btstore(*words)
        assert answer.code == command.empty, words
        if command.empty == NO_SUCH_RUN:
            assert (answer.out, answer.err[:7]) == ("", "error: "), words
        elif format_:
            assert not AS_RECORDS[format_[1]](answer.out), words
            assert answer.err.startswith("no run"), words


def test_an_empty_list_has_its_columns(store_url: str) -> None:
    for name, fields in LIST_FIELDS.items():
        out = btstore(*LISTING[name].words, "--format", "csv").out
        assert out.splitlines() == [",".join(fields)]


def test_one_run_in_each_format(store_url: str, file: Path) -> None:
    run = make_record(run_id=FIRST)
    store_at(store_url, run)
    for command, format_ in with_formats(EVERY):
        if (
            command.needs_engine
            or command.needs_several
            or "--after" in command.words
            or "--yes" in command.words
        ):
            continue
        words = [*command.typed(str(FIRST), file), *format_]
        answer = btstore(*words)
        assert (answer.code, answer.err.count("error")) == (0, 0), words
        if format_:
            check_one(words, format_[1], answer)


def check_one(words: list[str], format_: str, answer: Answer) -> None:
    """Check that what was printed is the one run that there is, or what it sums up to."""
    records = AS_RECORDS[format_](answer.out)
    if format_ in {"table", "markdown"}:
        assert records, words
        assert "abcd0000" in answer.out or words[0] in LIST_FIELDS, words
        return
    assert len(records) == (2 if words[0] == "compare" else 1), words
    for record in records:
        assert isinstance(record, dict), words
        if words[0] in LIST_FIELDS:
            assert list(record) == LIST_FIELDS[words[0]], words
            assert int(record["runs"]) == 1, words
        else:
            assert record["run_id"] == str(FIRST), words
            assert record.keys() & {*RECORD_FIELDS} >= {"sharpe_ratio", "status"}, words


def test_a_run_after_which_there_is_none(store_url: str) -> None:
    store_at(store_url, make_record(run_id=FIRST))
    answer = btstore("history", "--after", "abcd")
    assert (answer.code, answer.out, answer.err) == (0, "", "no run matches\n")


def test_an_unknown_run(store_url: str) -> None:
    store_at(store_url, make_record(cagr=None, run_id=FIRST))
    unknown = ["nonsense", "dddd", str(UUID(int=1)), "@latest~7", "@best:cagr", "@latst", "abc", ""]
    for run in unknown:
        for command in OF_RUNS.values():
            words = command.typed(run)
            answer = btstore(*words)
            assert (answer.code, answer.out) == (3, ""), words
            error, hint = answer.err.splitlines()
            assert error.startswith("error: "), words
            assert run in error, words
            assert hint.startswith("hint: "), words


def test_an_ambiguous_prefix_names_the_candidates(store_url: str) -> None:
    store_at(store_url, make_record(run_id=FIRST), make_record(run_id=SECOND))
    for command in OF_RUNS.values():
        answer = btstore(*command.typed("abcd"))
        assert (answer.code, answer.out) == (3, ""), command
        assert answer.err.startswith("error: abcd is ambiguous"), command
        assert {str(FIRST), str(SECOND)} <= {*answer.err.replace(",", "").split()}, command
    assert len(btstore("export", "-").out.splitlines()) == 2


def test_a_bad_option(store_url: str, file: Path) -> None:
    databases = [["db", name] for name in ("status", "migrate", "rollback", "roles", "stop", "url")]
    others = [["run", "sma.toml"], ["demo"], *databases]
    for words in [*(command.typed("abcd", file) for command in EVERY.values()), *others]:
        refused([*words, "--nonsense"], "--nonsense")
    refused(["exec", "--nonsense", "script.py"], "--nonsense")
    for command in EVERY.values():
        if command.has_formats:
            refused([*command.typed("abcd"), "--format", "xml"], "xml")
    for words in (["history", "--limit", "0"], ["history", "--status", "fine"], ["hystory"]):
        refused(words, words[-1])
    for words in (["history", "extra"], ["show"], ["compare"], ["trend"], ["export"], ["db", "x"]):
        refused(words, "")


def refused(words: list[str], said: str) -> None:
    """Check that a command line is refused in the way that all errors are told."""
    answer = btstore(*words)
    assert (answer.code, answer.out) == (2, ""), words
    error, hint = answer.err.splitlines()
    assert error.startswith("error: "), words
    assert said in error, words
    assert hint.startswith("hint: "), words
    assert hint.endswith("--help says how to use it"), words


def test_no_database(home: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"postgresql://me:{SECRET}@127.0.0.1:1/store")
    others = [["db", "migrate"], ["db", "rollback", "--yes"]]
    for words in [*(c.typed("abcd", file) for n, c in EVERY.items() if n != "sync"), *others]:
        answer = btstore(*words)
        assert (answer.code, answer.out) == (4, ""), words
        error, hint = answer.err.splitlines()
        assert error.startswith("error: cannot reach PostgreSQL"), words
        assert "127.0.0.1" in error
        assert hint.startswith("hint: ")
        assert SECRET not in answer.err
    assert not home.exists()


def test_a_store_without_schema(unmigrated_url: str, file: Path) -> None:
    for name, command in EVERY.items():
        if name != "db status":
            answer = btstore(*command.typed("abcd", file))
            assert (answer.code, answer.out) == (5, ""), name
            assert "btstore db migrate" in answer.err, name


def test_no_command_is_left_out() -> None:
    here = {command.words[0] for command in EVERY.values()}
    assert {*COMMANDS} - here == {"run", "exec", "demo"}
