"""The command itself: its help is quick, its mistakes are answered."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ropewalk.cli.main import COMMANDS, cli

HEAVY = (
    "duckdb",
    "pandas",
    "numpy",
    "lightgbm",
    "mlflow",
    "rich",
    "sqlglot",
    "structlog",
    "uvicorn",
    "pydantic",
)


def _imported(*arguments: str) -> set[str]:
    code = f"import sys; sys.argv = ['ropewalk', *{arguments!r}]\nfrom ropewalk.cli.main import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\nprint('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.partition("MODULES")[2].split()}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_nothing_heavy(option):
    """Help and version answer without loading any large library."""
    assert not _imported(option) & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name):
    """Each command in the table exists under its name and says what it does."""
    command = cli.get_command(None, name)

    assert command.name == name
    assert command.help


def test_help_lists_every_command(ropewalk):
    """`ropewalk --help` shows every command with its line."""
    said = ropewalk("--help")

    assert said.code == 0
    assert all(name in said.out for name in COMMANDS)


def test_unknown_command_has_nearest(ropewalk):
    """A misspelt command is a usage error that names the nearest one."""
    said = ropewalk("plna")

    assert said.code == 2
    assert "did you mean: plan" in said.err


def test_unknown_option_is_a_usage_error(ropewalk):
    """An option that does not exist exits with 2."""
    assert ropewalk("plan", "--jsno").code == 2


def test_no_project_says_what_to_do(ropewalk):
    """Outside a project every command exits with 3 and points to init."""
    said = ropewalk("plan")

    assert said.code == 3
    assert "error[RW201]" in said.err
    assert "ropewalk init" in said.err


def test_error_as_json(ropewalk_process):
    """With --json an error is one JSON object on stdout, and the process exits with its code."""
    said = ropewalk_process("status", "--json")

    assert said.code == 3
    assert said.json["error"]["code"] == "RW201"


def test_debug_shows_the_traceback_and_nothing_else_does(ropewalk):
    """A traceback is for --debug only."""
    assert "Traceback" not in ropewalk("plan").err
    assert "Traceback" in ropewalk("--debug", "plan").err


def test_wrong_setting_is_named(ropewalk):
    """A setting that does not exist is refused with the nearest."""
    said = ropewalk("settings", ROPEWALK_PROT="1")

    assert said.code == 2
    assert "ROPEWALK_PORT" in said.err


def test_settings_show_what_is_in_force(ropewalk):
    """The environment's value stands beside the default."""
    said = ropewalk("settings", "--json", ROPEWALK_PORT="9999")

    assert said.json["ROPEWALK_PORT"] == {"value": 9999, "default": 8765}


def test_wrong_option_has_the_nearest(ropewalk):
    """A misspelt option is an error like others: code, nearest name, next step."""
    said = ropewalk("run", "--jsno")

    assert said.err.splitlines() == [
        "error[RW188]: ropewalk run has no option --jsno",
        "  did you mean: --json",
        "hint: `ropewalk run --help` shows what it takes",
    ]


@pytest.mark.parametrize("option", ["--debug", "--directory"])
def test_option_of_the_program_after_the_command(ropewalk, option):
    """Whoever writes an option of the program last is told where it belongs."""
    assert f"before the command: `ropewalk {option} ...`" in ropewalk("plan", option).err


@pytest.mark.parametrize("arguments", [("plan", "--parallel"), ("run", "--parallel", "0"), ("nope",)])
def test_wrong_usage_as_json(ropewalk, arguments):
    """A program that asked for JSON finds a slip of its own there too."""
    said = ropewalk(*arguments, "--json")

    assert said.code == 2
    assert said.json["error"]["code"] == "RW188"
    assert said.json["error"]["hint"]


def test_nothing_asked_shows_the_help(ropewalk):
    """`ropewalk` alone is a question for help, and no success."""
    said = ropewalk()

    assert said.code == 2
    assert "Commands:" in said.err
    assert "error[" not in said.err


@pytest.mark.parametrize("argument", ["/nowhere/at/all", "file"])
def test_directory_that_is_none(ropewalk, tmp_path, argument):
    """-C names a folder that exists."""
    (tmp_path / "file").touch()

    assert "error[RW188]" in ropewalk("-C", argument, "plan").err


def test_bug_is_told_like_an_error(ropewalk, monkeypatch):
    """Whatever breaks inside is one line with a code; --debug shows where."""
    # A working folder that was deleted is one way to an exception nobody expected.
    monkeypatch.setattr("pathlib.Path.resolve", lambda _: 1 / 0)

    said, debugged = ropewalk("plan"), ropewalk("--debug", "plan")

    assert said.code == 1
    assert said.err.startswith("error[RW410]: ZeroDivisionError: division by zero\nhint: ")
    assert "Traceback" in debugged.err


def test_interrupted(ropewalk, monkeypatch):
    """Ctrl-C ends a command with one word and the code that shells know."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.resolve", interrupt)

    said = ropewalk("plan")

    assert (said.code, said.err.strip()) == (130, "stopped")


def test_reader_that_has_seen_enough(write_project):
    """Output into `head` ends without a complaint."""
    root = write_project({"ropewalk.yaml": "project: p\n"})
    command = [sys.executable, "-m", "ropewalk.cli.main", "schema"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()

        assert process.stderr.read() == ""


def test_short_output_into_a_closed_pipe(write_project):
    """Also where all of it fits the buffer, and only the last flush finds nobody."""
    script = (
        "import os, sys; from ropewalk.cli.main import main; sys.argv[1:] = ['settings']; os.close(1); main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr
