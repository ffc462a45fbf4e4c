"""Log events: to stderr, in the shape and from the level that the settings name."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from ropewalk.logs import configure_logs, expect_logs, get_logger
from ropewalk.settings import load_settings


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    # Before as well: commands that other tests of this process ran have configured them.
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_json_events(capsys: pytest.CaptureFixture[str]) -> None:
    """Every event is one JSON line on stderr with its level, its time and its fields."""
    configure_logs(load_settings({}, log_format="json"))

    structlog.get_logger().info("table built", table="mart.x", rows=3)

    out, err = capsys.readouterr()
    event = json.loads(err)
    assert out == ""
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "table built", "table": "mart.x", "rows": 3, "level": "info"}


def test_console_events(capsys: pytest.CaptureFixture[str]) -> None:
    """On a console an event reads as a line, without colours when stderr is no terminal."""
    configure_logs(load_settings({}))

    structlog.get_logger().warning("late", seconds=2)

    err = capsys.readouterr().err
    assert "late" in err
    assert "seconds=2" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(capsys: pytest.CaptureFixture[str], level: str, shown: int) -> None:
    """Events below the level that was asked for stay silent."""
    configure_logs(load_settings({}, log_level=level))
    log = structlog.get_logger()

    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("event")

    assert len(capsys.readouterr().err.splitlines()) == shown


def test_bound_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """What was bound for a request or run stands in each of its events."""
    configure_logs(load_settings({}, log_format="json"))

    with structlog.contextvars.bound_contextvars(run_id="r1"):
        structlog.get_logger().info("one")
    structlog.get_logger().info("two")

    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["run_id"] == "r1"
    assert "run_id" not in second


def test_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    """An event logged with its exception carries the trace as text."""
    configure_logs(load_settings({}, log_format="json"))

    try:
        int("x")
    except ValueError:
        structlog.get_logger().exception("failed")

    assert "ValueError: invalid literal" in json.loads(capsys.readouterr().err)["exception"]


def test_nothing_is_configured_before_the_first_event(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that tells nothing never pays for log events; one that does has them as its settings say."""
    expect_logs(load_settings({}, log_format="json"))
    assert not structlog.is_configured()

    get_logger().warning("told")

    assert json.loads(capsys.readouterr().err)["event"] == "told"


def test_the_newest_settings_count(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever opens another project in the same process logs as that one says."""
    expect_logs(load_settings({}, log_level="error"))
    expect_logs(load_settings({}, log_level="info"))

    get_logger().info("told")

    assert "told" in capsys.readouterr().err
