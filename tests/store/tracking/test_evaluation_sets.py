"""Evaluation sets: heads, tags, experiments and records, each once, in the order in which they came."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ropewalk.store import Database
from ropewalk.store.connections import Connection
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import evaluation_sets as sets
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet


@pytest.fixture
def connection(shared: Database) -> Iterator[Connection]:
    """Return a connection that writes."""
    with shared.write() as connection:
        yield connection


def _set(connection: Connection, **given: object) -> EvaluationSet:
    new = EvaluationSet(uuid.uuid4().hex, "cases", "d1", None, None, 5, 5, "ada", "ada")
    new = replace(new, **given)  # type: ignore[arg-type]  # a test names fields that there are
    sets.insert_evaluation_set(connection, new)
    return new


def _record(owner: EvaluationSet, digest: str, outputs: str | None = None, at: int = 1) -> EvaluationRecord:
    identifier = uuid.uuid4().hex
    return EvaluationRecord(
        identifier, owner.id, digest, "{}", outputs, None, None, None, at, at, "ada", "ada"
    )


def test_a_set_comes_back(connection: Connection) -> None:
    """With its tags and its experiments, whatever the tags say."""
    made = _set(connection, tags={"team": "ü", "empty": ""}, experiment_ids=("0",))

    assert sets.read_evaluation_sets(connection, [made.id]) == [made]


def test_order_is_that_of_the_question(connection: Connection) -> None:
    """Sets come in the order of the ids that were asked for; unknown ones are left out."""
    one, two = _set(connection), _set(connection)

    found = sets.read_evaluation_sets(connection, [two.id, "nobody", one.id])

    assert [item.id for item in found] == [two.id, one.id]


def test_a_tag_is_replaced_or_removed(connection: Connection) -> None:
    """A tag has one value; removing one that is not there is no fault."""
    made = _set(connection, tags={"a": "1", "b": "1"})

    sets.set_evaluation_tags(connection, made.id, {"a": "2"})
    for key in ("b", "b", "c"):
        sets.delete_evaluation_tag(connection, made.id, key)

    assert sets.read_evaluation_sets(connection, [made.id])[0].tags == {"a": "2"}


def test_linking_twice_is_linking_once(connection: Connection) -> None:
    """An experiment that a set is in already is not doubled, and one that it is not in is not missed."""
    made = _set(connection)

    sets.link_experiments(connection, made.id, ["0"])
    sets.link_experiments(connection, made.id, ["0"])
    assert sets.read_evaluation_sets(connection, [made.id])[0].experiment_ids == ("0",)
    sets.unlink_experiments(connection, made.id, ["0", "99"])

    assert sets.read_evaluation_sets(connection, [made.id])[0].experiment_ids == ()


def test_a_change_of_the_head(connection: Connection) -> None:
    """Digest, schema, profile and who did it last change; name and birth do not."""
    made = _set(connection)
    changed = replace(
        made, digest="d2", schema="{}", profile='{"n": 1}', updated_at=9, updated_by="bob", name="x"
    )

    sets.change_evaluation_set(connection, changed)

    assert sets.read_evaluation_sets(connection, [made.id]) == [replace(changed, name="cases")]


def test_searching_by_tag_and_name(connection: Connection) -> None:
    """Only what meets every condition is found, the newest first."""
    word = uuid.uuid4().hex
    old = _set(connection, name=word, tags={"k": word}, created_at=1)
    new = _set(connection, name=word, tags={"k": word}, created_at=2)
    _set(connection, name=word)
    conditions = [Condition("tag", "k", "=", word), Condition("attribute", "name", "=", word)]

    found = sets.search_evaluation_sets(connection, conditions, [], Page(10))

    assert [item.id for item in found] == [new.id, old.id]


def test_records_keep_their_order(connection: Connection) -> None:
    """Pages of records follow the order in which they came, and together hold each once."""
    owner = _set(connection)
    sets.put_records(connection, [_record(owner, digest) for digest in "dacb"])

    pages = [sets.list_records(connection, owner.id, Page(3, offset)) for offset in (0, 3, 6)]

    assert [[record.inputs_digest for record in page] for page in pages] == [["d", "a", "c"], ["b"], []]
    assert sets.count_records(connection, owner.id) == 4


def test_the_same_inputs_are_one_record(connection: Connection) -> None:
    """What is sent again replaces what was said of those inputs, and keeps id, birth and place."""
    owner = _set(connection)
    first, other = _record(owner, "a", "old"), _record(owner, "b")
    sets.put_records(connection, [first, other])

    sets.put_records(connection, [_record(owner, "a", "new", at=9)])

    found = sets.list_records(connection, owner.id, Page(10))
    assert [record.id for record in found] == [first.id, other.id]
    assert (found[0].outputs, found[0].created_at, found[0].updated_at) == ("new", 1, 9)


def test_records_by_their_inputs(connection: Connection) -> None:
    """Found are those of this set alone, by the digest."""
    one, two = _set(connection), _set(connection)
    sets.put_records(connection, [_record(one, "a"), _record(one, "b"), _record(two, "a")])

    found = sets.find_records(connection, one.id, ["a", "z"])

    assert list(found) == ["a"]
    assert found["a"].evaluation_set == one.id


def test_removing_counts_what_was_there(connection: Connection) -> None:
    """Records of another set and unknown ids are neither removed nor counted."""
    one, two = _set(connection), _set(connection)
    mine, others = _record(one, "a"), _record(two, "a")
    sets.put_records(connection, [mine, others])

    assert sets.delete_records(connection, one.id, [mine.id, others.id, "nobody"]) == 1

    assert sets.count_records(connection, one.id) == 0
    assert sets.count_records(connection, two.id) == 1


def test_a_set_goes_with_its_records(connection: Connection) -> None:
    """Nothing of a removed set is left to be counted."""
    made = _set(connection, tags={"a": "1"}, experiment_ids=("0",))
    sets.put_records(connection, [_record(made, "a")])

    sets.delete_evaluation_set(connection, made.id)

    assert sets.read_evaluation_sets(connection, [made.id]) == []
    assert sets.count_records(connection, made.id) == 0
