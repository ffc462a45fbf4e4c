"""What can be wrong with what is asked of tracking.

RopewalkError
├── InvalidInput
│   ├── InvalidRequest       a value that does not fit, or is missing
│   │   └── InvalidFilter    a filter or ordering that does not parse, or names what there is not
│   ├── UnsafePath           an artifact path that leads outside, or hides where it leads
│   ├── TooManyRuns          more runs than what is asked of them can be done for
│   ├── RequestTooLarge      more bytes or items than one request may have
├── NotFound
│   ├── UnknownExperiment
│   ├── UnknownRun
│   ├── UnknownLoggedModel
│   ├── UnknownArtifact
│   ├── UnknownTag
│   ├── UnknownUpload        no such upload in parts, or an address that has ended
│   ├── UnknownProject       an address or header that names another project
│   ├── UnknownEvaluationSet
│   ├── UnknownScorer
│   ├── UnknownIssue
│   ├── UnknownGatewayPart   a secret, model, endpoint or binding of the gateway
│   ├── NotServed            the protocol has it, and this server leaves it to others
│   └── UnknownRoute         no such path, or not with this method
├── Conflict
│   ├── GatewayNameTaken
│   ├── GatewayPartUsed      something else needs what should be deleted
│   ├── ExperimentExists     the name is taken
│   ├── NotActive            the experiment or run is deleted
│   ├── RunHeld              a run, or its model, is still named somewhere, so it cannot be removed for good
│   ├── NotInTrash           what is to be removed for good was not deleted before
│   ├── WorkspaceFixed       a workspace is a project, and is not made, changed or deleted here
│   ├── ValueFixed           a parameter has another value already
│   └── PathTaken            a file stands where a folder is wanted, or the reverse
├── Unavailable
│   └── TooManyListeners     as many listen to live events as may
└── Failed
    ├── EndpointFailed       the tracking endpoint did not start
    ├── Unsealable           a kept secret cannot be opened with this server's key
    └── InvalidParcel        what should bring in a run from elsewhere does not describe one
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, Unavailable


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


class TooManyRuns(InvalidInput):
    """What is asked for can be done for fewer runs only, or not in this combination."""

    code = "RW145"


class RequestTooLarge(InvalidInput):
    """A request has more bytes or more items than one request may have."""

    code = "RW153"


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


class UnknownUpload(NotFound):
    """There is no such upload in parts any more, or a signed address is not valid or has ended."""

    code = "RW273"


class UnknownProject(NotFound):
    """An address or a header names a project, and it is not the one that this server has."""

    code = "RW271"


# The wire answers it with 400, as MLflow does: clients know a taken name by its code, and not by 409.
class ExperimentExists(Conflict):
    """The experiment's name is taken, perhaps by a deleted experiment."""

    code = "RW350"


class NotActive(Conflict):
    """The experiment or run is deleted, or not deleted, and the request needs the other."""

    code = "RW351"


class RunHeld(Conflict):
    """A run cannot be removed for good: a registered model, a deployment, a release or an environment needs it."""

    code = "RW345"


class NotInTrash(Conflict):
    """Only what was deleted before can be removed for good."""

    code = "RW346"


class ValueFixed(Conflict):
    """A parameter is logged once: it has another value already."""

    code = "RW352"


class WorkspaceFixed(Conflict):
    """A workspace is a project, which its server neither makes nor changes nor deletes."""

    code = "RW334"


class PathTaken(Conflict):
    """A file stands where a folder is wanted, or a folder where a file is wanted."""

    code = "RW353"


class TooManyListeners(Unavailable):
    """As many listen to live events as may; some have to leave first."""

    code = "RW645"


class EndpointFailed(Failed):
    """The tracking endpoint did not start."""

    code = "RW450"


class InvalidParcel(Failed):
    """What should bring in a run from another machine does not describe one."""

    code = "RW451"


class Unsealable(Failed):
    """A kept secret cannot be opened with the key that this server has."""

    code = "RW471"


class UnknownEvaluationSet(NotFound):
    """There is no such evaluation set."""

    code = "RW265"


class UnknownScorer(NotFound):
    """The experiment has no scorer of that name, or not in that version."""

    code = "RW266"


class UnknownIssue(NotFound):
    """There is no such issue."""

    code = "RW267"


class UnknownGatewayPart(NotFound):
    """There is no such secret, model, endpoint or binding."""

    code = "RW268"


# The wire answers it with 501: a client that gets 404 would take it for an older server.
class NotServed(NotFound):
    """The protocol has this, and this server does not do it: it never calls a model's provider."""

    code = "RW269"


# The wire answers it with 400, as a taken name of an experiment.
class GatewayNameTaken(Conflict):
    """Another secret, model or endpoint has that name, or the model is attached already."""

    code = "RW365"


class GatewayPartUsed(Conflict):
    """An endpoint needs the model that should be deleted, or would be left without any model."""

    code = "RW366"
