"""Sources that travel: what was loaded on one machine is known on another, which loads on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import holds_table, open_lake
from ropewalk.dataops.sources import SourceKind
from ropewalk.pipeline import Node, Output, Workspace, current_records, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KIND = SourceKind()
DECLARED = "project: test\nsources:\n  orders: {kind: files, path: 'landing/*.csv'}\n"


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[[str], Workspace]]:
    """Return a function that opens the project on a machine of a name: one file has landed there."""
    with ExitStack() as stack:

        def open_it(name: str) -> Workspace:
            root = tmp_path / name
            (root / "landing").mkdir(parents=True, exist_ok=True)
            (root / "ropewalk.yaml").write_text(DECLARED)
            (root / "landing/1.csv").write_text("id,price\n1,10\n")
            return stack.enter_context(Workspace(load_project(root, plugins.sections()), load_settings({})))

        yield open_it


def load(workspace: Workspace) -> tuple[Node, str, Output]:
    graph = declare_graph(workspace.project, {"source": KIND})
    result = execute(graph, {"source": KIND}, workspace, Silent()).nodes[0]
    assert result.output is not None
    return graph.nodes[result.id], current_records(workspace)[result.id].task_key, result.output


def test_a_load_goes_on_where_the_packed_one_had_come(machine) -> None:
    """Rows and ledger arrive together: only what is new since is read."""
    here, there = machine("here"), machine("there")
    node, key, output = load(here)
    packed = KIND.pack(node, output, here)
    for digest in packed.objects.values():
        there.objects.put_file(here.objects.path(digest))

    arrived = KIND.unpack(node, key, packed, there)
    (there.root / "landing/2.csv").write_text("id,price\n2,20\n")
    later = load(there)[2]

    assert (arrived.digest, arrived.summary) == (output.digest, output.summary)
    assert holds_table(node, key, arrived, there)
    assert (later.summary["rows"], later.summary["added"], later.summary["new"]) == (2, 1, 1)
    assert open_lake(there).query("SELECT sum(price)::INT FROM raw.orders").rows == ((30,),)
