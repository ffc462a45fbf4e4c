"""What can be wrong with metrics and with what is asked of them.

RopewalkError
├── InvalidInput
│   └── InvalidMetric        RW198  a metric, or a question about one, that cannot work
├── NotFound
│   └── MetricMissing        RW238  a metric that no file declares
└── Failed
    └── RowsCountedTwice     RW436  a join or a table would count rows more than once
"""

from __future__ import annotations

from ropewalk.errors import Failed, NotFound
from ropewalk.project import InvalidProjectFile


class InvalidMetric(InvalidProjectFile):
    """A metric is declared in a way that cannot work, or is asked for something that it does not have."""

    code = "RW198"


class MetricMissing(NotFound):
    """No file below `metrics/` declares a metric of that name."""

    code = "RW238"


class RowsCountedTwice(Failed):
    """A table does not have the grain that its metrics rely on, so that sums would count rows more than once."""

    code = "RW436"
