"""Everything comes as a stream: in constant memory, and only as long as somebody reads it."""

import subprocess
import sys
from pathlib import Path

import pytest

from backtest_store.models import to_json
from tests.factories import make_record, store_at
from tests.shell import btstore

STREAMING = [
    ["history", "--all", "--format", "csv"],
    ["history", "--all", "--format", "jsonl"],
    ["history", "--all", "--format", "json"],
    ["export", "-"],
]
MAIN = "from backtest_store.cli.app import entry; entry()"


MEASURED = """
from backtest_store.cli.app import main
try:
    main()
finally:
    import re, sys
    with open("/proc/self/status") as status:
        sys.exit(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])
"""


def peak_kilobytes(*words: str) -> int:
    """Run a command whose output nobody keeps, and return the most memory it had."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return int(done.stderr.splitlines()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory")
def test_everything_streams_in_constant_memory(store_url: str, tmp_path: Path) -> None:
    few, many = 500, 1500  # the few are more than are under way at once; the others 9 MB more
    note = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    file = tmp_path / "runs.jsonl"
    lines = [to_json(make_record(note=note)) for _ in range(many)]
    peaks = []
    for count in (few, many):
        file.write_text("\n".join(lines[:count]), "utf-8")
        assert btstore("import", str(file)).code == 0
        peaks.append([peak_kilobytes(*words) for words in STREAMING])
    assert file.stat().st_size > 12.5e6
    for before, after in zip(*peaks, strict=True):
        assert after - before < 3_000


@pytest.mark.parametrize("words", [*STREAMING, ["history", "--all"]], ids=" ".join)
def test_a_reader_that_leaves_ends_it_quietly(store_url: str, words: list[str]) -> None:
    store_at(store_url, *(make_record(note="n" * 2000, strategy_name="s" * 50) for _ in range(150)))
    script = f"set -o pipefail; {sys.executable} -c '{MAIN}' {' '.join(words)} | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 141 or words == ["history", "--all"]
    assert len(done.stdout) == 1
    assert done.stderr == ""
