"""Our log goes to standard error, one line an event, and leaves everybody else's alone."""

import io
import json
import logging
import sys

import pytest
import structlog

from backtest_store.log import get_logger


def test_event_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    get_logger().warning("a run\nwaits", file="/tmp/x", error="red \x1b[31m")  # noqa: S108 - a name
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "btstore: warning: a run waits (file=/tmp/x, error=red  [31m)\n"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, ["warning"]),
        ("debug", ["debug", "info", "warning"]),
        ("ERROR", []),
        ("x", ["warning"]),
    ],
)
def test_level_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    level: str | None,
    expected: list[str],
) -> None:
    if level is not None:
        monkeypatch.setenv("BTSTORE_LOG_LEVEL", level)
    for name in ("debug", "info", "warning"):
        getattr(get_logger(), name)(name)
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == expected


def test_json_is_one_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_LOG_FORMAT", "json")
    get_logger().warning("a run waits", file="x")
    event = json.loads(capsys.readouterr().err)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "a run waits", "level": "warning", "file": "x"}


def test_secrets_are_not_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("X_API_KEY", "s3cr3t-env")
    get_logger().warning("postgresql://me:hunter22@h/d", error="password=hunter22 s3cr3t-env")
    err = capsys.readouterr().err
    assert "hunter22" not in err
    assert "s3cr3t-env" not in err


def test_logging_of_the_host_program_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.root.handlers[:], logging.root.level
    configured = structlog.is_configured()
    get_logger().warning("x")
    assert (logging.root.handlers, logging.root.level) == (handlers, level)
    assert structlog.is_configured() == configured
    assert capsys.readouterr().err


def test_closed_standard_error_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    get_logger().warning("x")
    monkeypatch.setattr(sys, "stderr", None)
    get_logger().warning("x")
