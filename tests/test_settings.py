"""The one table of settings: its defaults, the environment, and every way to get it wrong."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

import ropewalk
from ropewalk.settings import (
    InvalidSetting,
    Settings,
    describe_settings,
    load_settings,
    shown_value,
    state_path,
    without_password,
)


def test_defaults() -> None:
    """An empty environment gives the table's defaults; variables of others do not matter."""
    assert load_settings({}) == load_settings({"PATH": "/bin", "ROPE_PORT": "x"}) == Settings()


def test_environment_and_overrides() -> None:
    """What the environment says replaces a default, what the caller says replaces both, None says nothing."""
    environ = {"ROPEWALK_PORT": "9000", "ROPEWALK_ENVIRONMENT": "mr-42", "ROPEWALK_LOG_LEVEL": "debug"}

    settings = load_settings(environ, port=0, environment=None)

    assert (settings.port, settings.environment, settings.log_level) == (0, "mr-42", "debug")


def test_settings_are_frozen() -> None:
    """Nothing changes a setting after the start."""
    with pytest.raises(FrozenInstanceError):
        load_settings({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("ROPEWALK_PORT", "many", "must be a whole number, not 'many'"),
        ("ROPEWALK_PORT", "", "must be a whole number"),
        ("ROPEWALK_PORT", "1.5", "must be a whole number"),
        ("ROPEWALK_PORT", "65536", "must be from 0 to 65535, not 65536"),
        ("ROPEWALK_PORT", "-1", "must be from 0 to 65535"),
        ("ROPEWALK_PARALLEL", "0", "must be 1 or more, not 0"),
        ("ROPEWALK_STEP_TIMEOUT", "-5", "must be 1 or more"),
        ("ROPEWALK_STATE_DIR", "", "must not be empty"),
        ("ROPEWALK_ENVIRONMENT", "", "must not be empty"),
        ("ROPEWALK_ENVIRONMENT", "../x", "must be a name, not '../x'"),
        ("ROPEWALK_ENVIRONMENT", "late orders", "must be a name"),
        ("ROPEWALK_LOG_LEVEL", "loud", "must be one of debug, info, warning, error, not 'loud'"),
        ("ROPEWALK_LOG_FORMAT", "xml", "must be one of console, json, not 'xml'"),
    ],
)
def test_values_that_do_not_fit(variable: str, text: str, words: str) -> None:
    """A value of the wrong type, out of range or not among the choices is refused with the variable's name."""
    with pytest.raises(InvalidSetting, match=words) as caught:
        load_settings({variable: text})

    assert caught.value.message.startswith(variable)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [("ROPEWALK_PROT", "ROPEWALK_PORT"), ("ROPEWALK_LOG_LEVLE", "ROPEWALK_LOG_LEVEL"), ("ROPEWALK_X9", None)],
)
def test_unknown_settings(variable: str, nearest: str | None) -> None:
    """A variable with our prefix that is no setting is refused: a misspelt one never passes in silence."""
    with pytest.raises(InvalidSetting, match=f"{variable} is not a setting") as caught:
        load_settings({variable: "1"})

    assert caught.value.nearest == nearest
    assert caught.value.hint is not None
    assert "ROPEWALK_PORT" in caught.value.hint


@pytest.mark.parametrize(("name", "nearest"), [("warn", "warning"), ("zzz", None)])
def test_nearest_choice(name: str, nearest: str | None) -> None:
    """A choice that is almost right is shown the right one."""
    with pytest.raises(InvalidSetting) as caught:
        load_settings({"ROPEWALK_LOG_LEVEL": name})

    assert caught.value.nearest == nearest


def test_overrides_are_checked_too() -> None:
    """A value from an option is held to the same limits as one from the environment."""
    with pytest.raises(InvalidSetting, match="ROPEWALK_PORT must be from 0 to 65535"):
        load_settings({}, port=70_000)


def test_description() -> None:
    """Every setting is described: name, variable, default, and a help text that lists its choices."""
    rows = describe_settings()

    assert [row[0] for row in rows] == [field.name for field in fields(Settings)]
    assert rows[4][:3] == ("port", "ROPEWALK_PORT", 8765)
    assert {row[0]: row[3] for row in rows}["log_format"] == "Shape of log events: console, json"
    assert all(row[3] for row in rows)


@pytest.mark.parametrize(("setting", "expected"), [(".ropewalk", "project/.ropewalk"), ("../state", "state")])
def test_state_path(tmp_path: Path, setting: str, expected: str) -> None:
    """The state folder is relative to the project."""
    settings = load_settings({}, state_dir=setting)

    assert state_path(settings, tmp_path / "project") == tmp_path / expected


def test_state_path_elsewhere(tmp_path: Path) -> None:
    """An absolute state folder stays where it is."""
    assert state_path(load_settings({}, state_dir=str(tmp_path)), Path("/project")) == tmp_path


def test_nobody_else_reads_the_environment() -> None:
    """Settings come from one place; several modules see `os.environ`, each for one purpose."""
    package = Path(ropewalk.__file__).parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }

    assert readers == {
        # Handed to load_settings.
        "cli/session.py",
        # Compared as a whole: another variable is another question.
        "glance.py",
        # Inherited by a step's process, looked through for what its log must not show, and for where tools are.
        "processes/process.py",
        "mlops/training/attempt.py",
        "mlops/training/step_environment.py",
        # Where a step looks for packages, before those of its own.
        "mlops/training/overlay.py",
        # What a CI job says of the change that it is for, and what a patch must not show.
        "mlops/training/git_origin.py",
        # Which variables the project's own code asks for while a step runs, and what those are at the next plan.
        "mlops/training/variables.py",
        "mlops/training/undeclared.py",
        # Where the processes that a step starts find what tells of their reading.
        "mlops/training/child_reads.py",
        # Inherited by Git, with another index.
        "project/branches.py",
        # Takes out of it what MLflow's client would read a second time.
        "mlops/training/client.py",
        # The one place where `secret://NAME` is looked up.
        "dataops/sources/secrets.py",
        # How to log in to S3, by the names that all of its clients read.
        "dataops/lake/storage.py",
        # Where the lake is that the step reads.
        "mlops/training/harness.py",
    }


def test_secret_settings() -> None:
    """A password is neither in what is shown of its setting nor in the text of all settings."""
    settings = load_settings({"ROPEWALK_DATABASE_URL": "postgresql://ada:geheim@db/flights"})

    assert settings.database_url == "postgresql://ada:geheim@db/flights"
    assert shown_value(settings, "database_url") == "postgresql://ada:***@db/flights"
    assert "geheim" not in repr(settings)
    assert shown_value(settings, "port") == 8765


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("postgresql://db/flights", "postgresql://db/flights"),
        ("postgresql://ada@db:5432/flights", "postgresql://ada@db:5432/flights"),
        ("postgresql://ada@db:5432/x?host=/run", "postgresql://ada@db:5432/x?host=/run"),
        ("postgresql://ada:p@db/x", "postgresql://ada:***@db/x"),
        ("postgresql://ada:p@q:r/s?t@db/x", "postgresql://ada:***@db/x"),
        ("postgresql://:p@db/x", "postgresql://:***@db/x"),
        ("ada:p@db/x", "ada:***@db/x"),
        (
            "postgresql://db/x?user=ada&password=p&sslmode=require",
            "postgresql://db/x?user=ada&password=***&sslmode=require",
        ),
    ],
)
def test_urls_without_passwords(url: str, shown: str) -> None:
    """Whatever the shape of a URL, its password does not pass, and the rest stays to be read."""
    assert without_password(url) == shown
