"""Webhooks and their outbox: who is told of what, in which order, and what is left when a receiver fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ropewalk.store import Database
from ropewalk.store.connections import Connection
from ropewalk.store.tracking import webhooks as hooks

MADE = "registered_model.created"
FAR = 10**15


@pytest.fixture
def connection(shared: Database) -> Iterator[Connection]:
    """Return a connection that writes, with no webhook there."""
    with shared.write() as connection:
        for hook in hooks.list_webhooks(connection, 0, 100):
            hooks.delete_webhook(connection, hook.number)
        yield connection


def _new(name: str = "chat", *events: str, status: str = "ACTIVE") -> hooks.NewWebhook:
    return hooks.NewWebhook(name, None, "https://example.org/x", events or (MADE,), b"sealed", status)


def _due(connection: Connection) -> list[hooks.Delivery]:
    return [delivery for delivery, _ in hooks.due_deliveries(connection, FAR, 100)]


def test_what_is_written_is_read(connection: Connection) -> None:
    """A webhook comes back field by field, its key as the bytes that it was sealed to."""
    new = _new("chat", MADE, "model_version.created")

    made = hooks.insert_webhook(connection, new)

    assert hooks.find_webhook(connection, made.id) == made
    assert (made.name, made.description, made.url, made.status) == ("chat", None, new.url, "ACTIVE")
    assert (made.events, bytes(made.secret or b"")) == (new.events, b"sealed")


def test_unknown_webhook(connection: Connection) -> None:
    """An id that nobody has finds nothing."""
    assert hooks.find_webhook(connection, "nobody") is None


def test_a_change_keeps_id_and_birth(connection: Connection) -> None:
    """What changes is what was asked for; a webhook stays the one that it was."""
    made = hooks.insert_webhook(connection, _new())

    changed = hooks.change_webhook(connection, made.number, _new("mail", status="DISABLED"))

    assert (changed.id, changed.number, changed.created_at) == (made.id, made.number, made.created_at)
    assert (changed.name, changed.status) == ("mail", "DISABLED")
    assert hooks.find_webhook(connection, made.id) == changed


def test_pages_follow_the_order_of_creation(connection: Connection) -> None:
    """Each page begins behind the last number of the one before, and none is shown twice."""
    made = [hooks.insert_webhook(connection, _new(name)).number for name in "abc"]

    first = hooks.list_webhooks(connection, 0, 2)
    rest = hooks.list_webhooks(connection, first[-1].number, 2)

    assert [hook.number for hook in first + rest] == made


@pytest.mark.parametrize(("status", "listens"), [("ACTIVE", True), ("DISABLED", False)])
def test_only_active_ones_listen(connection: Connection, status: str, listens: bool) -> None:
    """A disabled webhook is told of nothing, so nothing is written down for it."""
    hooks.insert_webhook(connection, _new(status=status))

    hooks.add_deliveries(connection, MADE, "{}")

    assert hooks.is_anyone_listening(connection) is listens
    assert len(_due(connection)) == int(listens)


def test_events_are_compared_whole(connection: Connection) -> None:
    """An event whose name begins as another's is another event."""
    hooks.insert_webhook(connection, _new("tags", "model_version_tag.set"))

    hooks.add_deliveries(connection, "model_version", "{}")
    hooks.add_deliveries(connection, "model_version_tag.se", "{}")

    assert _due(connection) == []


def test_each_listener_is_told_by_itself(connection: Connection) -> None:
    """Two webhooks of one event get a delivery each, with ids that tell them apart."""
    told = {hooks.insert_webhook(connection, _new(name)).number for name in "ab"}

    hooks.add_deliveries(connection, MADE, '{"name": "late"}')

    found = _due(connection)
    assert {delivery.webhook for delivery in found} == told
    assert len({delivery.id for delivery in found}) == 2
    assert {delivery.content for delivery in found} == {'{"name": "late"}'}


