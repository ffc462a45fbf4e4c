"""The comment that a question starts with: what it says, and what is told of lines that say nothing."""

from __future__ import annotations

import duckdb
import pytest

from ropewalk.dataops.questions import InvalidQuestion, QuestionMissing, read_questions
from ropewalk.dataops.questions.answer import choose_values
from ropewalk.dataops.questions.header import TYPES, check_value, read_header
from ropewalk.dataops.questions.reading import Questions
from ropewalk.dataops.questions.values import Parameter
from ropewalk.errors import Place

PATH = "questions/a.sql"


def refused(line, before=""):
    """Return the error of a header with that line."""
    with pytest.raises(InvalidQuestion) as caught:
        read_header(f"{before}{line}\nSELECT 1", PATH)
    return caught.value


def parameter(kind, *choices, default=""):
    return Parameter("p", kind, default, choices, Place(PATH, 1, 1))


@pytest.mark.parametrize("text", ["", "SELECT 1", "/* -- title: x */ SELECT 1", "  \n SELECT 1 -- title: x"])
def test_no_header(text):
    """Only a comment of dashes at the very start is one."""
    found = read_header(text, PATH)

    assert (found.end, found.title, found.words) == (0, None, [])


def test_header_ends_where_the_sql_starts():
    """Blank lines between comments belong to it, comments after the SQL do not."""
    text = "\n-- title: T\n\n  -- owner:  Ann \n\nSELECT 1 -- title: other\n"
    found = read_header(text, PATH)

    assert text[found.end :].startswith("SELECT 1")
    assert (found.title, found.owner) == ("T", "Ann")


def test_words():
    """Lines without a key and descriptions are one text; a line of dashes alone is no word."""
    found = read_header("-- one\n----\n-- description: two\n--three\n-- see: https://x\nSELECT 1", PATH)

    assert found.words == ["one", "two", "three", "see: https://x"]


def test_windows_line_ends():
    """The end of a line is no part of a value."""
    found = read_header("-- title: T\r\n-- parameter: a integer = 1\r\nSELECT 1", PATH)

    assert (found.title, found.parameters[0].default) == ("T", "1")


@pytest.mark.parametrize(
    ("key", "close"),
    [("titel", "title"), ("onwer", "owner"), ("charts", "chart"), ("parameters", "parameter")],
)
def test_key_that_is_almost_one(key, close):
    """It is told at the key itself, with the right one."""
    error = refused(f"-- {key}: x", before="-- title: T\n")

    assert (error.nearest, error.place) == (close, Place(PATH, 2, 4))


@pytest.mark.parametrize(
    ("chart", "said", "close"),
    [
        ("", "no chart ''", None),
        ("lines x=a y=b", "no chart 'lines'", "line"),
        ("line x=a", "needs y=COLUMN", None),
        ("bar y=a", "needs x=COLUMN", None),
        ("number x=a", "needs y=COLUMN", None),
        ("line x=a y", "'y' is no part", "y"),
        ("line x=a y=", "'y=' is no part", "y"),
        ("line x=a y=b colour=c", "'colour=c' is no part", "color"),
        ("line x=a y=b format=percents", "no format 'percents'", "percent"),
    ],
)
def test_charts_that_cannot_be_drawn(chart, said, close):
    """Nothing of a chart is ignored: a role, a column or a format that is none is told."""
    error = refused(f"-- chart: {chart}")

    assert said in error.message
    assert (error.nearest, error.place.line) == (close, 1)


@pytest.mark.parametrize(
    ("text", "is_share"),
    [("number y=a", False), ("number y=a format=percent", True), ("number y=a format=number", False)],
)
def test_charts(text, is_share):
    """A number needs no axis, and is one unless it is said to be a share."""
    chart = read_header(f"-- chart: {text}\nSELECT 1", PATH).chart

    assert (chart.kind, chart.x, chart.y, chart.is_share) == ("number", None, "a", is_share)


@pytest.mark.parametrize(
    ("text", "default", "choices"),
    [
        ("p text = UA", "UA", ()),
        ("p text =", "", ()),
        ("p text = New York", "New York", ()),
        ("p text = a [a, b c,]", "a", ("a", "b c")),
        ("p\ttext=a[a]", "a", ("a",)),
        ("p number = -1.5e3", "-1.5e3", ()),
        ("p boolean = true [true]", "true", ("true",)),
    ],
)
def test_parameters(text, default, choices):
    """Blanks do not matter around values, and stay within them."""
    found = read_header(f"-- parameter: {text}\nSELECT 1", PATH).parameters[0]

    assert (found.name, found.default, found.choices) == ("p", default, choices)


