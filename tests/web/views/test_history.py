"""History: past runs with what they did and printed, the schedules beside them, and names that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ropewalk.pipeline import Workspace
from ropewalk.store.pipeline import NodeRunRow, RunRow, finish_run, record_node_run, start_run
from ropewalk.store.schedule import TickRow, claim_tick
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.history import history_list, history_page

SCHEDULES = 'project: test\nschedule: {nightly: {cron: "0 3 * * *", timezone: Europe/Berlin}}\n'


@pytest.fixture
def workspace(write_project, open_workspace) -> Workspace:
    """Return a workspace with a schedule and three runs, the second failed and the third at work with nobody."""
    found = open_workspace(write_project({"ropewalk.yaml": SCHEDULES}))
    for number, (run_id, environment, state) in enumerate(
        [("aaa1", "dev", "succeeded"), ("bbb2", "mr-4", "failed"), ("ccc3", "dev", None)]
    ):
        start_run(
            found.database, RunRow(run_id, environment, "running", "c0ffee", "main", False, number + 1, None)
        )
        if state:
            finish_run(found.database, run_id, state)
    return found


def add_outcome(workspace: Workspace, node: str, state: str, error: str | None = None) -> None:
    with workspace.database.write() as connection:
        record_node_run(connection, NodeRunRow("bbb2", node, state, ["new: never executed"], error, 10, 250))


def write_log(workspace: Workspace, name: str, text: str) -> None:
    folder = workspace.state / "logs" / "bbb2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_list(workspace: Workspace) -> None:
    """Runs come newest first; one without a living process is killed, and took nobody knows how long."""
    found = history_list(Visit(workspace))

    assert [(run.id, run.state) for run in found.runs] == [
        ("ccc3", "killed"),
        ("bbb2", "failed"),
        ("aaa1", "succeeded"),
    ]
    assert found.runs[0].duration_ms is None
    assert found.environments == ("dev", "mr-4")
    assert not found.is_cut


def test_one_environment(workspace: Workspace) -> None:
    """The list can be of one environment, and says when it is cut."""
    found = history_list(Visit(workspace, query={"environment": "dev", "limit": "1"}))

    assert [run.id for run in found.runs] == ["ccc3"]
    assert found.environment == "dev"
    assert found.is_cut


@pytest.mark.parametrize("limit", ["-1", "x", "1001", "٣"])
def test_wrong_limit(workspace: Workspace, limit: str) -> None:
    """A limit that is none is refused."""
    with pytest.raises(InvalidQuery):
        history_list(Visit(workspace, query={"limit": limit}))


def test_schedules(workspace: Workspace) -> None:
    """Each schedule has its next due time, and what became of the last."""
    (line,) = history_list(Visit(workspace)).schedules
    assert (line.name, line.cron, line.timezone) == ("nightly", "0 3 * * *", "Europe/Berlin")
    assert line.next_due is not None
    assert line.last_state is None
    claim_tick(
        workspace.database,
        TickRow("nightly", 5, "0 3 * * * Europe/Berlin", "failed", "bbb2", 6, 7, "exit code 1"),
    )

    (line,) = history_list(Visit(workspace)).schedules

    assert (line.last_due, line.last_state, line.last_run, line.error) == (5, "failed", "bbb2", "exit code 1")


def test_schedules_of_an_edited_file(workspace: Workspace) -> None:
    """A schedule that was added since the server started is shown; a broken file takes none away."""
    assert len(history_list(Visit(workspace)).schedules) == 1
    (workspace.root / "ropewalk.yaml").write_text(SCHEDULES.replace("{nightly", '{often: "@hourly", nightly'))
    assert len(history_list(Visit(workspace)).schedules) == 2
    (workspace.root / "ropewalk.yaml").write_text("project: [\n")
    assert len(history_list(Visit(workspace)).schedules) == 2


def test_first_sight_is_no_tick(workspace: Workspace) -> None:
    """That a rule was taken note of is not shown as something that happened."""
    claim_tick(
        workspace.database, TickRow("nightly", 5, "0 3 * * * Europe/Berlin", "known", None, 5, 5, None)
    )

    assert history_list(Visit(workspace)).schedules[0].last_state is None


def test_one_run(workspace: Workspace) -> None:
    """A run shows what it did with each node, where its page is, and why."""
    add_outcome(workspace, "table:mart.daily", "executed")
    add_outcome(workspace, "step:train", "failed", "out of luck")
    found = history_page(Visit(workspace, {"id": "bbb"}))

    assert found.run.id == "bbb2"
    assert [(node.id, node.state, node.duration_ms) for node in found.nodes] == [
        ("step:train", "failed", 240),
        ("table:mart.daily", "executed", 240),
    ]
    assert found.nodes[0].error == "out of luck"
    assert found.nodes[1].address == "/data/mart.daily"
    assert found.nodes[1].reasons == ("new: never executed",)


def test_logs_of_a_run(workspace: Workspace) -> None:
    """The end of every log is shown, the failed step's newest attempt first."""
    add_outcome(workspace, "step:train", "failed", "out of luck")
    write_log(workspace, "score.log", "fine\n")
    write_log(workspace, "train.log", "first\n")
    write_log(workspace, "train.2.log", "".join(f"line {n}\n" for n in range(100)))
    found = history_page(Visit(workspace, {"id": "bbb2"})).logs

    assert [(tail.step, tail.attempt, tail.has_failed) for tail in found] == [
        ("train", 2, True),
        ("train", 1, True),
        ("score", 1, False),
    ]
    assert found[0].text.splitlines()[0] == "line 60"
    assert len(found[0].text.splitlines()) == 40


def test_unknown_run(workspace: Workspace) -> None:
    """A run that is none, or several, is not found, with the nearest."""
    with pytest.raises(NothingCalled) as caught:
        history_page(Visit(workspace, {"id": "aaa2"}))

    assert caught.value.nearest == "aaa1"


def test_pages_answer(get) -> None:
    """List and run answer a browser and a program; what does not exist is 404."""
    assert "<h1>History</h1>" in get("/history").text
    assert get("/history.json").json()["runs"][0]["state"] == "succeeded"
    run_id = get("/history.json").json()["runs"][0]["id"]
    assert run_id[:8] in get(f"/history/{run_id}").text
    assert get(f"/history/{run_id[:6]}.json").json()["run"]["id"] == run_id
    assert get("/history/zzz").status_code == 404
    assert get("/history?limit=x").status_code == 400


def test_before_the_first_run(get_empty) -> None:
    """A new project is told how to begin."""
    assert "Nothing has been run yet." in get_empty("/history").text
    assert "No run in this environment." in get_empty("/history?environment=mr-4").text


def test_log_is_only_text(workspace: Workspace, renderer) -> None:
    """Whatever a step prints is shown, and never taken for markup."""
    write_log(workspace, "train.log", "<script>alert(1)</script>\n")
    html = renderer.page("history_run.html", history_page(Visit(workspace, {"id": "bbb2"})), "/history/bbb2")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_state_folder_without_logs(workspace: Workspace, tmp_path: Path) -> None:
    """A run whose logs were cleared away has none to show."""
    assert history_page(Visit(workspace, {"id": "aaa"})).logs == ()
