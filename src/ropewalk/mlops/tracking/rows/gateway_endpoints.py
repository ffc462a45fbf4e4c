"""The protocol's rows for the gateway's endpoints, their models, tags and bindings, and what a form asks."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops.tracking.errors import NotServed
from ropewalk.mlops.tracking.gateway import bindings, endpoints
from ropewalk.mlops.tracking.gateway.endpoints import EndpointChange, RouteChoice
from ropewalk.mlops.tracking.gateway.providers import provider_form, provider_names
from ropewalk.mlops.tracking.rows.gateway_secrets import given, written_model
from ropewalk.mlops.tracking.rows.row import Row, translated
from ropewalk.mlops.tracking.wire import answers, compat
from ropewalk.mlops.tracking.wire import gateway as ask
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire.compat import NEW
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.store.tracking.gateway_endpoints import GatewayBinding, GatewayEndpoint, GatewayRoute


def _written(found: GatewayEndpoint) -> ask.GatewayEndpoint:
    fallback = ask.FallbackConfig(found.fallback_strategy, found.fallback_attempts)  # type: ignore[arg-type]  # checked when it came
    return ask.GatewayEndpoint(
        endpoint_id=found.id,
        name=found.name,
        created_at=found.created_at,
        last_updated_at=found.updated_at,
        model_mappings=[_mapping(route) for route in found.routes],
        created_by=found.created_by,
        last_updated_by=found.updated_by,
        tags=[ask.GatewayEndpointTag(key, value) for key, value in (found.tags or {}).items()],
        routing_strategy=found.routing_strategy,  # type: ignore[arg-type]  # checked when it came
        fallback_config=fallback if found.has_fallback else None,
        experiment_id=None if found.experiment is None else str(found.experiment),
        usage_tracking=found.is_tracked,
    )


def _mapping(route: GatewayRoute) -> ask.GatewayEndpointModelMapping:
    return ask.GatewayEndpointModelMapping(
        mapping_id=route.id,
        endpoint_id=route.endpoint,
        model_definition_id=route.model,
        model_definition=written_model(route.definition) if route.definition else None,
        weight=route.weight,
        created_at=route.created_at,
        created_by=route.created_by,
        linkage_type=route.linkage,  # type: ignore[arg-type]  # checked when it came
        fallback_order=route.fallback_order,
    )


def _choice(sent: ask.GatewayEndpointModelConfig) -> RouteChoice:
    return RouteChoice(
        given(sent.model_definition_id, "model_definition_id"),
        compat.by_name(wire.GatewayModelLinkageType, sent.linkage_type, endpoints.PRIMARY),
        1.0 if sent.weight is None else sent.weight,
        sent.fallback_order,
    )


def _change(asked: ask.CreateGatewayEndpoint | ask.UpdateGatewayEndpoint) -> EndpointChange:
    sent = asked.fallback_config
    fallback = None
    if sent is not None:
        strategy = compat.by_name(wire.FallbackStrategy, sent.strategy, "") or None
        fallback = (strategy, sent.max_attempts)
    return EndpointChange(
        name=asked.name or None,
        routes=[_choice(one) for one in asked.model_configs] or None,
        routing_strategy=compat.by_name(wire.RoutingStrategy, asked.routing_strategy, "") or None,
        fallback=fallback,
        experiment=asked.experiment_id or None,
        is_tracked=asked.usage_tracking,
    )


def _create(workspace: Workspace, asked: ask.CreateGatewayEndpoint) -> ask.CreateGatewayEndpointResponse:
    given(asked.name, "name")
    if not asked.model_configs:
        raise compat.missing("model_configs")
    made = endpoints.create_endpoint(workspace, _change(asked), asked.created_by or None)
    return ask.CreateGatewayEndpointResponse(_written(made))


def _get(workspace: Workspace, asked: ask.GetGatewayEndpoint) -> ask.GetGatewayEndpointResponse:
    return ask.GetGatewayEndpointResponse(
        _written(endpoints.get_endpoint(workspace, asked.endpoint_id, asked.name))
    )


def _update(workspace: Workspace, asked: ask.UpdateGatewayEndpoint) -> ask.UpdateGatewayEndpointResponse:
    identifier = given(asked.endpoint_id, "endpoint_id")
    changed = endpoints.update_endpoint(workspace, identifier, _change(asked), asked.updated_by or None)
    return ask.UpdateGatewayEndpointResponse(_written(changed))


def _delete(workspace: Workspace, asked: ask.DeleteGatewayEndpoint) -> None:
    endpoints.delete_endpoint(workspace, given(asked.endpoint_id, "endpoint_id"))


def _list(workspace: Workspace, asked: ask.ListGatewayEndpoints) -> ask.ListGatewayEndpointsResponse:
    found = endpoints.list_endpoints(workspace, asked.provider or None, asked.secret_id or None)
    return ask.ListGatewayEndpointsResponse([_written(one) for one in found])


def _attach(
    workspace: Workspace, asked: ask.AttachModelToGatewayEndpoint
) -> ask.AttachModelToGatewayEndpointResponse:
    identifier = given(asked.endpoint_id, "endpoint_id")
    choice = _choice(answers.need(asked.model_config, "model_config"))
    route = endpoints.attach_model(workspace, identifier, choice, asked.created_by or None)
    return ask.AttachModelToGatewayEndpointResponse(_mapping(route))


def _detach(workspace: Workspace, asked: ask.DetachModelFromGatewayEndpoint) -> None:
    model = given(asked.model_definition_id, "model_definition_id")
    endpoints.detach_model(workspace, given(asked.endpoint_id, "endpoint_id"), model)


def _tag(workspace: Workspace, asked: ask.SetGatewayEndpointTag) -> None:
    identifier, key = given(asked.endpoint_id, "endpoint_id"), given(asked.key, "key")
    endpoints.tag_endpoint(workspace, identifier, key, asked.value or "")


def _untag(workspace: Workspace, asked: ask.DeleteGatewayEndpointTag) -> None:
    endpoints.untag_endpoint(workspace, given(asked.endpoint_id, "endpoint_id"), given(asked.key, "key"))


def _binding(found: GatewayBinding) -> ask.GatewayEndpointBinding:
    return ask.GatewayEndpointBinding(
        endpoint_id=found.endpoint,
        resource_type=found.resource_type,
        resource_id=found.resource_id,
        created_at=found.created_at,
        last_updated_at=found.updated_at,
        created_by=found.created_by,
        last_updated_by=found.updated_by,
        display_name=found.name,
    )


def _bind(
    workspace: Workspace, asked: ask.CreateGatewayEndpointBinding
) -> ask.CreateGatewayEndpointBindingResponse:
    endpoint, kind = given(asked.endpoint_id, "endpoint_id"), given(asked.resource_type, "resource_type")
    resource = given(asked.resource_id, "resource_id")
    made = bindings.bind(workspace, endpoint, kind, resource, asked.created_by or None)
    return ask.CreateGatewayEndpointBindingResponse(_binding(made))


def _unbind(workspace: Workspace, asked: ask.DeleteGatewayEndpointBinding) -> None:
    endpoint, kind = given(asked.endpoint_id, "endpoint_id"), given(asked.resource_type, "resource_type")
    bindings.unbind(workspace, endpoint, kind, given(asked.resource_id, "resource_id"))


def _bindings(
    workspace: Workspace, asked: ask.ListGatewayEndpointBindings
) -> ask.ListGatewayEndpointBindingsResponse:
    found = bindings.list_bindings(
        workspace, asked.endpoint_id or None, asked.resource_type or None, asked.resource_id or None
    )
    return ask.ListGatewayEndpointBindingsResponse([_binding(one) for one in found])


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/gateway/endpoints"
_BINDINGS = f"{_AT}/bindings"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, ask.CreateGatewayEndpoint, _create, api=NEW),
    Row("GET", f"{_AT}/get", _READ, ask.GetGatewayEndpoint, _get, api=NEW),
    Row("GET", f"{_AT}/list", _READ, ask.ListGatewayEndpoints, _list, api=NEW),
    Row("POST", f"{_AT}/update", _WRITE, ask.UpdateGatewayEndpoint, _update, api=NEW),
    Row("DELETE", f"{_AT}/delete", Permission.DELETE, ask.DeleteGatewayEndpoint, _delete, api=NEW),
    Row("POST", f"{_AT}/models/attach", _WRITE, ask.AttachModelToGatewayEndpoint, _attach, api=NEW),
    Row("POST", f"{_AT}/models/detach", _WRITE, ask.DetachModelFromGatewayEndpoint, _detach, api=NEW),
    Row("POST", f"{_AT}/set-tag", _WRITE, ask.SetGatewayEndpointTag, _tag, api=NEW),
    Row("DELETE", f"{_AT}/delete-tag", _WRITE, ask.DeleteGatewayEndpointTag, _untag, api=NEW),
    Row("POST", f"{_BINDINGS}/create", _WRITE, ask.CreateGatewayEndpointBinding, _bind, api=NEW),
    Row("GET", f"{_BINDINGS}/list", _READ, ask.ListGatewayEndpointBindings, _bindings, api=NEW),
    Row("DELETE", f"{_BINDINGS}/delete", _WRITE, ask.DeleteGatewayEndpointBinding, _unbind, api=NEW),
)


async def _providers(_: Request) -> Response:
    return _json({"providers": provider_names()})


async def _form(request: Request) -> Response:
    return _json(provider_form(request.query_params.get("provider", "")))


async def _secrets_config(_: Request) -> Response:
    # There is no passphrase that all installations share: without the setting each makes a key of its own.
    return _json({"secrets_available": True, "using_default_passphrase": False})


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


async def _closed(_: Request) -> Response:
    raise NotServed(
        "This server keeps the gateway's settings and never calls a model's provider",
        hint="run a gateway of your own, and point clients at it",
    )


def gateway_routes() -> list[Route]:
    """Return the routes that are no rows: what forms ask, and the gateway's own, which are closed."""
    at = f"/ajax-api/{NEW}/mlflow/gateway"
    open_to_readers = (
        ("supported-providers", _providers),
        ("provider-config", _form),
        ("secrets/config", _secrets_config),
        ("supported-models", _closed),
    )
    closed = [
        Route(method, f"{prefix}/{{path:path}}", Permission.PREDICT, translated(_closed))
        for prefix in (
            "/gateway",
            f"/api/{NEW}/mlflow/gateway/budgets",
            f"/api/{NEW}/mlflow/gateway/guardrails",
        )
        for method in ("GET", "POST")
    ]
    forms = [
        Route("GET", f"{at}/{name}", Permission.READ, translated(endpoint))
        for name, endpoint in open_to_readers
    ]
    return [*forms, *closed]
