"""Ticks: one claim for each, and what is remembered of them."""

from __future__ import annotations

import threading
from dataclasses import replace

from ropewalk.store import Database
from ropewalk.store.schedule import (
    KEPT_MS,
    TickRow,
    claim_again,
    claim_tick,
    finish_tick,
    give_back_tick,
    is_known_rule,
    latest_tick,
    list_ticks,
    name_run_of_tick,
    unfinished_tick,
)

TICK = TickRow("nightly", 1_000, "0 3 * * * UTC", "running", None, 1_001, None, None)


def test_one_claim(database: Database) -> None:
    """The first to claim a due time has it; nobody else does, then or later."""
    assert claim_tick(database, TICK)
    assert not claim_tick(database, replace(TICK, claimed_at=2_000))
    finish_tick(database, TICK, "succeeded", 1_500, None)
    assert not claim_tick(database, TICK)


def test_claims_at_once(database: Database) -> None:
    """Of ten threads one has the claim."""
    won = list[bool]()
    threads = [threading.Thread(target=lambda: won.append(claim_tick(database, TICK))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 9 + [True]


def test_what_became_of_it(database: Database) -> None:
    """A tick remembers its run, its end and its error."""
    claim_tick(database, TICK)
    name_run_of_tick(database, TICK, "abc")
    finish_tick(database, TICK, "failed", 1_500, "exit code 1")

    assert list_ticks(database, "nightly") == [
        replace(TICK, state="failed", run_id="abc", finished_at=1_500, error="exit code 1")
    ]


def test_an_end_is_final(database: Database) -> None:
    """What is done with is not done with again."""
    claim_tick(database, TICK)
    finish_tick(database, TICK, "succeeded", 1_500, None)
    finish_tick(database, TICK, "failed", 1_600, "late")

    assert [tick.state for tick in list_ticks(database, "nightly")] == ["succeeded"]


def test_unfinished(database: Database) -> None:
    """The earliest tick at work is found, and none once it has ended."""
    later = replace(TICK, due_at=2_000)
    claim_tick(database, later)
    claim_tick(database, TICK)

    assert unfinished_tick(database, "nightly") == TICK
    finish_tick(database, TICK, "succeeded", 1_500, None)
    assert unfinished_tick(database, "nightly") == later
    assert unfinished_tick(database, "other") is None


def test_one_takes_over(database: Database) -> None:
    """Of two that saw one dead claim the first gets it."""
    claim_tick(database, TICK)
    name_run_of_tick(database, TICK, "abc")

    assert claim_again(database, TICK, "again", 5_000)
    assert not claim_again(database, TICK, "again", 5_001)
    assert unfinished_tick(database, "nightly") == replace(TICK, state="again", claimed_at=5_000)


def test_giving_back(database: Database) -> None:
    """A claim that was given back can be made again; one that has ended cannot be given back."""
    claim_tick(database, TICK)
    give_back_tick(database, TICK)
    assert claim_tick(database, TICK)
    finish_tick(database, TICK, "succeeded", 1_500, None)
    give_back_tick(database, TICK)
    assert not claim_tick(database, TICK)


def test_latest(database: Database) -> None:
    """The latest tick is the last up to a moment, of whatever rule; each rule that had one is known."""
    for due_at in (1_000, 2_000, 9_000):
        claim_tick(database, replace(TICK, due_at=due_at))
    claim_tick(database, replace(TICK, due_at=3_000, rule="@daily UTC"))
    found = latest_tick(database, "nightly", 5_000)

    assert found == replace(TICK, due_at=3_000, rule="@daily UTC")
    assert latest_tick(database, "nightly", 999) is None
    assert is_known_rule(database, "nightly", TICK.rule)
    assert is_known_rule(database, "nightly", "@daily UTC")
    assert not is_known_rule(database, "nightly", "@hourly UTC")
    assert not is_known_rule(database, "other", TICK.rule)


def test_old_ticks_are_forgotten(database: Database) -> None:
    """Ninety days after a due time its tick goes, with the next that ends; one at work stays."""
    late = replace(TICK, due_at=KEPT_MS + 5_000)
    claim_tick(database, TICK)
    claim_tick(database, replace(TICK, due_at=2_000))
    finish_tick(database, TICK, "succeeded", 1_500, None)
    claim_tick(database, late)
    finish_tick(database, late, "succeeded", KEPT_MS + 6_000, None)

    assert [tick.due_at for tick in list_ticks(database, "nightly")] == [late.due_at, 2_000]


def test_newest_first(database: Database) -> None:
    """A list is of the latest, latest first."""
    for due_at in (3_000, 1_000, 2_000):
        claim_tick(database, replace(TICK, due_at=due_at))

    assert [tick.due_at for tick in list_ticks(database, "nightly", 2)] == [3_000, 2_000]
