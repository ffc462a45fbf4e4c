"""Which variables of the environment count: those that a line of the project asks for by name."""

from __future__ import annotations

import os

import pytest

from ropewalk.mlops.training.audit import MISSING, VARIABLE, read_log, record_reads
from ropewalk.mlops.training.variables import record_variables, variable_state


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return a function that runs a line of the project's code and tells the variables that were noted."""
    monkeypatch.setenv("RATE", "2")
    copied = dict(os.environ._data)
    for door in (os.environ, os.environb):
        monkeypatch.setattr(door, "_data", copied)
    log = tmp_path / "reads"
    record_reads(tmp_path, log, [log])
    record_variables(tmp_path)

    def run(line):
        exec(compile(line, str(tmp_path / "steps.py"), "exec"), {"os": os})
        return {item.path: item.state for item in read_log(log) if item.what == VARIABLE}

    return run


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['RATE']",
        "os.environ.get('RATE')",
        "os.getenv('RATE', '1')",
        "'RATE' in os.environ",
        "os.environb[b'RATE']",
        "os.environ.pop('RATE')",
        "os.environ.setdefault('RATE', '1')",
    ],
)
def test_variable_that_is_asked_for(asked, line):
    """However the code asks for a variable, it is noted with what it was when the step began."""
    assert asked(line) == {"RATE": variable_state("RATE", {"RATE": "2"})}


def test_variable_that_is_not_there(asked):
    """Asking in vain is noted: were it there, the step would do something else."""
    assert asked("os.environ.get('NO_SUCH_RATE')") == {"NO_SUCH_RATE": MISSING}


@pytest.mark.parametrize(
    "line",
    [
        "dict(os.environ)",
        "{**os.environ, 'A': 'b'}",
        "os.environ.copy()",
        "list(os.environ.items())",
        "os.environ['RATE'] = '3'; os.environ['RATE']",
        "del os.environ['RATE']; os.environ.get('RATE')",
        "os.path.expanduser('~')",
    ],
)
def test_what_is_no_question(asked, line):
    """A copy for another program, what the step set itself, and what a library asks for do not count."""
    assert asked(line) == {}


def test_values_are_told_apart_and_not_told():
    """A state says nothing of the value, and an address with a password has none."""
    states = [variable_state("X", {"X": value}) for value in ("hidden", "other", "")]

    assert len(set(states)) == 3
    assert not any("hidden" in state for state in states)
    assert variable_state("X", {"X": "postgresql://me:secret@host/db"}) is None
