"""A filter's text as tokens: each with its kind and place, whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter.tokens import Token, tokenize


def _kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokenize(text)][:-1]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1", "number"),
        ("-1.5", "number"),
        ("+.5", "number"),
        ("5.", "number"),
        ("1e-10", "number"),
        ("1E+3", "number"),
        ("a", "name"),
        ("_a1", "name"),
        ("tags.a", "name"),
        ("tags.a.b-c/d:e", "name"),
        ("metrics.`a b`", "name"),
        ('params."a.b"', "name"),
        ("span.attributes.`a b`", "name"),
        ("`run name`", "name"),
        ("notable", "name"),
        ("andy", "name"),
        ("'a'", "text"),
        ("''", "text"),
        ("'it''s'", "text"),
        ('"a"', "text"),
        ("'two\nlines'", "text"),
        ("<=", "sign"),
        ("<>", "sign"),
        ("!=", "sign"),
        ("(", "mark"),
        (",", "mark"),
    ],
)
def test_one_token(text: str, kind: str) -> None:
    """The whole text is one token of that kind."""
    assert _kinds(text) == [(kind, text)]


@pytest.mark.parametrize(
    "word", ["and", "Or", "NOT", "in", "like", "ILike", "rlike", "Is", "null", "asc", "DESC"]
)
def test_words(word: str) -> None:
    """In any case; as they are compared with, in capitals."""
    assert _kinds(word) == [("word", word.upper())]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a>=1", ["a", ">=", "1"]),
        ("a=-1", ["a", "=", "-1"]),
        ("a<>'b'", ["a", "<>", "'b'"]),
        ("a IN('b','c')", ["a", "IN", "(", "'b'", ",", "'c'", ")"]),
        ("'a''b''c'", ["'a''b''c'"]),
        ("'a' 'b'", ["'a'", "'b'"]),
        ("a\t\n =  b", ["a", "=", "b"]),
    ],
)
def test_several_tokens(text: str, found: list[str]) -> None:
    """They need no blanks between them where they cannot be read otherwise."""
    assert [text for _, text in _kinds(text)] == found


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("'open", 1),
        ("a = 'open", 5),
        ("a ; b", 3),
        ("1.2.3", 1),
        ("5x", 1),
        ("a = #", 5),
        ("`", 1),
        ("a = 1e", 5),
    ],
)
def test_what_begins_no_token(text: str, at: int) -> None:
    """The error says at which character, counted from one."""
    with pytest.raises(InvalidFilter, match=f"at character {at}$") as caught:
        list(tokenize(text))
    assert "entity.key OPERATOR value" in str(caught.value.hint)


def test_where_tokens_stand() -> None:
    """An error can point at each, and at the end."""
    tokens = list(tokenize("a = 'x'"))

    assert [token.at for token in tokens] == [1, 3, 5, 8]
    assert [str(token) for token in tokens[-2:]] == ["\"'x'\" at character 5", "the end"]


@settings(max_examples=60)
@given(text=st.text(st.sampled_from("ab1.'\"`=<>() \n,-eE_/;"), max_size=25))
def test_any_text(text: str) -> None:
    """It is refused, or its tokens are all of it but the blanks, in order."""
    try:
        tokens = list(tokenize(text))
    except InvalidFilter:
        return

    assert tokens[-1] == Token("end", "", len(text) + 1)
    assert "".join(text.split()) == "".join("".join(token.text for token in tokens).split()) or any(
        token.kind == "word" for token in tokens
    )
    assert all(text[token.at - 1 :].lower().startswith(token.text.lower()) for token in tokens)


def test_long_runs_take_no_time() -> None:
    """A number that turns out to be none is not tried in every division."""
    with pytest.raises(InvalidFilter):
        list(tokenize("1" * 200_000 + "x"))
