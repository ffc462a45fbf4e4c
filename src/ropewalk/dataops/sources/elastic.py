"""Loading documents from Elasticsearch and OpenSearch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import Relation
from ropewalk.dataops.sources.elastic_declarations import (
    ID,
    INDEX,
    ClusterAuth,
    ClusterKeyAuth,
    ElasticsearchSource,
)
from ropewalk.dataops.sources.elastic_mapping import TEXT, MappedField, knows_all_fields, mapped_fields
from ropewalk.dataops.sources.elastic_read import Search, read_documents
from ropewalk.dataops.sources.errors import IndexMissing, InvalidSource
from ropewalk.dataops.sources.pages import Page
from ropewalk.dataops.sources.plain_columns import ZONED
from ropewalk.dataops.sources.records import RecordFile
from ropewalk.dataops.sources.redact import bare_url
from ropewalk.dataops.sources.rest_auth import NO_AUTH, Authorizer, Credentials, FixedAuth, basic, bearer
from ropewalk.dataops.sources.rest_declarations import BasicAuth, BearerAuth
from ropewalk.dataops.sources.rest_paged import PagedLoader, PageReader
from ropewalk.dataops.sources.search_cluster import (
    SearchCluster,
    SearchClusterAddress,
    open_search_cluster,
    path_of,
)
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Workspace

_MATCH_ALL: Mapping[str, Any] = {"match_all": {}}
# A field of these types grows as its column does.
_ORDERED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", ZONED)


class ClusterReader:
    """Reads the documents of one index, or of those that a pattern fits."""

    def __init__(self, source: ElasticsearchSource, cluster: SearchCluster) -> None:
        self.source = source
        self.cluster = cluster

    @cached_property
    def _mappings(self) -> list[Mapping[str, Any]]:
        told = self.cluster.ask("GET", path_of(self.source.index, "_mapping"))
        if not told:
            raise IndexMissing(
                f"{self.cluster.shown} has no index that fits {self.source.index!r}",
                place=self.cluster.asking.place,
                hint="check index",
            )
        return [about.get("mappings", {}) for about in told.values()]

    @cached_property
    def fields(self) -> dict[str, MappedField]:
        """The fields of the documents by name.

        Raises:
            IndexMissing: no index fits.
        """
        return mapped_fields(self._mappings)

    @property
    def types(self) -> Mapping[str, str]:
        """The type of each column that the mapping tells."""
        return {field.name: field.type for field in self._wanted()}

    def pages(self, watermark: str | None) -> Iterator[Page]:
        """Yield the pages of documents at or after `watermark`; see `read_documents`."""
        source = self.source
        search = Search(
            source.index,
            self._query(watermark),
            source.fields,
            source.page_size,
            source.slices,
            source.keep_alive,
        )
        # Before the documents, so that no field can be in them that it does not have.
        assert self.fields is not None
        yield from read_documents(self.cluster, search)

    def relation(self, connection: duckdb.DuckDBPyConnection, records: RecordFile) -> Relation:
        """Return the documents as rows: their ids, and each field as the mapping has it, not yet in its type."""
        path = literal(str(records.flushed()))
        others = [] if knows_all_fields(self._mappings) else self._unmapped(connection, path)
        declared = {name.lower(): kind for name, kind in self.source.types.items()}
        fields = [_as_declared(field, declared) for field in [*self._wanted(), *others]]
        read = ", ".join(
            [f"{literal(name)}: 'VARCHAR'" for name in (ID, INDEX)]
            + [f"{literal(field.name)}: 'JSON'" for field in fields]
        )
        shown = ", ".join(
            [quote(ID), quote(INDEX), *(f"{field.sql} AS {quote(field.name)}" for field in fields)]
        )
        columns = [Column(ID, TEXT), Column(INDEX, TEXT)]
        columns += [Column(field.name, field.arrives_as) for field in fields]
        sql = f"SELECT {shown} FROM read_json({path}, format = 'newline_delimited', columns = {{{read}}})"
        return Relation(sql, tuple(columns))

    def greatest(
        self, connection: duckdb.DuckDBPyConnection, records: RecordFile, kind: str, least: str | None
    ) -> str | None:
        """Return the greatest value of the cursor, and `least`, as the documents have it."""
        assert self.source.cursor is not None
        field = self._cursor_field()
        path, name = literal(str(records.flushed())), literal(field.name)
        texts = f"SELECT {quote(field.name)} AS value FROM read_json({path}, format = 'newline_delimited', columns = {{{name}: 'JSON'}})"
        known = f"SELECT CAST(to_json({literal(least)}) AS JSON) AS value"
        value = field.sql.replace(quote(field.name), "value")
        row = connection.execute(
            f"SELECT arg_max(value ->> '$', TRY_CAST(({value}) AS {kind})) FROM ({texts} UNION ALL {known})"
        ).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def _wanted(self) -> list[MappedField]:
        heads = {pattern.partition(".")[0] for pattern in self.source.fields}
        if not heads or any("*" in head for head in heads):
            return list(self.fields.values())
        return [field for field in self.fields.values() if field.name in heads]

    def _unmapped(self, connection: duckdb.DuckDBPyConnection, path: str) -> list[MappedField]:
        """Return the fields that documents have and the mapping does not: the index keeps them unread."""
        found = connection.execute(
            f"SELECT DISTINCT unnest(json_keys(json)) AS name FROM read_ndjson_objects({path}) ORDER BY 1"
        ).fetchall()
        known = {ID, INDEX, *self.fields}
        return [MappedField(str(row[0]), "JSON") for row in found if str(row[0]) not in known]

    def _query(self, watermark: str | None) -> Mapping[str, Any]:
        query = self.source.query or _MATCH_ALL
        cursor = self.source.cursor
        if cursor is None:
            return query
        field = self._cursor_field()
        if watermark is None:
            return query
        since: str | float = watermark
        if isinstance(cursor.overlap, str):
            # The cluster itself counts back from times, whatever their format.
            since = f"{watermark}||-{cursor.overlap.replace(' ', '')}"
        elif cursor.overlap is not None:
            since = float(watermark) - cursor.overlap
        # Documents at the watermark too: others may have come since with the same value.
        return {"bool": {"filter": [query, {"range": {field.name: {"gte": since}}}]}}

    def _cursor_field(self) -> MappedField:
        assert self.source.cursor is not None
        name = self.source.cursor.column
        field = self.fields.get(name)
        if field is None or field.type not in _ORDERED:
            what = "is not a field at the top of the mapping" if field is None else "is no number or time"
            raise InvalidSource(
                f"cursor: {name!r} {what}",
                place=self.cluster.asking.place,
                hint="fields that grow: "
                + ", ".join(known.name for known in self.fields.values() if known.type in _ORDERED),
            )
        return field


def _as_declared(field: MappedField, declared: Mapping[str, str]) -> MappedField:
    kind = declared.get(field.name.lower())
    # A declared type decides whether a list arrives as one; a time stays one only as a time.
    if kind is None or (field.epoch and kind.upper().startswith(("TIMESTAMP", "DATE"))):
        return field
    return MappedField(field.name, kind.upper())


def cluster_authorizer(auth: ClusterAuth | None) -> Authorizer:
    """Return what adds the declared credentials to requests.

    Raises:
        SecretMissing: a secret is not there.
    """
    match auth:
        case BasicAuth():
            return basic(_secret(auth.username), _secret(auth.password))
        case BearerAuth():
            return bearer(_secret(auth.token))
        case ClusterKeyAuth():
            key = _secret(auth.api_key)
            return FixedAuth(Credentials({"Authorization": f"ApiKey {key}"}), (key,))
        case None:
            return NO_AUTH


def elasticsearch_loader(spec: SourceSpec, source: ElasticsearchSource, last: Output | None) -> PagedLoader:
    """Return what loads a source of the kind `elasticsearch`; `last` is what was loaded last."""

    @contextmanager
    def open_reader(workspace: Workspace, attempts: int) -> Iterator[PageReader]:
        ca = str(workspace.root / source.ca) if source.ca else None
        address = SearchClusterAddress(
            source.url, cluster_authorizer(source.auth), ca, source.timeout, attempts
        )
        with open_search_cluster(address, spec.place, workspace.stopping) as cluster:
            yield ClusterReader(source, cluster)

    origin = f"elasticsearch:{bare_url(source.url).rstrip('/')}/{source.index}"
    # Neither a point in time nor its slices have an order that stays.
    return PagedLoader(spec, source, open_reader, origin, source.refresh, last, is_ordered=False)


def _secret(text: str) -> str:
    return resolve_secrets({"": text})[""]
