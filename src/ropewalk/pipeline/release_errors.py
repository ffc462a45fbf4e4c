"""What can go wrong with releases and environments.

RopewalkError
├── InvalidInput
│   └── InvalidRelease       a release names an execution that was not what it says
├── NotFound
│   ├── UnknownEnvironment   an environment that nobody declared or used
│   └── ExecutionMissing     a release names an execution that is not in this database
├── Failed
│   └── ContentMissing       what a release names was made here and is gone
└── Conflict
    ├── EnvironmentKept      the environment is not one to be dropped, or not without a word
    └── ReleaseUncommitted   the release of a protected environment is in no commit
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound


class InvalidRelease(InvalidInput):
    """A release names an execution that made something else, or was of another node."""

    code = "RW109"


class UnknownEnvironment(NotFound):
    """An environment that is neither declared nor was ever used."""

    code = "RW218"


class ExecutionMissing(NotFound):
    """A release names an execution that this database does not have."""

    code = "RW219"


class EnvironmentKept(Conflict):
    """An environment that must not be dropped, or only when it is said that its work may go."""

    code = "RW317"


class ReleaseUncommitted(Conflict):
    """The release of a protected environment is not what the commit that is checked out has."""

    code = "RW319"


class ContentMissing(Failed):
    """What a release names was made, and is not there any more."""

    code = "RW418"
