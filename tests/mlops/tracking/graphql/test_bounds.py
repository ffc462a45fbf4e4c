"""How much a query may ask: counted as it would be answered, whatever fragments hide it."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, parse

from ropewalk.mlops.tracking.graphql.bounds import ALIASES, DEPTH, ROOTS, SELECTIONS, check_bounds


def _nested(depth: int) -> str:
    return "{ a " * depth + "}" * depth


def _names(count: int, start: str = "f") -> str:
    return " ".join(f"{start}{number}" for number in range(count))


@pytest.mark.parametrize(
    "query",
    [
        "{ a }",
        _nested(DEPTH),
        f"{{ {_names(ROOTS)} }}",
        f"{{ a {{ {_names(SELECTIONS - 1)} }} }}",
        f"{{ a {{ {' '.join(f'x{number}: b' for number in range(ALIASES))} }} }}",
        "query Q { ...F } fragment F on T { a b }",
        "{ a { ... on T { b } } }",
        "{ ...Missing }",
    ],
)
def test_what_may_be_asked(query: str) -> None:
    """Up to each bound, and with fragments, also one that other rules refuse."""
    check_bounds(parse(query))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (_nested(DEPTH + 1), "maximum depth"),
        (f"{{ {_names(ROOTS + 1)} }}", "root fields, got 11"),
        (f"{{ a {{ {_names(SELECTIONS)} }} }}", "total selections"),
        (f"{{ a {{ {' '.join(f'x{number}: b' for number in range(ALIASES + 1))} }} }}", "aliases, got 11"),
        (f"{{ {_names(6)} }} query B {{ {_names(5)} }}", "root fields"),
        ("{ ...F } fragment F on T { ...F }", "maximum depth"),
        ("{ ...F } fragment F on T { ...G } fragment G on T { ...F }", "maximum depth"),
        (f"{{ ...F ...F }} fragment F on T {{ {_names(6)} }}", "root fields, got 12"),
        (f"{{ a {{ ...F ...F ...F }} }} fragment F on T {{ {_names(400)} }}", "total selections"),
        (
            f"{{ a {{ ...F ...F }} }} fragment F on T {{ {' '.join(f'x{n}: b' for n in range(6))} }}",
            "aliases, got 12",
        ),
        (f"fragment F on T {_nested(DEPTH + 1)} query {{ a }}", "maximum depth"),
        (f"{{ a {{ {'... on T { ' * DEPTH} b {'}' * DEPTH} }} }}", "maximum depth"),
    ],
)
def test_what_asks_too_much(query: str, said: str) -> None:
    """One more than each bound, directly, over several operations, or through fragments."""
    with pytest.raises(GraphQLError, match=said):
        check_bounds(parse(query))
