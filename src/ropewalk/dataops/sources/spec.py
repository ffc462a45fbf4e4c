"""One source as the pipeline hands it around: its name, its declaration, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ropewalk.dataops.sources.declarations import Source
from ropewalk.errors import Place
from ropewalk.pipeline import Output, Probe, Task, Workspace


# The pipeline carries it as `Node.spec` and hands it back untouched.
@dataclass(frozen=True)
class SourceSpec:
    """A declared source.

    Attributes:
        name: its key below `sources:`.
        source: the validated entry.
        place: where the entry stands.
    """

    name: str
    source: Source
    place: Place

    @property
    def table(self) -> str:
        """The table of the lake that it is loaded into."""
        return f"raw.{self.name}"

    @property
    def node_id(self) -> str:
        """The id of its node."""
        return f"source:{self.name}"


class Loader(Protocol):
    """One kind of source: how its outside state is asked for, and how it is loaded."""

    def probe(self, workspace: Workspace) -> Probe:
        """Return the state of the source, changing nothing."""

    def load(self, task: Task) -> Output:
        """Bring what is new into the lake, with its book-keeping, in one transaction."""
