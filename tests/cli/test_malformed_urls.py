"""A URL with a slip in it never shows its password, whatever command meets it."""

from pathlib import Path

import pytest

from backtest_store.models import to_json
from backtest_store.store.connecting.database_url import SCHEME
from tests.cli.test_every_command import EVERY, FIRST
from tests.factories import make_record
from tests.number_of_tries import tries
from tests.shell import btstore
from tests.store.test_database_url import MALFORMED, SECRET

DATABASE = [f"db {name}" for name in ("migrate", "rollback", "url", "stop")]
COMMANDS = [*EVERY, *DATABASE]
APART = tries(5, 1)  # a command meets one of so many, the next command its neighbour; or each all


@pytest.fixture
def runs(tmp_path: Path, home: Path) -> Path:
    """Give a file of runs to import."""
    path = tmp_path / "runs.jsonl"
    path.write_text(to_json(make_record()) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_the_password(
    monkeypatch: pytest.MonkeyPatch, runs: Path, command: str
) -> None:
    words = EVERY[command].typed(str(FIRST), runs) if command in EVERY else command.split()
    for url in MALFORMED[COMMANDS.index(command) % APART :: APART]:
        monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
        answer = btstore(*words)
        said = answer.out + answer.err
        assert SECRET not in said, (url, said)
        assert "Traceback" not in said
        if not SCHEME.match(url):
            assert answer.code == 2, url


def test_nor_does_a_url_on_the_command_line(home: Path) -> None:
    for url in MALFORMED:
        answer = btstore("sync", "--to", url)
        said = answer.out + answer.err
        assert answer.code == 2, url
        assert SECRET not in said, (url, said)
        assert "Traceback" not in said