@pytest.mark.parametrize(
    ("text", "said", "close"),
    [
        ("p", "is no parameter", None),
        ("p text", "is no parameter", None),
        ("1p text = a", "is no parameter", None),
        ("p text = a [b", "is no parameter", None),
        ("p txt = a", "no type 'txt'", "text"),
        ("p text = a [b, c]", "takes b, c, not 'a'", None),
        ("p integer = 1 [1, x]", "'x' is not", None),
        ("p integer =", "'' is not", None),
    ],
)
def test_parameters_that_are_none(text, said, close):
    """A default is a value like any other, and so is each choice."""
    error = refused(f"-- parameter: {text}")

    assert said in error.message
    assert (error.nearest, error.place) == (close, Place(PATH, 1, 15))


def test_parameter_of_two_lines():
    """A name means one value."""
    error = refused("-- parameter: p integer = 2", before="-- parameter: p integer = 1\n")

    assert (error.message, error.place.line) == ("parameter 'p' is declared twice", 2)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", str(2**63)),
        ("integer", "1.0"),
        ("integer", "0x10"),
        ("integer", "٣"),
        ("number", "1,5"),
        ("number", "٣"),
        ("date", "20260101"),
        ("date", "2026-W01-1"),
        ("date", "2026-02-30"),
        ("date", "2026-1-1"),
        ("timestamp", "20260101T101500"),
        ("timestamp", "2026-01-01T10"),
        ("timestamp", "2026-01-01 25:00"),
        ("boolean", "True"),
        ("boolean", "1"),
    ],
)
def test_values_of_no_type(kind, value):
    """What the engine would not take is refused before it is asked."""
    with pytest.raises(InvalidQuestion, match=f"p is of type {kind}"):
        check_value(parameter(kind), value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", str(-(2**63))),
        ("integer", "+5"),
        ("number", "nan"),
        ("number", "1e3"),
        ("date", "2024-02-29"),
        ("timestamp", "2026-01-01"),
        ("timestamp", "2026-01-01 10:15"),
        ("timestamp", "2026-01-01T10:15:30.5"),
        ("timestamp", "2026-01-01T10:15:30Z"),
        ("boolean", "false"),
        ("text", "'; DROP TABLE a"),
    ],
)
def test_values_that_fit_are_those_of_the_engine(kind, value):
    """Whatever passes here can be bound as the type that it becomes."""
    assert check_value(parameter(kind), value) == value
    with duckdb.connect() as engine:
        assert engine.execute(f"SELECT CAST(? AS {TYPES[kind]}) IS NOT NULL", [value]).fetchone() == (True,)


def test_choice_that_is_almost_one():
    """The nearest is told, with the place of the declaration."""
    with pytest.raises(InvalidQuestion) as caught:
        check_value(parameter("text", "United", "Delta"), "Untied")

    assert (caught.value.nearest, caught.value.place) == ("United", Place(PATH, 1, 1))


@pytest.fixture
def ask(tmp_path):
    """Return a function that reads one question from its text."""

    def reading(text, name="a"):
        (tmp_path / "questions").mkdir()
        (tmp_path / f"questions/{name}.sql").write_text(text)
        return read_questions(tmp_path)[name]

    return reading


def test_values_chosen(ask):
    """What is not given is as declared; what is no parameter is told with those that are."""
    found = ask("-- parameter: a integer = 1\n-- parameter: b text = x\nSELECT $a, $b FROM main.t")

    assert choose_values(found, {"b": "y"}) == {"a": "1", "b": "y"}
    with pytest.raises(InvalidQuestion, match="no parameter 'aa'") as caught:
        choose_values(found, {"aa": "2"})
    assert (caught.value.nearest, caught.value.hint) == ("a", "it has a, b")


def test_question_without_parameters_has_none(ask):
    """The hint says so instead of an empty list."""
    with pytest.raises(InvalidQuestion) as caught:
        choose_values(ask("SELECT 1 AS n FROM main.t"), {"a": "1"})

    assert caught.value.hint == "it has none"


def test_place_of_a_parameter_that_is_not_declared(ask):
    """The line counts from the start of the file, header and all."""
    with pytest.raises(InvalidQuestion) as caught:
        ask("-- title: T\n-- parameter: carrier text = UA\n\nSELECT $carrier,\n  $carier FROM main.t")

    assert (caught.value.nearest, caught.value.place) == ("carrier", Place(PATH, 5, 3))


def test_same_parameter_again(ask):
    """Each use is the same value; dollars within texts are none."""
    found = ask("-- parameter: a text = x\nSELECT $a, '$a', $a || '$' AS b FROM main.t")

    assert found.sql.count("getvariable('a')") == 2
    assert "'$a'" in found.sql


def test_question_of_no_file():
    """Without any question there is no near one, and the hint still helps."""
    with pytest.raises(QuestionMissing) as caught:
        Questions({}, {}).find("late")

    assert (caught.value.nearest, caught.value.hint) == (None, "`ropewalk ask` lists them all")


def test_file_that_is_no_text(tmp_path):
    """It is told which file, not where in Python."""
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions/a.sql").write_bytes(b"SELECT '\xff'")

    with pytest.raises(InvalidQuestion, match="UTF-8") as caught:
        read_questions(tmp_path)
    assert caught.value.place.path == PATH
