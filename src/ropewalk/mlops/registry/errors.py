"""What can be wrong with what is asked of the model registry.

RopewalkError
├── InvalidInput
│   ├── InvalidModelName     a registered model's name that cannot be used in a URI
│   ├── InvalidSource        a version's source that is not the run's or model's own, or is a local path
│   ├── InvalidAlias         an alias that reads like a version
│   ├── InvalidRegistryTag   a tag that is too long
│   ├── InvalidMLmodel       a model's own description that cannot be read
│   ├── InvalidReview        a verdict without a request, a person or a reason
│   ├── UnknownPickle        a model whose files would import what nobody knows
│   └── InvalidProjectFile
│       └── UnmadeModel      a gate is named after a model that no step makes
├── NotFound
│   ├── UnknownModel
│   ├── UnknownVersion
│   └── UnknownAlias
├── Conflict
│   ├── ModelExists          the name is taken
│   ├── VersionTaken         a semantic version that another version has, or that would change
│   ├── OwnApproval          a person who approves what they made or asked for
│   ├── ContentMoved         files that changed while they were being registered
│   ├── ReleasedVersion      a version that a protected alias names, and that is to be deleted
│   └── ProtectedAlias       the alias of an environment that only a release moves
├── GateFailed
│   ├── NotApproved          a release of a version that not enough people approved
│   └── Quarantined          a version whose files nobody allowed yet
└── Failed
    └── NoModelFiles         a version of which this server has no files
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, GateFailed, InvalidInput, NotFound
from ropewalk.project import InvalidProjectFile


class InvalidModelName(InvalidInput):
    """A registered model's name is empty or has characters that cannot be used in a URI."""

    code = "RW155"


# One class for all of these checks: whichever of them fails, the client can only send another source.
class InvalidSource(InvalidInput):
    """A version's source is a local path, leads upwards, or is not the run's or model's own."""

    code = "RW156"


class InvalidAlias(InvalidInput):
    """An alias has characters that are not allowed, or reads like a version."""

    code = "RW157"


class InvalidRegistryTag(InvalidInput):
    """A tag's key or value is empty or too long."""

    code = "RW158"


class InvalidMLmodel(InvalidInput):
    """A model's `MLmodel` file is not what the format says."""

    code = "RW143"


class UnknownPickle(InvalidInput):
    """A model's files would import or run what is not on the list of known names."""

    code = "RW174"


class InvalidReview(InvalidInput):
    """A verdict or comment lacks a request, a named person or a reason."""

    code = "RW173"


class UnmadeModel(InvalidProjectFile):
    """A gate is named after a model that no step makes."""

    code = "RW159"


class UnknownModel(NotFound):
    """There is no registered model of that name."""

    code = "RW256"


class UnknownVersion(NotFound):
    """The registered model has no such version."""

    code = "RW257"


class UnknownAlias(NotFound):
    """The registered model has no such alias."""

    code = "RW258"


# The wire answers it with 400, as MLflow does: clients know a taken name by its code, and not by 409.
class ModelExists(Conflict):
    """A registered model of that name exists."""

    code = "RW355"


class ProtectedAlias(Conflict):
    """The alias is that of a protected environment, which only a release moves."""

    code = "RW356"


class OwnApproval(Conflict):
    """A version is approved by others than those who made it or asked for it."""

    code = "RW370"


class ReleasedVersion(Conflict):
    """A version that a protected environment's alias names is neither deleted nor renamed."""

    code = "RW372"


class ContentMoved(Conflict):
    """The files of a model changed between their reading and their registration."""

    code = "RW373"


class NotApproved(GateFailed):
    """A release names a version that has not the approvals that its environment asks for."""

    code = "RW593"


class Quarantined(GateFailed):
    """A version's files import what is not known, and nobody has allowed it by name."""

    code = "RW594"


# Not a NotFound: the version is there, and what is missing lies with a store that this server never opens.
class NoModelFiles(Failed):
    """This server has no files of a version: they were registered from a remote store."""

    code = "RW455"


class VersionTaken(Conflict):
    """A semantic version belongs to another version of the model already, or would change."""

    code = "RW371"
