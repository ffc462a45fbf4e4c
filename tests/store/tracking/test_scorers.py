"""Scorers: versions that are counted, deleted and never numbered twice, and which traces they look at."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from ropewalk.store import Database
from ropewalk.store.connections import Connection
from ropewalk.store.tracking import scorers
from ropewalk.store.tracking.scorers import ScorerVersion


@pytest.fixture
def connection(shared: Database) -> Iterator[Connection]:
    """Return a connection that writes, with no scorer there."""
    with shared.write() as connection:
        for found in scorers.latest_scorers(connection, ["0"]):
            scorers.delete_scorer(connection, found.id)
        yield connection


def _add(connection: Connection, name: str = "polite", text: str = "{}") -> ScorerVersion:
    return scorers.add_scorer_version(connection, uuid.uuid4().hex, "0", name, text)


def test_versions_count_from_one(connection: Connection) -> None:
    """The same name again is the next version of the same scorer, under the id that it has."""
    made = [_add(connection, text=text) for text in ("one", "two", "three")]

    assert [version.version for version in made] == [1, 2, 3]
    assert len({version.id for version in made}) == 1
    assert scorers.scorer_versions(connection, "0", "polite") == made


def test_a_number_is_not_given_twice(connection: Connection) -> None:
    """Who noted version 2 must not find another text there after it was deleted."""
    _add(connection)
    scorers.delete_scorer_version(connection, _add(connection))

    assert _add(connection).version == 3


def test_the_newest_that_is_left(connection: Connection) -> None:
    """When the newest version is deleted, the one before it is the newest again."""
    first, second = _add(connection, text="one"), _add(connection, text="two")
    assert scorers.latest_scorers(connection, ["0"]) == [second]

    scorers.delete_scorer_version(connection, second)

    assert scorers.latest_scorers(connection, ["0"]) == [first]


def test_scorers_by_name(connection: Connection) -> None:
    """Each scorer once, in the order of names; nothing of experiments that nobody asked for."""
    for name in ("short", "polite", "short"):
        _add(connection, name)

    found = scorers.latest_scorers(connection, ["0", "77"])

    assert [(one.name, one.version) for one in found] == [("polite", 1), ("short", 2)]
    assert scorers.latest_scorers(connection, ["77"]) == []
    assert scorers.latest_scorers(connection, []) == []


@pytest.mark.parametrize("text", ["", '{"a": "ü\\n"}', "x" * 100_000, "'; DROP TABLE scorer; --"])
def test_texts_are_kept_as_they_are(connection: Connection, text: str) -> None:
    """What a client serialised comes back letter by letter, and is never read as anything."""
    _add(connection, text=text)

    assert [one.serialized for one in scorers.scorer_versions(connection, "0", "polite")] == [text]


def test_a_scorer_goes_with_all_versions(connection: Connection) -> None:
    """A name that was deleted begins anew, as another scorer."""
    old = _add(connection)
    scorers.delete_scorer(connection, old.id)
    assert scorers.scorer_versions(connection, "0", "polite") == []

    new = _add(connection)

    assert new.version == 1
    assert new.id != old.id


def test_sampling_is_replaced(connection: Connection) -> None:
    """A scorer has one sampling, the last that was set, and it outlives new versions."""
    scorer = _add(connection)
    assert scorers.read_samplings(connection, [scorer.id]) == []
    for rate, chosen in ((0.1, None), (0.5, "status = 'OK'")):
        sampling = scorers.Sampling(uuid.uuid4().hex, scorer.id, 0, rate, chosen)
        scorers.set_sampling(connection, sampling)
    _add(connection)

    assert scorers.read_samplings(connection, [scorer.id, "nobody"]) == [sampling]
