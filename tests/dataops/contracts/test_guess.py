"""What seems to be personal data, by a column's name or the look of its values; and what a linted file prints."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts.guess import NAMES, guess_name
from ropewalk.dataops.contracts.lint import LintedFile, refuse_unsound
from ropewalk.errors import InvalidInput, Place


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("email", "contact"),
        ("customer_email", "contact"),
        ("EMail", "contact"),
        ("homeAddress", "contact"),
        ("first_name", "identifier"),
        ("name_first", "identifier"),
        ("IP", "identifier"),
        ("date_of_birth", "quasi"),
        ("PostalCode", "quasi"),
        ("base_salary", "sensitive"),
        ("name", None),
        ("first", None),
        ("zipper", None),
        ("shipment", None),
        ("description", None),
        ("addressee", None),
        ("code", None),
        ("tax", None),
        ("id", None),
        ("", None),
    ],
)
def test_names(name: str, found: str | None) -> None:
    """Whole words count, however they are written and in any order; parts of words do not."""
    assert guess_name(name) == found


@pytest.mark.parametrize("known", sorted(NAMES))
def test_every_known_name(known: str) -> None:
    """Each is found as it would be called, and has the class that is said of it."""
    written = known.replace(" ", "_")

    assert guess_name(written) is not None
    assert guess_name(f"the_{written.upper()}_1") == guess_name(written)


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        (LintedFile("a.yaml"), ["a.yaml: fine"]),
        (LintedFile("a.yaml", advice=("one", "two")), ["a.yaml: one", "a.yaml: two"]),
        (
            LintedFile("a.yaml", InvalidInput("it is wrong", place=Place("a.yaml", 3, 5), nearest="right")),
            [f"a.yaml:3:5: error {InvalidInput.code}: it is wrong; did you mean 'right'?"],
        ),
        (
            LintedFile("a.yaml", InvalidInput("it is wrong")),
            [f"a.yaml: error {InvalidInput.code}: it is wrong"],
        ),
    ],
)
def test_lines_of_a_file(item: LintedFile, lines: list[str]) -> None:
    """An error with its place and the nearest name, then advice; or that all is well."""
    assert list(item.lines()) == lines


def test_the_first_error_is_raised() -> None:
    """Advice alone refuses nothing."""
    first, second = InvalidInput("one"), InvalidInput("two")
    advised = LintedFile("a", advice=("x",))

    refuse_unsound([advised])
    with pytest.raises(InvalidInput, match="one"):
        refuse_unsound([advised, LintedFile("b", first), LintedFile("c", second)])


def test_a_file_as_json() -> None:
    """Programs find the same in it."""
    assert LintedFile("a", advice=("x",)).as_json() == {"path": "a", "error": None, "advice": ["x"]}
    said = LintedFile("a", InvalidInput("one")).as_json()["error"]
    assert isinstance(said, dict)
    assert said["message"] == "one"
