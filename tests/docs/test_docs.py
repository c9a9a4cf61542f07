"""The README and the pages show what the commands print, their code runs, their links lead."""

import ast
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.node import BacktestNode

from backtest_store.store import migrations
from backtest_store.store.embedded.server import EmbeddedServer
from tests.capture.backtests import backtest
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.capture.test_node import fill, run_config
from tests.docs import generated
from tests.docs.page_commands import PAGES, README, ROOT, TOUR, masked, place, toured
from tests.factories import make_record, store_at

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
MOST_LINES = 150


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with place() as folder:
        yield folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_true(page: Path, home: Path) -> None:
    written = page.read_text("utf-8")
    now = generated.filled(toured(written, home))
    assert masked(written) == masked(now), "run `make docs` and look at the difference"


def test_the_readme_is_short_and_tours_eight_commands() -> None:
    readme = README.read_text("utf-8")
    assert len(readme.splitlines()) <= MOST_LINES
    (tour,) = TOUR.findall(readme)
    assert len(re.findall(r"^\$ ", tour, re.MULTILINE)) == 8


def test_the_picture_is_the_tour() -> None:
    picture = (ROOT / "docs" / "terminal.svg").read_text("utf-8")
    assert picture == generated.picture(README.read_text("utf-8")), "run `make docs`"


def test_the_site_builds_and_no_link_is_broken(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir"]
    done = subprocess.run(
        [*build, str(tmp_path / "site")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    errors = (tmp_path / "site" / "troubleshooting" / "index.html").read_text("utf-8")
    assert "use --all or --limit, not both" in errors


def test_the_readmes_links_lead() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text("utf-8")):
        assert (ROOT / link).exists(), link


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = {page.name for page in PAGES if page != README}
    assert pages == set(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE))


def test_a_block_says_how_it_is_checked() -> None:
    kinds = {
        kind
        for page in PAGES
        for kind in re.findall(r"^```(\w+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert kinds <= {"console", "toml", "yaml", "json", "python", "sh", "text"}


async def test_the_code_of_recording_saves_what_it_says(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "recording.md"
    prices = [100.0, 110.0, 120.0]
    names: dict[str, Any] = {
        "engine": backtest(prices, {0: 10}),
        "node": BacktestNode([run_config(fill(tmp_path, prices))]),
    }
    (code,) = CODE.findall(page.read_text("utf-8"))
    compiled = compile(code, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(compiled, names)  # noqa: S307 - it is our own
    assert inspect.isawaitable(waiting)
    await waiting
    one, other = stored(store)
    assert (one["strategy_name"], one["tags"]) == ("SMA Crossover", ["eurusd"])
    assert one["run_id"] == str(names["run_id"])
    assert [other["run_id"]] == [str(run_id) for run_id in names["run"].run_ids]
    assert str(names["run_id"]) in capsys.readouterr().out


def test_the_code_of_reading_answers(store_url: str) -> None:
    store_at(store_url, make_record(), make_record(parameters={"fast_period": 5}))
    (code,) = CODE.findall((ROOT / "docs" / "reading.md").read_text("utf-8"))
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - it is our own
    assert names["frame"]["parameters.fast_period"].tolist() == [10]


def test_no_other_page_has_code_that_is_not_run() -> None:
    with_code = {page.name for page in PAGES if CODE.search(page.read_text("utf-8"))}
    with_shell = {page.name for page in PAGES if SHELL.search(page.read_text("utf-8"))}
    assert (with_code, with_shell) == (
        {"recording.md", "reading.md", "pandas-and-spreadsheets.md"},
        {"teams.md", "pandas-and-spreadsheets.md"},
    )


def test_a_team_s_store_is_set_up_as_the_page_says(tmp_path: Path) -> None:
    commands, _ = SHELL.findall((ROOT / "docs" / "teams.md").read_text("utf-8"))
    server = EmbeddedServer(tmp_path / "server")
    url = server.start()
    try:
        script = commands.replace("postgresql://db.example.com/backtests", shlex.quote(url))
        assert url in script
        ours = Path(sys.executable).parent
        roles = "psql \"$BTSTORE_DATABASE_URL\" -qc 'CREATE ROLE alice' -c 'CREATE ROLE bob'\n"
        first, rest = script.split("\n", 1)
        done = subprocess.run(
            ["bash", "-euc", f"{first}\n{roles}{rest}"],
            cwd=ROOT,
            env={
                "PATH": f"{ours}:{server_binaries()}:/usr/bin:/bin",
                "BTSTORE_HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("GRANT ROLE") == 2
    finally:
        server.stop()


def test_a_store_is_backed_up_as_the_page_says(tmp_path: Path) -> None:
    _, commands = SHELL.findall((ROOT / "docs" / "teams.md").read_text("utf-8"))
    servers = [EmbeddedServer(tmp_path / name) for name in ("home", "restored", "team")]
    url = servers[2].start()
    script = commands.replace("postgresql://db.example.com/backtests", shlex.quote(url))
    assert url in script
    try:
        migrations.migrate(servers[0].start())
        store_at(servers[0].url(), *(make_record() for _ in range(3)))
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=tmp_path,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "HOME": str(tmp_path),
                "BTSTORE_HOME": str(tmp_path / "home"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for server in servers:
            server.stop()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("restored 3 runs") == 2


def server_binaries() -> Path:
    """Return the folder of the server's own psql."""
    from tests.bench.store import binary

    return Path(binary("psql")).parent
