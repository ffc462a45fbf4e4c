"""What can go wrong in the engine.

RopewalkError
├── InvalidInput
│   ├── UnknownName      a definition asks for a name that nothing provides
│   ├── AmbiguousName    a short name that several nodes provide
│   ├── NameTaken        two nodes with one name
│   └── Cycle            nodes that need each other in a circle
├── NotFound
│   └── NodeNotFound     a command names a node that is not declared
└── Conflict
    └── RunInProgress    another run of this project is at work
"""

from __future__ import annotations

from ropewalk.errors import Conflict, InvalidInput, NotFound


class UnknownName(InvalidInput):
    """A definition asks for a name that no node of the project provides."""

    code = "RW114"


class AmbiguousName(InvalidInput):
    """A definition uses a short name that several nodes provide; the full name says which is meant."""

    code = "RW115"


class NameTaken(InvalidInput):
    """Two nodes of the project claim the same name."""

    code = "RW116"


class Cycle(InvalidInput):
    """Nodes need each other in a circle, so none of them can be first."""

    code = "RW117"


class NodeNotFound(NotFound):
    """A command names a node that the project does not declare."""

    code = "RW210"


class RunInProgress(Conflict):
    """Another `ropewalk run` is at work in this project."""

    code = "RW311"
