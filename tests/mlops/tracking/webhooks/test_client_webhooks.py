"""Webhooks as the unmodified client manages them."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from ropewalk.mlops.tracking import endpoint
from ropewalk.pipeline import Workspace

pytestmark = pytest.mark.filterwarnings("ignore")
EVENTS = ["registered_model.created", "model_version_alias.created"]


@pytest.fixture
def url(project: Workspace) -> Iterator[str]:
    """Return the address of the project's endpoint."""
    with endpoint(project) as address:
        yield address


@pytest.fixture
def client(imported_mlflow: ModuleType, url: str) -> Any:
    """Return the client."""
    return imported_mlflow.MlflowClient(url, url)


def test_the_whole_life_of_a_webhook(client: Any, receiver: Any) -> None:
    """Made, read, listed, changed, tried out and deleted; the secret is never answered."""
    made = client.create_webhook("ci", receiver.url, EVENTS, description="tells CI", secret="swordfish")
    assert client.get_webhook(made.webhook_id).url == receiver.url
    assert [found.webhook_id for found in client.list_webhooks()] == [made.webhook_id]
    assert {str(event) for event in made.events} == set(EVENTS)

    changed = client.update_webhook(made.webhook_id, name="cd", status="DISABLED", events=EVENTS[:1])
    assert (changed.name, str(changed.status), changed.description) == ("cd", "DISABLED", "tells CI")
    tried = client.test_webhook(made.webhook_id, EVENTS[0])
    assert (tried.success, tried.response_status, tried.response_body) == (True, 200, "thanks")
    assert b"late" in receiver.taken[0][2]

    client.delete_webhook(made.webhook_id)
    assert list(client.list_webhooks()) == []


def test_pages(client: Any, receiver: Any) -> None:
    """A list in pages has each webhook once."""
    for number in range(5):
        client.create_webhook(f"w{number}", receiver.url, EVENTS)

    first = client.list_webhooks(max_results=3)
    second = client.list_webhooks(max_results=3, page_token=first.token)

    assert [found.name for found in [*first, *second]] == ["w0", "w1", "w2", "w3", "w4"]
    assert not second.token


WRONG = [
    {"name": "-x"},
    {"name": "x" * 64},
    {"url": "https://169.254.169.254/latest"},
    {"url": "http://example.com/"},
    {"events": []},
    {"events": [{"entity": "PROMPT", "action": "EXCEEDED"}]},
    {"events": [{"entity": "NOTHING", "action": "CREATED"}]},
    {"events": [{"entity": "PROMPT"}]},
    {"status": "ASLEEP"},
    {"description": "x" * 5001},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_bad_webhooks_are_refused(url: str, receiver: Any, wrong: dict[str, Any]) -> None:
    """What cannot be a webhook is a 400 that says why, both when it is made and when it is changed."""
    good = {"name": "ci", "url": receiver.url, "events": [{"entity": "PROMPT", "action": "CREATED"}]}
    address = f"{url}/api/2.0/mlflow/webhooks"

    refused = httpx.post(address, json={**good, **wrong})
    made = httpx.post(address, json=good).json()["webhook"]["webhook_id"]
    changed = httpx.patch(f"{address}/{made}", json=wrong)

    assert refused.status_code == 400, refused.text
    assert refused.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert changed.status_code == (200 if wrong == {"events": []} else 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")],
)
def test_an_unknown_webhook(url: str, method: str, path: str) -> None:
    """Every verb on a webhook that is not there is a 404."""
    answer = httpx.request(method, f"{url}/api/2.0/mlflow/webhooks/nobody{path}")

    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_deliveries_can_be_seen_and_tried_again(
    url: str, client: Any, receiver: Any, courier: Any, project: Workspace
) -> None:
    """What was given up is listed with its reason, and waits again when somebody asks for that."""
    receiver.answers = [(410, {}, b"gone")]
    made = client.create_webhook("ci", receiver.url, EVENTS)
    client.create_registered_model("late")
    courier.deliver_due()
    address = f"{url}/api/2.0/mlflow/webhooks/{made.webhook_id}/deliveries"

    dead = httpx.get(address, params={"state": "dead"}).json()["deliveries"]
    retried = httpx.post(f"{address}/retry").json()

    assert [(one["event"], one["response_status"], one["problem"]) for one in dead] == [
        ("registered_model.created", 410, "answered 410")
    ]
    assert retried == {"retried": 1}
    assert httpx.get(address, params={"state": "lost"}).status_code == 400
