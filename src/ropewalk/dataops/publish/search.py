"""Publishing to Elasticsearch and OpenSearch: an index for each version, and an alias that moves to it in one request.

Merge and append write into the index behind the alias instead, with ids that make writing twice writing once; readers
may see such a version while it comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from ropewalk.dataops.lake import literal, open_lake, quote, translate_error
from ropewalk.dataops.publish.declarations import ElasticsearchTarget
from ropewalk.dataops.publish.documents import document_sql, mapping_of, not_finite
from ropewalk.dataops.publish.errors import PublishFailed, TargetDrifted, TargetTaken
from ropewalk.dataops.publish.values import Order, Published
from ropewalk.dataops.sources import (
    Credentials,
    Document,
    FixedAuth,
    SearchCluster,
    SearchClusterAddress,
    SearchClusterWriter,
    open_search_cluster,
    resolve_secrets,
)
from ropewalk.pipeline import Workspace

BATCH = 2_000
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


class SearchTaker:
    """Writes a publication into indices behind the alias that `target` names."""

    def __init__(self, target: ElasticsearchTarget) -> None:
        self._target = target

    def publish(self, workspace: Workspace, order: Order) -> Published:
        """Make searches of the alias find the order's content, once.

        Raises:
            TargetTaken: the alias is an index, or another publication's.
            RopewalkError: the cluster did not take it; the alias stands where it was.
        """
        with self._cluster(workspace, order) as cluster:
            alias = _alias(order)
            target = f"{cluster.shown}/{alias}"
            behind = _behind(cluster, alias, order)
            note = _note(cluster, behind, order)
            if not order.rebuilds and _has(order, note):
                return Published(target, order.content.rows, is_new=False)
            if order.spec.entry.write == "replace" or behind is None or order.rebuilds:
                self._write_version(workspace, order, cluster, behind)
            else:
                self._write_into(workspace, order, SearchClusterWriter(cluster, behind), note)
            return Published(target, order.content.rows, is_new=True)

    def standing(self, workspace: Workspace, order: Order) -> str:
        """Return `current`, `behind` or `missing`."""
        with self._cluster(workspace, order) as cluster:
            behind = _behind(cluster, _alias(order), order)
            if behind is None:
                return "missing"
            return "current" if _has(order, _note(cluster, behind, order)) else "behind"

    @contextmanager
    def _cluster(self, workspace: Workspace, order: Order) -> Iterator[SearchCluster]:
        headers = resolve_secrets(self._target.headers)
        url = resolve_secrets({"url": self._target.url})["url"]
        auth = FixedAuth(Credentials(headers=headers), tuple(headers.values()))
        address = SearchClusterAddress(url, auth)
        with open_search_cluster(address, order.spec.place, workspace.stopping) as cluster:
            yield cluster

    def _write_version(
        self, workspace: Workspace, order: Order, cluster: SearchCluster, behind: str | None
    ) -> None:
        """Fill a new index and let the alias name it, and nothing else, in one request."""
        alias = _alias(order)
        index = f"{alias}-{order.content.digest[:12]}"
        if index == behind:
            index += "-again"
        writer = SearchClusterWriter(cluster, index)
        # What a kill left of it is no version.
        if writer.exists():
            cluster.ask("DELETE", f"/{index}")
        writer.make_index(mapping_of(order.content.columns))
        writer.write(_documents(workspace, order))
        writer.refresh()
        writer.write_note(_line(order, {}))
        actions: list[dict[str, Any]] = [{"add": {"index": index, "alias": alias}}]
        actions += [{"remove_index": {"index": behind}}] if behind else []
        cluster.ask("POST", "/_aliases", body={"actions": actions})

    def _write_into(
        self, workspace: Workspace, order: Order, writer: SearchClusterWriter, note: dict[str, Any]
    ) -> None:
        columns = [[column.name, column.type] for column in order.content.columns]
        before = dict(note.get("columns", []))
        retyped = next((name for name, kind in columns if before.get(name, kind) != kind), None)
        if retyped:
            raise TargetDrifted(
                f"column {retyped!r} of {order.place} was published as {before[retyped]} and is another type now",
                place=order.spec.place,
                hint=f"`ropewalk publish {order.spec.name} --rebuild` begins anew",
            )
        properties = mapping_of(order.content.columns)["properties"]
        new = {name: field for name, field in properties.items() if name not in before}
        if new:
            writer.cluster.ask("PUT", f"/{writer.index}/_mapping", body={"properties": new})
        writer.write(_documents(workspace, order))
        writer.refresh()
        # Last: without it the same documents are written again, to the same ids.
        writer.write_note(_line(order, note))


def _alias(order: Order) -> str:
    # Names of indices have no upper case.
    return order.place.lower()


def _behind(cluster: SearchCluster, alias: str, order: Order) -> str | None:
    """Return the index that the alias names, or None.

    Raises:
        TargetTaken: the name is that of an index, or of several.
    """
    # An alias answers under the names of the indices behind it, an index under its own.
    found = list(cluster.ask("GET", f"/{alias}", params=_LENIENT))
    if not found:
        return None
    if found != [name for name in found if name != alias][:1]:
        raise TargetTaken(
            f"{alias!r} is an index, or several, that Ropewalk did not make",
            place=order.spec.place,
            hint="name another alias",
        )
    return found[0]


def _note(cluster: SearchCluster, index: str | None, order: Order) -> dict[str, Any]:
    """Return what was noted with the index.

    Raises:
        TargetTaken: another publication wrote it.
    """
    if index is None:
        return {}
    note = SearchClusterWriter(cluster, index).read_note()
    if (note.get("publication"), note.get("environment")) != (order.spec.name, order.environment):
        whose = f"publication {note['publication']!r} of {note['environment']!r}" if note else "somebody else"
        raise TargetTaken(
            f"{order.place} is what {whose} writes",
            place=order.spec.place,
            hint="name another alias, or one with {environment} in it",
        )
    return note


def _has(order: Order, note: dict[str, Any]) -> bool:
    digests = note.get("digests", [])
    return order.content.digest in (digests if order.spec.entry.write == "append" else digests[-1:])


def _line(order: Order, note: dict[str, Any]) -> dict[str, Any]:
    content = order.content
    return {
        "publication": order.spec.name,
        "environment": order.environment,
        "table": str(content.table),
        "snapshot": content.snapshot,
        "rows": content.rows,
        "columns": [[column.name, column.type] for column in content.columns],
        "digests": [*note.get("digests", []), content.digest],
    }


def _documents(workspace: Workspace, order: Order) -> Iterator[Document]:
    """Yield the rows with their ids: their key, or their number within the version.

    Raises:
        PublishFailed: a number is none that JSON has.
    """
    content = order.content
    with open_lake(workspace).cursor() as connection:
        try:
            _refuse_not_finite(connection, order)
            cursor = connection.execute(
                f"SELECT {_id_sql(order)}, {document_sql(content.columns)} FROM {content.relation}"
            )
            while rows := cursor.fetchmany(BATCH):
                for id_, source in rows:
                    yield Document(str(id_), str(source).encode())
        except duckdb.Error as error:
            raise translate_error(error) from error


def _id_sql(order: Order) -> str:
    key = order.key
    if not key:
        return f"concat({literal(order.content.digest[:12])}, '-', row_number() OVER ())"
    # As JSON, so that the keys (1, "2,3") and ("1,2", 3) stay two.
    return quote(key[0]) if len(key) == 1 else f"CAST(json_array({', '.join(map(quote, key))}) AS VARCHAR)"


def _refuse_not_finite(connection: duckdb.DuckDBPyConnection, order: Order) -> None:
    checks = not_finite(order.content.columns)
    missing = {name: f"{quote(name)} IS NULL" for name in order.key}
    for said, conditions in (("NaN or infinite", checks), ("missing from the key", missing)):
        for name, condition in conditions.items():
            query = f"SELECT count(*) FROM {order.content.relation} WHERE {condition}"
            found = connection.execute(query).fetchone()
            if found and found[0]:
                raise PublishFailed(
                    f"{order.content.table} cannot be published as {order.spec.name!r}:"
                    f" {found[0]} values of column {name!r} are {said}",
                    place=order.spec.place,
                    hint="mend it in the table's SQL; the target keeps what it has",
                )
