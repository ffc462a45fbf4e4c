"""The project as it was at a commit, over the state as it is: what `reproduce` and `bisect` work in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ropewalk import plugins
from ropewalk.pipeline.errors import NothingRecorded
from ropewalk.pipeline.records import Record, to_record
from ropewalk.pipeline.values import Output
from ropewalk.pipeline.workspace import Workspace
from ropewalk.project import export_commit, load_project
from ropewalk.store.pipeline import get_action, list_node_runs, node_actions


@contextmanager
def past_workspace(workspace: Workspace, commit: str, parameters: Mapping[str, str]) -> Iterator[Workspace]:
    """Yield a workspace over the project's files of `commit`, in a folder of its own, with the state of `workspace`.

    Raises:
        CommitMissing: the repository does not have the commit.
        InvalidProjectFile: the project of that time does not fit this version of Ropewalk.
    """
    with tempfile.TemporaryDirectory(prefix="ropewalk-past-") as folder:
        root = Path(folder).resolve()
        export_commit(workspace.root, commit, root)
        settings = replace(workspace.settings, state_dir=str(workspace.state))
        project = load_project(root, plugins.sections()).with_parameters(parameters)
        with Workspace(project, settings) as past:
            yield past


def records_of_run(workspace: Workspace, run_id: str) -> dict[str, Record]:
    """Return what the run executed or restored, by node."""
    found = {}
    for row in list_node_runs(workspace.database, run_id):
        action = get_action(workspace.database, row.action_key) if row.action_key else None
        if action is not None:
            found[row.node] = to_record(action)
    return found


def inputs_of(workspace: Workspace, record: Record, input_ids: Mapping[str, str]) -> dict[str, Output]:
    """Return the outputs that the action was made from, by the node that made each.

    Raises:
        NothingRecorded: what made one of them is not recorded any more.
    """
    found = {}
    for name, digest in record.inputs.items():
        node_id = input_ids.get(name)
        same = _outputs(workspace, node_id, digest) if node_id else []
        if node_id is None or not same:
            raise NothingRecorded(
                f"what was its input {name!r} is not recorded any more",
                hint="garbage collection may have taken it",
            )
        # Of several that made equal content, the very one: its place may be needed to read it.
        exact = [output for output in same if output.reference == record.input_references.get(name)]
        found[node_id] = (exact or same)[0]
    return found


def _outputs(workspace: Workspace, node_id: str, digest: str) -> list[Output]:
    """Return what the actions of a node made that has this content."""
    outputs = [to_record(row).output for row in node_actions(workspace.database, node_id)]
    return [output for output in outputs if output.digest == digest]
