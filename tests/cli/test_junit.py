"""Test results as JUnit's XML: readable by any reader of it, whatever the tests said."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.cli.commands.test import Outcome
from ropewalk.cli.junit import _case, write_junit
from ropewalk.project import NotWritten

PASSED = Outcome("mart.t", "one", "unit test", "passed", seconds=0.25)
FAILED = Outcome("mart.t", "two", "check", "failed", ("3 rows", "row 1"), "contracts/t.yaml:7:3", 0.5)
SKIPPED = Outcome("mart.a", "three", "check", "skipped", ("not built",))


def _written(path: Path, *outcomes: Outcome) -> ET.Element:
    write_junit(path, outcomes)
    return ET.fromstring(path.read_text(encoding="utf-8"))  # written here


def test_suites(tmp_path: Path) -> None:
    """A suite for each table, sorted, with its counts; cases of one table stand together."""
    root = _written(tmp_path / "new" / "junit.xml", PASSED, SKIPPED, FAILED)

    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [("mart.a", "1"), ("mart.t", "2")]
    assert {name: root[1].get(name) for name in ("failures", "skipped", "time")} == {
        "failures": "1",
        "skipped": "0",
        "time": "0.750",
    }


def test_no_outcomes(tmp_path: Path) -> None:
    """A file without suites is a result too."""
    assert list(_written(tmp_path / "junit.xml")) == []


@pytest.mark.parametrize(
    ("outcome", "tag", "message", "text"),
    [
        (FAILED, "failure", "3 rows", "3 rows\nrow 1"),
        (SKIPPED, "skipped", "not built", "not built"),
        (Outcome("t", "n", "check", "failed"), "failure", "", ""),
        (Outcome("t", "n", "check", "passed", ("a note",)), "system-out", None, "a note"),
    ],
)
def test_what_is_told(outcome: Outcome, tag: str, message: str | None, text: str) -> None:
    """The first line is the message, and all lines are the text."""
    (told,) = _case(outcome)

    assert (told.tag, told.get("message"), told.text) == (tag, message, text)


def test_nothing_is_told_of_what_passed() -> None:
    """Its case has a name, a class and a time."""
    case = _case(PASSED)

    assert list(case) == []
    assert case.attrib == {"classname": "mart.t (unit test)", "name": "one", "time": "0.250"}


@pytest.mark.parametrize(
    ("place", "file", "line"),
    [
        ("a/b.yaml:7:3", "a/b.yaml", "7"),
        ("a/b.yaml:7", "a/b.yaml", "7"),
        ("a/b.yaml", "a/b.yaml", None),
        (None, None, None),
    ],
)
def test_places(place: str | None, file: str | None, line: str | None) -> None:
    """A forge leads from a case to its line."""
    case = _case(Outcome("t", "n", "check", "passed", place=place))

    assert (case.get("file"), case.get("line")) == (file, line)


@settings(max_examples=30)
@given(text=st.text(st.characters(), max_size=20))
def test_any_text(text: str) -> None:
    """Whatever a value in the data is, the file can be read."""
    case = _case(Outcome("t", text, "check", "failed", (text,)))

    read = ET.fromstring(ET.tostring(case, encoding="unicode"))  # written here

    assert len(read.get("name", "")) == len(text)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """It is told in a sentence."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(NotWritten, match=r"junit\.xml cannot be written"):
        write_junit(tmp_path / "file" / "junit.xml", [PASSED])
