"""Live events: what changed, for whom, from where on; and listeners that are slow, come back, or are ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ropewalk.mlops.tracking import Event, Feed, Topic, create_run, events, finish_run, log_metrics
from ropewalk.mlops.tracking.errors import InvalidRequest, TooManyListeners
from ropewalk.mlops.tracking.events import changes
from ropewalk.pipeline import Workspace
from ropewalk.store.pipeline import NodeRunRow, RunRow, record_node_run, start_run
from ropewalk.store.tracking.live import LiveRun, LiveState, read_live

PATIENCE_S = 60


def run_of(number: int, status: str = "RUNNING") -> LiveRun:
    """Return a run as it stands."""
    return LiveRun(number, f"id-{number}", "a", "1", status, "active", 1, None)


def state(*runs: LiveRun, newest: int = 1, **more: object) -> LiveState:
    """Return a state with these runs."""
    return LiveState(newest, {run.id: run for run in runs}, **more)  # type: ignore[arg-type]


def test_new_and_changed_runs() -> None:
    """A run that is newer than all, and one that is not as it was, are told under both topics."""
    before, after = state(run_of(1)), state(run_of(1, "FINISHED"), run_of(2), newest=2)

    found = list(changes(before, after))

    told = [(event.topic, event.data["status"], event.data["is_new"]) for event in found]
    assert told == [
        ("runs", "FINISHED", False),
        ("run:id-1", "FINISHED", False),
        ("runs", "RUNNING", True),
        ("run:id-2", "RUNNING", True),
    ]


def test_first_sight_is_no_change() -> None:
    """What was there when one began to look is not told."""
    points = {"id-1": {"loss": (1, 1, 0.5)}}

    assert list(changes(LiveState(), state(run_of(1), points=points))) == []


def test_changed_metrics() -> None:
    """Of a run that is followed the metrics that moved are told."""
    before = state(run_of(1), points={"id-1": {"loss": (1, 1, 0.5), "auc": (1, 1, 0.5)}})
    after = state(run_of(1), points={"id-1": {"loss": (2, 2, 0.25), "auc": (1, 1, 0.5)}})

    (event,) = changes(before, after)

    assert (event.kind, event.topic) == ("metrics", "run:id-1")
    assert event.data["metrics"] == {"loss": {"step": 2, "recorded_at": 2, "value": 0.25}}


def test_changed_nodes() -> None:
    """A node of a run at work that came to an end is told, and so is the run's own end."""
    before = state(nodes={("r", ""): "running"})
    after = state(nodes={("r", ""): "succeeded", ("r", "step:a"): "executed"})

    found = [(event.data["node"], event.data["state"]) for event in changes(before, after)]

    assert found == [(None, "succeeded"), ("step:a", "executed")]


def test_state_is_read(workspace: Workspace) -> None:
    """What is new, what is open, what is followed and which nodes are at work is read from the database."""
    first = read_live(workspace.database, LiveState(), ())
    run_id = create_run(workspace, "live", "one", {}, {})
    log_metrics(workspace, run_id, {"loss": 0.5}, 3)
    start_run(workspace.database, RunRow("p1", "dev", "running", None, None, False, 1, None))
    with workspace.database.write() as connection:
        record_node_run(connection, NodeRunRow("p1", "step:a", "executed", (), None, 1, 2))

    second = read_live(workspace.database, first, {run_id})
    finish_run(workspace, run_id, "FINISHED")
    third = read_live(workspace.database, second, ())

    assert second.points[run_id]["loss"][0] == 3
    assert second.nodes == {("p1", ""): "running", ("p1", "step:a"): "executed"}
    # Also a run that is open no more is told of once.
    assert third.runs[run_id].status == "FINISHED"
    assert third.points == {}


@pytest.mark.parametrize("text", ["", "runs", " nodes , runs ", "run:0a1b,nodes"])
def test_topics(text: str) -> None:
    """Topics are a list; without one all runs and nodes are meant."""
    assert Topic.parse(text).names >= (Topic.parse("runs,nodes").names if not text else frozenset())


