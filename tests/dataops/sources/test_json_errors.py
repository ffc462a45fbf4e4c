"""A JSON file that was cut off is refused whole; nothing of it is taken in silence."""

from __future__ import annotations

import gzip

import pytest

from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.json_errors import refuse_cut_array
from ropewalk.dataops.sources.local_files import LocalFiles

CUT = b'[{"id": 1},\n'


def test_cut_array_is_refused_where_it_ends(tmp_path):
    """The error names the file, and the line at which the array stops."""
    (tmp_path / "a.json").write_bytes(CUT)

    with pytest.raises(InvalidFile, match="not valid JSON") as caught:
        refuse_cut_array("a.json", LocalFiles(tmp_path))

    assert str(caught.value.place).startswith("a.json:")


def test_packed_cut_array_is_refused(tmp_path):
    """A packed file is looked into."""
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(CUT))

    with pytest.raises(InvalidFile, match="not valid JSON"):
        refuse_cut_array("a.json.gz", LocalFiles(tmp_path))


@pytest.mark.parametrize(
    "content", [b'[{"id": 1}]\n', b"\xef\xbb\xbf [1] ", b'{"id": 1}', b"", b'{"a": [1]}\n{"a": [2]}']
)
def test_whole_files_pass(tmp_path, content):
    """Closed arrays, objects and empty files are left to the engine."""
    (tmp_path / "a.json").write_bytes(content)

    refuse_cut_array("a.json", LocalFiles(tmp_path))


def test_lines_are_not_arrays(tmp_path):
    """In newline-delimited JSON a line may begin with a bracket."""
    (tmp_path / "a.ndjson").write_bytes(CUT)

    refuse_cut_array("a.ndjson", LocalFiles(tmp_path))


def test_cut_file_loads_nothing(write_project, open_workspace):
    """A source with a cut file fails, and its table is not there."""
    from ropewalk import plugins
    from ropewalk.cli.progress import PlainProgress
    from ropewalk.dataops.lake import open_lake
    from ropewalk.pipeline import declare_graph, execute

    source = "project: p\nsources:\n  a: {kind: files, path: a.json}\n"
    workspace = open_workspace(write_project({"ropewalk.yaml": source, "a.json": CUT.decode()}))
    kinds = plugins.kinds()

    result = execute(declare_graph(workspace.project, kinds), kinds, workspace, PlainProgress())

    assert isinstance(result.nodes[0].error, InvalidFile)
    assert open_lake(workspace).table_names() == ()
