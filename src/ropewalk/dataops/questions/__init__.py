"""Saved questions: SQL with a title and a chart, for the people who only want the answer.

Other rooms import from here and nowhere deeper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.questions.answer import QuestionAnswer, ask_question
    from ropewalk.dataops.questions.errors import InvalidQuestion, QuestionMissing
    from ropewalk.dataops.questions.kind import QuestionKind
    from ropewalk.dataops.questions.reading import Questions, read_questions, survey_questions
    from ropewalk.dataops.questions.values import Chart, Parameter, Question

__all__ = [
    "Chart",
    "InvalidQuestion",
    "Parameter",
    "Question",
    "QuestionAnswer",
    "QuestionKind",
    "QuestionMissing",
    "Questions",
    "ask_question",
    "read_questions",
    "survey_questions",
]

__getattr__ = lazy_names(__name__, __file__)
