"""Errors meet the user in one place, and exit codes are the contract's."""

import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.factories import make_record, store_at
from tests.shell import btstore

READING = [["history"], ["show", "@latest"], ["compare", "@latest", "@latest~1"]]
HEAVY = {"asyncpg", "pydantic", "yoyo", "psycopg", "rich", "pandas", "pyarrow", "nautilus_trader"}


def loaded_by(*words: str) -> set[str]:
    """Return the packages that a command has loaded when it is done."""
    program = (
        "import sys; sys.argv = ['btstore', *sys.argv[1:]]\n"
        "from backtest_store.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_help_loads_next_to_nothing(home: Path) -> None:
    assert not loaded_by("--help") & (HEAVY | {"structlog", "tabulate"})


@pytest.mark.parametrize("words", READING)
def test_reading_loads_asyncpg_and_no_more(store_url: str, words: list[str]) -> None:
    assert loaded_by(*words) & (HEAVY | {"structlog"}) == {"asyncpg"}


def test_an_error_shows_what_was_given_without_obeying_it(home: Path) -> None:
    answer = btstore("run", "\x07strategy\u202e")
    assert answer.code == 2
    assert answer.err.startswith(r"error: \x07strategy\u202e is not a config file")


def test_the_version_is_the_package_s() -> None:
    answer = btstore("--version")
    assert answer == (0, f"backtest-store {version('backtest-store')}\n", "")


@pytest.mark.parametrize("words", [[], ["db"]])
def test_a_group_alone_shows_its_help(words: list[str]) -> None:
    answer = btstore(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Usage: btstore")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hystory"], "no such command 'hystory'. Did you mean 'history'?"),
        (["history", "--srot", "x"], "no such option: --srot (Possible options: --note, --sort)"),
        (
            ["history", "--limit", "few"],
            "invalid value for '--limit': 'few' is not a valid integer",
        ),
        (["show"], "missing argument 'RUN'"),
    ],
)
def test_a_mistake_is_named_with_what_may_have_been_meant(words: list[str], said: str) -> None:
    assert btstore(*words).err.splitlines()[0] == f"error: {said}"


def test_an_interruption_exits_130(store_url: str) -> None:
    store_at(store_url, make_record())
    program = "from backtest_store.cli.app import entry; entry()"
    command = [sys.executable, "-c", program, "delete", "@latest"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stderr is not None
        assert asking.stderr.readline()
        asking.send_signal(signal.SIGINT)
        assert b"Traceback" not in asking.stderr.read()
        assert asking.wait() == 130
    assert btstore("show", "@latest").code == 0


def test_what_is_said_comes_after_what_was_printed() -> None:
    program = (
        "from backtest_store.cli.output.streams import StandardOutput, print_message\n"
        "StandardOutput().write('printed\\n'); print_message('said'); StandardOutput().write('more\\n')"
    )
    command = [sys.executable, "-c", program]
    both = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    assert both.stdout.split() == [b"printed", b"said", b"more"]


@pytest.mark.parametrize(
    "at_stake",
    [
        "import backtest_store.saving.save, atexit; atexit.register(print, 'finished')",
        "import threading; threading.Timer(2.0, print, ['finished']).start()",
    ],
)
def test_what_is_at_stake_is_finished_before_the_end(at_stake: str) -> None:
    program = (
        f"{at_stake}\nimport sys; sys.argv = ['btstore', '--version']\n"
        "from backtest_store.cli.app import entry; entry()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"finished"


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["show", "nonsense"], 3)])
def test_a_process_ends_with_the_code_and_all_that_was_printed(
    store_url: str, words: list[str], code: int
) -> None:
    program = (
        f"import sys; sys.argv[1:] = {words}; from backtest_store.cli.app import entry; entry()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == code
    assert done.stdout or done.stderr.count(b"\n") == 2
