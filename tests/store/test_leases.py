"""Leases in the database: one holder each, known by a token."""

from __future__ import annotations

from ropewalk.store.leases import beat_leases, drop_lease, list_leases, read_lease, take_lease


def test_first_come_first_served(database):
    """The second is told who has it."""
    assert take_lease(database, "action:k", "me", "host", "1 2") is None

    holder = take_lease(database, "action:k", "you", "host", "3 4")

    assert (holder.owner, holder.process, holder.beat) == ("me", "1 2", 0)


def test_lease_given_up_can_be_taken(database):
    """A lease that was given up is free."""
    take_lease(database, "action:k", "me", "host", "1 2")

    assert drop_lease(database, "action:k", "me")
    assert take_lease(database, "action:k", "you", "host", "3 4") is None


def test_only_the_holder_is_dropped(database):
    """Two who find a dead holder take it away once: the second must not take away the first one's."""
    take_lease(database, "action:k", "me", "host", "1 2")

    assert not drop_lease(database, "action:k", "you")
    assert read_lease(database, "action:k").owner == "me"


def test_beat_raises_all_of_the_owner(database):
    """One beat says of all leases of a process that it lives."""
    take_lease(database, "action:a", "me", "host", "1 2")
    take_lease(database, "run:b", "me", "host", "1 2")
    take_lease(database, "run:c", "you", "host", "3 4")

    beat_leases(database, "me")

    assert {row.name: row.beat for row in list_leases(database)} == {"action:a": 1, "run:b": 1, "run:c": 0}
    assert [row.name for row in list_leases(database, "run:")] == ["run:b", "run:c"]
