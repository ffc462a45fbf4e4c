"""What can be wrong in a user's repository.

RopewalkError
├── NotFound
│   ├── NoProject            no ropewalk.yaml here or above
│   ├── CommitMissing        the repository does not have this commit
│   └── NoRelease            an environment has no release file
├── Conflict
│   ├── AlreadyThere         a file that `ropewalk init` would write exists
│   └── BranchExists         the branch for a release exists
├── Failed
│   ├── NotWritten           the folder refused a file
│   └── GitRefused           Git did not do what was asked of it
└── InvalidInput
    ├── UnknownParameter     a command sets a parameter that no step has
    ├── InvalidParameter     a command sets a parameter to what is not of its type
    └── InvalidProjectFile   a file of the project does not fit
        ├── InvalidYAML      it is not YAML
        ├── UnknownKey       a key that nothing understands
        └── InvalidPython    it is not Python, or a step is declared wrongly
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound


class NoProject(NotFound):
    """There is no `ropewalk.yaml` in this folder or above it."""

    code = "RW201"


class CommitMissing(NotFound):
    """The repository does not have this commit, or the commit does not have this project."""

    code = "RW203"


class InvalidProjectFile(InvalidInput):
    """A value in a file of the project does not fit."""

    code = "RW110"


class InvalidYAML(InvalidProjectFile):
    """A file of the project is not well-formed YAML."""

    code = "RW111"


class UnknownKey(InvalidProjectFile):
    """A YAML file of the project has a key that nothing understands."""

    code = "RW112"


class InvalidPython(InvalidProjectFile):
    """A Python file of the project does not parse, or declares a step wrongly."""

    code = "RW113"


class UnknownParameter(InvalidInput):
    """A command sets a parameter of a step that is not there, or that the step does not have."""

    code = "RW118"


class InvalidParameter(InvalidInput):
    """A command sets a parameter to what is no value of its type."""

    code = "RW119"


class AlreadyThere(Conflict):
    """A file that a new project would have exists already."""

    code = "RW310"


class NotWritten(Failed):
    """The folder did not let a file of a new project be written."""

    code = "RW411"


class NoRelease(NotFound):
    """There is no release file for the environment in the working tree."""

    code = "RW204"


class BranchExists(Conflict):
    """The branch that a release would be committed to exists already."""

    code = "RW318"


class GitRefused(Failed):
    """Git could not be run, or did not do what was asked of it."""

    code = "RW419"
