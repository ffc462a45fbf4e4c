"""What is due for a schedule at a moment, by its policies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.pipeline import Rule, Schedule, TickState
from ropewalk.pipeline.schedule import AHEAD_MS, Due, is_taken_over, next_due
from ropewalk.store.schedule import TickRow

HOUR, MINUTE = 3_600_000, 60_000
RULE = Rule("0 * * * *")
NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)


def schedule(catch_up: str = "last", overlap: str = "wait") -> Schedule:
    return Schedule("hourly", RULE, catch_up=catch_up, overlap=overlap)


def tick(due_at: int, state: TickState = TickState.SUCCEEDED, finished_at: int | None = 0) -> TickRow:
    ended = due_at + MINUTE if finished_at == 0 else finished_at
    return TickRow("hourly", due_at, str(RULE), state.value, None, due_at, ended, None)


def test_a_new_rule_promises_nothing_past() -> None:
    """Before its first tick a rule is only taken note of."""
    assert next_due(schedule(), None, False, NOON + 5) == Due(NOON + 5, TickState.KNOWN)


def test_nothing_between_due_times() -> None:
    """After a due time there is nothing to do until the next."""
    assert next_due(schedule(), tick(NOON), False, NOON + HOUR - 1) is None


def test_on_time() -> None:
    """A due time that has come starts a run, whatever is made up for."""
    for catch_up in ("last", "all", "none"):
        due = next_due(schedule(catch_up), tick(NOON), False, NOON + HOUR + 200)
        assert due == Due(NOON + HOUR, TickState.RUNNING)


@pytest.mark.parametrize(
    ("catch_up", "due"),
    [
        ("last", Due(NOON + 5 * HOUR, TickState.RUNNING)),
        ("all", Due(NOON + HOUR, TickState.RUNNING)),
        ("none", Due(NOON + 5 * HOUR, TickState.MISSED)),
    ],
)
def test_after_a_break(catch_up: str, due: Due) -> None:
    """Of five missed times the newest is run, or the oldest first, or none."""
    assert next_due(schedule(catch_up), tick(NOON), False, NOON + 5 * HOUR + 20 * MINUTE) == due


def test_all_come_in_order() -> None:
    """With `all` each missed time is run, one after the other, up to the present."""
    last, seen = tick(NOON), list[int]()
    while due := next_due(schedule("all"), last, False, NOON + 3 * HOUR + 1):
        seen.append(due.at)
        last = tick(due.at)

    assert seen == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


def test_overlap_waits() -> None:
    """While the run before it is at work a due time waits."""
    assert next_due(schedule(), tick(NOON, TickState.RUNNING, None), True, NOON + HOUR + 1) is None


def test_overlap_skips() -> None:
    """Or it is skipped, which is recorded."""
    due = next_due(schedule(overlap="skip"), tick(NOON, TickState.RUNNING, None), True, NOON + HOUR + 1)

    assert due == Due(NOON + HOUR, TickState.SKIPPED)


def test_what_waited_was_not_missed() -> None:
    """A time that waited for a long run is run when that ends, also where nothing missed is made up for."""
    last = tick(NOON, finished_at=NOON + HOUR + 20 * MINUTE)

    due = next_due(schedule("none"), last, False, NOON + HOUR + 20 * MINUTE + 300)

    assert due == Due(NOON + HOUR, TickState.RUNNING)


def test_clock_set_back() -> None:
    """A clock that goes backwards makes nothing due that was due already."""
    assert next_due(schedule(), tick(NOON), False, NOON - 30 * MINUTE) is None
    assert next_due(schedule("all"), tick(NOON), False, NOON - 3 * HOUR) is None


@pytest.mark.parametrize(
    ("catch_up", "state", "now", "again"),
    [
        ("last", TickState.RUNNING, NOON + MINUTE, True),
        ("last", TickState.RUNNING, NOON + HOUR, False),
        ("all", TickState.RUNNING, NOON + 9 * HOUR, True),
        ("none", TickState.RUNNING, NOON + MINUTE, False),
        ("all", TickState.AGAIN, NOON + MINUTE, False),
    ],
)
def test_taking_over(catch_up: str, state: TickState, now: int, again: bool) -> None:
    """What died is run again once, where its time is still wanted."""
    assert is_taken_over(schedule(catch_up), tick(NOON, state, None), now) is again


def test_another_rule_is_not_taken_over() -> None:
    """A due time of a rule that was changed since is not run again."""
    other = TickRow("hourly", NOON, "0 3 * * * UTC", "running", None, NOON, None, None)

    assert not is_taken_over(schedule("all"), other, NOON + MINUTE)


class Table:
    """The ticks of one schedule, as the database keeps them: a due time is claimed once."""

    def __init__(self) -> None:
        self.rows: dict[int, TickState] = {}

    def look(self, found: Schedule, now: int) -> Due | None:
        """Do what a scheduler does at a look, with runs that take no time."""
        latest = max((due_at for due_at in self.rows if due_at <= now + AHEAD_MS), default=None)
        due = next_due(found, None if latest is None else tick(latest, finished_at=latest), False, now)
        if due is None or due.at in self.rows:
            return None
        self.rows[due.at] = due.state
        return due


@given(
    st.sampled_from(["last", "all", "none"]),
    st.lists(st.integers(-3 * HOUR, 5 * HOUR), max_size=25),
)
def test_whatever_the_clock_does(catch_up: str, moves: list[int]) -> None:
    """However the clock moves, forwards and back, no due time is run twice, and none before it has come."""
    table, now, ran = Table(), NOON + 1, list[int]()
    for move in moves:
        now += move
        while due := table.look(schedule(catch_up), now):
            assert due.at <= now
            ran += [due.at] if due.state is TickState.RUNNING else []

    assert len(ran) == len(set(ran))
    assert ran == sorted(ran)


@given(st.lists(st.integers(0, 5 * HOUR), min_size=1, max_size=15))
def test_all_leaves_none_out(breaks: list[int]) -> None:
    """With `all`, whatever the breaks, every due time since the rule was known has been run in the end."""
    table, now = Table(), NOON + 1
    table.look(schedule("all"), now)
    for pause in breaks:
        now += pause
        while table.look(schedule("all"), now):
            pass

    ran = [due_at for due_at, state in table.rows.items() if state is TickState.RUNNING]
    assert ran == list(range(NOON + HOUR, now + 1, HOUR))


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("last", Due(NOON + 3 * HOUR, TickState.RUNNING)),
        ("all", Due(NOON + HOUR, TickState.RUNNING)),
        ("none", Due(NOON + 3 * HOUR, TickState.MISSED)),
    ],
)
def test_three_hours_asleep(catch_up: str, expected: Due) -> None:
    """What was missed is made up for as the schedule says."""
    assert next_due(schedule(catch_up), tick(NOON), False, NOON + 3 * HOUR + 5 * MINUTE) == expected


@pytest.mark.parametrize(("overlap", "state"), [("skip", TickState.SKIPPED), ("wait", None)])
@pytest.mark.parametrize("catch_up", ["last", "all", "none"])
def test_while_a_run_is_at_work(catch_up: str, overlap: str, state: TickState | None) -> None:
    """The run that is at work goes first, whatever is to be made up for."""
    due = next_due(schedule(catch_up, overlap), tick(NOON, TickState.RUNNING, None), True, NOON + HOUR)

    assert (due.state if due else None) is state


def test_rule_that_has_never_been_due() -> None:
    """A rule of leap days, on a clock that stands before the first of them, asks for nothing."""
    never = Schedule("leap", Rule("0 0 29 2 *"))

    assert next_due(never, tick(NOON), False, NOON + HOUR) is None


def test_cause_names_the_schedule() -> None:
    """Runs say which schedule they are of."""
    assert schedule().cause == "schedule:hourly"
