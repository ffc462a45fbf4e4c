"""Publishing one table: which rows, whether this environment may, and handing them to the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from ropewalk.dataops.lake import Column, TableName, is_number, open_lake, snapshot_of
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.publish.declarations import (
    ElasticsearchTarget,
    MySQLTarget,
    ParquetTarget,
    PostgresTarget,
    Publication,
)
from ropewalk.dataops.publish.errors import InvalidPublication
from ropewalk.dataops.publish.values import Content, Order, Published, PublishSpec
from ropewalk.errors import nearest
from ropewalk.pipeline import JSON, Node, Output, Task, Workspace, current_records, to_record
from ropewalk.store.pipeline import node_actions

# Part of each digest: what is written for the same rows may only change together with it.
FORMAT = "1"


class Taker(Protocol):
    """One kind of target."""

    def publish(self, workspace: Workspace, order: Order) -> Published:
        """Make the target have the order's content, atomically and once."""

    def standing(self, workspace: Workspace, order: Order) -> str:
        """Return `current`, `behind`, `missing` or `drifted`, changing nothing."""


@dataclass(frozen=True)
class Standing:
    """How a publication stands in an environment.

    Attributes:
        name: the publication.
        table: what it publishes.
        target: where, as it may be shown.
        state: `current`, `behind`, `missing`, `drifted`; `not made` where no run made it, `elsewhere` where this
            environment does not publish.
        rows: how many rows it publishes; None where no run made it.
    """

    name: str
    table: str
    target: str
    state: str
    rows: int | None


@dataclass(frozen=True)
class _Rows:
    snapshot: int
    digest: str


def execute(task: Task) -> Output:
    """Check what is to be published, and in an environment that publishes bring it to the target."""
    spec = task.node.spec
    assert isinstance(spec, PublishSpec)
    need = task.node.needs[0].name
    table, node = task.inputs[need], task.input_ids[need]
    snapshot = snapshot_of(table)
    if snapshot is None:
        raise InvalidPublication(
            f"publication {spec.name!r} needs a table, and {node} makes none", place=spec.place
        )
    order = _order(task.workspace, spec, TableName.parse(_table_name(node)), _Rows(snapshot, table.digest))
    acts = spec.entry.acts_in(order.environment)
    task.report(0, None, f"publishing {order.content.rows} rows" if acts else "checking")
    taken = _publish(task.workspace, order) if acts else None
    summary: dict[str, JSON] = {"rows": order.content.rows, "node": node, "table_digest": table.digest}
    if taken is None:
        names = ", ".join(spec.entry.environments)
        summary["warning"] = (
            f"checked, not published: {order.environment!r} is none of its environments ({names})"
        )
    target = f"{spec.entry.to.kind}:{spec.entry.place}"
    return Output(order.content.digest, f"publication:{spec.name}", summary, makes=(f"published:{target}",))


def adopt(node: Node, output: Output, workspace: Workspace) -> None:
    """Publish what an earlier execution checked or published, where the environment does."""
    spec = node.spec
    assert isinstance(spec, PublishSpec)
    if spec.entry.acts_in(workspace.settings.environment):
        _publish(workspace, _recorded_order(workspace, spec, output))


def show(node: Node, output: Output, workspace: Workspace) -> None:
    """Publish as `adopt` does, unless it is written down here that the environment did."""
    spec = node.spec
    assert isinstance(spec, PublishSpec)
    marker = _marker(workspace, spec)
    # Asking the target at each run that finds nothing to do would cost more than the run.
    if not marker.is_file() or marker.read_text(encoding="utf-8") != output.digest:
        adopt(node, output, workspace)


def publish_again(workspace: Workspace, node: Node, *, rebuilds: bool = False) -> Published | None:
    """Make sure that the target has what the environment's publication says; None where it has none.

    With `rebuilds` a target is made anew that drifted or that somebody else made.

    Raises:
        InvalidPublication: the environment does not publish it.
    """
    spec, record = node.spec, current_records(workspace).get(node.id)
    assert isinstance(spec, PublishSpec)
    environment = workspace.settings.environment
    if not spec.entry.acts_in(environment):
        raise InvalidPublication(
            f"environment {environment!r} does not publish {spec.name!r}",
            place=spec.place,
            hint=f"its environments are {', '.join(spec.entry.environments)}",
        )
    if record is None:
        return None
    order = _recorded_order(workspace, spec, record.output, rebuilds=rebuilds)
    return _publish(workspace, order)


def read_standings(workspace: Workspace, nodes: list[Node]) -> Iterator[Standing]:
    """Yield how each publication stands in the workspace's environment; targets are asked, nothing is changed."""
    records, environment = current_records(workspace), workspace.settings.environment
    for node in nodes:
        spec, record = node.spec, records.get(node.id)
        assert isinstance(spec, PublishSpec)
        target = f"{spec.entry.to.kind}:{spec.entry.place.replace('{environment}', environment)}"
        rows = None if record is None else _number(record.output.summary.get("rows"))
        if record is None:
            state = "not made"
        elif not spec.entry.acts_in(environment):
            state = "elsewhere"
        else:
            state = _taker(spec.entry).standing(workspace, _recorded_order(workspace, spec, record.output))
        yield Standing(spec.name, spec.entry.table, target, state, rows)


