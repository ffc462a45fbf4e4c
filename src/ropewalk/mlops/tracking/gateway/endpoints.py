"""Endpoints of a gateway: names that lead to models, in shares and with fallbacks."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import GatewayNameTaken, InvalidRequest, UnknownGatewayPart
from ropewalk.mlops.tracking.experiments import ensure_experiment, get_experiment
from ropewalk.mlops.tracking.gateway.models import require_model
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, RowRefused, now_ms
from ropewalk.store.tracking import gateway_endpoints as table
from ropewalk.store.tracking.gateway import GatewayModel
from ropewalk.store.tracking.gateway_endpoints import GatewayEndpoint, GatewayRoute

# It becomes part of a URL and of an experiment's name.
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,255}")
MOST_ROUTES = 100
PRIMARY, FALLBACK = "PRIMARY", "FALLBACK"


@dataclass(frozen=True)
class RouteChoice:
    """That an endpoint shall lead to a model; `linkage` is PRIMARY or FALLBACK."""

    model: str
    linkage: str = PRIMARY
    weight: float = 1.0
    fallback_order: int | None = None


@dataclass(frozen=True)
class EndpointChange:
    """What is said of an endpoint; None leaves it as it is.

    Attributes:
        fallback: strategy and number of attempts.
    """

    name: str | None = None
    routes: Sequence[RouteChoice] | None = None
    routing_strategy: str | None = None
    fallback: tuple[str | None, int | None] | None = None
    experiment: str | None = None
    is_tracked: bool | None = None


def create_endpoint(workspace: Workspace, said: EndpointChange, user: str | None = None) -> GatewayEndpoint:
    """Keep an endpoint under a new name and return it.

    Raises:
        InvalidRequest: the name does not fit, or it leads nowhere.
        UnknownGatewayPart: it leads to a model that does not exist.
        GatewayNameTaken: another endpoint has the name.
    """
    if not said.routes:
        raise InvalidRequest("Endpoint must have at least one model configuration")
    now = now_ms()
    blank = GatewayEndpoint(
        id=f"e-{uuid.uuid4().hex}",
        name="",
        routing_strategy=None,
        has_fallback=False,
        fallback_strategy=None,
        fallback_attempts=None,
        experiment=None,
        is_tracked=said.is_tracked is not False,
        created_at=now,
        updated_at=now,
        created_by=user,
        updated_by=user,
    )
    return _put(workspace, blank, said, user)


def _put(
    workspace: Workspace, before: GatewayEndpoint, said: EndpointChange, user: str | None
) -> GatewayEndpoint:
    changed = _with_experiment(workspace, _changed(before, said, user), said)
    routes = None if said.routes is None else _routes(changed, said.routes, user)
    try:
        with workspace.database.write() as connection:
            table.put_endpoint(connection, changed)
            if routes is not None:
                for route in routes:
                    require_model(connection, route.model)
                table.remove_routes(connection, changed.id)
                table.add_routes(connection, routes)
            return require_endpoint(connection, identifier=changed.id)
    except RowRefused:
        raise GatewayNameTaken(f"Endpoint with name '{changed.name}' already exists") from None


def _changed(before: GatewayEndpoint, said: EndpointChange, user: str | None) -> GatewayEndpoint:
    name = before.name if said.name is None else said.name
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"Invalid endpoint name '{name[:100]}'. Name can only contain letters, numbers, underscores, hyphens,"
            " and dots."
        )
    has_fallbacks = any(route.linkage == FALLBACK for route in said.routes or ())
    strategy, attempts = said.fallback or (before.fallback_strategy, before.fallback_attempts)
    return replace(
        before,
        name=name,
        routing_strategy=said.routing_strategy or before.routing_strategy,
        has_fallback=before.has_fallback or said.fallback is not None or has_fallbacks,
        fallback_strategy=strategy,
        fallback_attempts=attempts,
        is_tracked=before.is_tracked if said.is_tracked is None else said.is_tracked,
        updated_at=max(now_ms(), before.updated_at),
        updated_by=user or before.updated_by,
    )


def _with_experiment(
    workspace: Workspace, endpoint: GatewayEndpoint, said: EndpointChange
) -> GatewayEndpoint:
    """Return the endpoint with the experiment where its use is traced, made when it needs one."""
    if said.experiment:
        return replace(endpoint, experiment=int(get_experiment(workspace, said.experiment).id))
    if not endpoint.is_tracked or endpoint.experiment is not None:
        return endpoint
    name = f"gateway/{endpoint.name}"
    limits.check_length("Experiment name", name, limits.EXPERIMENT_NAME)
    return replace(endpoint, experiment=int(ensure_experiment(workspace, name)))


def _routes(
    endpoint: GatewayEndpoint, choices: Sequence[RouteChoice], user: str | None
) -> list[GatewayRoute]:
    if len(choices) > MOST_ROUTES:
        raise InvalidRequest(f"An endpoint can lead to at most {MOST_ROUTES} models, not {len(choices)}")
    if not any(choice.linkage == PRIMARY for choice in choices):
        raise InvalidRequest("Endpoint must have at least one PRIMARY model configuration")
    if len({(choice.model, choice.linkage) for choice in choices}) < len(choices):
        raise InvalidRequest("An endpoint can lead to a model only once in the same way")
    return [_route(endpoint, choice, user) for choice in choices]


def _route(endpoint: GatewayEndpoint, choice: RouteChoice, user: str | None) -> GatewayRoute:
    if choice.linkage not in (PRIMARY, FALLBACK):
        raise InvalidRequest(f"linkage_type must be {PRIMARY} or {FALLBACK}, not {choice.linkage[:50]!r}")
    if not math.isfinite(choice.weight) or choice.weight < 0:
        raise InvalidRequest(f"weight must be a number that is not negative, not {choice.weight}")
    return GatewayRoute(
        id=f"m-{uuid.uuid4().hex}",
        endpoint=endpoint.id,
        model=choice.model,
        linkage=choice.linkage,
        weight=choice.weight,
        fallback_order=choice.fallback_order,
        created_at=now_ms(),
        created_by=user,
    )


def get_endpoint(workspace: Workspace, identifier: str | None, name: str | None) -> GatewayEndpoint:
    """Return the endpoint of that id or of that name.

    Raises:
        InvalidRequest: both are given, or neither.
        UnknownGatewayPart: there is none.
    """
    if bool(identifier) == bool(name):
        raise InvalidRequest("Exactly one of endpoint_id or name must be provided")
    with workspace.database.read() as connection:
        return require_endpoint(connection, identifier=identifier or None, name=name or None)


@overload
def require_endpoint(
    connection: Connection, *, identifier: str | None = None, name: str | None = None
) -> GatewayEndpoint: ...
@overload
def require_endpoint(
    connection: Connection, *, identifier: str | None = None, is_needed: Literal[False]
) -> GatewayEndpoint | None: ...
def require_endpoint(
    connection: Connection,
    *,
    identifier: str | None = None,
    name: str | None = None,
    is_needed: bool = True,
) -> GatewayEndpoint | None:
    """Return an endpoint within a transaction; None when there is none and it is not needed.

    Raises:
        UnknownGatewayPart: there is none, and it is needed.
    """
    found = table.read_endpoints(connection, identifier, name)
    if not found and is_needed:
        raise UnknownGatewayPart(f"GatewayEndpoint not found ({(identifier or name or '')[:100]})")
    return found[0] if found else None


def list_endpoints(workspace: Workspace, provider: str | None, secret: str | None) -> list[GatewayEndpoint]:
    """Return all endpoints, or those that lead to a model of a provider or a secret."""
    with workspace.database.read() as connection:
        found = table.read_endpoints(connection)
    return [
        endpoint
        for endpoint in found
        if provider is None or provider in {model.provider for model in _models(endpoint)}
        if secret is None or secret in {model.secret for model in _models(endpoint)}
    ]


def _models(endpoint: GatewayEndpoint) -> list[GatewayModel]:
    return [route.definition for route in endpoint.routes if route.definition]


def update_endpoint(
    workspace: Workspace, identifier: str, change: EndpointChange, user: str | None = None
) -> GatewayEndpoint:
    """Change what is said of an endpoint and return it.

    Raises:
        UnknownGatewayPart: there is no such endpoint or model.
        InvalidRequest: the name does not fit, or it would lead nowhere.
        GatewayNameTaken: another endpoint has the name.
    """
    return _put(workspace, get_endpoint(workspace, identifier, None), change, user)


def delete_endpoint(workspace: Workspace, identifier: str) -> None:
    """Remove an endpoint; its experiment with what was traced stays.

    Raises:
        UnknownGatewayPart: there is none of that id.
    """
    with workspace.database.write() as connection:
        require_endpoint(connection, identifier=identifier)
        table.delete_endpoint(connection, identifier)


def attach_model(
    workspace: Workspace, identifier: str, choice: RouteChoice, user: str | None = None
) -> GatewayRoute:
    """Let an endpoint lead to one more model and return that route.

    Raises:
        UnknownGatewayPart: there is no such endpoint or model.
        GatewayNameTaken: it leads there already.
    """
    try:
        with workspace.database.write() as connection:
            endpoint = require_endpoint(connection, identifier=identifier)
            if len(endpoint.routes) >= MOST_ROUTES:
                raise InvalidRequest(f"An endpoint can lead to at most {MOST_ROUTES} models")
            route = _route(endpoint, choice, user)
            model = require_model(connection, choice.model)
            table.add_routes(connection, [route])
    except RowRefused:
        raise GatewayNameTaken(
            f"Model definition '{choice.model}' is already attached to endpoint '{identifier}'"
        ) from None
    return replace(route, definition=model)


def detach_model(workspace: Workspace, identifier: str, model: str) -> None:
    """Let an endpoint lead to a model no longer.

    Raises:
        UnknownGatewayPart: there is no such endpoint, or it does not lead there.
    """
    with workspace.database.write() as connection:
        require_endpoint(connection, identifier=identifier)
        if not table.remove_routes(connection, identifier, model):
            raise UnknownGatewayPart(
                f"Model definition '{model[:100]}' is not attached to endpoint '{identifier}'"
            )


def tag_endpoint(workspace: Workspace, identifier: str, key: str, value: str) -> None:
    """Set a tag of an endpoint.

    Raises:
        UnknownGatewayPart: there is none of that id.
        InvalidRequest: the tag does not fit.
    """
    limits.check_entries("Endpoint tag", {key: value}, limits.RUN_TAG_VALUE)
    with workspace.database.write() as connection:
        require_endpoint(connection, identifier=identifier)
        table.set_endpoint_tag(connection, identifier, key, value)


def untag_endpoint(workspace: Workspace, identifier: str, key: str) -> None:
    """Remove a tag of an endpoint, if it has it.

    Raises:
        UnknownGatewayPart: there is none of that id.
    """
    with workspace.database.write() as connection:
        require_endpoint(connection, identifier=identifier)
        table.delete_endpoint_tag(connection, identifier, key)
