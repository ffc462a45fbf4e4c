"""What stands below `sources:` in `ropewalk.yaml`: one model per kind of source."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ropewalk.dataops.sources.entries import Cursor, Entry, LandedSource, Name

CSV_DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = frozenset({".json", ".ndjson", ".jsonl"})
PARQUET_SUFFIX = ".parquet"


# A scheme that httpx does not speak would only fail when the source is first loaded.
def _require_web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url


URL = Annotated[str, AfterValidator(_require_web_address)]


class FilesSource(LandedSource):
    """Files in a folder: CSV, TSV, JSON, NDJSON or Parquet, also gzipped; all of one format."""

    kind: Literal["files"]
    path: Name = Field(description="Path or glob, relative to the project")
    nulls: list[str] = Field([], description="CSV: texts that mean no value, beside the empty one")
    delimiter: str | None = Field(None, description="CSV: what separates values", min_length=1, max_length=1)
    header: bool = Field(default=True, description="CSV: whether the first line names the columns")

    @model_validator(mode="after")
    def _options_fit_the_format(self) -> Self:
        # A path such as `landing/*` tells no format; then the files decide, when they are loaded.
        given = self.model_fields_set & {"nulls", "delimiter", "header"}
        suffix = format_suffix(self.path)
        if given and suffix not in CSV_DELIMITERS and suffix in {*JSON_SUFFIXES, PARQUET_SUFFIX}:
            raise ValueError(f"{min(given)} is for CSV files, and the path ends in {suffix}")
        return self


class SQLiteSource(LandedSource):
    """A table of a SQLite database, or a query over its tables (in DuckDB's SQL); read-only."""

    kind: Literal["sqlite"]
    path: Name = Field(description="The database file, relative to the project")
    table: Name | None = Field(None, description="The table or view to load")
    query: Name | None = Field(None, description="Instead of a table: one SELECT over the database's tables")

    @model_validator(mode="after")
    def _one_of_table_and_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("exactly one of table and query is needed")
        return self


class NextURL(Entry):
    """The body holds the address of the next page, or null."""

    kind: Literal["next_url"]
    path: Name = Field("next", description="Dotted path in the body")


class PageNumber(Entry):
    """Pages are numbered; an empty page is the end."""

    kind: Literal["page"]
    param: Name = "page"
    start: int = 1
    size: int | None = Field(None, description="Records per page, if it can be asked for", ge=1)
    size_param: Name = "per_page"


class Offset(Entry):
    """Pages start at a record's number; an empty page is the end."""

    kind: Literal["offset"]
    param: Name = "offset"
    limit: int = Field(100, ge=1)
    limit_param: Name = "limit"


class NextCursor(Entry):
    """The body holds a token for the next page, or null."""

    kind: Literal["cursor"]
    path: Name = Field("next_cursor", description="Dotted path in the body")
    param: Name = "cursor"


class LinkHeader(Entry):
    """The answer's Link header holds the address of the next page (`rel="next"`)."""

    kind: Literal["link_header"]


Paginate = Annotated[NextURL | PageNumber | Offset | NextCursor | LinkHeader, Field(discriminator="kind")]


class FieldCursor(Cursor):
    """Incremental loading: only what is newer than the greatest value loaded so far is asked for."""

    column: Name = Field(alias="field", description="The records' field that grows")
    param: Name = Field(description="The query parameter that takes the value loaded last")


class RESTSource(LandedSource):
    """Records from a JSON API, page by page."""

    kind: Literal["rest"]
    url: URL
    records: str | None = Field(None, description="Dotted path in the body to the list of records")
    params: dict[str, str | int | float] = Field({}, description="Query parameters; secret://NAME allowed")
    headers: dict[str, str] = Field({}, description="Request headers; secret://NAME allowed")
    paginate: Paginate | None = None
    cursor: FieldCursor | None = None
    timeout: float = Field(30.0, description="Seconds to wait for one answer", gt=0)


Source = FilesSource | SQLiteSource | RESTSource
AnySource = Annotated[Source, Field(discriminator="kind")]


def format_suffix(path: str) -> str:
    """Return the suffix that tells a file's format, with `.gz` taken off."""
    return PurePosixPath(path.lower().removesuffix(".gz")).suffix
