"""What can be wrong with saved questions.

RopewalkError
├── InvalidInput
│   └── InvalidQuestion      RW199  a question's file, or a value given to it, does not fit
└── NotFound
    └── QuestionMissing      RW239  a question that no file asks
"""

from __future__ import annotations

from ropewalk.errors import NotFound
from ropewalk.project import InvalidProjectFile


class InvalidQuestion(InvalidProjectFile):
    """A question's file cannot be read, or a value that was given does not fit its parameter."""

    code = "RW199"


class QuestionMissing(NotFound):
    """No file below `questions/` asks a question of that name."""

    code = "RW239"
