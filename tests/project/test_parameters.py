"""What a command sets in place of a default is read as the parameter's type."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.errors import Place
from ropewalk.project import InvalidParameter, Parameter, UnknownParameter, read_steps
from ropewalk.project.parameters import read_value

PLACE = Place("steps/train.py", 3, 9)
STEPS = {
    "steps/train.py": """
        def train(t, *, max_depth: int = 6, rate: float = 0.1) -> Model: ...
        def judge(train) -> Metrics: ...
    """
}


def _parameter(default, annotation=None):
    return Parameter("it", default, annotation, PLACE)


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("8", "int", 8),
        ("-3", "int", -3),
        ("1_000", "int", 1000),
        ("0.5", "float", 0.5),
        ("2", "float", 2.0),
        ("1e-3", "float", 0.001),
        ("true", "bool", True),
        ("False", "bool", False),
        ("plain words", "str", "plain words"),
        ("'quoted'", "str", "quoted"),
        ("8", "str", "8"),
        ("", "str", ""),
        ("[1, 2]", "list[int]", [1, 2]),
        ('["a", null]', "list", ["a", None]),
        ("(1, 2)", "tuple[int, ...]", (1, 2)),
        ('{"a": 1}', "dict[str, int]", {"a": 1}),
        ("{1, 2}", "set", {1, 2}),
        ("none", "str | None", "none"),
        ("None", "str | None", None),
        ("null", "Optional[int]", None),
        ("3", "'Optional[int]'", 3),
        ("4", "int | str", 4),
        ("four", "int | str", "four"),
    ],
)
def test_values_by_annotation(text, annotation, value):
    """The annotation says how the text is read."""
    found = read_value(text, _parameter(0, annotation))

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [("8", 6, 8), ("8", 6.0, 8.0), ("8", "six", "8"), ("[8]", (6,), (8,)), ("8", None, 8), ("x", None, "x")],
)
def test_values_by_default(text, default, value):
    """Without an annotation the default says it; beside None anything goes."""
    assert read_value(text, _parameter(default)) == value


def test_unknown_annotation_leaves_it_to_the_default():
    """A type of the project's own says nothing, so the default does."""
    assert read_value("8", _parameter(6, "Depth")) == 8


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("eight", "int"),
        ("8.5", "int"),
        ("true", "int"),
        ("", "int"),
        ("fast", "float"),
        ("True", "float"),
        ("1", "bool"),
        ("yes", "bool"),
        ("1", "list"),
        ("[1", "list"),
        ("__import__('os')", "list"),
        ("a b", "int | None"),
    ],
)
def test_value_of_another_type(text, annotation):
    """A text that is no such value is refused where the parameter stands."""
    with pytest.raises(InvalidParameter, match="parameter 'it' must be") as caught:
        read_value(text, _parameter(6, annotation))

    assert caught.value.place == PLACE


@given(st.text())
def test_no_text_breaks_it(text):
    """Whatever is typed becomes a value or a clear error."""
    for annotation in ("int", "list", "bool | None"):
        with suppress(InvalidParameter):
            read_value(text, _parameter(0, annotation))


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text())
def test_what_is_shown_can_be_typed(value):
    """The text of a value, as `why` shows it, sets that value."""
    assert read_value(repr(value), _parameter(value)) == value


def test_set_in_the_declaration(write_project):
    """What is set stands in the default's place; the rest stays."""
    root = write_project(STEPS)

    train, _ = read_steps(root, parameters={"train.max_depth": "8"})

    assert {p.name: p.default for p in train.parameters} == {"max_depth": 8, "rate": 0.1}


@pytest.mark.parametrize(
    ("name", "close", "message"),
    [
        ("trian.max_depth", "train", "no step is called 'trian'"),
        ("train.maxdepth", "max_depth", "step 'train' has no parameter 'maxdepth'"),
        ("judge.rate", None, "step 'judge' has no parameter 'rate'"),
    ],
)
def test_unknown_names(write_project, name, close, message):
    """A misspelt step or parameter is told with the nearest one."""
    with pytest.raises(UnknownParameter) as caught:
        read_steps(write_project(STEPS), parameters={name: "8"})

    assert message in caught.value.message
    assert caught.value.nearest == close


def test_wrong_type_names_the_place(write_project):
    """The error points at the parameter in the step's file."""
    with pytest.raises(InvalidParameter) as caught:
        read_steps(write_project(STEPS), parameters={"train.max_depth": "deep"})

    assert str(caught.value.place) == "steps/train.py:2:17"
    assert caught.value.hint == "its default is 6"


@pytest.mark.parametrize(
    ("text", "annotation", "expected"),
    [
        ("[[1]]", "set", "set"),
        ('[{"a": 1}]', "set", "set"),
        ("1" + "0" * 400, "float", "float"),
        ("9" * 5000, "int", "int"),
        ("1.5", "int", "int"),
        ("true", "int", "int"),
        ("1", "bool", "bool"),
        ("{1}", "list", "list"),
        ("[1", "list | dict", "list or dict"),
        ("", "int | None", "None or int"),
        ("[" * 5000, "dict", "dict"),
    ],
)
def test_texts_that_are_no_value_of_the_type(text, annotation, expected):
    """What looks nearly right is refused with the type and the default, and never by a traceback."""
    with pytest.raises(InvalidParameter) as caught:
        read_value(text, _parameter(3, annotation))

    assert caught.value.message.startswith(f"parameter 'it' must be {expected}, not ")
    assert caught.value.hint == "its default is 3"
    assert caught.value.place == PLACE


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (None, "8", 8),
        (None, "word", "word"),
        (6, "8", 8),
        (b"x", "8", "8"),
        ((1,), "[2]", (2,)),
        (None, "", ""),
    ],
)
def test_type_of_the_default(default, text, value):
    """Without an annotation the default says the type; with no type at all the text says it."""
    assert read_value(text, _parameter(default)) == value
