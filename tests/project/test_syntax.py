"""One fixed form, whatever way code is written down, and different code is never the same."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from ropewalk.project.syntax import Normaliser, digest, dotted, is_bare_constant


def fixed(text, bound=(), is_lazy=False):
    """Return the only statement of `text`, in its fixed form, as source."""
    (statement,) = ast.parse(dedent(text)).body
    form = Normaliser(bound, is_lazy)
    statement = form.plain(statement)
    form.normalise(statement)
    return ast.unparse(statement)


def of(text):
    return digest([ast.parse(dedent(text))])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a'", 'x = "a"'),
        ("x = u'a'", "x = 'a'"),
        ("x = 1_000", "x = 1000"),
        ("x = (1 +\n  2)", "x = 1 + 2  # three"),
        ("x = 0x10", "x = 16"),
    ],
)
def test_only_written_differently(one, other):
    """Quotes, brackets, comments and forms of a number say nothing."""
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = '1'", "x = 1"),
        ("x = [1, [2]]", "x = [1, 2]"),
        ("x = 0.0", "x = -0.0"),
        ("x = a", "x = 'a'"),
        ("x = 'a\\nb'", "x = 'a\\\\nb'"),
        ("f(a, b)", "f(a, *b)"),
        ("f(a)", "f(a=a)"),
        ("x = None", "x = ..."),
        ("'\\ud800'", "'\\ud801'"),
    ],
)
def test_different_code(one, other):
    """What Python tells apart is told apart, down to the type of a number."""
    assert of(one) != of(other)


def test_number_too_long_for_decimals():
    """A file may hold numbers that Python refuses to write out, and they differ like any others."""
    assert of("x = 0x" + "f" * 5000) != of("x = 0x" + "f" * 4999 + "e")


def test_digest_of_code_nested_as_deeply_as_it_gets():
    """A generated file does not exhaust the stack."""
    tree = ast.parse("x = 1")
    for _ in range(5000):
        tree = ast.UnaryOp(ast.Not(), tree)

    assert len(digest([tree])) == 16


@pytest.mark.parametrize(
    ("text", "bound", "expected"),
    [
        ("def f(a: int, *b: str, **c: dict) -> None:\n    return a", (), "def f(a, *b, **c):\n    return a"),
        ("def f(a: Known): return a", ("Known",), "def f(a):\n    return a"),
        ("def f(a: Lost): return a", (), "def f(a: Lost):\n    return a"),
        ("def f(a: make()): return a", ("make",), "def f(a: make()):\n    return a"),
        ("def f() -> (x := 1): return 1", (), "def f() -> (x := 1):\n    return 1"),
        ("x: int = 1", (), "x = 1"),
        ("x: int", (), "x: int"),
        ("x: Lost = 1", (), "x: Lost = 1"),
        ("def f():\n    x: Lost = 1\n    return x", (), "def f():\n    x = 1\n    return x"),
        ("def f(o):\n    o.x: Lost = 1", (), "def f(o):\n    o.x: Lost = 1"),
        ("class A:\n    'Says.'\n    x: int = 1", (), "class A:\n    x: int = 1"),
        ("async def f(a: int):\n    'Says.'\n    pass\n    return a", (), "async def f(a):\n    return a"),
        ("if a:\n    b\nelse:\n    pass", (), "if a:\n    b"),
    ],
)
def test_fixed_form(text, bound, expected):
    """Docstrings, `pass` and annotations that only type checkers read are gone; others stay."""
    assert fixed(text, bound) == expected


def test_annotations_that_are_never_evaluated():
    """With lazy annotations even one that names nothing, or calls, does nothing."""
    assert fixed("def f(a: Lost, b: make()) -> Gone: return a", is_lazy=True) == "def f(a, b):\n    return a"
    assert fixed("x: Lost = 1", is_lazy=True) == "x = 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", ("a",)), ("a.b.c", ("a", "b", "c")), ("a().b", ()), ("a[0]", ()), ("'a'.b", ()), ("1", ())],
)
def test_dotted(text, expected):
    """Only names joined by dots are a dotted name."""
    assert dotted(ast.parse(text, mode="eval").body) == expected


@pytest.mark.parametrize(("text", "is_one"), [("'a'", True), ("...", True), ("a", False), ("x = 'a'", False)])
def test_bare_constants(text, is_one):
    """A constant that nothing takes is told from an expression that may do something."""
    assert is_bare_constant(ast.parse(text).body[0]) is is_one
    assert dotted(None) == ()
