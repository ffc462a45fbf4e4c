"""The protocol's rows for webhooks, and two of our own that show what became of their deliveries."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ropewalk.mlops.tracking import webhooks
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.webhooks.examples import EXAMPLES
from ropewalk.mlops.tracking.wire import models
from ropewalk.mlops.tracking.wire import webhooks as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.mlops.tracking.wire.compat import by_name, check_required
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.webhooks import Delivery, NewWebhook, Webhook

MOST = 1000
DEFAULT_PAGE = 100
STATES = ("waiting", "delivered", "dead")


class ListDeliveries(Struct):
    """Which deliveries of a webhook to show: the newest in one of the states, or in any."""

    webhook_id: str | None = None
    state: str | None = None
    max_results: int | None = None
    required: ClassVar[tuple[str, ...]] = ("webhook_id",)


class ShownDelivery(Struct):
    """A delivery without its content; times are UTC milliseconds."""

    delivery_id: str
    event: str
    state: str
    attempts: int
    created_at: int
    due_at: int | None
    ended_at: int | None
    response_status: int | None
    problem: str | None


class Deliveries(Struct):
    """The newest deliveries first."""

    deliveries: list[ShownDelivery]


class RetryDeliveries(Struct):
    """The webhook whose dead deliveries are to be tried again."""

    webhook_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("webhook_id",)


class Retried(Struct):
    """How many deliveries will be tried again."""

    retried: int


def _written(found: Webhook) -> wire.Webhook:
    return wire.Webhook(
        webhook_id=found.id,
        name=found.name,
        # The secret is never answered, not even to whoever set it.
        description=found.description,
        url=found.url,
        events=[_event(event) for event in found.events],
        status=found.status,  # type: ignore[arg-type]  # the database holds no other
        creation_timestamp=found.created_at,
        last_updated_timestamp=found.updated_at,
    )


def _event(name: str) -> wire.WebhookEvent:
    entity, _, action = name.upper().partition(".")
    return wire.WebhookEvent(entity, action)  # type: ignore[arg-type]  # both are checked before they are stored


def _names(events: list[wire.WebhookEvent]) -> tuple[str, ...]:
    # A webhook that names an event twice is still told of it once.
    return tuple(dict.fromkeys(_name(event) for event in events))


def _name(event: wire.WebhookEvent) -> str:
    check_required(event)
    entity = by_name(models.WebhookEntity, event.entity, "")
    name = f"{entity}.{by_name(models.WebhookAction, event.action, '')}".lower()
    if name not in EXAMPLES:
        raise InvalidRequest(
            f"Invalid action/entity combination: {name}", hint=f"one of {', '.join(EXAMPLES)}"
        )
    return name


def _status(status: str | int | None) -> str:
    return by_name(models.WebhookStatus, status, "ACTIVE")


def _create(workspace: Workspace, asked: wire.CreateWebhook) -> wire.CreateWebhookResponse:
    new = NewWebhook(
        name=need(asked.name, "name"),
        description=asked.description,
        url=need(asked.url, "url"),
        events=_names(asked.events),
        secret=None,
        status=_status(asked.status),
    )
    return wire.CreateWebhookResponse(_written(webhooks.create_webhook(workspace, new, asked.secret)))


def _get(workspace: Workspace, asked: wire.GetWebhook) -> wire.GetWebhookResponse:
    found = webhooks.get_webhook(workspace, need(asked.webhook_id, "webhook_id"))
    return wire.GetWebhookResponse(_written(found))


def _list(workspace: Workspace, asked: wire.ListWebhooks) -> wire.ListWebhooksResponse:
    limit = DEFAULT_PAGE if asked.max_results is None else asked.max_results
    if not 1 <= limit <= MOST:
        raise InvalidRequest(
            f"Invalid value {limit} for parameter 'max_results' supplied: it must be between 1 and {MOST}"
        )
    page = read_page(workspace, asked.page_token, limit, "webhooks")
    found = webhooks.list_webhooks(workspace, 0, page.offset + page.limit)[page.offset :]
    return wire.ListWebhooksResponse(
        [_written(webhook) for webhook in found[:limit]], next_token(workspace, page, len(found), "webhooks")
    )


def _update(workspace: Workspace, asked: wire.UpdateWebhook) -> wire.UpdateWebhookResponse:
    changes: dict[str, object] = {
        name: value for name in ("name", "description", "url") if (value := getattr(asked, name)) is not None
    }
    if asked.events:
        changes["events"] = _names(asked.events)
    if asked.status is not None:
        changes["status"] = _status(asked.status)
    webhook_id = need(asked.webhook_id, "webhook_id")
    return wire.UpdateWebhookResponse(
        _written(webhooks.change_webhook(workspace, webhook_id, changes, asked.secret))
    )


def _delete(workspace: Workspace, asked: wire.DeleteWebhook) -> None:
    webhooks.delete_webhook(workspace, need(asked.webhook_id, "webhook_id"))


def _try(workspace: Workspace, asked: wire.TestWebhook) -> wire.TestWebhookResponse:
    event = None if asked.event is None else _name(asked.event)
    reply = webhooks.try_webhook(workspace, need(asked.webhook_id, "webhook_id"), event)
    # MLflow's client reads any status below 400 as success; a redirect that is not followed is none.
    return wire.TestWebhookResponse(
        wire.WebhookTestResult(
            success=reply.is_taken,
            response_status=reply.status,
            response_body=None if reply.status is None else reply.text,
            error_message=reply.problem,
        )
    )


def _deliveries(workspace: Workspace, asked: ListDeliveries) -> Deliveries:
    if asked.state is not None and asked.state not in STATES:
        raise InvalidRequest(
            f"Invalid value {asked.state[:50]!r} for parameter 'state' supplied",
            hint=f"one of {', '.join(STATES)}",
        )
    states = STATES if asked.state is None else (asked.state,)
    limit = max(1, min(asked.max_results or DEFAULT_PAGE, MOST))
    found = webhooks.list_deliveries(workspace, need(asked.webhook_id, "webhook_id"), states, limit)
    return Deliveries([_shown(delivery) for delivery in found])


def _shown(found: Delivery) -> ShownDelivery:
    return ShownDelivery(
        delivery_id=found.id,
        event=found.event,
        state=found.state,
        attempts=found.attempts,
        created_at=found.created_at,
        due_at=found.due_at if found.state == "waiting" else None,
        ended_at=found.ended_at,
        response_status=found.answer,
        problem=found.problem,
    )


def _retry(workspace: Workspace, asked: RetryDeliveries) -> Retried:
    return Retried(webhooks.revive_deliveries(workspace, need(asked.webhook_id, "webhook_id")))


# All of them manage: what is listed has addresses with tokens in them, and an address is called by this server.
_NEEDED = Permission.MANAGE
_AT = "/mlflow/webhooks"
ROWS = (
    Row("POST", _AT, _NEEDED, wire.CreateWebhook, _create),
    Row("GET", _AT, _NEEDED, wire.ListWebhooks, _list),
    Row("GET", f"{_AT}/{{webhook_id}}", _NEEDED, wire.GetWebhook, _get),
    Row("PATCH", f"{_AT}/{{webhook_id}}", _NEEDED, wire.UpdateWebhook, _update),
    Row("DELETE", f"{_AT}/{{webhook_id}}", _NEEDED, wire.DeleteWebhook, _delete),
    Row("POST", f"{_AT}/{{webhook_id}}/test", _NEEDED, wire.TestWebhook, _try),
    Row("GET", f"{_AT}/{{webhook_id}}/deliveries", _NEEDED, ListDeliveries, _deliveries),
    Row("POST", f"{_AT}/{{webhook_id}}/deliveries/retry", _NEEDED, RetryDeliveries, _retry),
)
