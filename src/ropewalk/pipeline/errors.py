"""What can go wrong in the engine.

RopewalkError
├── InvalidInput
│   ├── UnknownName      a definition asks for a name that nothing provides
│   ├── AmbiguousName    a short name that several nodes provide
│   ├── NameTaken        two nodes with one name
│   ├── Cycle            nodes that need each other in a circle
│   ├── InvalidPlan      a file is not a plan that this version wrote
│   ├── UnknownPool      a node names a pool that is not declared
│   └── NothingToBisect  two runs between which a metric does not turn
├── NotFound
│   ├── NodeNotFound     a command names a node that is not declared
│   └── NothingRecorded  a run, or what it read, is not recorded
├── Failed
│   └── NotReproducible  a run was made from files that nobody kept
└── Conflict
    ├── Stopped               the run was told to stop before the node was done
    ├── ProtectedEnvironment  only a release may move this environment
    └── PlanMoved             what a plan was made from has moved since
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound


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


class Stopped(Conflict):
    """The run was told to stop while the node waited or worked."""

    code = "RW311"


class ProtectedEnvironment(Conflict):
    """Only a release may move this environment."""

    code = "RW313"


class PlanMoved(Conflict):
    """What a plan was made from has moved since, so it would not do what was reviewed."""

    code = "RW314"


class InvalidPlan(InvalidInput):
    """A file is not a plan that this version wrote."""

    code = "RW106"


class UnknownPool(InvalidInput):
    """A node names a pool that `pools:` does not declare."""

    code = "RW107"


class NothingToBisect(InvalidInput):
    """Between the two runs nothing turns the metric, or it cannot be made at one of them."""

    code = "RW108"


class NothingRecorded(NotFound):
    """A run, or what a run read, is not recorded or not recorded any more."""

    code = "RW212"


class NotReproducible(Failed):
    """A run cannot be done again: its files are in no commit, so nobody can have them, or it made nothing."""

    code = "RW414"
