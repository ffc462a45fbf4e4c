"""Answering questions about metrics from the tables of an environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ropewalk.dataops.lake import Asking, Form, QueryResult, ask_environment
from ropewalk.dataops.metrics.compile import (
    MetricQuestion,
    compile_question,
    dimension_columns,
    join_checks,
)
from ropewalk.dataops.metrics.declarations import Dimension, Measure
from ropewalk.dataops.metrics.errors import InvalidMetric, RowsCountedTwice
from ropewalk.dataops.metrics.reading import Metric, Subject, survey_metrics
from ropewalk.dataops.privacy import project_masks
from ropewalk.errors import InvalidInput, NotFound, Place
from ropewalk.pipeline import Workspace


@dataclass(frozen=True)
class MetricAnswer:
    """An answer and what it is about.

    Attributes:
        metrics: the measures, in order.
        dimensions: the names of the columns before them.
        sql: the SELECT that was asked.
        result: what it found.
    """

    metrics: tuple[Metric, ...]
    dimensions: tuple[str, ...]
    sql: str
    result: QueryResult


def ask_metrics(
    workspace: Workspace, question: MetricQuestion, form: Form = "rows", asking: Asking | None = None
) -> MetricAnswer:
    """Return the answer from the environment's tables, with personal columns masked as everywhere.

    Args:
        workspace: the open project.
        question: what is asked.
        form: in which form the rows are wanted.
        asking: limits of time and memory.

    Raises:
        MetricMissing: a metric that nobody declares.
        InvalidMetric: a dimension or a condition that does not fit, or a column that is not there.
        RowsCountedTwice: a table has several rows for one of its key.
        RopewalkError: the tables cannot be read.
    """
    answer = plan_metrics(workspace, question)
    asked = replace(asking or Asking(), limit=question.limit, form=form)

    def ask(sql: str, asked: Asking = asked) -> QueryResult:
        return ask_environment(workspace, sql, asked, masks=project_masks(workspace))

    # Each file's table is looked at once, whatever number of its measures is asked for.
    subjects = {metric.subject.name: metric.subject for metric in answer.metrics}.values()
    for subject in subjects:
        refuse_doubles(subject, lambda sql: ask(sql, replace(asked, form="rows")))
    return replace(answer, result=ask_placed(answer.metrics[0].subject, lambda: ask(answer.sql)))


def plan_metrics(workspace: Workspace, question: MetricQuestion) -> MetricAnswer:
    """Return what would be asked, without asking it.

    Raises:
        MetricMissing, InvalidMetric: as `ask_metrics` says.
    """
    found = survey_metrics(workspace.root)
    if not question.metrics:
        raise InvalidMetric("no metric is named", hint="`ropewalk metric list` has them all")
    metrics = tuple(found.find(name) for name in dict.fromkeys(question.metrics))
    sql = compile_question(question, metrics)
    shown = tuple(dimension_columns(metrics[0].subject, question))
    return MetricAnswer(metrics, shown, sql, QueryResult((), (), is_complete=True))


def refuse_doubles(subject: Subject, ask: Callable[[str], QueryResult]) -> None:
    """Return when the table has its grain, and each joined table one row for a key.

    Raises:
        RowsCountedTwice: one has not; measures would count rows more than once.
    """
    for what, table, sql in join_checks(subject):
        found = ask_placed(subject, lambda sql=sql: ask(sql))  # type: ignore[misc]  # a default binds the loop's value
        doubles = found.rows[0][0]
        if doubles:
            is_grain = what == "grain"
            said = (
                "are there more than once at the grain"
                if is_grain
                else f"would be found twice by the join {what!r}"
            )
            raise RowsCountedTwice(
                f"{doubles} rows of {table} {said} that {subject.name}.yaml declares",
                place=subject.place("grain") if is_grain else subject.place("joins", what),
                hint="measures would count them more than once: mend the table, or name the columns that tell rows apart",
            )


def ask_placed(subject: Subject, ask: Callable[[], QueryResult]) -> QueryResult:
    """Return the answer; what the engine says of a generated SELECT is told as of the file it came from.

    Raises:
        InvalidMetric: a column that is not there, values that do not fit.
    """
    try:
        return ask()
    except NotFound:
        raise
    except InvalidInput as error:
        raise InvalidMetric(
            f"{subject.name}.yaml does not fit {subject.declared.table}: {error.message}",
            place=_find_place(subject, error.message) or subject.place(),
            nearest=error.nearest,
            detail=error.detail,
        ) from error


def _find_place(subject: Subject, message: str) -> Place | None:
    """Return where the file names what the engine's message quotes, if it does."""
    # The engine knows generated SQL alone; the names that it quotes are all that leads back to the file.
    quoted = set(re.findall(r'"([^"]+)"', message))
    for section in ("measures", "dimensions"):
        entries: Mapping[str, Measure | Dimension] = getattr(subject.declared, section)
        for name, entry in entries.items():
            texts = [
                entry.column or "",
                entry.sql or "",
                (entry.where or "") if isinstance(entry, Measure) else "",
            ]
            if quoted & set(re.findall(r"\w+", " ".join(texts))):
                return subject.place(section, name)
    return None
