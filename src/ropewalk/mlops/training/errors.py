"""What can go wrong with steps.

RopewalkError
├── InvalidInput
│   ├── InvalidStep       an option of @step, or what the step makes, does not fit
│   └── WrongProduct      a step returned something else than it said
└── Failed
    ├── StepFailed        the step raised, or its process died
    └── StepTimedOut      the step ran longer than allowed
"""

from __future__ import annotations

from ropewalk.errors import Failed, InvalidInput


class InvalidStep(InvalidInput):
    """An option of `@step`, or what a step says it makes, does not fit."""

    code = "RW140"


class WrongProduct(InvalidInput):
    """A step returned something else than its annotation says."""

    code = "RW141"


class StepFailed(Failed):
    """A step raised an error, or its process died."""

    code = "RW440"


class StepTimedOut(Failed):
    """A step ran longer than its timeout and was ended with all its processes."""

    code = "RW441"
