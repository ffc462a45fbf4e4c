"""Asking saved questions: values checked and bound, answers kept for as long as the tables stand where they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ropewalk.access import sees_personal
from ropewalk.dataops.lake import Asking, Form, QueryResult, ask_environment, environment_tables
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.questions.errors import InvalidQuestion
from ropewalk.dataops.questions.header import TYPES, check_value
from ropewalk.dataops.questions.reading import survey_questions
from ropewalk.dataops.questions.values import Question
from ropewalk.errors import InvalidInput, NotFound, nearest
from ropewalk.pipeline import Workspace

# Answers that are kept, and the most rows of one that is.
KEPT, KEPT_ROWS = 64, 10_000


@dataclass(frozen=True)
class QuestionAnswer:
    """An answer, with what was asked.

    Attributes:
        question: the question.
        values: the value of each parameter.
        result: the rows, or the file.
        was_kept: whether it was worked out before, of the same tables.
    """

    question: Question
    values: Mapping[str, str]
    result: QueryResult
    was_kept: bool = False


@dataclass
class _Kept:
    """Answers by all that decides about them, the oldest first."""

    answers: OrderedDict[object, QueryResult] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def ask_question(
    workspace: Workspace,
    name: str,
    given: Mapping[str, str] | None = None,
    form: Form = "rows",
    asking: Asking | None = None,
) -> QuestionAnswer:
    """Return the answer to the question of that name from the environment's tables.

    Args:
        workspace: the open project.
        name: the question.
        given: values of parameters, as text.
        form: in which form the rows are wanted.
        asking: limits of rows, time and memory.

    Raises:
        QuestionMissing: there is no such question.
        InvalidQuestion: a value does not fit its parameter, or the SQL its tables.
        RopewalkError: the tables cannot be read.
    """
    # A file that somebody broke is the trouble of those alone who ask for it.
    question = survey_questions(workspace.root).find(name)
    values = choose_values(question, given or {})
    limits = asking or Asking(KEPT_ROWS)
    types = {parameter.name: TYPES[parameter.type] for parameter in question.parameters}
    bound = {parameter: (types[parameter], value) for parameter, value in values.items()}
    asked = Asking(limits.limit, limits.timeout_s, limits.memory, form, bound)
    key, kept = _key(workspace, question, asked), workspace.once("answers", _open_kept)
    # The engine is asked outside the lock: two who ask the same at once both work it out, and none waits.
    with kept.lock:
        known = kept.answers.get(key)
    if known is not None:
        return QuestionAnswer(question, values, known, was_kept=True)
    result = _ask(workspace, question, asked)
    if len(result.rows) <= KEPT_ROWS and form == "rows":
        with kept.lock:
            kept.answers[key] = result
            while len(kept.answers) > KEPT:
                kept.answers.popitem(last=False)
    return QuestionAnswer(question, values, result)


def choose_values(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each parameter: as given, or its default.

    Raises:
        InvalidQuestion: a value does not fit, or is of no parameter.
    """
    known = {parameter.name: parameter for parameter in question.parameters}
    for name in given:
        if name not in known:
            raise InvalidQuestion(
                f"question {question.name!r} has no parameter {name!r}",
                nearest=nearest(name, known),
                hint=f"it has {', '.join(known) or 'none'}",
            )
    return {name: check_value(item, given.get(name, item.default)) for name, item in known.items()}


def _ask(workspace: Workspace, question: Question, asked: Asking) -> QueryResult:
    # A table that is missing is no fault of the question's file, and keeps its own error.
    try:
        return ask_environment(workspace, question.sql, asked, masks=project_masks(workspace))
    except NotFound:
        raise
    except InvalidInput as error:
        raise placed_error(question, error) from error


def placed_error(question: Question, error: InvalidInput) -> InvalidQuestion:
    """Return what the engine says of a question's SQL as an error of its file."""
    place = question.tables[0][1] if question.tables else None
    return InvalidQuestion(
        f"{question.path}: {error.message}",
        place=place,
        nearest=error.nearest,
        hint=error.hint,
        detail=error.detail,
    )


def _key(workspace: Workspace, question: Question, asked: Asking) -> object:
    tables = environment_tables(workspace)
    # A short name may mean any of several tables; then all of them count.
    names = {name.rpartition(".")[2] for name, _ in question.tables}
    read = tuple(sorted((name, at) for name, at in tables.items() if name.rpartition(".")[2] in names))
    values = tuple(sorted(asked.values.items()))
    # Masks are part of the answer: who may see personal columns is never given what others were.
    return (question.sql, values, asked.limit, read, sees_personal(workspace.settings))


@contextmanager
def _open_kept() -> Iterator[_Kept]:
    yield _Kept()
