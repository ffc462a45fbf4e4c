"""What can be wrong with a monitor and with what it reads.

RopewalkError
├── NotFound
│   ├── ColumnMissing          the predictions or the labels have no such column
│   └── NotMonitored           no monitor is declared under the name
└── Failed
    ├── UnusableTime           the column that places predictions in time holds no times
    ├── UnusablePrediction     a prediction is no number
    ├── UnusableLabel          a label is neither 0 nor 1
    └── UnknownTraining        what the model version was trained on cannot be read
"""

from __future__ import annotations

from ropewalk.errors import Failed, NotFound


class ColumnMissing(NotFound):
    """A column that the monitor names is not in the predictions or in the labels."""

    code = "RW275"


class NotMonitored(NotFound):
    """No monitor is declared for the deployment."""

    code = "RW276"


class UnusableTime(Failed):
    """The column that places predictions in time holds no times."""

    code = "RW474"


class UnusablePrediction(Failed):
    """A prediction is no number, so that its quality cannot be measured."""

    code = "RW475"


class UnusableLabel(Failed):
    """A label is neither 0 nor 1."""

    code = "RW476"


class UnknownTraining(Failed):
    """The data a model version was trained on cannot be read, so that there is nothing to compare with."""

    code = "RW477"