def test_a_failure_waits_for_its_time(connection: Connection) -> None:
    """What failed is due again later, and not before; the receiver's answer is kept."""
    hooks.insert_webhook(connection, _new())
    hooks.add_deliveries(connection, MADE, "{}")
    (first,) = _due(connection)

    hooks.settle_delivery(connection, first.number, "waiting", due_at=FAR - 1, answer=503, problem="busy")

    assert hooks.due_deliveries(connection, FAR - 2, 10) == []
    (again,) = _due(connection)
    assert (again.id, again.attempts, again.answer, again.problem) == (first.id, 1, 503, "busy")
    assert again.ended_at is None


def test_longest_due_first(connection: Connection) -> None:
    """Whoever waits longest comes first, whatever came into the outbox first."""
    hooks.insert_webhook(connection, _new())
    for content in ("one", "two"):
        hooks.add_deliveries(connection, MADE, content)
    one, two = _due(connection)

    hooks.settle_delivery(connection, one.number, "waiting", due_at=FAR, answer=None, problem="no answer")

    assert [delivery.content for delivery in _due(connection)] == ["two", "one"]
    assert two.attempts == 0


@pytest.mark.parametrize("state", ["delivered", "dead"])
def test_what_ended_is_not_tried_again(connection: Connection, state: hooks.State) -> None:
    """Neither what arrived nor what was given up is due, and both say when that was."""
    hook = hooks.insert_webhook(connection, _new())
    hooks.add_deliveries(connection, MADE, "{}")
    (sent,) = _due(connection)

    hooks.settle_delivery(connection, sent.number, state, due_at=0, answer=200, problem=None)

    assert _due(connection) == []
    (ended,) = hooks.list_deliveries(connection, hook.number, [state], 10)
    assert ended.ended_at is not None
    assert ended.ended_at >= sent.created_at


def test_the_dead_are_revived_and_nothing_else(connection: Connection) -> None:
    """Reviving begins to count attempts anew, and tells nobody twice what arrived."""
    hook = hooks.insert_webhook(connection, _new())
    for _ in range(2):
        hooks.add_deliveries(connection, MADE, "{}")
    dead, arrived = _due(connection)
    hooks.settle_delivery(connection, dead.number, "dead", due_at=0, answer=None, problem="gone")
    hooks.settle_delivery(connection, arrived.number, "delivered", due_at=0, answer=200, problem=None)

    assert hooks.revive_deliveries(connection, hook.number) == 1

    (again,) = _due(connection)
    assert (again.number, again.attempts, again.ended_at) == (dead.number, 0, None)
    assert hooks.revive_deliveries(connection, hook.number) == 0


def test_old_ends_are_forgotten(connection: Connection) -> None:
    """What ended goes when it is old enough, each kind by its own time; what waits stays for ever."""
    hook = hooks.insert_webhook(connection, _new())
    for _ in range(3):
        hooks.add_deliveries(connection, MADE, "{}")
    dead, arrived, waiting = _due(connection)
    hooks.settle_delivery(connection, dead.number, "dead", due_at=0, answer=None, problem="gone")
    hooks.settle_delivery(connection, arrived.number, "delivered", due_at=0, answer=200, problem=None)

    assert hooks.forget_deliveries(connection, FAR, 0) == 1
    assert hooks.forget_deliveries(connection, FAR, 0) == 0

    left = hooks.list_deliveries(connection, hook.number, ["waiting", "dead", "delivered"], 10)
    assert [delivery.number for delivery in left] == [waiting.number, dead.number]


def test_disabled_ones_keep_what_they_missed(connection: Connection) -> None:
    """What was due when a webhook was disabled is due when it is enabled again."""
    hook = hooks.insert_webhook(connection, _new())
    hooks.add_deliveries(connection, MADE, "{}")

    hooks.change_webhook(connection, hook.number, _new(status="DISABLED"))
    assert _due(connection) == []
    hooks.change_webhook(connection, hook.number, _new())

    assert len(_due(connection)) == 1


def test_a_webhook_goes_with_its_outbox(connection: Connection) -> None:
    """Nothing is told to an address that was removed."""
    hook = hooks.insert_webhook(connection, _new())
    hooks.add_deliveries(connection, MADE, "{}")

    hooks.delete_webhook(connection, hook.number)

    assert _due(connection) == []
    assert hooks.list_deliveries(connection, hook.number, ["waiting"], 10) == []
