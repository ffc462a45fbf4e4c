"""Keys of model providers, models and endpoints: nothing sealed leaves its table, and nothing in use is removed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ropewalk.store import Database, RowRefused
from ropewalk.store.connections import Connection
from ropewalk.store.tracking import gateway, gateway_endpoints
from ropewalk.store.tracking.gateway import GatewayModel, GatewaySecret
from ropewalk.store.tracking.gateway_endpoints import GatewayBinding, GatewayEndpoint, GatewayRoute


@pytest.fixture
def connection(shared: Database) -> Iterator[Connection]:
    """Return a connection that writes."""
    with shared.write() as connection:
        yield connection


def _word() -> str:
    return uuid.uuid4().hex


def _secret(connection: Connection, provider: str | None = None) -> GatewaySecret:
    made = GatewaySecret(_word(), _word(), {"key": "sk-…9"}, provider, {"base": "x"}, 1, 1, "ada", "ada")
    gateway.put_secret(connection, made, b"sealed-1")
    return made


def _model(connection: Connection, secret: GatewaySecret | None = None) -> GatewayModel:
    made = GatewayModel(_word(), _word(), secret.id if secret else None, "openai", "m", 1, 1, "ada", "ada")
    gateway.put_model(connection, made)
    return replace(made, secret_name=secret.name if secret else None)


def _endpoint(connection: Connection) -> GatewayEndpoint:
    made = GatewayEndpoint(_word(), _word(), None, True, "SEQUENTIAL", 2, 0, False, 1, 1, "ada", "ada")
    gateway_endpoints.put_endpoint(connection, made)
    return replace(made, tags={})


def _route(endpoint: GatewayEndpoint, model: GatewayModel, linkage: str = "PRIMARY") -> GatewayRoute:
    return GatewayRoute(_word(), endpoint.id, model.id, linkage, 0.5, None, 1, "ada", model)


def _binding(endpoint: GatewayEndpoint, resource: str, at: int = 1) -> GatewayBinding:
    return GatewayBinding(endpoint.id, "scorer", resource, at, at, "ada", "ada")


def test_what_is_sealed_stays(connection: Connection) -> None:
    """A secret comes back with what may be shown of it; its sealed bytes only where they are asked for."""
    made = _secret(connection)

    assert gateway.read_secrets(connection, identifier=made.id) == [made]
    assert "sealed-1" not in repr(gateway.read_secrets(connection, name=made.name))
    assert gateway.read_sealed(connection, made.id) == b"sealed-1"
    assert gateway.read_sealed(connection, "nobody") is None


def test_a_change_without_a_new_key(connection: Connection) -> None:
    """Keeps the sealed bytes and what is shown of them, and changes the rest."""
    made = _secret(connection)

    changed = replace(made, auth_config={"base": "y"}, updated_at=5, updated_by="bob", masked={"key": "?"})
    gateway.put_secret(connection, changed, None)

    assert gateway.read_secrets(connection, identifier=made.id) == [replace(changed, masked=made.masked)]
    assert gateway.read_sealed(connection, made.id) == b"sealed-1"


def test_a_new_key_replaces_the_old(connection: Connection) -> None:
    """With what may be shown of it; the name stays."""
    made = _secret(connection)

    changed = replace(made, masked={"key": "sk-…7"}, updated_at=5)
    gateway.put_secret(connection, changed, b"sealed-2")

    assert gateway.read_secrets(connection, identifier=made.id) == [changed]
    assert gateway.read_sealed(connection, made.id) == b"sealed-2"


def test_all_that_is_given_must_fit(connection: Connection) -> None:
    """A secret is found by every part of it, and not when one part differs."""
    provider = _word()
    made, other = _secret(connection, provider), _secret(connection, provider)

    assert {one.id for one in gateway.read_secrets(connection, provider=provider)} == {made.id, other.id}
    assert gateway.read_secrets(connection, made.id, made.name, provider) == [made]
    assert gateway.read_secrets(connection, made.id, other.name) == []


def test_names_of_secrets_are_taken(shared: Database) -> None:
    """The second of a name is refused, and the first keeps its key."""
    with shared.write() as connection:
        made = _secret(connection)

    with pytest.raises(RowRefused), shared.write() as connection:
        gateway.put_secret(connection, replace(made, id=_word()), b"sealed-2")

    with shared.read() as connection:
        assert gateway.read_sealed(connection, made.id) == b"sealed-1"


def test_a_model_outlives_its_secret(connection: Connection) -> None:
    """It stays, and says that nothing opens it any more."""
    secret = _secret(connection)
    model = _model(connection, secret)
    assert gateway.read_models(connection, secret=secret.id) == [model]

    gateway.delete_secret(connection, secret.id)

    assert gateway.read_models(connection, model.id) == [replace(model, secret=None, secret_name=None)]


def test_a_model_is_changed_in_place(connection: Connection) -> None:
    """Under its id, with another name and provider; when it was made stays."""
    model = _model(connection)
    changed = replace(model, name=_word(), provider="other", model_name="n", updated_at=7)

    gateway.put_model(connection, replace(changed, created_at=99))

    assert gateway.read_models(connection, model.id) == [changed]


def test_a_model_in_use_is_not_removed(shared: Database) -> None:
    """An endpoint would lead nowhere; once its route is gone, the model may go."""
    with shared.write() as connection:
        endpoint, model = _endpoint(connection), _model(connection)
        gateway_endpoints.add_routes(connection, [_route(endpoint, model)])

    with pytest.raises(RowRefused), shared.write() as connection:
        gateway.delete_model(connection, model.id)

    with shared.write() as connection:
        assert gateway_endpoints.remove_routes(connection, endpoint.id, model.id) == 1
        gateway.delete_model(connection, model.id)
        assert gateway.read_models(connection, model.id) == []


def test_an_endpoint_comes_back(connection: Connection) -> None:
    """With its routes in the order in which they came, each with its model, and with its tags."""
    endpoint, one, two = _endpoint(connection), _model(connection), _model(connection)
    routes = (_route(endpoint, two), _route(endpoint, one, "FALLBACK"))
    gateway_endpoints.add_routes(connection, routes)
    gateway_endpoints.set_endpoint_tag(connection, endpoint.id, "team", "ü")

    (found,) = gateway_endpoints.read_endpoints(connection, endpoint.id)

    assert found == replace(endpoint, routes=routes, tags={"team": "ü"})
    assert gateway_endpoints.read_endpoints(connection, name=endpoint.name) == [found]
    assert gateway_endpoints.read_endpoints(connection, endpoint.id, "other") == []


def test_a_change_keeps_routes_and_tags(connection: Connection) -> None:
    """What leads where is decided by itself."""
    endpoint, model = _endpoint(connection), _model(connection)
    gateway_endpoints.add_routes(connection, [_route(endpoint, model)])
    gateway_endpoints.set_endpoint_tag(connection, endpoint.id, "a", "1")

    changed = replace(endpoint, name=_word(), has_fallback=False, is_tracked=True, experiment=None)
    gateway_endpoints.put_endpoint(connection, changed)

    (found,) = gateway_endpoints.read_endpoints(connection, endpoint.id)
    assert (found.name, found.has_fallback, found.is_tracked) == (changed.name, False, True)
    assert (len(found.routes), found.tags) == (1, {"a": "1"})


def test_a_route_is_there_once(shared: Database) -> None:
    """To one model in one way; as a fallback the same model is another route."""
    with shared.write() as connection:
        endpoint, model = _endpoint(connection), _model(connection)
        gateway_endpoints.add_routes(
            connection, [_route(endpoint, model), _route(endpoint, model, "FALLBACK")]
        )

    with pytest.raises(RowRefused), shared.write() as connection:
        gateway_endpoints.add_routes(connection, [_route(endpoint, model)])

    with shared.write() as connection:
        assert gateway_endpoints.remove_routes(connection, endpoint.id) == 2
        assert gateway_endpoints.remove_routes(connection, endpoint.id) == 0


def test_tags_of_an_endpoint(connection: Connection) -> None:
    """The last value counts; removing what is not there is no fault."""
    endpoint = _endpoint(connection)
    for value in ("1", "2"):
        gateway_endpoints.set_endpoint_tag(connection, endpoint.id, "a", value)
    assert gateway_endpoints.read_endpoints(connection, endpoint.id)[0].tags == {"a": "2"}

    for _ in range(2):
        gateway_endpoints.delete_endpoint_tag(connection, endpoint.id, "a")

    assert gateway_endpoints.read_endpoints(connection, endpoint.id)[0].tags == {}


def test_a_use_is_noted_once(connection: Connection) -> None:
    """Said twice it is one use, of the time when it was said first."""
    endpoint, resource = _endpoint(connection), _word()

    for at in (1, 2):
        gateway_endpoints.put_binding(connection, _binding(endpoint, resource, at))

    assert gateway_endpoints.read_bindings(connection, endpoint.id) == [_binding(endpoint, resource, 1)]
    assert gateway_endpoints.delete_binding(connection, endpoint.id, "scorer", resource) == 1
    assert gateway_endpoints.delete_binding(connection, endpoint.id, "scorer", resource) == 0


def test_a_scorer_is_forgotten_everywhere(connection: Connection) -> None:
    """Its uses of every endpoint go, and those of others stay."""
    one, two, scorer, other = _endpoint(connection), _endpoint(connection), _word(), _word()
    for binding in (_binding(one, scorer), _binding(two, scorer), _binding(one, other)):
        gateway_endpoints.put_binding(connection, binding)

    gateway_endpoints.forget_scorer(connection, scorer)

    assert gateway_endpoints.read_bindings(connection, resource_id=scorer) == []
    assert gateway_endpoints.read_bindings(connection, one.id) == [_binding(one, other)]


def test_an_endpoint_goes_with_all_it_has(connection: Connection) -> None:
    """Its routes no longer keep a model in use, and nobody uses it any more."""
    endpoint, model = _endpoint(connection), _model(connection)
    gateway_endpoints.add_routes(connection, [_route(endpoint, model)])
    gateway_endpoints.put_binding(connection, _binding(endpoint, _word()))

    gateway_endpoints.delete_endpoint(connection, endpoint.id)
    gateway.delete_model(connection, model.id)

    assert gateway_endpoints.read_endpoints(connection, endpoint.id) == []
    assert gateway_endpoints.read_bindings(connection, endpoint.id) == []
