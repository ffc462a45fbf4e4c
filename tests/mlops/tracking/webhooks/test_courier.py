"""Delivery: what was changed is told once, signed, again after a failure, and given up where all can see it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from ropewalk.mlops import registry
from ropewalk.mlops.registry import VersionRequest
from ropewalk.mlops.registry.events import announce
from ropewalk.mlops.tracking.webhooks import Courier, list_deliveries, revive_deliveries
from ropewalk.mlops.tracking.webhooks.courier import ATTEMPTS, LONGEST_PAUSE_MS, next_pause_ms
from ropewalk.pipeline import Workspace
from ropewalk.store.tracking.webhooks import Delivery, Webhook

ANY = ("waiting", "delivered", "dead")


def _make_due(project: Workspace) -> None:
    with project.database.write() as connection:
        connection.execute("UPDATE webhook_delivery SET due_at = 0 WHERE state = 'waiting'")


def _last(project: Workspace, webhook: Webhook) -> Delivery:
    return list_deliveries(project, webhook.id, ANY, 10)[0]


def test_a_change_is_told(project: Workspace, receiver: Any, add: Any, courier: Courier) -> None:
    """The receiver gets the event in MLflow's form."""
    webhook = add("registered_model.created")
    registry.create_model(project, "late", "Is it late?", {"team": "arrivals"})

    assert courier.deliver_due() == 1

    path, headers, body = receiver.taken[0]
    told = json.loads(body)
    assert (path, headers["Content-Type"]) == ("/hook", "application/json")
    assert (told["entity"], told["action"]) == ("registered_model", "created")
    assert told["data"] == {"name": "late", "tags": {"team": "arrivals"}, "description": "Is it late?"}
    assert _last(project, webhook).state == "delivered"


def test_it_is_signed_as_mlflow_signs(project: Workspace, receiver: Any, add: Any, courier: Courier) -> None:
    """The signature is over id, time and body, under the webhook's secret."""
    add("registered_model.created")
    registry.create_model(project, "late")
    courier.deliver_due()

    _, headers, body = receiver.taken[0]
    signed = b".".join(
        [headers["X-MLflow-Delivery-Id"].encode(), headers["X-MLflow-Timestamp"].encode(), body]
    )
    wanted = base64.b64encode(hmac.new(b"swordfish", signed, hashlib.sha256).digest()).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{wanted}"


def test_without_a_secret_nothing_is_signed(
    project: Workspace, receiver: Any, add: Any, courier: Courier
) -> None:
    """A webhook without a secret gets no signature that it could mistake for one."""
    add("registered_model.created", secret=None)
    registry.create_model(project, "late")
    courier.deliver_due()

    assert "X-MLflow-Signature" not in receiver.taken[0][1]


def _everything(project: Workspace) -> None:
    registry.create_model(project, "late")
    registry.tag_model(project, "late", "a", "b")
    registry.create_version(project, VersionRequest("late", "s3://bucket/late", tags={"x": "y"}))
    registry.tag_version(project, "late", "1", "reviewed", "yes")
    registry.untag_version(project, "late", "1", "reviewed")
    registry.set_alias(project, "late", "champion", "1")
    registry.delete_alias(project, "late", "champion")


def _prompt(project: Workspace) -> None:
    prompt = {"mlflow.prompt.is_prompt": "true"}
    registry.create_model(project, "ask", None, {**prompt, "team": "a"})
    registry.tag_model(project, "ask", "a", "b")
    registry.untag_model(project, "ask", "a")
    tags = {**prompt, "mlflow.prompt.text": "Why {{x}}?", "_mlflow_prompt_type": "text"}
    registry.create_version(project, VersionRequest("ask", "dummy-source", tags=tags))
    registry.set_alias(project, "ask", "champion", "1")


OF_MODELS = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
]
OF_PROMPTS = [
    "prompt.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version.created",
    "prompt_alias.created",
]


@pytest.mark.parametrize(("change", "events"), [(_everything, OF_MODELS), (_prompt, OF_PROMPTS)])
def test_every_event_of_the_registry(project: Workspace, add: Any, change: Any, events: list[str]) -> None:
    """What models do is told as models, what prompts do as prompts; each webhook hears what it asked for."""
    webhook = add(*OF_MODELS, *OF_PROMPTS)
    add("budget_policy.exceeded", name="other")

    change(project)

    told = list_deliveries(project, webhook.id, ANY, 100)
    assert [delivery.event for delivery in reversed(told)] == events


def test_a_prompts_template_is_told(project: Workspace, add: Any) -> None:
    """The tags by which a prompt is kept are taken apart as MLflow does."""
    webhook = add("prompt_version.created")
    _prompt(project)

    data = json.loads(_last(project, webhook).content)["data"]

    assert data == {"name": "ask", "version": "1", "template": "Why {{x}}?", "tags": {}, "description": None}


