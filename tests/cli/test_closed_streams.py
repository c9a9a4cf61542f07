"""A closed stream is no error: what is asked for is done, and nobody sees a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtest_store.models import to_json
from tests import forked
from tests.cli.test_every_command import EVERY, FIRST
from tests.factories import make_record, store_at
from tests.number_of_tries import tries
from tests.shell import btstore

ENTRY = "from backtest_store.cli.app import entry; entry()"


def shell(words: str, redirections: str, tail: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command in a shell that closes streams."""
    return subprocess.run(
        ["/bin/bash", "-c", f"exec {sys.executable} -c '{ENTRY}' {words} {redirections} {tail}"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.mark.parametrize("words", ["history --format jsonl", "strategies", "show @latest"])
def test_without_standard_error_a_command_prints_all_the_same(store_url: str, words: str) -> None:
    store_at(store_url, make_record())
    done = shell(words, "2>&-")
    assert done.returncode == 0
    assert "SMA Crossover" in done.stdout


@pytest.mark.parametrize("words", ["history", "history --format csv --all", "show @latest"])
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_without_standard_output_a_command_ends_quietly(
    store_url: str, words: str, closed: str
) -> None:
    store_at(store_url, make_record())
    done = shell(words, closed)
    assert (done.returncode, done.stderr) == (0, "")


CLOSED = [(2,), (1,), (0,), (1, 2), (0, 1, 2)]


def test_every_command_does_with_closed_streams_what_it_does_without(
    store_url: str, tmp_path: Path
) -> None:
    """Each with one of the ways to close them, another command's next; with all if there is time."""
    store_at(store_url, make_record(run_id=FIRST))
    file = tmp_path / "runs.jsonl"
    file.write_text(to_json(make_record(run_id=FIRST)))
    for number, command in enumerate(EVERY.values()):
        if command.needs_engine or command.needs_several or "--yes" in command.words:
            continue
        words = command.typed(str(FIRST), file)
        whole = btstore(*words)
        for closed in (2 * CLOSED)[number % len(CLOSED) :][: tries(1, len(CLOSED))]:
            done = forked.btstore(*words, closed=closed)
            assert done.returncode == whole.code, (words, closed, done.stderr)
            assert "Traceback" not in done.stderr, (words, closed)
            if 1 not in closed:
                assert done.stdout == whole.out, (words, closed)


def test_an_error_without_standard_error_has_its_exit_code(store_url: str) -> None:
    assert shell("show abcd1234", "2>&-").returncode == 3
    assert shell("nonsense", ">&- 2>&-").returncode == 2


def test_a_question_without_standard_input_is_not_answered(store_url: str) -> None:
    store_at(store_url, make_record())
    done = shell("delete @latest", "<&-")
    assert done.returncode == 1
    assert "no answer; nothing changed" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_import_from_a_closed_standard_input_is_refused(store_url: str) -> None:
    done = shell("import -", "<&-")
    assert (done.returncode, done.stderr.partition("\n")[0]) == (
        2,
        "error: standard input is closed",
    )


def test_an_import_reads_standard_input_though_the_others_are_closed(store_url: str) -> None:
    line = to_json(make_record()).replace("'", "")
    done = subprocess.run(
        ["/bin/bash", "-c", f"exec {sys.executable} -c '{ENTRY}' import - >&- 2>&-"],
        input=line,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "SMA Crossover" in shell("history", "").stdout


def test_run_without_arguments_and_its_completion_say_what_they_want(store_url: str) -> None:
    done = shell("run", "")
    assert done.returncode == 2
    assert done.stderr.startswith("error: missing argument 'CONFIG...'\nhint: ")
    completed = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = 'btstore'; {ENTRY}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"_BTSTORE_COMPLETE": "complete_bash", "COMP_WORDS": "btstore run ", "COMP_CWORD": "2"},
    )
    assert (completed.returncode, completed.stderr) == (0, "")


def test_standard_output_is_given_back_after_a_command_that_keeps_it_for_data() -> None:
    code = (
        "import os\n"
        "from contextlib import redirect_stdout\n"
        "from backtest_store.cli.output.streams import kept_for_data\n"
        "with kept_for_data() as data:\n"
        "    print('a strategy')\n"
        "    with redirect_stdout(data):\n"
        "        print('data')\n"
        "os.write(1, b'after\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("data\nafter\n", "a strategy\n")
