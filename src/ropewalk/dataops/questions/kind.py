"""The node kind `question`: a file below `questions/`, held against its tables whenever one of the two changes."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

from ropewalk.dataops.lake import Asking, input_tables, open_lake
from ropewalk.dataops.questions.answer import choose_values, placed_error
from ropewalk.dataops.questions.errors import InvalidQuestion
from ropewalk.dataops.questions.header import TYPES
from ropewalk.dataops.questions.reading import read_questions
from ropewalk.dataops.questions.values import Question
from ropewalk.errors import InvalidInput, Place, nearest
from ropewalk.pipeline import JSON, Need, Node, NodeKind, Output, Packed, Probe, Task, Workspace
from ropewalk.project import Project


class QuestionKind(NodeKind):
    """Questions as nodes: what they read is lineage, and what breaks them is told before somebody asks."""

    name = "question"
    replays = True

    def declare(self, project: Project) -> Iterable[Node]:
        """Yield a node for each file below `questions/`.

        Raises:
            InvalidProjectFile: a file is wrong.
        """
        return [_declare(question) for question in read_questions(project.root).values()]

    def probe(self, node: Node, workspace: Workspace, last: Output | None) -> Probe:
        """Return nothing: questions depend on tables and their SQL alone."""
        return Probe(settled=True)

    def holds(self, node: Node, key: str, output: Output, workspace: Workspace) -> bool:
        """Return True: nothing is kept of a question."""
        return True

    def execute(self, task: Task) -> Output:
        """Ask with the default values, and look for the columns that the chart draws.

        Raises:
            InvalidQuestion: the SQL does not fit the tables, or the chart not the answer.
        """
        question = task.node.spec
        assert isinstance(question, Question)
        types = {parameter.name: TYPES[parameter.type] for parameter in question.parameters}
        values = {name: (types[name], value) for name, value in choose_values(question, {}).items()}
        asking = Asking(1, float(task.workspace.settings.step_timeout), values=values)
        try:
            result = open_lake(task.workspace).ask(question.sql, asking, input_tables(task))
        except InvalidInput as error:
            raise placed_error(question, error) from error
        names = [column.name for column in result.columns]
        _require_columns(question, names)
        columns: list[JSON] = [*names]
        digest = blake3(f"{question.normal}|{names}|{result.rows}".encode()).hexdigest()
        return Output(digest, f"question:{question.name}", {"columns": columns})

    def pack(self, node: Node, output: Output, workspace: Workspace) -> Packed | None:
        """Return the output, which holds all there is."""
        return Packed(output, {})

    def unpack(self, node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
        """Return the output."""
        return packed.output


def _declare(question: Question) -> Node:
    chart = question.chart
    facts = {
        "sql": question.normal,
        **{f"parameter {item.name}": f"{item.type} = {item.default}" for item in question.parameters},
        **({"chart": f"{chart.kind} {chart.x} {chart.y} {chart.color}"} if chart else {}),
    }
    # Of a name that is read twice, the first place counts.
    tables = dict(reversed(question.tables))
    return Node(
        id=f"question:{question.name}",
        origin=Place(question.path),
        spec=question,
        needs=tuple(Need(name, place) for name, place in sorted(tables.items())),
        facts=facts,
        places=dict.fromkeys(facts, Place(question.path)),
    )


def _require_columns(question: Question, names: list[str]) -> None:
    chart = question.chart
    for column in (chart.x, chart.y, chart.color) if chart else ():
        if column is not None and column not in names:
            raise InvalidQuestion(
                f"the chart draws {column!r}, which the answer does not have",
                place=chart.place if chart else None,
                nearest=nearest(column, names),
                hint=f"it has {', '.join(names)}",
            )
