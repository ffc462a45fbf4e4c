"""Writing to a search cluster by `_bulk`: documents with ids of their own, so that writing twice is writing once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ropewalk.dataops.sources.errors import DocumentsRefused, SourceBroken, SourceUnreachable
from ropewalk.dataops.sources.fetch import ATTEMPTS, FIRST_PAUSE_S
from ropewalk.dataops.sources.search_cluster import Object, SearchCluster, path_of

# Both projects advise some megabytes; a request above 100 MB is refused by default.
BATCH_BYTES = 5 << 20
BATCH_DOCUMENTS = 5_000
SHOWN_REFUSALS = 5
# An item that came while the cluster's queue was full is taken later; any other refusal stays one.
_LATER = frozenset({429, 503})
_META = "ropewalk"


@dataclass(frozen=True)
class Document:
    """One document: its id, and its source as the bytes of a JSON object."""

    id: str
    source: bytes


@dataclass(frozen=True)
class Action:
    """One line of a bulk request, with the document's line after it if there is one."""

    id: str
    lines: bytes


class SearchClusterWriter:
    """Writes documents to one index of a cluster.

    Every document has an id chosen by the caller: a batch that is sent again after a lost answer changes nothing.
    """

    def __init__(self, cluster: SearchCluster, index: str) -> None:
        self.cluster = cluster
        self.index = index

    def make_index(self, mapping: Object | None = None, settings: Object | None = None) -> bool:
        """Make the index with a mapping and settings unless it is there; return whether it was made.

        Raises:
            InvalidSearch: the cluster does not take name, mapping or settings.
            RopewalkError: as `SearchCluster.ask` says.
        """
        if self.exists():
            return False
        body = {"mappings": mapping or {}, "settings": settings or {}}
        self.cluster.ask("PUT", path_of(self.index), body=body)
        return True

    def exists(self) -> bool:
        """Return whether the cluster has the index."""
        # HEAD says the same by its status alone, which cannot tell a missing index from a missing proxy.
        found = self.cluster.ask(
            "GET", path_of(self.index), params={"ignore_unavailable": "true", "allow_no_indices": "true"}
        )
        return bool(found)

    def write(self, documents: Iterable[Document]) -> int:
        """Write documents, each in place of the one with its id; return how many.

        Raises:
            DocumentsRefused: the cluster took some of a batch and refused others; the error names these.
            SourceUnreachable: the cluster was too busy to take them, after all attempts.
            RopewalkError: as `SearchCluster.ask` says.
        """
        return self._send(Action(doc.id, _lines("index", doc.id, doc.source)) for doc in documents)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete the documents with these ids, whether they are there or not; return how many were named.

        Raises:
            DocumentsRefused, SourceUnreachable, RopewalkError: as `write` says.
        """
        return self._send(Action(id_, _lines("delete", id_)) for id_ in ids)

    def refresh(self) -> None:
        """Make what was written visible to searches."""
        self.cluster.ask("POST", path_of(self.index, "_refresh"))

    def write_note(self, note: Object) -> None:
        """Keep a small JSON object with the index, beside its documents, in place of the one before."""
        self.cluster.ask(
            "PUT", path_of(self.index, "_mapping"), body={"_meta": {**self._meta(), _META: dict(note)}}
        )

    def read_note(self) -> dict[str, Any]:
        """Return the object kept with the index, empty when there is none."""
        found = self._meta().get(_META)
        return found if isinstance(found, dict) else {}

    def _meta(self) -> dict[str, Any]:
        # An alias answers with the index behind it, under that one's name.
        for index in self.cluster.ask("GET", path_of(self.index, "_mapping")).values():
            found = index.get("mappings", {}).get("_meta")
            return found if isinstance(found, dict) else {}
        return {}

    def _send(self, actions: Iterable[Action]) -> int:
        count = 0
        for batch in _batches(actions):
            self._send_batch(batch)
            count += len(batch)
        return count

    def _send_batch(self, batch: Sequence[Action]) -> None:
        asking = self.cluster.asking
        for attempt in range(1, ATTEMPTS + 1):
            body = b"".join(action.lines for action in batch)
            said = self.cluster.ask("POST", path_of(self.index, "_bulk"), body=body)
            batch = self._left(batch, said)
            if not batch:
                return
            if asking.stopping.is_set() or attempt == ATTEMPTS:
                break
            asking.stopping.wait(FIRST_PAUSE_S * 2.0**attempt)
        raise SourceUnreachable(
            f"{self.cluster.shown} is too busy to take {len(batch):,} documents for {self.index!r}",
            place=asking.place,
            hint="run again later: what was taken is not harmed by being sent again",
        )

    def _left(self, batch: Sequence[Action], said: Object) -> list[Action]:
        """Return the actions that are to be sent again.

        Raises:
            SourceBroken: the answer does not have one item for each action.
            DocumentsRefused: it refuses some for good.
        """
        items = said.get("items")
        if not isinstance(items, list) or len(items) != len(batch):
            raise SourceBroken(
                f"{self.cluster.shown} answers {len(batch):,} documents with something else than as many items",
                place=self.cluster.asking.place,
            )
        # `errors` may be trusted when it says that there are none, as the items are in order then.
        if said.get("errors") is False:
            return []
        told = [(action, next(iter(item.values()))) for action, item in zip(batch, items, strict=True)]
        refused = [(action, item) for action, item in told if _is_refused(item)]
        if refused:
            raise self._refusal(refused, len(batch))
        return [action for action, item in told if item.get("status") in _LATER]

    def _refusal(self, refused: Sequence[tuple[Action, Object]], count: int) -> DocumentsRefused:
        shown = [f"{action.id}: {_reason(item)}" for action, item in refused[:SHOWN_REFUSALS]]
        more = [f"and {len(refused) - SHOWN_REFUSALS:,} more"] if len(refused) > SHOWN_REFUSALS else []
        return DocumentsRefused(
            f"{self.cluster.shown} refuses {len(refused):,} of {count:,} documents for {self.index!r}",
            place=self.cluster.asking.place,
            hint="mend the documents or the index's mapping; what was taken is not harmed by being sent again",
            detail="\n".join([*shown, *more]),
        )


def _is_refused(item: Object) -> bool:
    status = int(item.get("status", 0))
    # Deleting what is not there is answered with 404, and is as good as done.
    is_gone = status == 404 and item.get("result") == "not_found"
    return status not in _LATER and not is_gone and not 200 <= status < 300


def _reason(item: Object) -> str:
    error = item.get("error")
    return (
        f"{error.get('type')}: {error.get('reason')}"
        if isinstance(error, dict)
        else f"status {item.get('status')}"
    )


def _lines(verb: str, id_: str, source: bytes | None = None) -> bytes:
    action = msgspec.json.encode({verb: {"_id": id_}})
    if source is None:
        return action + b"\n"
    # A line break within the document would end it: such text is laid out anew.
    plain = source if b"\n" not in source else msgspec.json.format(source, indent=-1)
    return action + b"\n" + plain + b"\n"


def _batches(actions: Iterable[Action]) -> Iterator[list[Action]]:
    batch: list[Action] = []
    size = 0
    for action in actions:
        if batch and (size + len(action.lines) > BATCH_BYTES or len(batch) >= BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(action)
        size += len(action.lines)
    if batch:
        yield batch
