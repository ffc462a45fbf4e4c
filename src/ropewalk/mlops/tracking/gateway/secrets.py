"""Keys of model providers: sealed where they are kept, shown masked, opened only by who runs a gateway."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import GatewayNameTaken, InvalidRequest, UnknownGatewayPart
from ropewalk.mlops.tracking.sealing import Sealer
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, RowRefused, now_ms
from ropewalk.store.tracking import gateway as table
from ropewalk.store.tracking.gateway import GatewaySecret

NAME = 255
# Certificates and service accounts are the longest that providers give out.
VALUE = 20_000
FIELDS = 20
# Less than this would leave too little unseen.
_SHOWN_FROM = 8


def mask(value: str) -> str:
    """Return what may be shown of a secret value: its two ends when it is long enough, else nothing of it."""
    return f"{value[:3]}...{value[-4:]}" if len(value) >= _SHOWN_FROM else "***"


def create_secret(
    workspace: Workspace,
    name: str,
    values: Mapping[str, str],
    *,
    provider: str | None = None,
    auth_config: Mapping[str, str] | None = None,
    user: str | None = None,
) -> GatewaySecret:
    """Keep a secret under a new name and return what may be shown of it.

    Raises:
        InvalidRequest: the name or the values are empty.
        RequestTooLarge: one of them is too long, or there are too many.
        GatewayNameTaken: another secret has the name.
    """
    check_name("secret_name", name)
    _check_values(values)
    _check_config(auth_config or {})
    now = now_ms()
    made = GatewaySecret(
        id=f"s-{uuid.uuid4().hex}",
        name=name,
        masked={key: mask(value) for key, value in values.items()},
        provider=provider,
        auth_config=auth_config or {},
        created_at=now,
        updated_at=now,
        created_by=user,
        updated_by=user,
    )
    try:
        with workspace.database.write() as connection:
            table.put_secret(connection, made, _seal(workspace, made.id, values))
    except RowRefused:
        # Its cause shows the statement's values to whoever prints the whole chain.
        raise GatewayNameTaken(f"Secret with name '{name}' already exists") from None
    return made


def check_name(what: str, name: str) -> None:
    """Refuse a name that is empty or too long.

    Raises:
        InvalidRequest: it is empty.
        RequestTooLarge: it is too long.
    """
    if not name.strip():
        raise InvalidRequest(f"Invalid value for parameter '{what}' supplied: it is empty")
    limits.check_length(what, name, NAME)


def _check_values(values: Mapping[str, str]) -> None:
    # No message of these shows a value, not even a wrong one.
    if not values or not all(values.values()):
        raise InvalidRequest("Invalid value for parameter 'secret_value' supplied: a value is empty")
    _check_sizes("secret_value", values)


def _check_sizes(what: str, values: Mapping[str, str]) -> None:
    if len(values) > FIELDS:
        raise InvalidRequest(f"{what} can have at most {FIELDS} fields")
    for key, value in values.items():
        limits.check_length(f"{what} field", key, NAME)
        limits.check_length(f"{what} of a field", value, VALUE)


def _check_config(values: Mapping[str, str]) -> None:
    _check_sizes("auth_config", values)


def _seal(workspace: Workspace, identifier: str, values: Mapping[str, str]) -> bytes:
    # With its id, so that the sealed bytes of one row are of no use in another.
    return Sealer.of(workspace, "gateway").seal(json.dumps({"id": identifier, "values": dict(values)}))


def get_secret(workspace: Workspace, identifier: str | None, name: str | None = None) -> GatewaySecret:
    """Return what may be shown of the secret of that id or name.

    Raises:
        UnknownGatewayPart: there is none.
    """
    with workspace.database.read() as connection:
        return require_secret(connection, identifier, name)


def require_secret(connection: Connection, identifier: str | None, name: str | None = None) -> GatewaySecret:
    """Return what may be shown of a secret within a transaction.

    Raises:
        UnknownGatewayPart: there is none.
    """
    found = table.read_secrets(connection, identifier, name)
    if not found:
        raise UnknownGatewayPart(f"GatewaySecret not found ({identifier or name})")
    return found[0]


def list_secrets(workspace: Workspace, provider: str | None = None) -> list[GatewaySecret]:
    """Return what may be shown of all secrets, or of a provider's."""
    with workspace.database.read() as connection:
        return table.read_secrets(connection, provider=provider)


def update_secret(
    workspace: Workspace,
    identifier: str,
    values: Mapping[str, str],
    *,
    auth_config: Mapping[str, str],
    user: str | None = None,
) -> GatewaySecret:
    """Replace the values or the settings of a secret, whichever is not empty, and return what may be shown.

    Raises:
        UnknownGatewayPart: there is none of that id.
        InvalidRequest: a value is empty.
        RequestTooLarge: something is too long.
    """
    if values:
        _check_values(values)
    _check_config(auth_config)
    sealed = _seal(workspace, identifier, values) if values else None
    with workspace.database.write() as connection:
        before = require_secret(connection, identifier)
        changed = replace(
            before,
            masked={key: mask(value) for key, value in values.items()} or before.masked,
            auth_config=auth_config or before.auth_config,
            # Clients tell by it that a key was replaced, also within one millisecond.
            updated_at=max(now_ms(), before.updated_at + 1),
            updated_by=user or before.updated_by,
        )
        table.put_secret(connection, changed, sealed)
    return changed


def delete_secret(workspace: Workspace, identifier: str) -> None:
    """Remove a secret; models that used it stay without one.

    Raises:
        UnknownGatewayPart: there is none of that id.
    """
    with workspace.database.write() as connection:
        require_secret(connection, identifier)
        table.delete_secret(connection, identifier)


def open_secret(workspace: Workspace, name: str) -> dict[str, str]:
    """Return the values of a secret, for a gateway that runs on this machine; no route answers them.

    Raises:
        UnknownGatewayPart: there is no secret of that name.
        Unsealable: it was sealed with another key, or changed.
    """
    with workspace.database.read() as connection:
        identifier = require_secret(connection, None, name).id
        sealed = table.read_sealed(connection, identifier)
    content = json.loads(Sealer.of(workspace, "gateway").open(sealed or b""))
    if content["id"] != identifier:
        raise UnknownGatewayPart(f"GatewaySecret '{name}' holds what was sealed for another")
    return dict(content["values"])
