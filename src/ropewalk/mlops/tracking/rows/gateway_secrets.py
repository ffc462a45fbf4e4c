"""The protocol's rows for the gateway's keys and for models they open; what is sealed is never answered."""

from __future__ import annotations

from ropewalk.mlops.tracking.gateway import models, secrets
from ropewalk.mlops.tracking.gateway.models import ModelChange
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import gateway as ask
from ropewalk.mlops.tracking.wire import gateway_secrets as ask_secret
from ropewalk.mlops.tracking.wire.compat import NEW, missing
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.gateway import GatewayModel, GatewaySecret


def given(value: str | None, name: str) -> str:
    """Return a text that must be there and not be empty.

    Raises:
        InvalidRequest: it is not.
    """
    # The descriptors of the gateway call nothing required; MLflow's server does.
    if not value:
        raise missing(name)
    return value


def _shown(found: GatewaySecret) -> ask_secret.GatewaySecretInfo:
    return ask_secret.GatewaySecretInfo(
        secret_id=found.id,
        secret_name=found.name,
        masked_values=dict(found.masked),
        created_at=found.created_at,
        last_updated_at=found.updated_at,
        provider=found.provider,
        created_by=found.created_by,
        last_updated_by=found.updated_by,
        auth_config=dict(found.auth_config),
    )


def _create(
    workspace: Workspace, asked: ask_secret.CreateGatewaySecret
) -> ask_secret.CreateGatewaySecretResponse:
    made = secrets.create_secret(
        workspace,
        given(asked.secret_name, "secret_name"),
        asked.secret_value,
        provider=asked.provider or None,
        auth_config=asked.auth_config,
        user=asked.created_by or None,
    )
    return ask_secret.CreateGatewaySecretResponse(_shown(made))


def _get(
    workspace: Workspace, asked: ask_secret.GetGatewaySecretInfo
) -> ask_secret.GetGatewaySecretInfoResponse:
    if not asked.secret_id and not asked.secret_name:
        raise missing("secret_id")
    found = secrets.get_secret(workspace, asked.secret_id or None, asked.secret_name or None)
    return ask_secret.GetGatewaySecretInfoResponse(_shown(found))


def _update(
    workspace: Workspace, asked: ask_secret.UpdateGatewaySecret
) -> ask_secret.UpdateGatewaySecretResponse:
    changed = secrets.update_secret(
        workspace,
        given(asked.secret_id, "secret_id"),
        asked.secret_value,
        auth_config=asked.auth_config,
        user=asked.updated_by or None,
    )
    return ask_secret.UpdateGatewaySecretResponse(_shown(changed))


def _delete(workspace: Workspace, asked: ask_secret.DeleteGatewaySecret) -> None:
    secrets.delete_secret(workspace, given(asked.secret_id, "secret_id"))


def _list(
    workspace: Workspace, asked: ask_secret.ListGatewaySecretInfos
) -> ask_secret.ListGatewaySecretInfosResponse:
    found = secrets.list_secrets(workspace, asked.provider or None)
    return ask_secret.ListGatewaySecretInfosResponse([_shown(one) for one in found])


def written_model(found: GatewayModel) -> ask.GatewayModelDefinition:
    """Return a model as MLflow writes it."""
    return ask.GatewayModelDefinition(
        model_definition_id=found.id,
        name=found.name,
        secret_id=found.secret,
        secret_name=found.secret_name,
        provider=found.provider,
        model_name=found.model_name,
        created_at=found.created_at,
        last_updated_at=found.updated_at,
        created_by=found.created_by,
        last_updated_by=found.updated_by,
    )


def _create_model(
    workspace: Workspace, asked: ask.CreateGatewayModelDefinition
) -> ask.CreateGatewayModelDefinitionResponse:
    said = ModelChange(
        given(asked.name, "name"),
        given(asked.secret_id, "secret_id"),
        given(asked.provider, "provider"),
        given(asked.model_name, "model_name"),
    )
    made = models.create_model(workspace, said, asked.created_by or None)
    return ask.CreateGatewayModelDefinitionResponse(written_model(made))


def _get_model(
    workspace: Workspace, asked: ask.GetGatewayModelDefinition
) -> ask.GetGatewayModelDefinitionResponse:
    found = models.get_model(workspace, given(asked.model_definition_id, "model_definition_id"))
    return ask.GetGatewayModelDefinitionResponse(written_model(found))


def _list_models(
    workspace: Workspace, asked: ask.ListGatewayModelDefinitions
) -> ask.ListGatewayModelDefinitionsResponse:
    found = models.list_models(workspace, asked.provider or None, asked.secret_id or None)
    return ask.ListGatewayModelDefinitionsResponse([written_model(one) for one in found])


def _update_model(
    workspace: Workspace, asked: ask.UpdateGatewayModelDefinition
) -> ask.UpdateGatewayModelDefinitionResponse:
    identifier = given(asked.model_definition_id, "model_definition_id")
    change = ModelChange(asked.name, asked.secret_id, asked.provider, asked.model_name)
    changed = models.update_model(workspace, identifier, change, asked.updated_by or None)
    return ask.UpdateGatewayModelDefinitionResponse(written_model(changed))


def _delete_model(workspace: Workspace, asked: ask.DeleteGatewayModelDefinition) -> None:
    models.delete_model(workspace, given(asked.model_definition_id, "model_definition_id"))


# Keys cost money when they leak or are exchanged, so they are not every developer's to change.
_READ, _WRITE, _ADMINISTER = Permission.READ, Permission.WRITE, Permission.ADMINISTER
_AT = "/mlflow/gateway/secrets"
_MODELS = "/mlflow/gateway/model-definitions"
ROWS = (
    Row("POST", f"{_AT}/create", _ADMINISTER, ask_secret.CreateGatewaySecret, _create, api=NEW),
    Row("GET", f"{_AT}/get", _READ, ask_secret.GetGatewaySecretInfo, _get, api=NEW),
    Row("GET", f"{_AT}/list", _READ, ask_secret.ListGatewaySecretInfos, _list, api=NEW),
    Row("POST", f"{_AT}/update", _ADMINISTER, ask_secret.UpdateGatewaySecret, _update, api=NEW),
    Row("DELETE", f"{_AT}/delete", _ADMINISTER, ask_secret.DeleteGatewaySecret, _delete, api=NEW),
    Row("POST", f"{_MODELS}/create", _WRITE, ask.CreateGatewayModelDefinition, _create_model, api=NEW),
    Row("GET", f"{_MODELS}/get", _READ, ask.GetGatewayModelDefinition, _get_model, api=NEW),
    Row("GET", f"{_MODELS}/list", _READ, ask.ListGatewayModelDefinitions, _list_models, api=NEW),
    Row("POST", f"{_MODELS}/update", _WRITE, ask.UpdateGatewayModelDefinition, _update_model, api=NEW),
    Row(
        "DELETE",
        f"{_MODELS}/delete",
        Permission.DELETE,
        ask.DeleteGatewayModelDefinition,
        _delete_model,
        api=NEW,
    ),
)
