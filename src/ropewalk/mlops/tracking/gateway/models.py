"""Models of providers: what an endpoint can lead to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from ropewalk.mlops.tracking.errors import GatewayNameTaken, GatewayPartUsed, UnknownGatewayPart
from ropewalk.mlops.tracking.gateway.secrets import check_name, require_secret
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, RowRefused, now_ms
from ropewalk.store.tracking import gateway as table
from ropewalk.store.tracking.gateway import GatewayModel


@dataclass(frozen=True)
class ModelChange:
    """What is said of a model; None leaves it as it is."""

    name: str | None = None
    secret: str | None = None
    provider: str | None = None
    model_name: str | None = None


def create_model(workspace: Workspace, said: ModelChange, user: str | None = None) -> GatewayModel:
    """Keep a model under a new name and return it.

    Raises:
        InvalidRequest: a part is empty.
        UnknownGatewayPart: there is no such secret.
        GatewayNameTaken: another model has the name.
    """
    now = now_ms()
    blank = GatewayModel(f"d-{uuid.uuid4().hex}", "", None, "", "", now, now, user, user)
    return _put(workspace, blank, said, user)


def _put(workspace: Workspace, before: GatewayModel, said: ModelChange, user: str | None) -> GatewayModel:
    changed = replace(
        before,
        name=said.name or before.name,
        secret=said.secret or before.secret,
        provider=said.provider or before.provider,
        model_name=said.model_name or before.model_name,
        updated_at=max(now_ms(), before.updated_at),
        updated_by=user or before.updated_by,
    )
    for what, value in (
        ("name", changed.name),
        ("provider", changed.provider),
        ("model_name", changed.model_name),
    ):
        check_name(what, value)
    try:
        with workspace.database.write() as connection:
            if said.secret:
                require_secret(connection, said.secret)
            table.put_model(connection, changed)
            return require_model(connection, changed.id)
    except RowRefused:
        raise GatewayNameTaken(f"Model definition with name '{changed.name}' already exists") from None


def get_model(workspace: Workspace, identifier: str) -> GatewayModel:
    """Return a model.

    Raises:
        UnknownGatewayPart: there is none of that id.
    """
    with workspace.database.read() as connection:
        return require_model(connection, identifier)


def require_model(connection: Connection, identifier: str) -> GatewayModel:
    """Return a model within a transaction.

    Raises:
        UnknownGatewayPart: there is none of that id.
    """
    found = table.read_models(connection, identifier)
    if not found:
        raise UnknownGatewayPart(f"GatewayModelDefinition not found ({identifier[:100]})")
    return found[0]


def list_models(workspace: Workspace, provider: str | None, secret: str | None) -> list[GatewayModel]:
    """Return all models, or those of a provider or a secret."""
    with workspace.database.read() as connection:
        return table.read_models(connection, secret=secret, provider=provider)


def update_model(
    workspace: Workspace, identifier: str, change: ModelChange, user: str | None = None
) -> GatewayModel:
    """Change what is said of a model and return it.

    Raises:
        UnknownGatewayPart: there is no such model or secret.
        GatewayNameTaken: another model has the name.
    """
    return _put(workspace, get_model(workspace, identifier), change, user)


def delete_model(workspace: Workspace, identifier: str) -> None:
    """Remove a model.

    Raises:
        UnknownGatewayPart: there is none of that id.
        GatewayPartUsed: an endpoint leads to it.
    """
    try:
        with workspace.database.write() as connection:
            require_model(connection, identifier)
            table.delete_model(connection, identifier)
    except RowRefused:
        raise GatewayPartUsed(
            "Cannot delete model definition that is currently in use by endpoints",
            hint="detach it from them first",
        ) from None
