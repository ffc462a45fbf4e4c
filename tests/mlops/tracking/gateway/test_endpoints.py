"""Models and endpoints of a gateway that this server keeps and never calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import httpx
import pytest

from ropewalk.mlops.tracking.errors import (
    GatewayNameTaken,
    GatewayPartUsed,
    InvalidRequest,
    UnknownExperiment,
    UnknownGatewayPart,
)
from ropewalk.mlops.tracking.experiments import get_experiment
from ropewalk.mlops.tracking.gateway.bindings import bind, list_bindings, unbind
from ropewalk.mlops.tracking.gateway.endpoints import (
    FALLBACK,
    EndpointChange,
    RouteChoice,
    attach_model,
    create_endpoint,
    delete_endpoint,
    detach_model,
    get_endpoint,
    list_endpoints,
    tag_endpoint,
    untag_endpoint,
    update_endpoint,
)
from ropewalk.mlops.tracking.gateway.models import (
    ModelChange,
    create_model,
    delete_model,
    get_model,
    list_models,
    update_model,
)
from ropewalk.mlops.tracking.gateway.secrets import create_secret, delete_secret
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.gateway import GatewayModel
from ropewalk.store.tracking.gateway_endpoints import GatewayEndpoint

_NUMBERS = itertools.count()


def _model(workspace: Workspace, provider: str = "openai") -> GatewayModel:
    number = next(_NUMBERS)
    secret = create_secret(workspace, f"key {number}", {"api_key": "swordfish"}, provider=provider)
    return create_model(workspace, ModelChange(f"model {number}", secret.id, provider, "gpt-4"))


def _endpoint(workspace: Workspace, *models: GatewayModel) -> GatewayEndpoint:
    routes = [RouteChoice(model.id) for model in models or (_model(workspace),)]
    said = EndpointChange(name=f"endpoint-{next(_NUMBERS)}", routes=routes, is_tracked=False)
    return create_endpoint(workspace, said, "ada")


def test_models(workspace: Workspace) -> None:
    """A model is kept, changed, and says which secret opens it."""
    made = _model(workspace)
    changed = update_model(workspace, made.id, ModelChange(provider="anthropic"), "ada")

    assert (changed.provider, changed.model_name, changed.updated_by) == ("anthropic", "gpt-4", "ada")
    assert get_model(workspace, made.id) == changed
    assert changed.secret_name
    assert list_models(workspace, "anthropic", made.secret) == [changed]
    with pytest.raises(GatewayNameTaken):
        update_model(workspace, _model(workspace).id, ModelChange(name=made.name))


def test_a_model_outlives_its_secret(workspace: Workspace) -> None:
    """A model whose secret was deleted stays, without one."""
    made = _model(workspace)
    assert made.secret
    endpoint = _endpoint(workspace, made)
    delete_secret(workspace, made.secret)

    (route,) = get_endpoint(workspace, endpoint.id, None).routes
    assert route.definition
    assert (route.definition.secret, route.definition.secret_name) == (None, None)


def test_a_model_in_use(workspace: Workspace) -> None:
    """A model that an endpoint leads to is not deleted under it."""
    made = _model(workspace)
    endpoint = _endpoint(workspace, made)
    with pytest.raises(GatewayPartUsed):
        delete_model(workspace, made.id)
    delete_endpoint(workspace, endpoint.id)
    delete_model(workspace, made.id)

    with pytest.raises(UnknownGatewayPart):
        get_model(workspace, made.id)


@pytest.mark.parametrize("said", [ModelChange("m"), ModelChange("m", None, "openai", " ")])
def test_incomplete_models(workspace: Workspace, said: ModelChange) -> None:
    """A model has a name, a provider and the provider's name for it."""
    with pytest.raises(InvalidRequest):
        create_model(workspace, said)


def test_tracking_makes_an_experiment(workspace: Workspace) -> None:
    """An endpoint whose use is tracked has an experiment for it, found again when it is there."""
    said = EndpointChange(name="tracked", routes=[RouteChoice(_model(workspace).id)])
    made = create_endpoint(workspace, said)
    delete_endpoint(workspace, made.id)
    again = create_endpoint(workspace, said)

    assert made.is_tracked
    assert made.experiment == again.experiment
    assert get_experiment(workspace, str(made.experiment)).name == "gateway/tracked"
    with pytest.raises(UnknownExperiment):
        update_endpoint(workspace, again.id, EndpointChange(experiment="99999"))


def test_fallbacks(workspace: Workspace) -> None:
    """An endpoint may have models to fall back on, in an order."""
    first, second = _model(workspace), _model(workspace, "anthropic")
    routes = [RouteChoice(first.id), RouteChoice(second.id, FALLBACK, 1.0, 0)]
    said = EndpointChange("falls", routes, "REQUEST_BASED_TRAFFIC_SPLIT", ("SEQUENTIAL", 2), is_tracked=False)
    made = create_endpoint(workspace, said)

    assert [(route.linkage, route.fallback_order) for route in made.routes] == [
        ("PRIMARY", None),
        (FALLBACK, 0),
    ]
    assert (made.fallback_strategy, made.fallback_attempts, made.has_fallback) == ("SEQUENTIAL", 2, True)
    assert [one.name for one in list_endpoints(workspace, "anthropic", None)] == ["falls"]
    assert list_endpoints(workspace, None, second.secret) == [made]


