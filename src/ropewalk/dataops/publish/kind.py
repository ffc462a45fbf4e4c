"""The node kind `publish`: `publish:NAME` brings a table to where others read it.

Executing it anywhere checks what would be published. Only the environments that the entry names touch the target: a
branch must not overwrite what production shows.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from ropewalk.dataops.publish.declarations import Publication, Target
from ropewalk.dataops.publish.private import private_columns
from ropewalk.dataops.publish.values import PublishSpec
from ropewalk.pipeline import Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Entry, Project

_ROOM = "ropewalk.dataops.publish.publishing"
# Where credentials are looked up, and how many old versions stay, does not change what is published.
_NOT_FACTS = {"url", "password", "headers", "keep"}


class PublishKind(NodeKind):
    """Publications as nodes; a release names them, and applying it publishes."""

    name = "publish"

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield a node for each entry of `publish`.

        Raises:
            InvalidPublication: private columns would go out without a word.
        """
        for entry in project.entries("publish").values():
            yield _declare(entry, project)

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: what is published depends on the table and the declaration; targets only receive."""
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return whether the lake still has the rows that were published."""
        held: bool = _room().find_rows(workspace, output) is not None
        return held

    def execute(self, task: Task) -> Output:
        """Check what is to be published; in an environment that publishes, bring it to the target.

        Raises:
            InvalidPublication: the table lacks a column, or has a value that the target cannot hold.
            TargetTaken, TargetDrifted, PublishFailed, TargetUnreachable, TargetRefused: the target did not take it.
        """
        output: Output = _room().execute(task)
        return output

    def adopt(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Publish what `output` names, unless the target has it or the environment does not publish."""
        _room().adopt(node, output, workspace)

    def show(self, node: Node, output: Output, workspace: Workspace) -> None:
        """Publish what the environment began with: it has the pointer of its base, and nobody published it here."""
        _room().show(node, output, workspace)

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return what it published, by name: the rows travel with the table."""
        return Packed(output, {})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Return the output as it is: it names the rows by their digest."""
        return packed.output


def _room() -> Any:  # a module; planning reads this one and must not wait for DuckDB
    return importlib.import_module(_ROOM)


def _declare(entry: Entry, project: Project) -> Node:
    declared = entry.value
    assert isinstance(declared, Publication)
    private = private_columns(project, entry.name, declared, entry.place)
    facts = {
        "table": declared.table,
        "target": _target_fact(declared.to, declared.place),
        "write": declared.write,
        "environments": ", ".join(declared.environments),
        **({"key": ", ".join(declared.key)} if declared.key else {}),
        **({"columns": ", ".join(declared.columns)} if declared.columns else {}),
        # A column that becomes private has to go from the target, too.
        **({"pii": _private_fact(declared, private)} if private else {}),
    }
    return Node(
        id=f"publish:{entry.name}",
        origin=entry.place,
        spec=PublishSpec(entry.name, declared, entry.place, private),
        needs=(Need(declared.table, entry.place),),
        facts=facts,
        places=dict.fromkeys(facts, entry.place),
    )


def _target_fact(target: Target, place: str) -> str:
    options = target.model_dump(
        exclude_defaults=True, exclude={*_NOT_FACTS, "kind", "path", "index", "table"}
    )
    return " ".join([target.kind, place, *(f"{name}={value}" for name, value in sorted(options.items()))])


def _private_fact(declared: Publication, private: Mapping[str, str]) -> str:
    return f"{declared.pii}: {', '.join(private)}"
