"""`ropewalk explain` knows every code that an error can carry."""

from __future__ import annotations

import re
from pathlib import Path

from ropewalk.cli.commands.explain import all_errors

REFERENCE = Path(__file__).parents[3] / "docs/reference/errors.md"


def test_every_documented_code_is_known():
    """No room's errors are forgotten, also of rooms that nothing else has loaded."""
    documented = set(re.findall(r"^## (RW\d+)$", REFERENCE.read_text(), re.MULTILINE))

    assert documented <= {error.code for error in all_errors()}


def test_codes_are_sorted():
    """The classes come in the order of their codes."""
    codes = [error.code for error in all_errors()]

    assert codes == sorted(codes)


def test_code_of_a_lazy_room(ropewalk_process):
    """In a process of its own, where no step ran, the code of a failed step is explained."""
    said = ropewalk_process("explain", "rw440")

    assert said.out.startswith("RW440  StepFailed  (exit code 1)\n")


def test_as_json(ropewalk):
    """A program gets name, exit code and text."""
    said = ropewalk("explain", "RW112", "--json").json

    assert said["name"] == "UnknownKey"
    assert said["exit_code"] == 2
    assert said["text"]


def test_unknown_code_has_its_nearest(ropewalk):
    """A slip of a digit is answered with a code that exists."""
    said = ropewalk("explain", "RW11")

    assert said.code == 3
    assert "did you mean: RW" in said.err
