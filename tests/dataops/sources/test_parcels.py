"""A source that travels takes along what did not fit, so that nothing is lost on the way either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ropewalk.pipeline import Packed, declare_graph

from .conftest import SourceProject

ENTRY = "{kind: files, path: 'landing/*.csv', types: {n: BIGINT}}"
KEPT = "_reason, _column, _value, _file, _line, CAST(_row AS VARCHAR)"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[SourceProject]:
    """Return another project that declares the same."""
    made = SourceProject(tmp_path / "there").declare(ENTRY)
    yield made
    made.close()


def pack(project: SourceProject) -> Packed:
    """Load the source, and return what travels."""
    result = project.run()
    graph = declare_graph(project.workspace.project, project.kinds)
    return project.kinds["source"].pack(graph.nodes["source:things"], result.output, project.workspace)


def send(packed: Packed, here: SourceProject, there: SourceProject) -> None:
    """Bring what was packed into the other project."""
    for digest in packed.objects.values():
        there.workspace.objects.put_bytes(here.workspace.objects.path(digest).read_bytes())
    node = declare_graph(there.workspace.project, there.kinds).nodes["source:things"]
    there.kinds["source"].unpack(node, "k", packed, there.workspace)


def kept(project: SourceProject) -> list[tuple[object, ...]]:
    """Return what is in quarantine."""
    with project.lake.cursor() as connection:
        return connection.execute(f"SELECT {KEPT} FROM quarantine.things ORDER BY ALL").fetchall()


def test_the_quarantine_travels(project, there) -> None:
    """Rows, reasons and places are the same there."""
    project.write("landing/1.csv", "n\n1\n2\nx\n")
    project.declare(ENTRY)

    send(pack(project), project, there)

    assert there.rows("SELECT n") == [(1,), (2,)]
    assert kept(there) == kept(project) != []


def test_an_empty_one_replaces_another(project, there) -> None:
    """What lay there before is not what did not fit into these rows."""
    there.write("landing/1.csv", "n\n1\n2\nx\n")
    there.load()
    project.write("landing/1.csv", "n\n1\n2\n")
    project.declare(ENTRY)

    send(pack(project), project, there)

    assert (there.rows("SELECT n"), kept(there)) == ([(1,), (2,)], [])
