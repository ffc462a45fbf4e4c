"""What can go wrong on the way out of the lake.

RopewalkError
├── InvalidInput
│   └── InvalidPublication   RW197  a publication is declared in a way that cannot work, or would show private columns
├── Conflict
│   ├── TargetTaken          RW332  what stands at the target was made by somebody else
│   └── TargetDrifted        RW333  the target has other columns than were published there
├── Failed
│   └── PublishFailed        RW435  the target did not take the rows
└── Unavailable
    ├── TargetUnreachable    RW694  no answer
    └── TargetRefused        RW695  the target wants other credentials or rights
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, Unavailable


class InvalidPublication(InvalidInput):
    """A publication is declared in a way that cannot work, or would show columns that a contract calls private."""

    code = "RW197"


class TargetTaken(Conflict):
    """What stands at a publication's target was not made by it."""

    code = "RW332"


class TargetDrifted(Conflict):
    """The target has other columns than were published there, or cannot take those that there are now."""

    code = "RW333"


class PublishFailed(Failed):
    """The target did not take the rows; it keeps what it had."""

    code = "RW435"


class TargetUnreachable(Unavailable):
    """The target does not answer."""

    code = "RW694"


class TargetRefused(Unavailable):
    """The target refuses the credentials it was given, or what they may do."""

    code = "RW695"
    may_pass = False
