"""What a run may use at once."""

from __future__ import annotations

from ropewalk.pipeline import Limits
from ropewalk.pipeline.budget import Budget, Extra


def taken(budget, *limits):
    """Return for each of the limits whether it could be taken, in order."""
    return [budget.take(one) for one in limits]


def test_cores_are_shared():
    """Two cores bear two nodes of one, or one of two."""
    assert taken(Budget(2, 0, {}), Limits(), Limits(), Limits()) == [True, True, False]
    assert taken(Budget(2, 0, {}), Limits(cpu=2), Limits()) == [True, False]


def test_what_is_given_back_can_be_taken_again():
    """An ended node makes room."""
    budget = Budget(1, 0, {})
    budget.take(Limits())
    budget.give_back(Limits())

    assert budget.take(Limits())


def test_node_that_asks_for_too_much_runs_alone():
    """More cores or memory than there are: it is not left waiting for ever, and nothing runs beside it."""
    budget = Budget(2, 100, {})

    assert taken(budget, Limits(cpu=8, memory=1000), Limits()) == [True, False]


def test_memory_is_shared():
    """Only those that say how much they take are counted."""
    assert taken(Budget(9, 100, {}), Limits(memory=60), Limits(memory=60), Limits()) == [True, False, True]


def test_pools_are_apart():
    """A full pool holds up its own nodes alone, and a refused node takes nothing."""
    budget = Budget(9, 0, {"db": 1, "gpu": 1})
    both = [Limits(pool="db"), Limits(pool="db"), Limits(pool="gpu")]

    assert taken(budget, *both) == [True, False, True]
    budget.give_back(Limits(pool="db"))
    assert budget.take(Limits(pool="db"))


def test_a_running_node_takes_more_of_what_is_free():
    """As often as it wants and as there is room, and no other node gets that until it ends."""
    budget = Budget(4, 0, {})
    budget.take(Limits())
    extra = Extra(budget, Limits())

    assert [extra.take(2), extra.take(9), extra.take(1)] == [2, 3, 1]
    assert not budget.take(Limits())
    extra.give_back()
    assert taken(budget, Limits(), Limits(cpu=2)) == [True, True]


def test_more_is_bounded_by_memory_and_pools():
    """Each further process takes the memory and the place in a pool that the first one has."""
    budget = Budget(9, 100, {"db": 2})
    for limits in (Limits(memory=30), Limits(pool="db")):
        budget.take(limits)

    assert Extra(budget, Limits(memory=30)).take(8) == 2
    assert Extra(budget, Limits(pool="db")).take(8) == 1


def test_a_node_too_large_for_the_run_gets_no_more():
    """It runs alone, once."""
    budget = Budget(2, 0, {})
    budget.take(Limits(cpu=8))

    assert Extra(budget, Limits(cpu=8)).take(3) == 0
