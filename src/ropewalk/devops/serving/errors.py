"""What can go wrong with deployments and predictions.

RopewalkError
├── InvalidInput
│   ├── BadPayload            a request body that is no table of rows
│   ├── MissingColumn         a column the model needs is not in the request
│   ├── WrongValue            a value does not have its column's type
│   ├── BodyTooLarge          a request body over the limit
│   └── UnknownMediaType      a body that is neither JSON nor CSV
├── NotFound
│   ├── DeploymentMissing     a deployment that does not exist
│   └── PathMissing           a path, or a method on it, that a worker does not answer
├── Conflict
│   └── DeploymentAmbiguous   a request names no deployment, and there are several
├── Failed
│   ├── ModelNotServable      a model that cannot be loaded or does not predict
│   ├── SegmentDamaged        a prediction log that cannot be read, or whose bytes have changed
│   ├── PredictionNotRecorded the prediction log cannot be written
│   ├── PredictionFailed      the model raised on a valid request
│   └── CompactionFailed      the log's predictions could not be brought into the lake
└── Unavailable
    ├── WorkerMissing         no process serves the deployment at the moment
    └── WorkerLost            the process ended while it answered
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, Unavailable


class BadPayload(InvalidInput):
    """A request body is not a table of rows in any of the accepted shapes."""

    code = "RW160"


class MissingColumn(InvalidInput):
    """A column that the model needs is not in the request."""

    code = "RW161"


class WrongValue(InvalidInput):
    """A value of a request does not have its column's type."""

    code = "RW162"


class BodyTooLarge(InvalidInput):
    """A request body is larger than a worker takes."""

    code = "RW163"


class UnknownMediaType(InvalidInput):
    """A request body is declared as something other than JSON or CSV."""

    code = "RW164"


class DeploymentMissing(NotFound):
    """There is no deployment of that name."""

    code = "RW260"


class PathMissing(NotFound):
    """A worker has no such path, or not for that method."""

    code = "RW261"


class DeploymentAmbiguous(Conflict):
    """A request names no deployment, and there is more than one."""

    code = "RW360"


class ModelNotServable(Failed):
    """A model version cannot be loaded, or does not predict."""

    code = "RW460"


class SegmentDamaged(Failed):
    """A prediction log cannot be read, or its bytes are not what was written."""

    code = "RW461"


class PredictionNotRecorded(Failed):
    """The prediction log cannot be written, so nothing is answered."""

    code = "RW462"


class PredictionFailed(Failed):
    """The model raised on a request that fits its signature."""

    code = "RW463"


class CompactionFailed(Failed):
    """The predictions in the log could not be brought into the lake; they stay in the log."""

    code = "RW464"


class WorkerMissing(Unavailable):
    """No worker process is ready for the deployment at the moment."""

    code = "RW660"


class WorkerLost(Unavailable):
    """The worker process ended before it had answered."""

    code = "RW661"
