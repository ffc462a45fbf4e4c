"""Release files: `releases/<environment>.yaml` says, one line for each node, which content an environment has.

A release holds no state of its own: the key names the recorded execution, the digest its content, and `made` is what
people read. Lines are sorted by node, so that two changes of different nodes merge without a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, Field

from ropewalk.errors import Place, nearest
from ropewalk.project.errors import InvalidProjectFile, NoRelease
from ropewalk.project.load import ENTRY_NAME
from ropewalk.project.validation import validate
from ropewalk.project.yaml import parse_yaml

FOLDER = "releases"
_PLAIN = re.compile(r"[a-z_]+:[A-Za-z_][A-Za-z0-9_./@-]*")
_CLOSED = ConfigDict(extra="forbid", frozen=True, strict=True)
_HEADER = """\
# What environment {environment} has. `ropewalk promote {environment}` writes this file: review it and merge it, then
# `ropewalk apply {environment}` makes it so. An earlier commit of this file, applied again, is the way back.
"""


class ReleasedNode(BaseModel):
    """One node of a release: what was made, as people read it, the key of its execution and its content's digest."""

    model_config = _CLOSED

    made: str = Field(min_length=1, description="where the content is, as `ropewalk status` shows it")
    key: str = Field(pattern="^[0-9a-f]{32}$", description="key of the recorded execution")
    digest: str = Field(min_length=1, description="digest of the content that it made")


class _File(BaseModel):
    model_config = _CLOSED

    environment: str
    nodes: dict[str, ReleasedNode]


@dataclass(frozen=True)
class Release:
    """The nodes that an environment has, by their ids.

    Attributes:
        environment: the environment it is for.
        nodes: what it has of each node, in the order of their ids.
        places: where each node stands, when it was read from a file.
    """

    environment: str
    nodes: Mapping[str, ReleasedNode]
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    @property
    def digest(self) -> str:
        """A short digest, equal for releases that name the same content."""
        lines = [f"{name} {node.key} {node.digest}\n" for name, node in sorted(self.nodes.items())]
        return blake3("".join([self.environment, "\n", *lines]).encode()).hexdigest()[:16]


def release_file(environment: str) -> str:
    """Return the path of an environment's release file, relative to the project.

    Raises:
        InvalidProjectFile: the environment's name cannot be that of a file.
    """
    # Names come from the command line, and `../x` would lead out of the folder.
    if not ENTRY_NAME.fullmatch(environment):
        raise InvalidProjectFile(
            f"{environment!r} cannot be an environment with releases",
            hint="a name starts with a letter or digit and holds only these, `_`, `-` and `.`",
        )
    return f"{FOLDER}/{environment}.yaml"


def read_release(root: Path, environment: str) -> Release:
    """Return the release of an environment as the working tree has it.

    Raises:
        NoRelease: there is none.
        InvalidProjectFile: the file is no release, or one of another environment.
    """
    path = root / release_file(environment)
    if not path.is_file():
        names = [found.stem for found in (root / FOLDER).glob("*.yaml")]
        raise NoRelease(
            f"there is no {release_file(environment)}",
            nearest=nearest(environment, names),
            hint=f"`ropewalk promote {environment}` writes it from what another environment has",
        )
    document = parse_yaml(path, root)
    found: _File = validate(document, _File)
    if found.environment != environment:
        raise InvalidProjectFile(
            f"environment: {found.environment!r} is not what the file is named after",
            place=document.place(("environment",)),
            hint=f"it must be {environment}, or the file {release_file(found.environment)}",
        )
    places = {name: document.place(("nodes", name)) for name in found.nodes}
    return Release(environment, dict(sorted(found.nodes.items())), places)


def release_text(release: Release) -> str:
    """Return the text of a release file: equal releases give equal text."""
    lines = [_line(name, node) for name, node in sorted(release.nodes.items())]
    header = _HEADER.format(environment=release.environment)
    nodes = "\n".join(["nodes:", *lines]) if lines else "nodes: {}"
    return f"{header}environment: {_quoted(release.environment)}\n{nodes}\n"


def write_release(root: Path, release: Release) -> Path:
    """Write the release into the working tree and return its file."""
    path = root / release_file(release.environment)
    path.parent.mkdir(exist_ok=True)
    # Beside it first: a file that is cut off in the middle could be taken for a smaller release.
    incoming = path.with_suffix(".incoming")
    incoming.write_text(release_text(release), encoding="utf-8")
    return incoming.replace(path)


def _line(name: str, node: ReleasedNode) -> str:
    # What people read comes first. Quoted, because a digest of digits alone would be read as a number.
    fields = ", ".join(f"{key}: {_quoted(value)}" for key, value in node.model_dump().items())
    return f"  {name if _PLAIN.fullmatch(name) else _quoted(name)}: {{{fields}}}"


def _quoted(text: str) -> str:
    """Return `text` as a scalar that YAML reads as just that text, on one line."""
    signs = (f"\\{c}" if c in '"\\' else c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(signs)}"'
