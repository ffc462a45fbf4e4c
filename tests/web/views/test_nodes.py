"""Nodes: their states against the project's files, and the few words said of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.lineage import Edge
from ropewalk.pipeline import Workspace, declare_graph
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.pipeline import (
    ActionRow,
    NodeRunRow,
    RunRow,
    finish_run,
    record_action,
    record_node_run,
    start_run,
)
from ropewalk.web.views.nodes import (
    DeclaredCache,
    _by_first_maker,
    declared,
    full_graph,
    node_lines,
    note_of,
    picture_nodes,
)

RUN = "run-1"
SQL = "SELECT 1 AS one"


@pytest.fixture
def workspace(write_project: Callable[..., Path]) -> Iterator[Workspace]:
    """Return a project of two tables, open."""
    root = write_project({"tables/a/one.sql": SQL, "tables/a/two.sql": "SELECT one FROM a.one"})
    with Workspace(load_project(root, plugins.sections()), load_settings({})) as found:
        yield found


def record(workspace: Workspace, node_id: str, state: str = "executed") -> None:
    """Leave what a run of one node leaves behind."""
    graph = declare_graph(workspace.project, plugins.kinds())
    output = {
        "digest": "d",
        "reference": "snapshot:2",
        "summary": {"rows": 1},
        "observed": None,
        "origins": [],
        "makes": [],
    }
    facts = dict(graph.nodes[node_id].facts)
    start_run(workspace.database, RunRow(RUN, "dev", "running", None, None, False, 1, None))
    with workspace.database.write() as connection:
        if state == "executed":
            row = ActionRow("k" * 64, "k", node_id, facts, {}, {}, json.dumps(output), RUN, 1, 1, 5)
            record_action(connection, row, "dev")
        record_node_run(connection, NodeRunRow(RUN, node_id, state, [], None, 1, 5))
    finish_run(workspace.database, RUN, "succeeded")


def states(workspace: Workspace) -> dict[str, str]:
    """Return the state of each node."""
    return {line.id: line.state for line in node_lines(workspace)}


def test_declared_and_never_made(workspace: Workspace) -> None:
    """Before the first run every node is there and was never made."""
    assert states(workspace) == {"table:a.one": "never", "table:a.two": "never"}


def test_made_is_current(workspace: Workspace) -> None:
    """A node whose recorded definition is the declared one is current, with what it made."""
    record(workspace, "table:a.one")

    line = node_lines(workspace)[0]

    assert (line.state, line.note, line.finished_at) == ("current", "1 row", 5)
    assert line.address == "/data/a.one"


@pytest.mark.parametrize("state", ["failed", "blocked"])
def test_last_outcome_counts(workspace: Workspace, state: str) -> None:
    """What the last run could not do is said."""
    record(workspace, "table:a.one", state)

    assert states(workspace)["table:a.one"] == state


def test_restored_is_current(workspace: Workspace) -> None:
    """A node that the last run brought back is as good as one that it executed, in the picture too."""
    record(workspace, "table:a.one")
    with workspace.database.write() as connection:
        record_node_run(connection, NodeRunRow(RUN, "table:a.one", "restored", [], None, 1, 6))

    lines = node_lines(workspace)

    assert lines[0].state == "current"
    assert picture_nodes(["table:a.one"], lines)[0].state == "ok"


def test_trouble_elsewhere_is_not_ours(workspace: Workspace) -> None:
    """What failed in another environment says nothing about this one."""
    record(workspace, "table:a.one")
    start_run(workspace.database, RunRow("other", "branch-x", "failed", None, None, False, 9, 10))
    with workspace.database.write() as connection:
        record_node_run(connection, NodeRunRow("other", "table:a.one", "failed", [], "no", 9, 10))

    assert states(workspace)["table:a.one"] == "current"


def test_edit_is_noticed(workspace: Workspace) -> None:
    """A definition that was edited since the node was made shows without a run."""
    record(workspace, "table:a.one")
    (workspace.root / "tables/a/one.sql").write_text("SELECT 2 AS one", encoding="utf-8")

    assert states(workspace)["table:a.one"] == "edited"


def test_new_file_is_noticed(workspace: Workspace) -> None:
    """Files are read anew after a few seconds, so a server that keeps running sees what is added."""
    cache = DeclaredCache(workspace)
    assert set(cache.get().nodes) == {"table:a.one", "table:a.two"}
    (workspace.root / "tables/a/three.sql").write_text(SQL, encoding="utf-8")

    cache._read_at -= 60

    assert "table:a.three" in cache.get().nodes


def test_files_are_not_read_for_every_page(workspace: Workspace) -> None:
    """Within those seconds the reading is shared."""
    assert declared(workspace) is declared(workspace)


def test_broken_file_is_part_of_the_answer(workspace: Workspace) -> None:
    """While a file does not parse, what was made is still shown, and what is wrong with the file."""
    record(workspace, "table:a.one")
    (workspace.root / "tables/a/two.sql").write_text("SELEC", encoding="utf-8")

    problem = declared(workspace).problem

    assert problem is not None
    assert "two.sql" in str(problem.place)
    assert states(workspace) == {"table:a.one": "current"}


def test_graph_has_declared_edges(workspace: Workspace) -> None:
    """The lineage shows what is declared before anything ran."""
    edges = full_graph(workspace).edges

    assert [(edge.upstream, edge.downstream) for edge in edges] == [("table:a.one", "table:a.two")]


def test_graph_has_what_is_recorded(flights: Workspace) -> None:
    """It also shows what came from outside and what was made."""
    kinds = {edge.kind for edge in full_graph(flights).edges}

    assert kinds == {"input", "origin", "product"}


def test_product_has_one_maker() -> None:
    """A run that a model names as well hangs on the step that made it."""
    step, model = Edge("step:train", "run:1", "product"), Edge("model:late", "run:1", "product")
    other = Edge("a", "b", "input")

    assert _by_first_maker([model, other, step]) == [other, step]


@pytest.mark.parametrize(
    ("summary", "note"),
    [
        ({}, ""),
        ({"rows": 336_776}, "337k rows"),
        ({"rows": 1}, "1 row"),
        ({"version": 3}, "version 3"),
        ({"version": "3"}, "version 3"),
        ({"verdict": "passed"}, "passed"),
        ({"verdict": ["odd"]}, ""),
        ({"metrics": {}}, ""),
        ({"metrics": {"rmse": 2.0}}, "rmse 2.000"),
        ({"metrics": {"rmse": 2.0, "evaluate.auc": 0.7712}}, "AUC 0.7712"),
        ({"metrics": {"name": "text"}, "rows": 2}, "2 rows"),
        ({"metrics": {"auc": 0.7}, "verdict": "passed"}, "passed"),
        ({"metrics": {"auc": 0.7}, "version": "3"}, "version 3"),
        ({"rows": "many"}, ""),
    ],
)
def test_note_of(summary: dict, note: str) -> None:
    """The first thing one wants to know is said, and a summary of any shape does no harm."""
    assert note_of(summary) == note


def test_picture_knows_states(workspace: Workspace) -> None:
    """A box of a node that was never made says so; one of anything else is plain."""
    node, other = picture_nodes(["table:a.one", "file:a.csv"], node_lines(workspace))

    assert (node.state, node.note) == ("none", "not made yet")
    assert (other.kind, other.name, other.state) == ("file", "a.csv", "ok")
