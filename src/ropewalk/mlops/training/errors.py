"""What can go wrong with steps.

RopewalkError
├── InvalidInput
│   ├── InvalidStep       an option of @step, or what the step makes, does not fit
│   ├── WrongProduct      a step returned something else than it said
│   └── UnkeptFiles       a step returned files that cannot be kept
└── Failed
    ├── StepFailed        the step raised, or its process ended without an answer
    ├── StepTimedOut      the step ran longer than allowed
    ├── StepKilled        the step's process was killed, or crashed
    ├── StepOutOfMemory   the step took more memory than allowed
    ├── StepObstructed    the system refused what the step needs, such as room on the disk
    ├── StepStopped       the step was ended because the run is to end
    ├── DamagedFiles      what is stored as a step's product is not what it was
    ├── FilesNotShown     a step's files cannot be put into the project's folder
    ├── NoEnvironmentTool the tool that makes environments is not installed
    └── EnvironmentNotBuilt the environment that a step names cannot be made
"""

from __future__ import annotations

from ropewalk.errors import Failed, InvalidInput


class InvalidStep(InvalidInput):
    """An option of `@step`, or what a step says it makes, does not fit."""

    code = "RW140"


class WrongProduct(InvalidInput):
    """A step returned something else than its annotation says."""

    code = "RW141"


class UnkeptFiles(InvalidInput):
    """A step returned files of which some cannot be kept: links that lead out, pipes, sockets, devices."""

    code = "RW142"


class StepFailed(Failed):
    """A step raised an error, or its process died."""

    code = "RW440"


class StepTimedOut(Failed):
    """A step ran longer than its timeout and was ended with all its processes."""

    code = "RW441"
    # Machines are busy at times.
    may_pass = True


class DamagedFiles(Failed):
    """What is stored as a step's product is not what its digest says."""

    code = "RW442"


class FilesNotShown(Failed):
    """The files that a step made cannot be put into `outputs/` of the project's folder."""

    code = "RW447"


class StepKilled(Failed):
    """A step's process was killed from outside, or crashed in native code."""

    code = "RW443"
    may_pass = True


class StepOutOfMemory(Failed):
    """A step held more memory than its `memory` option allows and was ended with all its processes."""

    code = "RW444"
    may_pass = True


class StepObstructed(Failed):
    """The system refused a step's process or its files: a full disk, a folder without permission, too many processes."""

    code = "RW445"


class StepStopped(Failed):
    """A step was ended with all its processes because its run is to end (Ctrl-C)."""

    code = "RW446"


class NoEnvironmentTool(Failed):
    """`uv`, which makes the environments that steps name, is not installed."""

    code = "RW448"


class EnvironmentNotBuilt(Failed):
    """The environment that a step names cannot be made from its locked file."""

    code = "RW449"
    # An index that cannot be reached comes back.
    may_pass = True
