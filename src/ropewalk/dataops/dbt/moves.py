"""What an import makes: the files, and the account of everything that moved and everything that did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Moved:
    """Something that moved: what it was in dbt, what it is here, and what is different about it."""

    what: str
    name: str
    into: str
    note: str | None = None


@dataclass(frozen=True)
class Left:
    """Something that did not move, or needs a hand, and why."""

    what: str
    name: str
    why: str


@dataclass
class Import:
    """A project made of a dbt project.

    Attributes:
        project: its name.
        files: the text of each file, by its path.
        copies: files of the dbt project to be copied, by their path here.
        sources: the declaration of each source, as YAML on one line, by its name.
        moved: what moved.
        left: what did not.
    """

    project: str
    files: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def add(self, moved: Moved, text: str) -> None:
        """Add a file and what it was."""
        self.files[moved.into] = text
        self.moved.append(moved)

    def leave(self, what: str, name: str, why: str) -> None:
        """Note what did not move."""
        self.left.append(Left(what, name, why))


# The table here of each node of dbt, by the node's id; ephemeral models have none.
Names = Mapping[str, str]
