"""Endpoints of the gateway in the metadata database: names for models, with routes, tags and who uses them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection
from ropewalk.store.tracking.gateway import GatewayModel, read_models

_BINDINGS = (
    "SELECT *, (SELECT scorer.name FROM scorer WHERE resource_type = 'scorer' AND scorer.id = resource_id) AS name"
    " FROM gateway_binding"
)


@dataclass(frozen=True)
class GatewayRoute:
    """That an endpoint leads to a model: as a first choice with a weight, or as a fallback with an order."""

    id: str
    endpoint: str
    model: str
    linkage: str
    weight: float
    fallback_order: int | None
    created_at: int
    created_by: str | None
    definition: GatewayModel | None = None


@dataclass(frozen=True)
class GatewayEndpoint:
    """A name under which a client asks for models; `experiment` is where its use would be traced."""

    id: str
    name: str
    routing_strategy: str | None
    has_fallback: bool
    fallback_strategy: str | None
    fallback_attempts: int | None
    experiment: int | None
    is_tracked: bool
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None
    routes: tuple[GatewayRoute, ...] = ()
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class GatewayBinding:
    """That something (a scorer, say) uses an endpoint; `name` is what that is called, where it is known here."""

    endpoint: str
    resource_type: str
    resource_id: str
    created_at: int
    updated_at: int
    created_by: str | None
    updated_by: str | None
    name: str | None = None


def put_endpoint(connection: Connection, endpoint: GatewayEndpoint) -> None:
    """Add an endpoint, or change the one of its id; routes and tags are not touched.

    Raises:
        RowRefused: the name is taken.
    """
    connection.execute(
        "INSERT INTO gateway_endpoint (id, name, routing_strategy, has_fallback, fallback_strategy, fallback_attempts,"
        " experiment, is_tracked, created_at, updated_at, created_by, updated_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
        " routing_strategy = excluded.routing_strategy, has_fallback = excluded.has_fallback,"
        " fallback_strategy = excluded.fallback_strategy, fallback_attempts = excluded.fallback_attempts,"
        " experiment = excluded.experiment, is_tracked = excluded.is_tracked, updated_at = excluded.updated_at,"
        " updated_by = excluded.updated_by",
        (
            endpoint.id,
            endpoint.name,
            endpoint.routing_strategy,
            int(endpoint.has_fallback),
            endpoint.fallback_strategy,
            endpoint.fallback_attempts,
            endpoint.experiment,
            int(endpoint.is_tracked),
            endpoint.created_at,
            endpoint.updated_at,
            endpoint.created_by,
            endpoint.updated_by,
        ),
    )


def read_endpoints(
    connection: Connection, identifier: str | None = None, name: str | None = None
) -> list[GatewayEndpoint]:
    """Return the endpoints of that id or name, or all, by name, with their routes and tags."""
    given = {column: value for column, value in (("id", identifier), ("name", name)) if value is not None}
    where = " AND ".join(["TRUE", *(f"{column} = ?" for column in given)])
    rows = connection.execute(
        f"SELECT * FROM gateway_endpoint WHERE {where} ORDER BY name",  # noqa: S608  # names are ours
        list(given.values()),
    ).fetchall()
    wanted = json.dumps([row["id"] for row in rows])
    routes, tags = _routes(connection, wanted), _tags(connection, wanted)
    found = list[GatewayEndpoint]()
    for row in rows:
        values = {column: row[column] for column in row.keys()}  # noqa: SIM118  # a row yields its values
        values |= {flag: bool(values[flag]) for flag in ("has_fallback", "is_tracked")}
        values |= {"routes": tuple(routes.get(row["id"], ())), "tags": tags.get(row["id"], {})}
        found.append(GatewayEndpoint(**values))
    return found


def _routes(connection: Connection, wanted: str) -> dict[str, list[GatewayRoute]]:
    # All at once: a question per route would cost more than the few that nobody asked for.
    models = {model.id: model for model in read_models(connection)}
    found: dict[str, list[GatewayRoute]] = {}
    for row in connection.execute(
        "SELECT id, endpoint, model, linkage, weight, fallback_order, created_at, created_by FROM gateway_route"
        " WHERE endpoint IN (SELECT value FROM json_each(?)) ORDER BY number",
        (wanted,),
    ):
        values = {column: row[column] for column in row.keys()}  # noqa: SIM118  # a row yields its values
        found.setdefault(row["endpoint"], []).append(GatewayRoute(**values, definition=models[row["model"]]))
    return found


def _tags(connection: Connection, wanted: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(
        "SELECT * FROM gateway_endpoint_tag WHERE endpoint IN (SELECT value FROM json_each(?)) ORDER BY endpoint, key",
        (wanted,),
    ):
        found.setdefault(row["endpoint"], {})[row["key"]] = row["value"]
    return found


def delete_endpoint(connection: Connection, identifier: str) -> None:
    """Remove an endpoint with its routes, tags and bindings."""
    connection.execute("DELETE FROM gateway_endpoint WHERE id = ?", (identifier,))


def add_routes(connection: Connection, routes: Sequence[GatewayRoute]) -> None:
    """Let endpoints lead to models.

    Raises:
        RowRefused: an endpoint leads to that model in that way already.
    """
    connection.executemany(
        "INSERT INTO gateway_route (id, endpoint, model, linkage, weight, fallback_order, created_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                route.id,
                route.endpoint,
                route.model,
                route.linkage,
                route.weight,
                route.fallback_order,
                route.created_at,
                route.created_by,
            )
            for route in routes
        ],
    )


def remove_routes(connection: Connection, endpoint: str, model: str | None = None) -> int:
    """Remove an endpoint's routes, or those to one model, and return how many there were."""
    if model is None:
        return connection.execute("DELETE FROM gateway_route WHERE endpoint = ?", (endpoint,)).rowcount
    return connection.execute(
        "DELETE FROM gateway_route WHERE endpoint = ? AND model = ?", (endpoint, model)
    ).rowcount


