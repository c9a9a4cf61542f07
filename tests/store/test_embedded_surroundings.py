"""What the embedded server has of its surroundings: no secret, and a socket for one user."""

import stat
from pathlib import Path

import pytest

from tests.store.servers import MakeServer


def test_the_server_inherits_no_secret(
    tmp_path: Path, furnish: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_API_KEY", "hunter2")
    server = furnish(tmp_path / "home")
    server.start()
    inherited = Path(f"/proc/{server.pid()}/environ").read_bytes()
    assert b"PATH=" in inherited
    assert b"hunter2" not in inherited


def test_the_socket_is_the_users_alone(tmp_path: Path, furnish: MakeServer) -> None:
    server = furnish(tmp_path / "home")
    url = server.start()
    folder = Path(url.partition("host=")[2].partition("&")[0])
    (socket,) = (path for path in folder.iterdir() if stat.S_ISSOCK(path.stat().st_mode))
    assert not stat.S_IMODE(socket.stat().st_mode) & 0o077
