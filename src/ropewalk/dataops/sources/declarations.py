"""What stands below `sources:` in `ropewalk.yaml`: one model per kind of source."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ropewalk.dataops.sources.database_declarations import DuckDBSource, MySQLSource, PostgresSource
from ropewalk.dataops.sources.driver_declarations import ADBCSource, DLTSource, SQLAlchemySource
from ropewalk.dataops.sources.elastic_declarations import ElasticsearchSource
from ropewalk.dataops.sources.entries import LandedSource, Name
from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.gitlab_declarations import GitLabSource
from ropewalk.dataops.sources.program_declarations import PythonSource
from ropewalk.dataops.sources.rest_resources import RESTSource
from ropewalk.dataops.sources.singer_declarations import SingerSource

CSV_DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_SUFFIXES = frozenset({".json", ".ndjson", ".jsonl"})
PARQUET_SUFFIX = ".parquet"
EXCEL_SUFFIX = ".xlsx"
AVRO_SUFFIX = ".avro"
# What a file may be packed with; the engine unpacks the first by itself.
PACKED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")
Format = Literal["csv", "tsv", "json", "ndjson", "parquet", "excel", "avro"]
_SUFFIXES = {"excel": EXCEL_SUFFIX}
_CSV_OPTIONS = frozenset({"nulls", "delimiter", "quote", "escape", "header", "skip", "decimal", "encoding"})
_EXCEL_OPTIONS = frozenset({"sheet", "range", "header"})
_REMOTE = re.compile(r"^(s3|https?)://", re.IGNORECASE)


class FilesSource(LandedSource):
    """Files: CSV, TSV, JSON, NDJSON, Parquet, Excel or Avro, also packed; all of one format."""

    kind: Literal["files"]
    path: Name = Field(
        description="Path or glob, relative to the project; or an address: s3://..., https://..."
    )
    format: Format | None = Field(None, description="By default what the ending of the files says")
    nulls: list[str] = Field([], description="CSV: texts that mean no value, beside the empty one")
    delimiter: str | None = Field(
        None, description="CSV: what separates values; by default looked for", min_length=1, max_length=1
    )
    quote: str | None = Field(None, description='CSV: what stands around a value; by default "', max_length=1)
    escape: str | None = Field(None, description="CSV: what stands before a quote in a value", max_length=1)
    header: bool = Field(default=True, description="CSV, Excel: whether the first line names the columns")
    skip: int = Field(0, description="CSV: how many lines stand before the header", ge=0)
    decimal: Literal[".", ","] = Field(".", description="CSV: what separates whole numbers from fractions")
    encoding: str = Field(
        "utf-8", description="CSV, JSON: how the text is written, such as latin-1 or utf-16"
    )
    sheet: str | None = Field(None, description="Excel: the sheet; by default the first")
    range: str | None = Field(
        None, description="Excel: the cells, such as B3:F100", pattern=r"^[A-Za-z]+\d+:[A-Za-z]+\d+$"
    )
    max_record: int | None = Field(
        None,
        description="CSV, JSON: the most bytes of a record; by default 2 MB in CSV, 16 MB in JSON",
        ge=1024,
    )
    options: dict[str, str] = Field(
        {},
        description="Storage: region, endpoint, access_key_id, ...; headers of a web server; secret://NAME allowed",
    )

    @property
    def is_remote(self) -> bool:
        """Whether the path is an address."""
        return _REMOTE.match(self.path) is not None

    @model_validator(mode="after")
    def _options_fit_the_format(self) -> Self:
        # A path such as `landing/*` tells no format; then the files decide, when they are loaded.
        suffix = f".{self.format}" if self.format else format_suffix(self.path)
        suffix = _SUFFIXES.get(suffix.removeprefix("."), suffix)
        allowed = {
            **dict.fromkeys(CSV_DELIMITERS, _CSV_OPTIONS),
            **dict.fromkeys(JSON_SUFFIXES, frozenset({"encoding"})),
            EXCEL_SUFFIX: _EXCEL_OPTIONS,
            PARQUET_SUFFIX: frozenset[str](),
            AVRO_SUFFIX: frozenset[str](),
        }.get(suffix, _CSV_OPTIONS | _EXCEL_OPTIONS)
        if wrong := (self.model_fields_set & (_CSV_OPTIONS | _EXCEL_OPTIONS)) - allowed:
            what = "Excel" if min(wrong) in _EXCEL_OPTIONS - _CSV_OPTIONS else "CSV"
            raise ValueError(f"{min(wrong)} is for {what} files, and the path ends in {suffix}")
        return self

    @model_validator(mode="after")
    def _files_need_no_cursor(self) -> Self:
        if self.cursor is not None:
            raise ValueError("cursor: files are told apart by their content; leave it out")
        if self.decimal == self.delimiter:
            raise ValueError("decimal and delimiter are the same")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: {self.encoding!r} is not known") from None
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


DeclaredSource = (
    FilesSource
    | SQLiteSource
    | RESTSource
    | ElasticsearchSource
    | PostgresSource
    | MySQLSource
    | DuckDBSource
    | GitSource
    | SingerSource
    | ADBCSource
    | SQLAlchemySource
    | DLTSource
)
# A GitLab is nothing but resources of an API, which are what is loaded.
AnySource = Annotated[DeclaredSource | GitLabSource, Field(discriminator="kind")]
# A Python function declares itself, in its own file.
Source = DeclaredSource | PythonSource


def format_suffix(path: str) -> str:
    """Return the suffix that tells a file's format, without what it is packed with and without a query."""
    name = path.lower().partition("?")[0] if _REMOTE.match(path) else path.lower()
    for packed in PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    return PurePosixPath(name).suffix
