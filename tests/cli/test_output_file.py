"""A file that is named is written, and nothing that somebody else makes of its name."""

import os
from pathlib import Path

import pytest

from backtest_store.cli.output.output_file import written
from backtest_store.errors import StoreError
from tests.store.servers import needs_root

NOBODY = 65534


@needs_root
def test_another_user_s_link_is_not_followed(tmp_path: Path) -> None:
    open_to_all, private = tmp_path / "open", tmp_path / "private"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    private.write_text("mine")
    link = open_to_all / "runs.jsonl"
    link.symlink_to(private)
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="link of another user"), written(link, yes=True) as write:
        write("theirs")
    assert private.read_text() == "mine"


def test_the_user_s_own_link_is_followed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with written(link, yes=True) as write:
        write("mine")
    assert target.read_text() == "mine"
    assert link.is_symlink()