def set_endpoint_tag(connection: Connection, endpoint: str, key: str, value: str) -> None:
    """Set a tag of an endpoint."""
    connection.execute(
        "INSERT INTO gateway_endpoint_tag (endpoint, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (endpoint, key) DO UPDATE SET value = excluded.value",
        (endpoint, key, value),
    )


def delete_endpoint_tag(connection: Connection, endpoint: str, key: str) -> None:
    """Remove a tag of an endpoint, if it has it."""
    connection.execute("DELETE FROM gateway_endpoint_tag WHERE endpoint = ? AND key = ?", (endpoint, key))


def put_binding(connection: Connection, binding: GatewayBinding) -> None:
    """Keep that something uses an endpoint; said twice it changes nothing."""
    connection.execute(
        "INSERT INTO gateway_binding (endpoint, resource_type, resource_id, created_at, updated_at, created_by, updated_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, resource_type, resource_id) DO NOTHING",
        (
            binding.endpoint,
            binding.resource_type,
            binding.resource_id,
            binding.created_at,
            binding.updated_at,
            binding.created_by,
            binding.updated_by,
        ),
    )


def read_bindings(
    connection: Connection,
    endpoint: str | None = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
) -> list[GatewayBinding]:
    """Return the bindings that fit all that is given, in the order in which they came."""
    wanted = {"endpoint": endpoint, "resource_type": resource_type, "resource_id": resource_id}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(["TRUE", *(f"{column} = ?" for column in given)])
    rows = connection.execute(
        f"{_BINDINGS} WHERE {where} ORDER BY created_at, endpoint, resource_type, resource_id",
        list(given.values()),
    )
    return [GatewayBinding(**{column: row[column] for column in row.keys()}) for row in rows]  # noqa: SIM118  # a row yields its values


def forget_scorer(connection: Connection, scorer: str) -> None:
    """Remove what says that a scorer uses an endpoint."""
    connection.execute(
        "DELETE FROM gateway_binding WHERE resource_type = 'scorer' AND resource_id = ?", (scorer,)
    )


def delete_binding(connection: Connection, endpoint: str, resource_type: str, resource_id: str) -> int:
    """Remove a binding and return how many there were."""
    return connection.execute(
        "DELETE FROM gateway_binding WHERE endpoint = ? AND resource_type = ? AND resource_id = ?",
        (endpoint, resource_type, resource_id),
    ).rowcount
