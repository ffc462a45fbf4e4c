"""What stands below `sources:` for a Git repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ropewalk.dataops.sources.entries import LandedSource, Name
from ropewalk.dataops.sources.program_declarations import Duration
from ropewalk.dataops.sources.refreshing import refresh_seconds
from ropewalk.dataops.sources.secrets import SCHEME

GitTable = Literal["commits", "files", "authors", "tags"]
GIT_TABLES: tuple[GitTable, ...] = ("commits", "files", "authors", "tags")
SCHEMES = ("https", "ssh", "file", "http")
# What a repository is decides these.
_DECIDED = ("write", "key", "cursor")


def _require_address(url: str) -> str:
    known = [f"{scheme}://" for scheme in SCHEMES]
    if not url.startswith((SCHEME, *known)):
        raise ValueError(f"must start with {', '.join(known)} or {SCHEME}")
    return url


class GitSource(LandedSource):
    """The history of a Git repository: each of its tables becomes `raw.NAME_TABLE`, or one of them `raw.NAME`."""

    kind: Literal["git"]
    path: Name = Field(".", description="The repository, or a folder in one, relative to the project")
    url: Annotated[str, AfterValidator(_require_address)] | None = Field(
        None,
        description="Instead of a path: a repository elsewhere, at https://, ssh:// or file://; secret://NAME allowed",
    )
    user: Name | None = Field(None, description="Who asks at the url; secret://NAME allowed")
    password: Name | None = Field(None, description="Password or token: secret://NAME")
    ref: Name = Field("HEAD", description="Branch, tag or commit whose history is loaded")
    table: GitTable | None = Field(None, description="Load this table alone, as raw.NAME")
    tables: list[GitTable] = Field(
        list(GIT_TABLES), description="Which of commits, files, authors and tags to load", min_length=1
    )
    timeout: Duration = Field("1h", description="How long git may run, such as 90s, 30m or 2h")

    @property
    def timeout_s(self) -> float:
        """How many seconds git may run."""
        return refresh_seconds(self.timeout)

    @model_validator(mode="after")
    def _decides_itself(self) -> Self:
        given = [name for name in _DECIDED if name in self.model_fields_set]
        if given:
            raise ValueError(f"{given[0]}: the tables of a repository know themselves what is new")
        if self.url is not None and "path" in self.model_fields_set:
            raise ValueError("either path or url")
        if self.url is None and (self.user or self.password):
            raise ValueError("user and password are for a url")
        if self.table is not None and "tables" in self.model_fields_set:
            raise ValueError("either table or tables")
        return self

    def expand(self, name: str) -> Iterator[tuple[str, Self]]:
        """Yield each table that is loaded: its name below `raw`, and its declaration."""
        if self.table is not None:
            yield name, self
            return
        for table in dict.fromkeys(self.tables):
            yield f"{name}_{table}", self.model_copy(update={"table": table, "tables": list(GIT_TABLES)})
