"""The node kind `metric`: a file below `metrics/`, checked against its tables and computed once over all rows.

So that a change of a table or of a definition shows in the plan, in lineage, and as figures that moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from blake3 import blake3

from ropewalk.dataops.lake import Asking, QueryResult, input_tables, open_lake
from ropewalk.dataops.metrics.answer import ask_placed, refuse_doubles
from ropewalk.dataops.metrics.columns import check_columns
from ropewalk.dataops.metrics.compile import MetricQuestion, compile_question
from ropewalk.dataops.metrics.reading import Metric, Subject, read_metrics
from ropewalk.dataops.transform import read_tables
from ropewalk.pipeline import JSON, Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Project

# Sums of the same rows in another order differ in the last digits.
DIGITS = 12


class MetricKind(NodeKind):
    """Metrics as nodes; see `NodeKind` for what each method promises."""

    name = "metric"
    replays = True

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield a node for each file below `metrics/`.

        Raises:
            InvalidProjectFile: a file is wrong.
            InvalidMetric: a table's SQL has no such column.
        """
        subjects = read_metrics(project.root).subjects
        specs = read_tables(project).specs if subjects else {}
        for subject in subjects:
            check_columns(subject, specs)
        return [_declare(subject) for subject in subjects]

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: metrics depend on tables and their definition alone."""
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return True: the figures are in the output itself."""
        return True

    def execute(self, task: Task) -> Output:
        """Check grain, joins and columns, and compute each measure over all rows.

        Raises:
            InvalidMetric: a column is not there, or does not fit its measure.
            RowsCountedTwice: a table does not have the grain that is declared.
        """
        subject = task.node.spec
        assert isinstance(subject, Subject)
        lake, tables = open_lake(task.workspace), input_tables(task)

        def ask(sql: str) -> QueryResult:
            return lake.ask(sql, Asking(timeout_s=float(task.workspace.settings.step_timeout)), tables)

        refuse_doubles(subject, ask)
        # All of the file's, so that a measure that nobody asks for is checked like the others.
        names = tuple(subject.declared.measures)
        metrics = [Metric(name, subject) for name in names]
        everything = MetricQuestion(names, tuple(subject.declared.dimensions))
        # Bound, not computed: each dimension has to be there.
        ask_placed(subject, lambda: ask(_bound(everything, metrics)))
        found = ask_placed(subject, lambda: ask(compile_question(MetricQuestion(names), metrics)))
        values = {name: _plain(value) for name, value in zip(names, found.rows[0], strict=True)}
        digest = blake3(json.dumps([task.node.name, values]).encode()).hexdigest()
        return Output(digest, f"metric:{task.node.name}", {"values": values})

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the output, which holds all there is."""
        return Packed(output, {})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Return the output."""
        return packed.output


def _declare(subject: Subject) -> Node:
    declared = subject.declared
    tables = {declared.table: subject.place("table")}
    tables |= {join.table: subject.place("joins", name) for name, join in reversed(declared.joins.items())}
    facts, places = {"table": declared.table}, {"table": subject.place("table")}
    for section in ("dimensions", "joins", "measures"):
        for name, entry in getattr(declared, section).items():
            fact = f"{section.removesuffix('s')} {name}"
            # A better description computes nothing anew.
            facts[fact] = entry.model_dump_json(
                exclude_defaults=True, exclude={"description", "owner", "format", "unit"}
            )
            places[fact] = subject.place(section, name)
    if declared.grain:
        facts["grain"] = ", ".join(declared.grain)
        places["grain"] = subject.place("grain")
    return Node(
        id=f"metric:{subject.name}",
        origin=subject.place(),
        spec=subject,
        needs=tuple(Need(name, place) for name, place in sorted(tables.items())),
        facts=facts,
        places=places,
    )


def _bound(question: MetricQuestion, metrics: list[Metric]) -> str:
    return f"SELECT * FROM ({compile_question(question, metrics)}) LIMIT 0"


def _plain(value: object) -> JSON:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return str(value)
