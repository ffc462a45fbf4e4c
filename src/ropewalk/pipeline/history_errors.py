"""What can go wrong when past runs are asked for.

RopewalkError
├── InvalidInput
│   └── AmbiguousRun     RW105  several runs begin with what was given
├── NotFound
│   ├── RunNotFound      RW214  no run begins with it
│   └── LogNotFound      RW213  the run has no such log, or has it no more
├── Conflict
│   ├── RunOver          RW315  the run has ended already
│   └── RunElsewhere     RW316  the run is at work on another machine
└── Failed
    └── RunDoesNotEnd    RW415  the run was asked to end, and has not
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound


class AmbiguousRun(InvalidInput):
    """The ids of several runs begin with what was given."""

    code = "RW105"


class RunNotFound(NotFound):
    """No run has an id that begins with what was given."""

    code = "RW214"


class LogNotFound(NotFound):
    """The run has no log of that step and attempt: none was written, or it was removed since."""

    code = "RW213"


class RunOver(Conflict):
    """The run that was to be ended has ended already."""

    code = "RW315"


class RunElsewhere(Conflict):
    """The run that was to be ended is at work on another machine."""

    code = "RW316"


class RunDoesNotEnd(Failed):
    """The run was asked to end and has not, for as long as anyone waited."""

    code = "RW415"