def test_what_is_undone_is_not_told(project: Workspace, add: Any) -> None:
    """A change that fails leaves no event: both are in one transaction."""
    webhook = add(*OF_MODELS)
    with suppress(RuntimeError), project.database.write() as connection:
        announce(connection, "late", "model_version_tag", "set", {})
        raise RuntimeError

    assert list_deliveries(project, webhook.id, ANY, 10) == []


def test_a_disabled_webhook_is_told_nothing(
    project: Workspace, receiver: Any, add: Any, courier: Courier
) -> None:
    """Nothing is kept for it either."""
    webhook = add("registered_model.created", status="DISABLED")
    registry.create_model(project, "late")

    assert courier.deliver_due() == 0
    assert list_deliveries(project, webhook.id, ANY, 10) == []


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_failure_is_tried_again(
    project: Workspace, receiver: Any, add: Any, courier: Courier, status: int
) -> None:
    """It waits, and is told later under the same id, so that a receiver can tell repetitions."""
    receiver.answers = [(status, {}, b""), (204, {}, b"")]
    webhook = add("registered_model.created")
    registry.create_model(project, "late")
    courier.deliver_due()
    waiting = _last(project, webhook)
    assert (waiting.state, waiting.attempts, waiting.answer) == ("waiting", 1, status)
    assert courier.deliver_due() == 0

    _make_due(project)
    courier.deliver_due()

    assert _last(project, webhook).state == "delivered"
    assert len({headers["X-MLflow-Delivery-Id"] for _, headers, _ in receiver.taken}) == 1


@pytest.mark.parametrize(
    ("status", "headers"), [(400, {}), (404, {}), (302, {"Location": "http://127.0.0.1/"})]
)
def test_a_refusal_is_dead_at_once(
    project: Workspace, receiver: Any, add: Any, courier: Courier, status: int, headers: dict[str, str]
) -> None:
    """What another attempt would not change is given up, with the reason; redirects are not followed."""
    receiver.answers = [(status, headers, b"")]
    webhook = add("registered_model.created")
    registry.create_model(project, "late")

    courier.deliver_due()

    dead = _last(project, webhook)
    assert (dead.state, dead.answer, len(receiver.taken)) == ("dead", status, 1)
    assert str(status) in str(dead.problem)


def test_it_is_given_up_at_last(project: Workspace, receiver: Any, add: Any, courier: Courier) -> None:
    """After all attempts it is dead, and can be revived when the receiver is mended."""
    receiver.answers = [(500, {}, b"")]
    webhook = add("registered_model.created")
    registry.create_model(project, "late")
    for _ in range(ATTEMPTS):
        _make_due(project)
        courier.deliver_due()
    assert _last(project, webhook).state == "dead"

    receiver.answers = [(200, {}, b"")]
    assert revive_deliveries(project, webhook.id) == 1
    courier.deliver_due()

    assert _last(project, webhook).state == "delivered"


def test_several_couriers_tell_each_once(project: Workspace, receiver: Any, add: Any) -> None:
    """Of several servers of one project one sends: nothing is told twice."""
    add("registered_model.created")
    names = [f"m{number}" for number in range(12)]
    for name in names:
        registry.create_model(project, name)
    couriers = [Courier(project) for _ in range(3)]
    threads = [threading.Thread(target=one.deliver_due) for one in couriers]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [json.loads(body)["data"]["name"] for _, _, body in receiver.taken]
    assert sorted(told) == sorted(names)


def test_beside_a_server(project: Workspace, receiver: Any, add: Any, courier: Courier) -> None:
    """The courier's thread delivers while the block lasts."""
    webhook = add("registered_model.created")
    arrived = threading.Event()
    with courier.beside():
        registry.create_model(project, "late")
        while _last(project, webhook).state != "delivered":
            arrived.wait(0.02)

    assert len(receiver.taken) == 1


def test_a_key_that_is_gone(project: Workspace, receiver: Any, add: Any, courier: Courier) -> None:
    """Nothing is sent unsigned when the secret cannot be opened any more."""
    webhook = add("registered_model.created")
    registry.create_model(project, "late")
    project.settings = replace(project.settings, secrets_key="another")

    courier.deliver_due()

    assert receiver.taken == []
    assert "cannot be opened" in str(_last(project, webhook).problem)


def test_secrets_stay_secret(project: Workspace, add: Any) -> None:
    """The secret is nowhere in the database as it was given."""
    webhook = add("registered_model.created")

    assert webhook.secret is not None
    assert b"swordfish" not in webhook.secret


@pytest.mark.parametrize(
    ("attempts", "asked", "least"), [(0, None, 5_000), (3, None, 40_000), (0, 120, 120_000)]
)
def test_pauses_grow(attempts: int, asked: int | None, least: int) -> None:
    """Each pause is at least twice the one before, and no shorter than the receiver asks for."""
    assert least <= next_pause_ms(attempts, asked) <= LONGEST_PAUSE_MS


def test_no_pause_is_longer_than_an_hour() -> None:
    """Neither by many attempts nor because a receiver asks for it."""
    assert next_pause_ms(30, None) == next_pause_ms(0, 99_999) == LONGEST_PAUSE_MS
