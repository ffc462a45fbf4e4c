"""Names of files and tables that belong to one deployment of one environment, and to no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import TableName
from ropewalk.devops.serving.places import SCHEMA, _word, plain_file_name, plain_name
from ropewalk.lineage import short

ENVIRONMENTS = st.text(st.sampled_from("abAB-_./@ é9"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("name", "plain"), [("api", "api"), ("api@mr-7", "api"), ("api@a@b", "api"), ("", ""), ("@x", "")]
)
def test_own_names(name: str, plain: str) -> None:
    """What stands before the sign, which no deployment's name holds."""
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    "name", ["api", "..", ".", "a/b", "/etc", "a\\b", "api@mr-7", "a b", "é", "a\0b", "%2E"]
)
def test_files_stay_in_their_folder(name: str) -> None:
    """No name is a way out, and none is another's."""
    found = plain_file_name(name)

    assert Path("folder", found).parent == Path("folder")
    assert not {"/", ".", "\0", "\\"} & set(found)


@settings(max_examples=60)
@given(one=st.text(max_size=6), other=st.text(max_size=6))
def test_names_of_files_differ(one: str, other: str) -> None:
    """Two names are two files."""
    assert (plain_file_name(one) == plain_file_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("environment", "word"), [("staging", "staging"), ("mr-42", "mr_42"), ("a-b-c", "a_b_c"), ("7", "7")]
)
def test_words_of_usual_environments(environment: str, word: str) -> None:
    """They are read as they are called."""
    assert _word(environment) == word


@settings(max_examples=80)
@given(one=ENVIRONMENTS, other=ENVIRONMENTS)
def test_words_of_environments_differ(one: str, other: str) -> None:
    """Two environments never share a table, although a table's name takes few signs and no case."""
    assert (_word(one).lower() == _word(other).lower()) == (one == other)


@settings(max_examples=40)
@given(environment=ENVIRONMENTS)
def test_words_are_names_of_tables(environment: str) -> None:
    """Whatever an environment is called, its predictions have a table."""
    name = f"{SCHEMA}_{_word(environment)}.api"

    assert str(TableName.parse(name)) == name
    assert re.fullmatch(r"\w+", _word(environment))


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("", 5, ""),
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "ab…ef"),
        ("abcdefg", 6, "abc…fg"),
        ("abcdef", 2, "a…"),
        ("abcdef", 1, "…"),
    ],
)
def test_long_names_lose_their_middle(text: str, most: int, shown: str) -> None:
    """Both ends tell names apart; none is longer than there is room."""
    assert short(text, most) == shown