def test_update(workspace: Workspace) -> None:
    """A change leaves what it does not name; new routes replace the old."""
    made, other = _endpoint(workspace), _model(workspace)
    renamed = update_endpoint(workspace, made.id, EndpointChange(name=f"{made.name}.new"), "bob")
    moved = update_endpoint(workspace, made.id, EndpointChange(routes=[RouteChoice(other.id)]))

    assert [route.model for route in renamed.routes] == [route.model for route in made.routes]
    assert (renamed.created_by, renamed.updated_by) == ("ada", "bob")
    assert [route.model for route in moved.routes] == [other.id]
    assert get_endpoint(workspace, None, f"{made.name}.new").id == made.id


def test_attach_and_detach(workspace: Workspace) -> None:
    """A model is attached once, and detached once."""
    made, other = _endpoint(workspace), _model(workspace)
    attach_model(workspace, made.id, RouteChoice(other.id, weight=0.5))
    with pytest.raises(GatewayNameTaken):
        attach_model(workspace, made.id, RouteChoice(other.id))
    assert len(get_endpoint(workspace, made.id, None).routes) == 2
    detach_model(workspace, made.id, other.id)

    with pytest.raises(UnknownGatewayPart, match="not attached"):
        detach_model(workspace, made.id, other.id)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "x" * 256, "ä"])
def test_bad_names(workspace: Workspace, name: str) -> None:
    """An endpoint's name can stand in a URL."""
    with pytest.raises(InvalidRequest, match="Invalid endpoint name"):
        create_endpoint(workspace, EndpointChange(name=name, routes=[RouteChoice(_model(workspace).id)]))


@pytest.mark.parametrize(
    "route",
    [
        lambda model: RouteChoice(model, FALLBACK),
        lambda model: RouteChoice(model, "SIDEWAYS"),
        lambda model: RouteChoice(model, weight=-1),
        lambda model: RouteChoice(model, weight=float("nan")),
    ],
)
def test_bad_routes(workspace: Workspace, route: Callable[[str], RouteChoice]) -> None:
    """An endpoint has a first choice, and shares are numbers."""
    with pytest.raises(InvalidRequest):
        create_endpoint(workspace, EndpointChange(name="bad", routes=[route(_model(workspace).id)]))


def test_nothing_is_left_of_a_refused_endpoint(workspace: Workspace) -> None:
    """An endpoint that would lead to a model that is not there is not made."""
    said = EndpointChange(name="astray", routes=[RouteChoice("d-no")], is_tracked=False)
    with pytest.raises(UnknownGatewayPart):
        create_endpoint(workspace, said)

    with pytest.raises(UnknownGatewayPart):
        get_endpoint(workspace, None, "astray")
    with pytest.raises(InvalidRequest, match="at least one"):
        create_endpoint(workspace, EndpointChange(name="empty", routes=[]))


def test_tags(workspace: Workspace) -> None:
    """An endpoint's tags are set and removed."""
    made = _endpoint(workspace)
    tag_endpoint(workspace, made.id, "team", "ml")
    tag_endpoint(workspace, made.id, "a", "b")
    untag_endpoint(workspace, made.id, "a")

    assert get_endpoint(workspace, made.id, None).tags == {"team": "ml"}
    with pytest.raises(UnknownGatewayPart):
        tag_endpoint(workspace, "e-no", "a", "b")


def test_bindings(workspace: Workspace) -> None:
    """What uses an endpoint is listed, and goes with it."""
    made = _endpoint(workspace)
    for resource in ("one", "two", "one"):
        bind(workspace, made.id, "scorer", resource, "ada")
    unbind(workspace, made.id, "scorer", "two")

    assert [one.resource_id for one in list_bindings(workspace, made.id, None, None)] == ["one"]
    with pytest.raises(UnknownGatewayPart):
        unbind(workspace, made.id, "scorer", "two")
    with pytest.raises(InvalidRequest):
        bind(workspace, made.id, "No Word", "x")
    delete_endpoint(workspace, made.id)
    assert list_bindings(workspace, None, "scorer", "one") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gateway/chat/completions"),
        ("GET", "/gateway/endpoint/invocations"),
        ("POST", "/api/3.0/mlflow/gateway/budgets/create"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/supported-models"),
    ],
)
def test_no_call_is_made(http: httpx.Client, method: str, path: str) -> None:
    """What would call a provider, or needs to know what was spent there, is refused in so many words."""
    answer = http.request(method, path)

    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert "never calls" in answer.json()["message"]


def test_forms(http: httpx.Client) -> None:
    """A form learns which fields a provider's key has, also of one that nobody knows."""
    at = "/ajax-api/3.0/mlflow/gateway"
    bedrock = http.get(f"{at}/provider-config", params={"provider": "bedrock"}).json()
    unknown = http.get(f"{at}/provider-config", params={"provider": "moon"}).json()

    assert "openai" in http.get(f"{at}/supported-providers").json()["providers"]
    assert [mode["mode"] for mode in bedrock["auth_modes"]] == ["api_key", "access_keys", "iam_role"]
    assert unknown["default_mode"] == "api_key"
    assert http.get(f"{at}/provider-config").status_code == 400
    config = http.get(f"{at}/secrets/config").json()
    assert config == {"secrets_available": True, "using_default_passphrase": False}
