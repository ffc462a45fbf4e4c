"""Names are those of the module unless a function around them binds them."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from ropewalk.project.scopes import global_uses, own_values, stored_names


def uses(text: str) -> set[str]:
    return {".".join(chain) for chain in global_uses(ast.parse(dedent(text)))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b.c(d)", {"a.b.c", "d"}),
        ("a().b", {"a"}),
        ("a[b].c", {"a", "b"}),
        ("def f(x): return x + y", {"y"}),
        ("def f(x, *y, z=w, **v): return x, y, z, v", {"w"}),
        ("def f():\n    x = 1\n    return x", set()),
        ("def f():\n    for x, y in z: print(x)", {"z", "print"}),
        ("def f():\n    global x\n    x = 1\n    return x", {"x"}),
        ("def f():\n    x += 1", set()),
        ("def f():\n    global x\n    x += 1", {"x"}),
        ("def f(x):\n    def g(y): return x, y, z\n    return g", {"z"}),
        ("def f():\n    def g(): ...\n    return g", set()),
        ("lambda x: x + y", {"y"}),
        ("lambda x=y: x", {"y"}),
        ("[x for x in x]", {"x"}),
        ("{k: v for k, v in pairs if v and w}", {"pairs", "w"}),
        ("def f(): return [(y := x) for x in z], y", {"z"}),
        ("class A(B):\n    x = y\n    def f(self): return x", {"B", "y", "x"}),
        ("def f():\n    with a as b: return b", {"a"}),
        ("def f():\n    try: pass\n    except E as e: return e", {"E"}),
        (
            "def f(x):\n    match x:\n        case P(a=b): return b\n        case {'k': v, **w}: return v, w\n        case [*s]: return s",
            {"P"},
        ),
        ("def f(x):\n    match x:\n        case Color.RED: return 1", {"Color.RED"}),
        ("@deco\ndef f(a: Hint) -> Back: ...", {"deco", "Hint", "Back"}),
        ("a.b = 1", {"a.b"}),
        ("a = 1", set()),
        ("del a", {"a"}),
        ("def f():\n    import lib.x as m\n    return m.y", {"m.y"}),
    ],
)
def test_uses(text, expected):
    """Each use is told by its dotted name."""
    assert uses(text) == expected


def test_parameter_named_like_a_step():
    """A step's parameter is called after the step that it needs, and is no use of that step."""
    assert uses("def judge(train, *, rate=1): return train.load(rate)") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b, c as d", ["a", "d"]),
        ("from a import b as c, d", ["c", "d"]),
        ("x, (y, *z) = v", ["x", "y", "z"]),
        ("def f(a): b = 1", ["f"]),
        ("if x:\n    y = 1\nelse:\n    def z(): ...", ["y", "z"]),
        ("a.b = c[d] = 1", []),
    ],
)
def test_stored_names(text, expected):
    """What a statement binds in its own scope is told, whatever is inside functions."""
    assert sorted(stored_names(ast.parse(text))) == expected


def test_deep_nesting():
    """Generated code may nest as deeply as Python's parser lets it."""
    assert uses(" + ".join(["a"] * 2000)) == {"a"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = []\na += [1]", {"a"}),
        ("a: set = set()\nb = collections.Counter()\nc = 1 + x", {"a", "b", "c"}),
        ("from lib import a\na = []", set()),
        ("a = other\nb = lib.found\nc = registry()\nd = e = [x for x in y]", {"d", "e"}),
    ],
)
def test_own_values(text, expected):
    """A value that was made on the spot is nobody else's; one that came from elsewhere may be."""
    assert own_values(ast.parse(text).body) == expected