def find_rows(workspace: Workspace, output: Output) -> _Rows | None:
    """Return where the lake has the rows that `output` stands for; None when they are gone."""
    node, digest = str(output.summary["node"]), str(output.summary["table_digest"])
    lake = open_lake(workspace)
    # By digest, not by number: on another machine the same rows stand at another snapshot.
    for row in node_actions(workspace.database, node):
        made = to_record(row)
        snapshot = snapshot_of(made.output)
        is_it = made.output.digest == digest and snapshot is not None
        if is_it and snapshot is not None and lake.holds(node, made.task_key, digest, snapshot):
            return _Rows(snapshot, digest)
    return None


def _publish(workspace: Workspace, order: Order) -> Published:
    published = _taker(order.spec.entry).publish(workspace, order)
    marker = _marker(workspace, order.spec)
    marker.parent.mkdir(parents=True, exist_ok=True)
    # Only saves asking; what counts stands at the target.
    marker.write_text(order.content.digest, encoding="utf-8")
    return published


def _marker(workspace: Workspace, spec: PublishSpec) -> Path:
    return workspace.state / "published" / workspace.settings.environment / spec.name


def _recorded_order(
    workspace: Workspace, spec: PublishSpec, output: Output, *, rebuilds: bool = False
) -> Order:
    rows = find_rows(workspace, output)
    if rows is None:
        raise InvalidPublication(
            f"the rows that {spec.name!r} published are not in the lake any more",
            place=spec.place,
            hint="`ropewalk run` makes them again",
        )
    name = TableName.parse(_table_name(str(output.summary["node"])))
    return _order(workspace, spec, name, rows, rebuilds=rebuilds)


def _order(
    workspace: Workspace, spec: PublishSpec, table: TableName, rows: _Rows, *, rebuilds: bool = False
) -> Order:
    found = open_lake(workspace).tables_at({str(table): rows.snapshot})
    columns = choose_columns(spec, found[0].columns, _personal(workspace, table, found[0].columns))
    entry = spec.entry
    said = [FORMAT, rows.digest, entry.write, *entry.key, "|", *(f"{c.name} {c.type}" for c in columns)]
    digest = blake3("\n".join(said).encode()).hexdigest()
    content = Content(table, rows.snapshot, digest, found[0].rows, columns)
    return Order(spec, workspace.settings.environment, content, rebuilds)


def _personal(workspace: Workspace, table: TableName, columns: tuple[Column, ...]) -> set[str]:
    """Return the columns that hold personal data by contract, glossary or lineage, in lower case."""
    masks = project_masks(workspace, is_for_others=True)
    known = masks.known(str(table).lower()) if masks else {}
    # Numbers made of many persons are shown to everybody, here too.
    return {
        column.name.lower()
        for column in columns
        if (kind := known.get(column.name.lower())) and not (kind == "total" and is_number(column))
    }


def choose_columns(spec: PublishSpec, columns: tuple[Column, ...], personal: set[str]) -> tuple[Column, ...]:
    """Return the columns that go out.

    Raises:
        InvalidPublication: one that is declared is not there, is personal, or none is left.
    """
    wanted = _declared(spec, columns)
    private = personal.union(map(str.lower, spec.private))
    if spec.entry.pii == "refuse":
        _refuse_private(spec, wanted, private)
    hidden = private if spec.entry.pii == "leave_out" else set[str]()
    lost_key = [name for name in spec.entry.key if name.lower() in hidden]
    left = tuple(column for column in wanted if column.name.lower() not in hidden)
    if lost_key or not left:
        what = f"its key {lost_key[0]!r} is private" if lost_key else "every column of it is private"
        raise InvalidPublication(f"publication {spec.name!r} has nothing to go by: {what}", place=spec.place)
    return left


def _declared(spec: PublishSpec, columns: tuple[Column, ...]) -> list[Column]:
    """Return the columns that the entry names, or all of them."""
    known = {column.name.lower(): column for column in columns}
    for name in (*spec.entry.columns, *spec.entry.key):
        if name.lower() not in known:
            raise InvalidPublication(
                f"publication {spec.name!r}: {spec.entry.table} has no column {name!r}",
                place=spec.place,
                nearest=nearest(name, [column.name for column in columns]),
            )
    return [known[name.lower()] for name in spec.entry.columns] or list(columns)


def _refuse_private(spec: PublishSpec, wanted: list[Column], private: set[str]) -> None:
    unasked = [column.name for column in wanted if column.name.lower() in private]
    if unasked:
        raise InvalidPublication(
            f"publication {spec.name!r} would show {', '.join(unasked)}, which hold personal data",
            place=spec.place,
            hint="`pii: leave_out` publishes the other columns, `pii: include` all of them",
        )


def _table_name(node: str) -> str:
    # The lake's door knows under which schema each kind of node has its table.
    from ropewalk.dataops.lake import table_of

    name = table_of(node)
    assert name is not None  # a node whose output is a snapshot makes a table
    return name


def _number(value: JSON) -> int | None:
    return value if isinstance(value, int) else None


def _taker(entry: Publication) -> Taker:
    # Each kind of target loads only what it needs itself.
    match entry.to:
        case PostgresTarget() | MySQLTarget() as target:
            from ropewalk.dataops.publish.database import DatabaseTaker

            return DatabaseTaker(target)
        case ParquetTarget() as target:
            from ropewalk.dataops.publish.parquet import ParquetTaker

            return ParquetTaker(target)
        case ElasticsearchTarget() as target:
            from ropewalk.dataops.publish.search import SearchTaker

            return SearchTaker(target)
