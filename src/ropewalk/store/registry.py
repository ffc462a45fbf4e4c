"""Registered models, their versions and aliases in the metadata database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.store.artifacts import Artifact
from ropewalk.store.connections import Connection
from ropewalk.store.database import now_ms
from ropewalk.store.search import Condition, Ordering, Page, Satellite, Searched, search

# The names on the left are MLflow's, which its filters use; those on the right are ours.
MODELS = Searched(
    table="registered_model",
    identity=("name",),
    attributes={
        "name": "registered_model.name",
        "creation_timestamp": "registered_model.created_at",
        "last_updated_timestamp": "registered_model.updated_at",
    },
    satellites={"tag": Satellite("registered_model_tag", ("model",))},
    ties="registered_model.name",
)
VERSIONS = Searched(
    table="model_version",
    identity=("model", "version"),
    attributes={
        "name": "model_version.model",
        "version_number": "model_version.version",
        "run_id": "model_version.run_id",
        "source_path": "model_version.source",
        "digest": "model_version.digest",
        "stage": "model_version.stage",
        "creation_timestamp": "model_version.created_at",
        "last_updated_timestamp": "model_version.updated_at",
    },
    satellites={"tag": Satellite("model_version_tag", ("model", "version"))},
    # MLflow's own order, ended by the primary key so that pages never overlap.
    ties="model_version.model, model_version.version DESC",
    unasked=("model_version.updated_at DESC",),
)
# By number and not by time: two versions may be registered in one millisecond.
LATEST = Ordering("attribute", "version_number", is_ascending=False)


@dataclass(frozen=True)
class RegisteredModel:
    """A name under which versions are registered; `aliases` maps each alias to a version."""

    name: str
    description: str | None
    created_at: int
    updated_at: int
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: what it is, where it came from, and what was measured of it.

    Attributes:
        version: its number as text.
        source: what was registered (`models:/m-…`, `mlflow-artifacts:/…`).
        location: where clients download it.
        digest: digest of the content.
        node_key: key of the action that made it, when a project's run registered it.
        stage: MLflow's old stages (`None`, `Staging`, `Production`, `Archived`).
    """

    name: str
    version: str
    description: str | None
    source: str
    location: str
    run_id: str | None
    run_link: str | None
    model_id: str | None
    node_key: str | None
    digest: str
    metrics: Mapping[str, float]
    stage: str
    created_at: int
    updated_at: int
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewVersion:
    """What a model version begins with; the fields mean what they mean in `ModelVersion`."""

    name: str
    source: str
    location: str
    digest: str
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    node_key: str | None = None
    description: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def insert_model(connection: Connection, name: str, description: str | None, tags: Mapping[str, str]) -> None:
    """Add a registered model.

    Raises:
        RowRefused: the name is taken.
    """
    now = now_ms()
    connection.execute(
        "INSERT INTO registered_model (name, description, last_version, created_at, updated_at)"
        " VALUES (?, ?, 0, ?, ?)",
        (name, description, now, now),
    )
    for key, value in tags.items():
        set_model_tag(connection, name, key, value)


def find_model(connection: Connection, name: str) -> RegisteredModel | None:
    """Return the registered model of that name, or None."""
    return next(iter(read_models(connection, [name])), None)


