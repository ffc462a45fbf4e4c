"""A declaration is read from its text; one that cannot be meant is refused with its place."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from ropewalk.project import InvalidPython
from ropewalk.project.signatures import read_signatures


def read(text, what="step"):
    return list(read_signatures(ast.parse(dedent(text)), "steps/a.py", what))


def only(text, what="step"):
    (found,) = read(text, what)
    return found


@pytest.mark.parametrize(
    ("text", "makes"),
    [
        ("def f() -> Model: ...", "Model"),
        ("def f() -> ropewalk.Model: ...", "Model"),
        ("def f() -> 'Model': ...", "Model"),
        ("def f() -> 'ropewalk.Files': ...", "Files"),
        ("@step\ndef f(): ...", None),
        ("@ropewalk.step\ndef f() -> int: ...", None),
        ("@step()\ndef f() -> Table: ...", "Table"),
    ],
)
def test_what_is_a_step(text, makes):
    """A product's annotation or the decorator makes a step, however its name is written."""
    assert only(text).makes == makes


@pytest.mark.parametrize(
    "text",
    [
        "def f(): ...",
        "def f() -> list[Model]: ...",
        "def f() -> None: ...",
        "def f() -> 1: ...",
        "@other\ndef f(): ...",
        "@step.other\ndef f(): ...",
        "class A:\n    @step\n    def f(self): ...",
        "def outer():\n    def f() -> Model: ...",
        "f = step(lambda: 1)",
    ],
)
def test_what_is_none(text):
    """Only functions at the top level that say so are steps."""
    assert read(text) == []


def test_source_needs_its_decorator():
    """Below `sources/` a returned table declares nothing by itself."""
    assert read("def f() -> Table: ...", "source") == []
    assert only("@source(key='id')\ndef f(): ...", "source").options == (("key", "'id'"),)


def test_inputs_and_parameters():
    """Positional parameters are inputs, keyword-only ones are tracked, each with its place."""
    found = only("@step\ndef f(a, /, b: Model, *, depth: int = 6, names=('x', 'y')): ...")

    assert found.needs == (("a", None), ("b", "Model"))
    assert [(p.name, p.default, p.annotation) for p in found.parameters] == [
        ("depth", "6", "int"),
        ("names", "('x', 'y')", None),
    ]
    assert [(p.line, p.column) for p in found.parameters] == [(2, 26), (2, 42)]
    assert (found.line, found.column) == (2, 1)


def test_first_of_two_decorators_counts():
    """A step that is decorated twice is one step."""
    assert only("@other\n@step(timeout='1m')\n@step\ndef f(): ...").options == (("timeout", "'1m'"),)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("async def f() -> Model: ...", "step 'f' is async; a step is a plain function", "1:1"),
        ("def f(*a) -> Model: ...", "step 'f' takes *args or **kwargs", "1:1"),
        ("def f(**a) -> Model: ...", "step 'f' takes *args or **kwargs", "1:1"),
        ("def f(a, b=1) -> Model: ...", "step 'f' gives an input a default", "1:12"),
        ("def f(*, a) -> Model: ...", "parameter 'a' needs a default", "1:10"),
        ("def f(*, a=g()) -> Model: ...", "the default of parameter 'a' must be a literal", "1:10"),
        ("def f(*, a={[]: 1}) -> Model: ...", "the default of parameter 'a' must be a literal", "1:10"),
        ("def f(*, a=2 * 3) -> Model: ...", "the default of parameter 'a' must be a literal", "1:10"),
        ("@step('10m')\ndef f(): ...", "@step takes options by name only", "1:2"),
        ("@step(**options)\ndef f(): ...", "@step takes options by name only", "1:2"),
        ("@step(timeout=LONG)\ndef f(): ...", "the options of @step must be literals", "1:2"),
        ("@step(env={**a})\ndef f(): ...", "the options of @step must be literals", "1:2"),
    ],
)
def test_what_cannot_be_meant(text, message, place):
    """A wrong declaration is refused where it stands, and nothing of it is run to find out."""
    with pytest.raises(InvalidPython) as caught:
        read(text)

    assert caught.value.message.startswith(message)
    assert str(caught.value.place) == f"steps/a.py:{place}"


def test_error_names_the_decorator():
    """A source is not called a step."""
    with pytest.raises(InvalidPython, match=r"@source takes options by name only"):
        read("@source(1)\ndef f(): ...", "source")
