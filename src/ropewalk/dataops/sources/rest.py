"""Loading one table from a web API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb

from ropewalk.dataops.sources.columns import Relation
from ropewalk.dataops.sources.fetch import Asking
from ropewalk.dataops.sources.pages import Page, PageWalk
from ropewalk.dataops.sources.records import RecordFile
from ropewalk.dataops.sources.redact import bare_url
from ropewalk.dataops.sources.rest_client import open_api
from ropewalk.dataops.sources.rest_declarations import Asked
from ropewalk.dataops.sources.rest_paged import PagedLoader, PageReader
from ropewalk.dataops.sources.rest_route import first_route
from ropewalk.dataops.sources.spec import Loader, SourceSpec
from ropewalk.pipeline import Output, Workspace


class APIReader:
    """Reads the records of one address, page by page."""

    def __init__(self, source: Asked, asking: Asking) -> None:
        self.source = source
        self.asking = asking

    def pages(self, watermark: str | None) -> Iterator[Page]:
        """Yield the pages; see `PageWalk`."""
        yield from PageWalk(self.asking, first_route(self.source, watermark, self.asking.place)).pages()

    @property
    def types(self) -> Mapping[str, str]:
        """Nothing: an API tells no types."""
        return {}

    def relation(self, connection: duckdb.DuckDBPyConnection, records: RecordFile) -> Relation:
        """Return the records as rows in the types that are found in them; nothing when there are none."""
        return records.relation(connection, self.source.types) if records.count else Relation("", ())

    def greatest(
        self, connection: duckdb.DuckDBPyConnection, records: RecordFile, kind: str, least: str | None
    ) -> str | None:
        """Return the greatest value of the cursor in the records, or `least`, as the API writes it."""
        assert self.source.cursor is not None
        return records.greatest(connection, self.source.cursor.column, kind, least)


def rest_loader(spec: SourceSpec, source: Asked, last: Output | None) -> Loader:
    """Return what loads a source of the kind `rest`; `last` is what was loaded last."""
    if source.parent is not None:
        from ropewalk.dataops.sources.rest_children import ChildLoader

        return ChildLoader(spec, source, last)

    @contextmanager
    def open_reader(workspace: Workspace, attempts: int) -> Iterator[PageReader]:
        with open_api(source, spec.place, workspace.stopping, attempts) as asking:
            yield APIReader(source, asking)

    origin = f"rest:{bare_url(source.url or '')}"
    return PagedLoader(spec, source, open_reader, origin, source.refresh, last)
