"""Limits: the last value that is taken, and the first that is not."""

from __future__ import annotations

import pytest

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, RequestTooLarge


def test_length() -> None:
    """The limit itself is allowed, and the error says how long the text was."""
    limits.check_length("A name", "x" * 10, 10)

    with pytest.raises(
        RequestTooLarge, match="A name exceeds the maximum length of 10 characters, it has 11"
    ):
        limits.check_length("A name", "x" * 11, 10)


@pytest.mark.parametrize(
    "key", ["a", "A_1", "a.b", "a-b", "a b", "a/b", "a:b", "é", "a/b.c/d", "..."[:1] + "a"]
)
def test_keys(key: str) -> None:
    """What MLflow's tools can use as a name and as a path is taken."""
    limits.check_key("Metric", key)


@pytest.mark.parametrize(
    "key", ["", " /x"[1:], "..", "../a", "a/..", "a/../b", "./a", "a//b", "a/", "a\\b", "a\tb", "a'b", "a%b"]
)
def test_other_keys(key: str) -> None:
    """What reads like a path elsewhere, or has other signs, is not."""
    with pytest.raises(InvalidRequest, match="Invalid Metric name"):
        limits.check_key("Metric", key)


def test_long_key() -> None:
    """A name has at most 250 characters."""
    limits.check_key("Tag", "x" * 250)

    with pytest.raises(RequestTooLarge, match="Tag name exceeds"):
        limits.check_key("Tag", "x" * 251)


def test_entries() -> None:
    """Names and values of a whole mapping are checked."""
    limits.check_entries("Param", {"a": "x" * 5, "b": ""}, 5)

    with pytest.raises(RequestTooLarge, match="Param value of 'a'"):
        limits.check_entries("Param", {"a": "x" * 6}, 5)
    with pytest.raises(InvalidRequest, match="Invalid Param name"):
        limits.check_entries("Param", {"..": "x"}, 5)


@pytest.mark.parametrize(
    ("metrics", "params", "tags", "allowed"),
    [
        (1000, 0, 0, True),
        (1001, 0, 0, False),
        (0, 100, 100, True),
        (0, 101, 0, False),
        (0, 0, 101, False),
        (800, 100, 100, True),
        (801, 100, 100, False),
    ],
)
def test_batches(metrics: int, params: int, tags: int, allowed: bool) -> None:
    """A batch is limited in each kind and in all."""
    batch = (range(metrics), range(params), range(tags))
    if allowed:
        limits.check_batch(*batch)
        return
    with pytest.raises(RequestTooLarge, match="can contain at most"):
        limits.check_batch(*batch)


def test_unique_entries() -> None:
    """The same pair twice is one; two values of one name are an error."""
    assert limits.unique_entries("param", [("a", "1"), ("b", "2"), ("a", "1")]) == {"a": "1", "b": "2"}

    with pytest.raises(InvalidRequest, match="'a' has two values"):
        limits.unique_entries("param", [("a", "1"), ("a", "2")])
