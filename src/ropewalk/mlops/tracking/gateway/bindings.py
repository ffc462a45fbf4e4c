"""Which things use an endpoint of the gateway."""

from __future__ import annotations

import re

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownGatewayPart
from ropewalk.mlops.tracking.gateway.endpoints import require_endpoint
from ropewalk.pipeline import Workspace
from ropewalk.store import now_ms
from ropewalk.store.tracking import gateway_endpoints as table
from ropewalk.store.tracking.gateway_endpoints import GatewayBinding

# MLflow names `scorer` and `guardrail`; another word of later versions does no harm.
_TYPE = re.compile(r"[a-z][a-z_]{0,49}")
RESOURCE = 255


def bind(
    workspace: Workspace, endpoint: str, resource_type: str, resource_id: str, user: str | None = None
) -> GatewayBinding:
    """Keep that something uses an endpoint and return that.

    Raises:
        UnknownGatewayPart: there is no such endpoint.
        InvalidRequest: the kind of thing is no word.
    """
    if not _TYPE.fullmatch(resource_type):
        raise InvalidRequest(f"Invalid value '{resource_type[:50]}' for parameter 'resource_type' supplied")
    limits.check_length("resource_id", resource_id, RESOURCE)
    now = now_ms()
    binding = GatewayBinding(endpoint, resource_type, resource_id, now, now, user, user)
    with workspace.database.write() as connection:
        require_endpoint(connection, identifier=endpoint)
        table.put_binding(connection, binding)
    return binding


def unbind(workspace: Workspace, endpoint: str, resource_type: str, resource_id: str) -> None:
    """Forget that something uses an endpoint.

    Raises:
        UnknownGatewayPart: it was not known to.
    """
    with workspace.database.write() as connection:
        if not table.delete_binding(connection, endpoint, resource_type, resource_id):
            raise UnknownGatewayPart(
                f"GatewayEndpointBinding not found ({endpoint[:100]}, {resource_type[:50]}, {resource_id[:100]})"
            )


def list_bindings(
    workspace: Workspace, endpoint: str | None, resource_type: str | None, resource_id: str | None
) -> list[GatewayBinding]:
    """Return the bindings that fit all that is given."""
    with workspace.database.read() as connection:
        return table.read_bindings(connection, endpoint, resource_type, resource_id)
