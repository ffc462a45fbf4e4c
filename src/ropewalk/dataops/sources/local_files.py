"""Where the files of a source lie for the engine: in the project, or as copies of what it cannot read by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from ropewalk.dataops.lake import literal
from ropewalk.dataops.sources.quarantine import Reject

FILE_COLUMN = "_file"


@dataclass(frozen=True)
class LocalFiles:
    """The files of one load.

    Attributes:
        root: the folder that the paths of files are relative to.
        copies: where a file lies instead that was fetched, unpacked or recoded, by the path it is known under.
        rejects: lines that were left out of a copy, as they are no records, by the same path.
    """

    root: Path
    copies: Mapping[str, Path] = field(default_factory=dict)
    rejects: Mapping[str, Sequence[Reject]] = field(default_factory=dict)

    def path(self, shown: str) -> Path:
        """Return where the file lies that is known as `shown`."""
        return self.copies.get(shown) or self.root / shown

    def shown(self, path: str) -> str:
        """Return under which name the file at `path` is known."""
        known = {str(copy): shown for shown, copy in self.copies.items()}
        return known.get(path) or path.removeprefix(f"{self.root}/")

    def sql(self, paths: Sequence[str]) -> str:
        """Return the SQL list of the places of files."""
        # The engine takes a name for a pattern.
        return "[" + ", ".join(literal(escape(str(self.path(path)))) for path in paths) + "]"

    @property
    def shown_sql(self) -> str:
        """The SQL of the column `_file`: the name of the file that a row stands in."""
        base = literal(f"{self.root}/")
        shown = (
            f"CASE WHEN starts_with({FILE_COLUMN}, {base}) THEN substr({FILE_COLUMN}, length({base}) + 1) "
            f"ELSE {FILE_COLUMN} END"
        )
        if self.copies:
            pairs = ", ".join(f"{literal(str(c))}: {literal(s)}" for s, c in self.copies.items())
            shown = f"coalesce(MAP {{{pairs}}}[{FILE_COLUMN}], {shown})"
        return f"{shown} AS {FILE_COLUMN}"
