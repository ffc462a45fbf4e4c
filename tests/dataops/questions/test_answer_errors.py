"""What the engine says of a question's SQL, told as of the question's file."""

from __future__ import annotations

import pytest

from ropewalk.dataops.questions import InvalidQuestion, read_questions
from ropewalk.dataops.questions.answer import placed_error
from ropewalk.errors import InvalidInput


@pytest.fixture
def ask(tmp_path):
    """Return a function that reads the questions of a project from their texts, by their paths."""

    def reading(**texts):
        for name, text in texts.items():
            path = tmp_path / f"questions/{name.replace('__', '/')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read_questions(tmp_path)

    return reading


def test_error_at_the_first_table(ask):
    """The error leads to the file, and keeps what the engine knows of names near by."""
    question = ask(a="-- title: T\n\nSELECT x\nFROM main.t")["a"]

    found = placed_error(question, InvalidInput("no column 'x'", nearest="y", hint="h", detail="d"))

    assert (found.code, found.message) == ("RW199", "questions/a.sql: no column 'x'")
    assert (found.place.path, found.place.line) == ("questions/a.sql", 4)
    assert (found.nearest, found.hint, found.detail) == ("y", "h", "d")


def test_error_of_a_question_without_tables(ask):
    """There is no place to lead to but the file, which the message names."""
    found = placed_error(ask(a="SELECT 1 AS n")["a"], InvalidInput("odd"))

    assert (found.place, found.message) == (None, "questions/a.sql: odd")


@pytest.mark.parametrize(
    ("name", "asked", "title"),
    [
        ("late", "late", "Late"),
        ("late_flights", "late_flights", "Late flights"),
        ("ops__late_flights", "ops.late_flights", "Ops: late flights"),
        ("a__b__c", "a.b.c", "A: b: c"),
    ],
)
def test_titles_of_questions_without_one(ask, name, asked, title):
    """A file's name is its title, folders first."""
    assert ask(**{name: "SELECT 1 AS n"})[asked].title == title


@pytest.mark.parametrize(
    "text", ["", "-- title: T\n", "SELECT 1; SELECT 2", "DROP TABLE a", "SELEC 1", "SELECT '"]
)
def test_sql_that_is_no_question(ask, text):
    """Nothing but one SELECT can be asked, and the file is named."""
    with pytest.raises(InvalidInput) as caught:
        ask(a=text)

    assert caught.value.place.path == "questions/a.sql"


def test_parameter_that_nothing_uses(ask):
    """It is told at its declaration; what stands in a comment is no use."""
    with pytest.raises(InvalidQuestion, match="parameter 'b' is used nowhere") as caught:
        ask(a="-- parameter: a text = x\n-- parameter: b text = x\nSELECT $a -- $b\n, '$b'")

    assert caught.value.place.line == 2


def test_same_question_in_another_form(ask):
    """Blanks and comments are no part of what is asked; the file keeps them."""
    found = ask(a="SELECT 1 AS n FROM main.t", b="-- title: B\nselect 1   as n\nfrom main.t -- why\n")

    assert found["a"].normal == found["b"].normal
    assert found["b"].sql.startswith("select 1   as n")