def search_models(
    connection: Connection,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[RegisteredModel]:
    """Return one page of the registered models that meet all conditions, by name unless ordered."""
    rows = search(connection, MODELS, conditions, orderings, page)
    return read_models(connection, [row["name"] for row in rows])


def read_models(connection: Connection, names: Sequence[str]) -> list[RegisteredModel]:
    """Return the registered models of these names, in this order; unknown names are left out."""
    # One bound text for any number of names: SQLite limits how many values a statement may bind.
    wanted = json.dumps(list(names))
    tags = _pairs(connection, "SELECT model, key, value FROM registered_model_tag", wanted)
    aliases = _pairs(connection, "SELECT model, alias, CAST(version AS TEXT) FROM model_alias", wanted)
    rows = connection.execute(
        "SELECT * FROM registered_model WHERE name IN (SELECT value FROM json_each(?))", (wanted,)
    )
    found = {
        row["name"]: RegisteredModel(
            name=row["name"],
            description=row["description"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            tags=tags.get(row["name"], {}),
            aliases=aliases.get(row["name"], {}),
        )
        for row in rows
    }
    # In the order asked for, which is the search's: `IN` returns rows in the order of the table.
    return [found[name] for name in names if name in found]


def rename_model(connection: Connection, name: str, new_name: str) -> None:
    """Give a registered model and its versions another name.

    Raises:
        RowRefused: the new name is taken.
    """
    # Versions and all that belongs to them follow by the foreign keys.
    connection.execute(
        "UPDATE registered_model SET name = ?, updated_at = ? WHERE name = ?", (new_name, now_ms(), name)
    )


def describe_model(connection: Connection, name: str, description: str | None) -> None:
    """Set the description of a registered model."""
    connection.execute(
        "UPDATE registered_model SET description = ?, updated_at = ? WHERE name = ?",
        (description, now_ms(), name),
    )


def delete_model(connection: Connection, name: str) -> None:
    """Remove a registered model with its versions, tags and aliases."""
    # Versions, tags, files and aliases go by the foreign keys.
    connection.execute("DELETE FROM registered_model WHERE name = ?", (name,))


def set_model_tag(connection: Connection, name: str, key: str, value: str) -> None:
    """Set one tag of a registered model."""
    connection.execute(
        "INSERT INTO registered_model_tag (model, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        (name, key, value),
    )


def delete_model_tag(connection: Connection, name: str, key: str) -> None:
    """Remove one tag of a registered model, if it is there."""
    connection.execute("DELETE FROM registered_model_tag WHERE model = ? AND key = ?", (name, key))


def set_alias(connection: Connection, name: str, alias: str, version: str) -> None:
    """Let `alias` name that version of the model, and no other.

    Raises:
        RowRefused: there is no such version.
    """
    connection.execute(
        "INSERT INTO model_alias (model, alias, version) VALUES (?, ?, ?)"
        " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
        # The primary key is (model, alias), so an alias that moves leaves its old version in the same
        # statement.
        (name, alias, int(version)),
    )


def delete_alias(connection: Connection, name: str, alias: str) -> None:
    """Remove an alias of a registered model, if it is there."""
    connection.execute("DELETE FROM model_alias WHERE model = ? AND alias = ?", (name, alias))


def find_alias(connection: Connection, name: str, alias: str) -> str | None:
    """Return the version that `alias` names, or None."""
    row = connection.execute(
        "SELECT version FROM model_alias WHERE model = ? AND alias = ?", (name, alias)
    ).fetchone()
    return str(row["version"]) if row else None


def insert_version(connection: Connection, new: NewVersion, files: Sequence[Artifact]) -> str:
    """Add the next version of a registered model with its files, and return its number."""
    now = now_ms()
    # The counter moves in the same transaction, so two registrations never get one number.
    row = connection.execute(
        "UPDATE registered_model SET last_version = last_version + 1, updated_at = ? WHERE name = ?"
        " RETURNING last_version",
        (now, new.name),
    ).fetchone()
    version = int(row["last_version"])
    connection.execute(
        "INSERT INTO model_version (model, version, description, source, location, run_id, run_link,"
        " model_id, node_key, digest, metrics, stage, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'None', ?, ?)",
        (
            *(new.name, version, new.description, new.source, new.location, new.run_id, new.run_link),
            *(new.model_id, new.node_key, new.digest, json.dumps(dict(new.metrics)), now, now),
        ),
    )
    for key, value in new.tags.items():
        set_version_tag(connection, new.name, str(version), key, value)
    connection.executemany(
        # A copy of the list and not a reference to the artifacts: whoever overwrites those later changes no
        # version.
        "INSERT INTO model_version_file (model, version, path, digest, size) VALUES (?, ?, ?, ?, ?)",
        [(new.name, version, file.path, file.digest, file.size) for file in files],
    )
    return str(version)


def find_version(connection: Connection, name: str, version: str) -> ModelVersion | None:
    """Return that version of the model, or None."""
    if not is_version(version):
        return None
    return next(iter(_read_versions(connection, [(name, int(version))])), None)


def is_version(text: str) -> bool:
    """Return whether `text` can be a version's number: a whole number in its plain form."""
    # "01" and "1.0" are other texts than "1": a version is found by its own name only.
    return len(text) <= 18 and text.isdecimal() and str(int(text)) == text


def search_versions(
    connection: Connection,
    conditions: Sequence[Condition],
    orderings: Sequence[Ordering],
    page: Page,
) -> list[ModelVersion]:
    """Return one page of the versions that meet all conditions, last changed first unless ordered."""
    rows = search(connection, VERSIONS, conditions, orderings, page)
    return _read_versions(connection, [(row["model"], row["version"]) for row in rows])


def describe_version(connection: Connection, name: str, version: str, description: str | None) -> None:
    """Set the description of a version."""
    connection.execute(
        "UPDATE model_version SET description = ?, updated_at = ? WHERE model = ? AND version = ?",
        (description, now_ms(), name, int(version)),
    )


def set_version_stage(connection: Connection, name: str, version: str, stage: str) -> None:
    """Move a version to another of MLflow's old stages."""
    now = now_ms()
    connection.execute(
        "UPDATE model_version SET stage = ?, updated_at = ? WHERE model = ? AND version = ?",
        (stage, now, name, int(version)),
    )
    _touch(connection, name, now)


def delete_version(connection: Connection, name: str, version: str) -> None:
    """Remove a version with its tags and aliases; its number is not given again."""
    # `last_version` stays where it is, which is why the number is not given again.
    connection.execute("DELETE FROM model_version WHERE model = ? AND version = ?", (name, int(version)))
    _touch(connection, name, now_ms())


def _touch(connection: Connection, name: str, now: int) -> None:
    connection.execute("UPDATE registered_model SET updated_at = ? WHERE name = ?", (now, name))


def set_version_tag(connection: Connection, name: str, version: str, key: str, value: str) -> None:
    """Set one tag of a version."""
    connection.execute(
        "INSERT INTO model_version_tag (model, version, key, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value",
        (name, int(version), key, value),
    )


def delete_version_tag(connection: Connection, name: str, version: str, key: str) -> None:
    """Remove one tag of a version, if it is there."""
    connection.execute(
        "DELETE FROM model_version_tag WHERE model = ? AND version = ? AND key = ?", (name, int(version), key)
    )


def version_files(connection: Connection, name: str, version: str) -> list[Artifact]:
    """Return the files of a version as they were registered, with paths relative to the model."""
    rows = connection.execute(
        "SELECT path, digest, size FROM model_version_file WHERE model = ? AND version = ? ORDER BY path",
        (name, int(version)),
    )
    return [Artifact(*row) for row in rows]


def _read_versions(connection: Connection, wanted: Sequence[tuple[str, int]]) -> list[ModelVersion]:
    # One by one: a page has few versions, and pairs of columns do not fit into one bound list.
    return [found for name, version in wanted if (found := _read_version(connection, name, version))]


def _read_version(connection: Connection, name: str, version: int) -> ModelVersion | None:
    named = (name, version)
    row = connection.execute("SELECT * FROM model_version WHERE model = ? AND version = ?", named).fetchone()
    if row is None:
        return None
    tags = connection.execute(
        "SELECT key, value FROM model_version_tag WHERE model = ? AND version = ?", named
    )
    aliases = connection.execute(
        "SELECT alias FROM model_alias WHERE model = ? AND version = ? ORDER BY alias", named
    )
    columns = {key: row[key] for key in row.keys() if key not in ("model", "version", "metrics")}  # noqa: SIM118  # a Row iterates its values
    return ModelVersion(
        name=name,
        version=str(version),
        metrics=json.loads(row["metrics"]),
        tags={tag["key"]: tag["value"] for tag in tags},
        aliases=tuple(alias["alias"] for alias in aliases),
        **columns,
    )


def _pairs(connection: Connection, select: str, wanted: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for owner, key, value in connection.execute(
        f"{select} WHERE model IN (SELECT value FROM json_each(?))",  # noqa: S608  # the callers above pass constants
        (wanted,),
    ):
        found.setdefault(owner, {})[key] = value
    return found
