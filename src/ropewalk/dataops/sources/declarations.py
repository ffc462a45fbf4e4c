"""What stands below `sources:` in `ropewalk.yaml`: one model per kind of source."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ropewalk.dataops.sources.database_declarations import DuckDBSource, MySQLSource, PostgresSource
from ropewalk.dataops.sources.entries import LandedSource, Name
from ropewalk.dataops.sources.rest_resources import RESTSource

CSV_DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = frozenset({".json", ".ndjson", ".jsonl"})
PARQUET_SUFFIX = ".parquet"


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


Source = FilesSource | SQLiteSource | RESTSource | PostgresSource | MySQLSource | DuckDBSource
AnySource = Annotated[Source, Field(discriminator="kind")]


def format_suffix(path: str) -> str:
    """Return the suffix that tells a file's format, with `.gz` taken off."""
    return PurePosixPath(path.lower().removesuffix(".gz")).suffix
