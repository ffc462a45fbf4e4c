"""`ropewalk init`, `schema` and `settings`: the commands that ask no project's state."""

from __future__ import annotations

import pytest


def test_init_lists_what_it_wrote(ropewalk, tmp_path):
    """Each file is a line, and the last line says what to do next."""
    said = ropewalk("init")

    lines = said.out.splitlines()
    assert "+ ropewalk.yaml" in lines
    assert lines[-1].startswith("next: `ropewalk run`")
    assert all((tmp_path / line[2:]).is_file() for line in lines[:-1])


def test_init_elsewhere(ropewalk, tmp_path):
    """With -C the project is made there."""
    (tmp_path / "there").mkdir()

    ropewalk("-C", "there", "init")

    assert (tmp_path / "there/ropewalk.yaml").is_file()
    assert not (tmp_path / "ropewalk.yaml").exists()


def test_init_then_plan(ropewalk):
    """What was written is a valid project, all of which would run."""
    ropewalk("init")

    assert ropewalk("plan", "--json").json["fresh"] == 0


def test_schema_allows_no_other_key(ropewalk):
    """An editor with the schema marks what the command would refuse."""
    schema = ropewalk("schema").json

    assert schema["additionalProperties"] is False
    assert schema["required"] == ["project"]


def test_settings_are_values_not_quantities(ropewalk):
    """A port is written without a separator between its thousands."""
    lines = ropewalk("settings").out.splitlines()

    port = next(line for line in lines if line.startswith("ROPEWALK_PORT"))
    assert port.split()[1:3] == ["8765", "8765"]


@pytest.mark.parametrize("value", ["", "two", "-1", "65536"])
def test_settings_that_do_not_fit(ropewalk, value):
    """A value that does not fit is refused by every command, with the variable's name."""
    said = ropewalk("settings", ROPEWALK_PORT=value)

    assert said.code == 2
    assert "error[RW101]: ROPEWALK_PORT" in said.err
