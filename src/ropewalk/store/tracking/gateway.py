"""Keys of model providers, and the models they open, in the metadata database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Row

_MODELS = (
    "SELECT gateway_model.*, gateway_secret.name AS secret_name"
    " FROM gateway_model LEFT JOIN gateway_secret ON gateway_secret.id = gateway_model.secret"
)


@dataclass(frozen=True)
class GatewaySecret:
    """A provider's key: `masked` is what may be shown of it. What is sealed is no part of this value."""

    id: str
    name: str
    masked: Mapping[str, str]
    provider: str | None
    auth_config: Mapping[str, str]
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None


@dataclass(frozen=True)
class GatewayModel:
    """A provider's model with the secret that opens it; `secret` is None when that was deleted."""

    id: str
    name: str
    secret: str | None
    provider: str
    model_name: str
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None
    secret_name: str | None = None


def put_secret(connection: Connection, secret: GatewaySecret, sealed: bytes | None) -> None:
    """Add a secret, or change the one of its id; with no `sealed` bytes those that are kept stay.

    Raises:
        RowRefused: the name is taken.
    """
    masked, auth_config = json.dumps(dict(secret.masked)), json.dumps(dict(secret.auth_config))
    # The mask shows parts of the key, so without a new key it stays as well.
    if sealed is None:
        connection.execute(
            "UPDATE gateway_secret SET auth_config = ?, updated_at = ?, updated_by = ? WHERE id = ?",
            (auth_config, secret.updated_at, secret.updated_by, secret.id),
        )
        return
    connection.execute(
        "INSERT INTO gateway_secret (id, name, sealed, masked, provider, auth_config, created_at, updated_at, created_by,"
        " updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed,"
        " masked = excluded.masked, auth_config = excluded.auth_config, updated_at = excluded.updated_at,"
        " updated_by = excluded.updated_by",
        (
            secret.id,
            secret.name,
            sealed,
            masked,
            secret.provider,
            auth_config,
            secret.created_at,
            secret.updated_at,
            secret.created_by,
            secret.updated_by,
        ),
    )


def read_secrets(
    connection: Connection,
    identifier: str | None = None,
    name: str | None = None,
    provider: str | None = None,
) -> list[GatewaySecret]:
    """Return the secrets that fit all that is given, by name."""
    wanted = {"id": identifier, "name": name, "provider": provider}
    where, values = _fitting(wanted)
    # By their columns: what is sealed does not leave the table with them.
    columns = "id, name, masked, provider, auth_config, created_at, updated_at, created_by, updated_by"
    rows = connection.execute(f"SELECT {columns} FROM gateway_secret WHERE {where} ORDER BY name", values)  # noqa: S608  # names are ours
    return [_secret(row) for row in rows]


def _fitting(wanted: Mapping[str, str | None]) -> tuple[str, list[str]]:
    given = {column: value for column, value in wanted.items() if value is not None}
    return " AND ".join(["TRUE", *(f"{column} = ?" for column in given)]), list(given.values())


def _secret(row: Row) -> GatewaySecret:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a row yields its values
    values |= {name: json.loads(values[name]) for name in ("masked", "auth_config")}
    return GatewaySecret(**values)


def read_sealed(connection: Connection, identifier: str) -> bytes | None:
    """Return the sealed bytes of a secret, or None when there is none of that id."""
    row = connection.execute("SELECT sealed FROM gateway_secret WHERE id = ?", (identifier,)).fetchone()
    return bytes(row["sealed"]) if row else None


def delete_secret(connection: Connection, identifier: str) -> None:
    """Remove a secret; models that used it stay without one."""
    connection.execute("DELETE FROM gateway_secret WHERE id = ?", (identifier,))


def put_model(connection: Connection, model: GatewayModel) -> None:
    """Add a model, or change the one of its id.

    Raises:
        RowRefused: the name is taken.
    """
    connection.execute(
        "INSERT INTO gateway_model (id, name, secret, provider, model_name, created_at, updated_at, created_by, updated_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
        " secret = excluded.secret, provider = excluded.provider, model_name = excluded.model_name,"
        " updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        (
            model.id,
            model.name,
            model.secret,
            model.provider,
            model.model_name,
            model.created_at,
            model.updated_at,
            model.created_by,
            model.updated_by,
        ),
    )


def read_models(
    connection: Connection,
    identifier: str | None = None,
    secret: str | None = None,
    provider: str | None = None,
) -> list[GatewayModel]:
    """Return the models that fit all that is given, by name."""
    wanted = {
        "gateway_model.id": identifier,
        "gateway_model.secret": secret,
        "gateway_model.provider": provider,
    }
    where, values = _fitting(wanted)
    rows = connection.execute(f"{_MODELS} WHERE {where} ORDER BY gateway_model.name", values)
    return [GatewayModel(**{name: row[name] for name in row.keys()}) for row in rows]  # noqa: SIM118  # a row yields its values


def delete_model(connection: Connection, identifier: str) -> None:
    """Remove a model.

    Raises:
        RowRefused: an endpoint uses it.
    """
    connection.execute("DELETE FROM gateway_model WHERE id = ?", (identifier,))