@pytest.mark.parametrize("text", ["everything", "run:", ",".join(f"run:{n}" for n in range(51))])
def test_no_topic(text: str) -> None:
    """A topic that there is none of, and too many of them, are refused."""
    with pytest.raises(InvalidRequest, match="topic"):
        Topic.parse(text)


Follow = Callable[[Feed], Awaitable[None]]


def follow(workspace: Workspace, story: Follow) -> None:
    """Let a story happen with a feed that looks as often as it can."""

    async def happen() -> None:
        feed = Feed(workspace, every_s=0.01)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await story(feed)
        finally:
            feed.close()

    asyncio.run(happen())


async def heard(stream: AsyncIterator[Event | None], kind: str) -> Event:
    """Return the next event of that kind."""
    async for event in stream:
        if event and event.kind == kind:
            return event
    raise AssertionError(kind)


def test_listener_hears_and_resumes(workspace: Workspace) -> None:
    """A listener hears what it asked for, and one that comes back hears what it missed, once."""
    run_id = create_run(workspace, "live", "followed", {}, {})
    log_metrics(workspace, run_id, {"loss": 1.0}, 0)

    async def story(feed: Feed) -> None:
        topic = Topic.parse(f"run:{run_id}")
        stream = feed.listen(topic)
        hello = await heard(stream, "hello")
        await asyncio.to_thread(log_metrics, workspace, run_id, {"loss": 0.5}, 1)
        first = await heard(stream, "metrics")
        await asyncio.to_thread(log_metrics, workspace, run_id, {"loss": 0.25}, 2)
        second = await heard(stream, "metrics")
        again = feed.listen(topic, since=first.id)

        assert (await heard(again, "hello")).id == second.id
        assert await heard(again, "metrics") == second
        from_start = feed.listen(topic, since=hello.id)
        await heard(from_start, "hello")
        assert await heard(from_start, "metrics") == first
        for one in (stream, again, from_start):
            await one.aclose()  # type: ignore[attr-defined]

    follow(workspace, story)


def test_unknown_past_is_a_reset(workspace: Workspace) -> None:
    """Whoever resumes from what is not known any more is told to look at everything anew."""

    async def story(feed: Feed) -> None:
        stream = feed.listen(Topic.parse("runs"), since="0badcafe-7")
        assert (await heard(stream, "reset")).id == ""
        await stream.aclose()  # type: ignore[attr-defined]

    follow(workspace, story)


def test_slow_listener_loses_and_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a listener is bounded: one that is too slow starts anew instead of filling the memory."""
    monkeypatch.setattr(events, "QUEUED", 2)

    async def story(feed: Feed) -> None:
        stream = feed.listen(Topic.parse("runs"))
        await heard(stream, "hello")
        feed._tell(Event("runs", "run", {"n": n}) for n in range(3))
        assert (await heard(stream, "reset")).data == {}
        await stream.aclose()  # type: ignore[attr-defined]

    follow(workspace, story)


def test_signs_of_life_and_the_end(workspace: Workspace) -> None:
    """While nothing happens a listener gets signs of life, and when the feed is closed its stream ends."""

    async def story(feed: Feed) -> None:
        stream = feed.listen(Topic.parse("nodes"), heartbeat_s=0.01)
        await heard(stream, "hello")
        assert await anext(stream) is None
        feed.close()
        assert [event async for event in stream if event] == []

    follow(workspace, story)


def test_too_many_listeners(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to listeners, and who comes too late is told so."""
    monkeypatch.setattr(events, "LISTENERS", 1)

    async def story(feed: Feed) -> None:
        stream = feed.listen(Topic.parse("runs"))
        await heard(stream, "hello")
        with pytest.raises(TooManyListeners):
            await heard(feed.listen(Topic.parse("runs")), "hello")
        await stream.aclose()  # type: ignore[attr-defined]
        # Whoever leaves makes room.
        other = feed.listen(Topic.parse("runs"))
        await heard(other, "hello")
        await other.aclose()  # type: ignore[attr-defined]

    follow(workspace, story)
