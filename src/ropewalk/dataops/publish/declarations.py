"""What stands below `publish:` in `ropewalk.yaml`: a table, where it goes, and how it is written there."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ropewalk.pipeline import PRODUCTION

PLACEHOLDER = "{environment}"
EVERY = "*"
# MySQL's scanner writes a backtick in a name in a way that the server does not read.
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@|[?&]password=", re.IGNORECASE)
_UNFIT = re.compile(r"[\x00-\x1f`\\]")


def _require_hidden(url: str) -> str:
    if not url.startswith("secret://") and _PASSWORD.search(url):
        raise ValueError("has a password in it: write `url: secret://NAME` and set the variable NAME")
    return url


def _require_fit(name: str) -> str:
    if _UNFIT.search(name):
        raise ValueError("must have no control characters, backslashes or backticks")
    rest = name.replace(PLACEHOLDER, "")
    if "{" in rest or "}" in rest:
        raise ValueError(f"{PLACEHOLDER} is the only placeholder")
    return name


def _refuse_twice(what: str, names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ValueError(f"{what} names {name} twice")
        seen.add(name.lower())


Address = Annotated[str, Field(min_length=1), AfterValidator(_require_hidden)]
Text = Annotated[str, Field(min_length=1), AfterValidator(_require_fit)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PostgresTarget(_Entry):
    """A table of a PostgreSQL database."""

    kind: Literal["postgres"]
    url: Address = Field(description="postgresql://USER@HOST/DATABASE, or secret://NAME")
    password: str | None = Field(None, description="secret://NAME, where the URL has none")
    table: Text | None = Field(None, description="table or schema.table there (default: its name here)")


class MySQLTarget(_Entry):
    """A table of a MySQL or MariaDB database."""

    kind: Literal["mysql"]
    url: Address = Field(description="mysql://USER@HOST/DATABASE, or secret://NAME")
    password: str | None = Field(None, description="secret://NAME, where the URL has none")
    table: Text | None = Field(None, description="table there (default: its name here)")


class ParquetTarget(_Entry):
    """Parquet files in a folder or a bucket, and a manifest that names those of the newest version."""

    kind: Literal["parquet"]
    path: Text = Field(description="A folder, relative to the project, or s3://BUCKET/PREFIX")
    keep: int = Field(2, ge=1, description="How many versions stay there")


class ElasticsearchTarget(_Entry):
    """An index of an Elasticsearch or OpenSearch cluster, reached through an alias."""

    kind: Literal["elasticsearch"]
    url: Address = Field(description="https://HOST:9200, or secret://NAME")
    index: Text = Field(description="The alias that is read; each version is an index of its own behind it")
    headers: dict[str, str] = Field({}, description="Request headers, such as Authorization: secret://NAME")


Target = PostgresTarget | MySQLTarget | ParquetTarget | ElasticsearchTarget
Write = Literal["replace", "merge", "append"]


class Publication(_Entry):
    """One entry of `publish`."""

    table: str = Field(min_length=1, description="The table to publish, such as mart.flights")
    to: Annotated[Target, Field(discriminator="kind")]
    write: Write = Field(
        "replace",
        description="replace: the target has just these rows; merge: rows of the same key are replaced; "
        "append: each version's rows are added, with its snapshot in `_snapshot`",
    )
    key: tuple[str, ...] = Field((), description="merge: the columns that identify a row")
    columns: tuple[str, ...] = Field((), description="Only these columns, in this order (default: all)")
    environments: tuple[str, ...] = Field(
        (PRODUCTION,),
        min_length=1,
        description="Environments that publish; others only check that they could",
    )
    pii: Literal["refuse", "leave_out", "include"] = Field(
        "refuse", description="What is done with columns that the contract classifies as personal or secret"
    )

    @model_validator(mode="after")
    def _columns_are_told_apart(self) -> Self:
        _refuse_twice("columns", self.columns)
        _refuse_twice("key", self.key)
        # The lake never tells names apart by case.
        chosen = {name.lower() for name in self.columns}
        if chosen and (missing := [name for name in self.key if name.lower() not in chosen]):
            raise ValueError(f"key {missing[0]} is not among the columns")
        return self

    @model_validator(mode="after")
    def _key_and_mode_fit(self) -> Self:
        if self.write == "merge" and not self.key:
            raise ValueError("merge needs a key")
        if self.write != "merge" and self.key:
            raise ValueError("a key is for write: merge")
        if self.to.kind == "parquet" and self.write == "merge":
            raise ValueError("files take replace or append, not merge")
        return self

    @model_validator(mode="after")
    def _environments_do_not_meet(self) -> Self:
        # Two environments at one target would take turns in overwriting each other.
        if (len(self.environments) > 1 or EVERY in self.environments) and PLACEHOLDER not in self.place:
            raise ValueError(f"several environments need {PLACEHOLDER} in the name of the target")
        return self

    @property
    def place(self) -> str:
        """The target's own name: a table, a path or an index, with its placeholder."""
        match self.to:
            case ParquetTarget(path=path):
                return path
            case ElasticsearchTarget(index=index):
                return index
            case PostgresTarget(table=table) | MySQLTarget(table=table):
                return table or self.table.rpartition(".")[2]

    def acts_in(self, environment: str) -> bool:
        """Return whether the environment publishes."""
        return EVERY in self.environments or environment in self.environments
