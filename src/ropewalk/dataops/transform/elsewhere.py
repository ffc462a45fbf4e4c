"""Tables that a second engine computes: `-- engine: NAME`; all that follows is as for every other table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ropewalk.dataops.lake import LakeTransaction, TableDigest, read_columns, snapshot_of, table_of
from ropewalk.dataops.transform.engines import find_engine
from ropewalk.dataops.transform.errors import TableFailed
from ropewalk.dataops.transform.methods import Whole
from ropewalk.dataops.transform.qualify import QualifiedSQL, qualify
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.dataops.warehouse import Engine, Job, Version, compute, rows_sql, stand
from ropewalk.errors import Failed, Place
from ropewalk.pipeline import JSON, Node, Output, Task, Workspace
from ropewalk.project import Entry


@dataclass(frozen=True)
class OnEngine(Whole):
    """All rows, as an engine computed them."""

    path: Path = Path()
    engine: str = ""
    key: str = ""

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Make the table hold the rows, with the names and types that its SELECT has in the lake."""
        # The engine's own types differ (its sums are decimals); what reads the table must not notice.
        columns = read_columns(transaction.connection, f"(\n{select.text}\n)")
        return transaction.replace(self.spec.table, rows_sql(transaction.connection, self.path, columns))

    def summary(self) -> dict[str, JSON]:
        """Return which engine it was, and under which key it has the rows."""
        return {"engine": self.engine, "engine_key": self.key}


@contextmanager
def computed_elsewhere(task: Task, spec: TableSpec) -> Iterator[OnEngine]:
    """Yield how the table is built whose rows its engine has just computed.

    Raises:
        TableFailed: the engine cannot compute it.
    """
    name = str(spec.sql.header.engine)
    entry = find_engine(task.workspace.project, spec)
    task.report(0, None, f"computing on {name}")
    with tempfile.TemporaryDirectory(dir=task.workspace.state) as folder:
        path = Path(folder, "rows.parquet")
        try:
            compute(task.workspace, _job(task, spec, entry), path)
        except (ValueError, Failed) as error:
            hint = "write that part in plainer SQL, or take `-- engine:` away"
            place = Place(spec.path, spec.sql.header.lines.get("engine"))
            raise TableFailed(
                f"{spec.table} cannot be computed on {name}: {error}", place=place, hint=hint
            ) from error
        yield OnEngine(spec, path=path, engine=name, key=task.key)


def stand_on_engine(workspace: Workspace, node: Node, output: Output) -> None:
    """Let the workspace's environment see the table on its engine as `output` has it; nothing for other tables.

    Raises:
        RopewalkError: the engine did not do it.
    """
    spec, snapshot = node.spec, snapshot_of(output)
    if not isinstance(spec, TableSpec) or spec.sql.header.engine is None or snapshot is None:
        return
    marker = workspace.state / "engines" / workspace.settings.environment / spec.table
    # Asking the engine at each run that finds nothing to do would cost more than the run.
    if marker.is_file() and marker.read_text(encoding="utf-8") == output.digest:
        return
    entry, key = find_engine(workspace.project, spec), str(output.summary.get("engine_key", ""))
    engine = cast("Engine", entry.value)
    stand(workspace, engine, entry.place, spec.table, Version(snapshot, output.digest), key)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(output.digest, encoding="utf-8")


def _job(task: Task, spec: TableSpec, entry: Entry) -> Job:
    inputs: dict[str, Version] = {}
    for name, output in task.inputs.items():
        table, snapshot = table_of(task.input_ids[name]), snapshot_of(output)
        if table and snapshot is not None:
            inputs[table] = Version(snapshot, output.digest)
    sql = qualify(spec, task.input_ids).text
    return Job(cast("Engine", entry.value), entry.place, spec.table, task.key, sql, inputs)
