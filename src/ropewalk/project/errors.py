"""What can be wrong in a user's repository.

RopewalkError
├── NotFound
│   └── NoProject            no ropewalk.yaml here or above
├── Conflict
│   └── AlreadyThere         a file that `ropewalk init` would write exists
├── Failed
│   └── NotWritten           the folder refused a file
└── InvalidInput
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


class AlreadyThere(Conflict):
    """A file that a new project would have exists already."""

    code = "RW310"


class NotWritten(Failed):
    """The folder did not let a file of a new project be written."""

    code = "RW411"
