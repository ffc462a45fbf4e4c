"""What can be wrong with what is asked of tracking.

RopewalkError
├── InvalidInput
│   ├── InvalidRequest       a value that does not fit, or is missing
│   │   └── InvalidFilter    a filter or ordering that does not parse, or names what there is not
│   ├── UnsafePath           an artifact path that leads outside, or hides where it leads
│   ├── RequestTooLarge      more bytes or items than one request may have
│   └── ForeignHost          a request that was not sent to this server's own name
├── NotFound
│   ├── UnknownExperiment
│   ├── UnknownRun
│   ├── UnknownLoggedModel
│   ├── UnknownArtifact
│   ├── UnknownTag
│   └── UnknownRoute         no such path, or not with this method
├── Conflict
│   ├── ExperimentExists     the name is taken
│   ├── NotActive            the experiment or run is deleted
│   ├── ValueFixed           a parameter has another value already
│   └── PathTaken            a file stands where a folder is wanted, or the reverse
└── Failed
    ├── EndpointFailed       the tracking endpoint did not start
    ├── Unsealable           a kept secret cannot be opened with this server's key
    └── InvalidParcel        what should bring in a run from elsewhere does not describe one
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound


class InvalidRequest(InvalidInput):
    """A value of a request does not fit, or a required one is missing."""

    code = "RW150"


class InvalidFilter(InvalidRequest):
    """A filter or an ordering does not parse, or names what cannot be searched."""

    code = "RW151"


# It is not an InvalidRequest: whoever counts attempts to break out must not count typing errors with them.
class UnsafePath(InvalidInput):
    """An artifact path leads outside of its folder, or hides where it leads."""

    code = "RW152"


class RequestTooLarge(InvalidInput):
    """A request has more bytes or more items than one request may have."""

    code = "RW153"


class ForeignHost(InvalidInput):
    """A request names another host, as a page that was tricked into calling this address would."""

    code = "RW154"


class UnknownExperiment(NotFound):
    """There is no such experiment."""

    code = "RW250"


class UnknownRun(NotFound):
    """There is no such run."""

    code = "RW251"


class UnknownLoggedModel(NotFound):
    """There is no such logged model."""

    code = "RW252"


class UnknownArtifact(NotFound):
    """There is no file at that artifact path."""

    code = "RW253"


class UnknownTag(NotFound):
    """There is no tag of that name."""

    code = "RW254"


# The wire gives it a code of its own: clients take RESOURCE_DOES_NOT_EXIST for a thing that they can create.
class UnknownRoute(NotFound):
    """The protocol has no such path here, or not with this method."""

    code = "RW255"


# The wire answers it with 400, as MLflow does: clients know a taken name by its code, and not by 409.
class ExperimentExists(Conflict):
    """The experiment's name is taken, perhaps by a deleted experiment."""

    code = "RW350"


class NotActive(Conflict):
    """The experiment or run is deleted, or not deleted, and the request needs the other."""

    code = "RW351"


class ValueFixed(Conflict):
    """A parameter is logged once: it has another value already."""

    code = "RW352"


class PathTaken(Conflict):
    """A file stands where a folder is wanted, or a folder where a file is wanted."""

    code = "RW353"


class EndpointFailed(Failed):
    """The tracking endpoint did not start."""

    code = "RW450"


class InvalidParcel(Failed):
    """What should bring in a run from another machine does not describe one."""

    code = "RW451"


class Unsealable(Failed):
    """A kept secret cannot be opened with the key that this server has."""

    code = "RW471"
