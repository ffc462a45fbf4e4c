"""Saved questions: all of them, and the answer to one."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.dataops.questions import Question, QuestionMissing, ask_question, survey_questions
from ropewalk.errors import RopewalkError
from ropewalk.web.charts import LineChart
from ropewalk.web.errors import status_of
from ropewalk.web.grid import Grid, make_grid
from ropewalk.web.page import Visit
from ropewalk.web.views.drawn import draw
from ropewalk.web.views.sql import QueryProblem, problem_of


@dataclass(frozen=True)
class QuestionLine:
    """One question in a list."""

    name: str
    title: str
    description: str | None
    owner: str | None


@dataclass(frozen=True)
class Field:
    """A parameter as a form has it."""

    name: str
    type: str
    value: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class QuestionList:
    """All questions of the project.

    Attributes:
        questions: those that can be asked.
        broken: what is wrong with the files of the others.
    """

    questions: tuple[QuestionLine, ...]
    broken: tuple[QueryProblem, ...] = ()


@dataclass(frozen=True)
class QuestionPage:
    """A question and its answer.

    Attributes:
        question: what is asked.
        fields: its parameters, with their values.
        sql: the SELECT behind it.
        query: the values as an address has them.
        result: the answer.
        is_cut: whether there are more rows.
        chart: the answer, drawn.
        is_bars: whether it is drawn as bars.
        figure: the answer where it is one number.
        problem: why there is no answer.
        status: the HTTP status that says the same.
    """

    question: QuestionLine
    fields: tuple[Field, ...]
    sql: str
    query: dict[str, str]
    result: Grid | None = None
    is_cut: bool = False
    chart: LineChart | None = None
    is_bars: bool = False
    figure: str | None = None
    problem: QueryProblem | None = None
    status: int = 200


def question_list(visit: Visit) -> QuestionList:
    """Return all questions; a file that is wrong takes nothing from the others."""
    found = survey_questions(visit.workspace.root)
    return QuestionList(
        tuple(map(_line, found.by_name.values())), tuple(map(problem_of, found.broken.values()))
    )


def question_page(visit: Visit) -> QuestionPage:
    """Return a question with its answer; a value that does not fit is part of the page.

    Raises:
        QuestionMissing: there is none of that name.
        InvalidProjectFile: its file is wrong.
    """
    name, given = visit.names["name"], dict(visit.query)
    try:
        return _answered(visit, name, given)
    except QuestionMissing:
        raise
    except RopewalkError as error:
        question = survey_questions(visit.workspace.root).find(name)
        page = _page(question, {item.name: item.default for item in question.parameters} | given)
        return QuestionPage(
            page.question, page.fields, page.sql, {}, problem=problem_of(error), status=status_of(error)
        )


def _answered(visit: Visit, name: str, given: dict[str, str]) -> QuestionPage:
    answer = ask_question(visit.workspace, name, given)
    question, result = answer.question, answer.result
    page = _page(question, dict(answer.values))
    grid = make_grid(((column.name, column.type) for column in result.columns), result.rows)
    drawn, chart, figure = question.chart, None, None
    if drawn and drawn.kind == "number" and grid.rows:
        names = [column.name for column in grid.columns]
        figure = str(grid.rows[0][names.index(drawn.y)]) if drawn.y in names else None
    elif drawn and drawn.x:
        chart = draw(grid, question.title, drawn.x, [drawn.y], drawn.color, is_share=drawn.is_share)
    is_bars = drawn is not None and drawn.kind == "bar"
    return QuestionPage(
        page.question, page.fields, page.sql, page.query, grid, not result.is_complete, chart, is_bars, figure
    )


def _page(question: Question, values: dict[str, str]) -> QuestionPage:
    fields = tuple(
        Field(item.name, item.type, values.get(item.name, item.default), item.choices)
        for item in question.parameters
    )
    return QuestionPage(_line(question), fields, question.sql, values)


def _line(question: Question) -> QuestionLine:
    return QuestionLine(question.name, question.title, question.description, question.owner)
