"""Registered models and versions in the store."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.artifacts import Artifact
from ropewalk.store.registry import (
    LATEST,
    NewVersion,
    delete_alias,
    delete_model,
    delete_model_tag,
    delete_version,
    delete_version_tag,
    describe_model,
    describe_version,
    find_alias,
    find_model,
    find_version,
    insert_model,
    insert_version,
    is_version,
    rename_model,
    search_models,
    search_versions,
    set_alias,
    set_model_tag,
    set_version_stage,
    set_version_tag,
    version_files,
)
from ropewalk.store.search import Condition, Ordering, Page

FILES = [Artifact("MLmodel", "d1", 10), Artifact("data/model.txt", "d2", 20)]


@pytest.fixture
def database(where: Path | str) -> Iterator[Database]:
    """Return a database with model `late` and its versions 1 and 2."""
    opened = Database.open(where)
    with opened.write() as connection:
        insert_model(connection, "late", "is it late?", {"team": "ops"})
        for number in (1, 2):
            insert_version(connection, _new(number), FILES)
    yield opened
    opened.close()


def _new(number: int) -> NewVersion:
    return NewVersion(
        name="late",
        source=f"models:/m-{number}",
        location=f"mlflow-artifacts:/0/models/m-{number}/artifacts",
        digest=f"digest {number}",
        run_id=f"run {number}",
        metrics={"auc": number / 10},
        tags={"n": str(number)},
    )


def test_version(database: Database) -> None:
    """A version keeps what it was registered with."""
    with database.read() as connection:
        found = find_version(connection, "late", "2")

    assert found
    assert (found.version, found.source, found.digest) == ("2", "models:/m-2", "digest 2")
    assert (found.metrics, found.tags, found.stage) == ({"auc": 0.2}, {"n": "2"}, "None")


@pytest.mark.parametrize("version", ["3", "0", "-1", "01", "1.0", "latest", "", "9" * 40, "\u0661"])
def test_no_such_version(database: Database, version: str) -> None:
    """Only the plain number of a version finds it."""
    assert is_version(version) == (version in ("3", "0"))
    with database.read() as connection:
        assert find_version(connection, "late", version) is None


def test_numbers_are_not_given_twice(database: Database) -> None:
    """The number of a deleted version is not given to another content."""
    with database.write() as connection:
        delete_version(connection, "late", "2")

        assert insert_version(connection, _new(3), []) == "3"


def test_files(database: Database) -> None:
    """A version has its own list of files, which goes with it."""
    with database.write() as connection:
        assert version_files(connection, "late", "1") == FILES
        delete_version(connection, "late", "1")
        assert version_files(connection, "late", "1") == []


def test_aliases(database: Database) -> None:
    """An alias names one version, moves, and goes with its version."""
    with database.write() as connection:
        set_alias(connection, "late", "production", "1")
        set_alias(connection, "late", "production", "2")
        model, version = find_model(connection, "late"), find_version(connection, "late", "2")
        delete_version(connection, "late", "2")

        assert find_alias(connection, "late", "production") is None
    assert model
    assert version
    assert model.aliases == {"production": "2"}
    assert version.aliases == ("production",)


def test_alias_of_nothing(database: Database) -> None:
    """The store itself refuses an alias of a version that does not exist."""
    with pytest.raises(RowRefused), database.write() as connection:
        set_alias(connection, "late", "production", "3")


def test_alias_is_deleted(database: Database) -> None:
    """A deleted alias names nothing; deleting it again is no error."""
    with database.write() as connection:
        set_alias(connection, "late", "a", "1")
        delete_alias(connection, "late", "a")
        delete_alias(connection, "late", "a")
        assert find_alias(connection, "late", "a") is None


def test_rename(database: Database) -> None:
    """Versions, files, tags and aliases follow a model to its new name."""
    with database.write() as connection:
        set_alias(connection, "late", "production", "1")
        rename_model(connection, "late", "delayed")
        model, version = find_model(connection, "delayed"), find_version(connection, "delayed", "1")

        assert find_model(connection, "late") is None
        assert version_files(connection, "delayed", "1") == FILES
    assert model
    assert version
    assert (model.tags, model.aliases) == ({"team": "ops"}, {"production": "1"})
    assert (version.tags, version.aliases) == ({"n": "1"}, ("production",))


def test_names_are_unique(database: Database) -> None:
    """The store itself refuses a second model of one name, new or renamed."""
    with pytest.raises(RowRefused), database.write() as connection:
        insert_model(connection, "late", None, {})
    with database.write() as connection:
        insert_model(connection, "other", None, {})
    with pytest.raises(RowRefused), database.write() as connection:
        rename_model(connection, "other", "late")


def test_delete(database: Database) -> None:
    """A deleted model leaves nothing behind."""
    with database.write() as connection:
        set_alias(connection, "late", "production", "1")
        delete_model(connection, "late")
        left = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("registered_model_tag", "model_version", "model_version_tag", "model_version_file")
        ]

    assert left == [0, 0, 0, 0]


def test_descriptions_and_tags(database: Database) -> None:
    """Descriptions and tags of models and versions change and go."""
    with database.write() as connection:
        describe_model(connection, "late", "new words")
        describe_version(connection, "late", "1", "first")
        set_model_tag(connection, "late", "team", "ml")
        set_version_tag(connection, "late", "1", "n", "one")
        delete_version_tag(connection, "late", "2", "n")
        model, first = find_model(connection, "late"), find_version(connection, "late", "1")
        second = find_version(connection, "late", "2")
        delete_model_tag(connection, "late", "team")
        bare = find_model(connection, "late")

    assert model
    assert first
    assert second
    assert bare
    assert (model.description, model.tags, bare.tags) == ("new words", {"team": "ml"}, {})
    assert (first.description, first.tags, second.tags) == ("first", {"n": "one"}, {})


def test_search(database: Database) -> None:
    """Models are found by name and tag, versions by what they came from and their stage, in order."""
    with database.write() as connection:
        insert_model(connection, "early", None, {})
        set_version_stage(connection, "late", "1", "Archived")
        by_tag = search_models(connection, [Condition("tag", "team", "=", "ops")], [], Page(10))
        by_name = search_models(connection, [], [Ordering("attribute", "name", is_ascending=False)], Page(10))
        archived = search_versions(
            connection, [Condition("attribute", "stage", "=", "Archived")], [LATEST], Page(10)
        )
        newest = search_versions(connection, [], [LATEST], Page(1))
        tagged = search_versions(connection, [Condition("tag", "n", "=", "2")], [], Page(10))
        from_run = search_versions(connection, [Condition("attribute", "run_id", "=", "run 1")], [], Page(10))

    assert [model.name for model in by_tag] == ["late"]
    assert [model.name for model in by_name] == ["late", "early"]
    assert [version.version for version in archived] == ["1"]
    assert [version.version for version in newest] == ["2"]
    assert [version.version for version in tagged] == ["2"]
    assert [version.version for version in from_run] == ["1"]


def test_numbers_of_threads(database: Database) -> None:
    """Threads that register at once get numbers of their own, without a gap."""

    def register(number: int) -> str:
        with database.write() as connection:
            return insert_version(connection, _new(number), FILES)

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(register, range(3, 15)))

    assert sorted(map(int, given)) == list(range(3, 15))


def test_metrics_and_tags_of_a_version(database: Database) -> None:
    """Figures come back as the numbers that they were, tags as texts in any script."""
    new = replace(_new(3), metrics={"auc": 0.1 + 0.2, "rows": 2.0**60}, tags={"größe": "'; DROP TABLE"})
    with database.write() as connection:
        version = insert_version(connection, new, [])
        found = find_version(connection, "late", version)

    assert found
    assert found.metrics == {"auc": 0.1 + 0.2, "rows": 2.0**60}
    assert found.tags == {"größe": "'; DROP TABLE"}


def test_files_of_versions_are_apart(database: Database) -> None:
    """Each version has the files it was registered with, in the order of their paths."""
    with database.write() as connection:
        insert_version(connection, _new(3), [Artifact("z", "d", 1), Artifact("a", "d", 1)])

        assert [file.path for file in version_files(connection, "late", "3")] == ["a", "z"]
        assert version_files(connection, "late", "1") == FILES
        assert version_files(connection, "nobody", "1") == []


def test_changes_are_dated(database: Database) -> None:
    """A description that changes moves the time of the last change, and not that of the beginning."""
    with database.write() as connection:
        connection.execute("UPDATE registered_model SET created_at = 1, updated_at = 1")
        connection.execute("UPDATE model_version SET created_at = 1, updated_at = 1")
        describe_model(connection, "late", "new")
        describe_version(connection, "late", "1", "new")
        model, version = find_model(connection, "late"), find_version(connection, "late", "1")

    assert model
    assert version
    assert model.created_at == version.created_at == 1
    assert min(model.updated_at, version.updated_at) > 1


def test_registering_dates_the_model(database: Database) -> None:
    """A model is as new as its last version."""
    with database.write() as connection:
        connection.execute("UPDATE registered_model SET updated_at = 1")
        insert_version(connection, _new(3), [])
        found = find_model(connection, "late")

    assert found
    assert found.updated_at > 1


def test_one_version_changes_alone(database: Database) -> None:
    """What is done to one version is not done to its neighbour."""
    with database.write() as connection:
        untouched = find_version(connection, "late", "2")
        describe_version(connection, "late", "1", "first")
        set_version_stage(connection, "late", "1", "Production")
        set_version_tag(connection, "late", "1", "n", "changed")
        set_alias(connection, "late", "champion", "1")

        assert find_version(connection, "late", "2") == untouched


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_versions(database: Database, size: int) -> None:
    """Pages of any size join to one list without gap or repetition, also when all changed in one moment."""
    with database.write() as connection:
        connection.execute("UPDATE model_version SET updated_at = 1")
        insert_model(connection, "early", None, {})
        for number in range(3):
            insert_version(connection, replace(_new(number), name="early"), [])
        connection.execute("UPDATE model_version SET updated_at = 1")
        pages = [search_versions(connection, [], [], Page(size, at)) for at in range(0, 6, size)]

    found = [(version.name, version.version) for page in pages for version in page]
    assert found == [("early", "3"), ("early", "2"), ("early", "1"), ("late", "2"), ("late", "1")]


def test_versions_in_their_numbers_order(database: Database) -> None:
    """Ten comes after nine: numbers are compared as numbers, though clients see texts."""
    with database.write() as connection:
        for number in range(3, 12):
            insert_version(connection, _new(number), [])
        found = search_versions(connection, [], [LATEST], Page(3))

    assert [version.version for version in found] == ["11", "10", "9"]


def test_models_with_alike_names(database: Database) -> None:
    """Tags, aliases and versions belong to exactly the model they were given to."""
    with database.write() as connection:
        insert_model(connection, "Late", None, {"team": "other"})
        set_alias(connection, "late", "champion", "2")
        other = find_model(connection, "Late")

    assert other
    assert (other.tags, other.aliases) == ({"team": "other"}, {})
