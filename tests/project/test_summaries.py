"""What one file's statements bind, use, import and do, told from its text alone."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from ropewalk.project.reach import File
from ropewalk.project.summaries import Import, summarise


def read(text):
    return summarise(ast.parse(dedent(text)))


def last(text):
    return read(text).statements[-1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import a", Import(0, "a", None, "a")),
        ("import a.b", Import(0, "a.b", None, "a")),
        ("import a.b as c", Import(0, "a.b", None, "c")),
        ("from a import b", Import(0, "a", "b", "b")),
        ("from ..a import b as c", Import(2, "a", "b", "c")),
        ("from . import b", Import(1, "", "b", "b")),
        ("from a import *", Import(0, "a", "*", None)),
        ("m = __import__('a.b')", Import(0, "a.b", None, None)),
        ("m = importlib.import_module('.a', __package__)", Import(1, "a", None, None)),
        ("def f():\n    from a import b", Import(0, "a", "b", "b")),
    ],
)
def test_imports(text, found):
    """Every way to import by a name that stands in the text is seen, also inside functions."""
    assert last(text).imports == (found,)


@pytest.mark.parametrize(
    "text", ["m = __import__(name)", "m = import_module()", "m = other('a')", "x = 'a.b'"]
)
def test_what_imports_nothing_by_name(text):
    """A name that is only known when the code runs is no import that planning could follow."""
    assert last(text).imports == ()


@pytest.mark.parametrize(
    "text",
    [
        "if TYPE_CHECKING:\n    import a",
        "if typing.TYPE_CHECKING:\n    x = 1",
        "if False:\n    x = 1",
        "if 0:\n    x = 1",
        "if __name__ == '__main__':\n    main()",
        "'Says.'",
        "pass",
        "...",
        "",
    ],
)
def test_what_an_import_does_not_run(text):
    """What is for type checkers, the shell or readers is no statement."""
    assert read(text).statements == ()


def test_other_branch_of_what_never_holds():
    """What runs instead counts like anything at the top level."""
    (found,) = read("if TYPE_CHECKING:\n    import a\nelse:\n    x = 1").statements

    assert found.names == ("x",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("import a\nimport b", "import b\nimport a"),
        ("from a import b, c", "from a import c\nfrom a import b"),
        ("'Says.'\nx = 1", "x = 1  # one"),
        ("def f(a: int): return a", "def f(a):\n    'Says.'\n    return a"),
    ],
)
def test_digest_of_meaning(one, other):
    """The order of imports, comments and docstrings make no other file; as it is written they do."""
    assert read(one).digest == read(other).digest
    assert read(one).strict != read(other).strict or "#" in other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1\ny = 2", "y = 2\nx = 1"),
        ("import a", "import a as b"),
        ("from a import b", "from .a import b"),
    ],
)
def test_digest_of_other_meaning(one, other):
    """The order of what does something, and what a name stands for, do."""
    assert read(one).digest != read(other).digest


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("import os", False),
        ("import lib", True),
        ("import lib\nx = lib.y", False),
        ("__all__ = ['lib']\nimport lib", False),
        ("from . import lib", False),
        ("from lib import *", True),
        ("x = y", True),
        ("y = 1\nx = y", False),
        ("x = y\ny = 1", False),
        ("x = len", False),
        ("x = __file__", False),
    ],
)
def test_what_does_more_than_bind(text, certain):
    """An import that nothing uses is there for what it does, and a name that is not there yet fails."""
    assert last(text).certain is certain


@pytest.mark.parametrize(
    ("text", "introspects", "queries"),
    [
        ("def f(): return globals()", True, False),
        ("def f(g): return g.__code__", True, False),
        ("import inspect\ndef f(g): return inspect.getsource(g)", True, False),
        ("import typing\ndef f(g): return typing.get_type_hints(g)", True, False),
        ("def f(g): return g.query('a > @RATE')", False, True),
        ("def f(g): return g.globals", False, False),
        ("def f(query): return query('a')", False, False),
    ],
)
def test_code_that_looks_at_code(text, introspects, queries):
    """Code that may read what the fixed form leaves out, or names in a text, is known as such."""
    found = last(text)

    assert (found.introspects, found.queries) == (introspects, queries)


def test_words_of_texts():
    """Of the words in a text those count that the file binds."""
    assert last("RATE = 1\nOTHER = 2\ndef f(g): return g.query('a > @RATE and b')").words == ("RATE",)


def test_defaults_of_a_step_are_told_apart():
    """A step's digest has no defaults of its parameters; its digest as a function has them."""
    one, other = last("def f(*, a=1): return a"), last("def f(*, a=2): return a")

    assert one.as_step == other.as_step
    assert one.digest != other.digest


def test_how_to_run_a_step_is_not_its_code():
    """Options of the decorator are facts of their own."""
    one, other = (
        last(f"from ropewalk import step\n@step({options})\ndef f(): return 1")
        for options in ("timeout='1m'", "retries=2")
    )

    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("text", "has_order"),
    [
        ("A = 1\nB = 2", False),
        ("A = 1\nA = 2", True),
        ("def f(): ...\ndef g(): ...", False),
        ("def f(): ...\ndef f(): return 1", True),
        ("import a\nimport b\nx = (a, b)", False),
        ("A = print(1)", True),
        ("", False),
    ],
)
def test_files_whose_order_matters(text, has_order):
    """Where each name is bound once and nothing else is done, any order makes the same."""
    assert File.of(read(text)).has_order is has_order


def test_statements_by_name():
    """A name that is bound twice has both statements; what binds none is kept apart."""
    found = File.of(read("A = 1\nA, B = 2, 3\nprint(A)"))

    assert {name: len(statements) for name, statements in found.bindings.items()} == {"A": 2, "B": 1}
    assert len(found.nameless) == 1
