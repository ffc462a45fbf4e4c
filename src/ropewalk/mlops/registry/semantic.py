"""Semantic versions: a second, fixed name of a model version, given by the tag that GitLab's registry uses.

`models:/late/1.2.0` is that version and never another one. MLflow's client asks for it as if `1.2.0` were a stage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ropewalk.errors import nearest
from ropewalk.mlops.registry.errors import InvalidRegistryTag, UnknownVersion, VersionTaken
from ropewalk.mlops.registry.models import ALL, require_model
from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.registry import ModelVersion
from ropewalk.store.search import Condition

# Code written for GitLab's registry sets this one.
TAG = "gitlab.version"
# Of https://semver.org: three numbers without leading zeros, then what comes before a release, then the build.
_NUMBER = r"(?:0|[1-9]\d*)"
_BEFORE = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMANTIC = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_BEFORE}(?:\.{_BEFORE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
LENGTH = 255


def is_semantic(text: str) -> bool:
    """Return whether `text` is a semantic version; a plain number is none."""
    return len(text) <= LENGTH and _SEMANTIC.fullmatch(text) is not None


def check_semantic(connection: Connection, name: str, tags: Mapping[str, str], version: str = "") -> None:
    """Refuse tags that would give a version a semantic version that it cannot have.

    Args:
        connection: a connection in the transaction that will store the tags.
        name: the registered model.
        tags: what is to be stored.
        version: the number of the version that gets them; empty for a new one.

    Raises:
        InvalidRegistryTag: it is no semantic version.
        VersionTaken: another version has it, or this one has another already.
    """
    wanted = tags.get(TAG)
    if wanted is None:
        return
    if not is_semantic(wanted):
        raise InvalidRegistryTag(
            f"the tag {TAG} must be a semantic version, not {wanted[:LENGTH]!r}",
            hint="such as 1.2.0 or 2.0.0-rc.1",
        )
    holder = _find(connection, name, wanted)
    if holder is not None and holder.version != version:
        raise VersionTaken(
            f"version {holder.version} of {name!r} is {wanted} already",
            hint="a semantic version is given once",
        )
    refuse_moving(connection, name, version, wanted)


def refuse_moving(connection: Connection, name: str, version: str, wanted: str | None) -> None:
    """Refuse to give a version that has a semantic version another one, or (None) to take it away.

    Raises:
        VersionTaken: it has one already.
    """
    found = table.find_version(connection, name, version) if version else None
    present = found.tags.get(TAG) if found else None
    # Whoever loaded 1.2.0 yesterday loads the same today, or nothing.
    if present is not None and present != wanted:
        raise VersionTaken(
            f"version {version} of {name!r} is {present}, which cannot change",
            hint="register the model again under the new version, or delete this one",
        )


def require_semantic(connection: Connection, name: str, semantic: str) -> ModelVersion:
    """Return the one version of a model that has this semantic version.

    Raises:
        UnknownModel: there is no registered model of that name.
        UnknownVersion: it has no such version.
    """
    found = _find(connection, name, semantic)
    if found is None:
        require_model(connection, name)
        known = [
            version.tags.get(TAG, "")
            for version in _versions(connection, name, Condition("tag", TAG, "IS NOT NULL"))
        ]
        raise UnknownVersion(
            f"Model Version (name={name}, version={semantic}) not found", nearest=nearest(semantic, known)
        )
    return found


def _find(connection: Connection, name: str, semantic: str) -> ModelVersion | None:
    return next(iter(_versions(connection, name, Condition("tag", TAG, "=", semantic))), None)


def _versions(connection: Connection, name: str, condition: Condition) -> list[ModelVersion]:
    named = Condition("attribute", "name", "=", name)
    return table.search_versions(connection, [named, condition], [], ALL)
