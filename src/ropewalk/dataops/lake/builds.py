"""What the lake says about its own content: made for which node, and under which key.

It is written twice. The book `builds` speaks of the head. What goes with each commit speaks of its snapshot for as
long as that is kept: it can neither get lost nor be taken for another's, and a lake that was deleted and made again
does not pass for the one that is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ropewalk.dataops.lake.catalog import Catalog
from ropewalk.dataops.lake.digest import TableDigest

_HEAD = "SELECT node, key, digest, rows FROM lake.ropewalk.builds"
_COMMITS = """
    SELECT snapshot_id, commit_extra_info
    FROM {0}ducklake_snapshot JOIN {0}ducklake_snapshot_changes USING (snapshot_id)
    WHERE commit_extra_info IS NOT NULL AND snapshot_id = coalesce({1}, snapshot_id)
"""
_IN_ENGINE = "__ducklake_metadata_lake."


@dataclass(frozen=True)
class Build:
    """What the lake itself says about a node's content: made under which key, and with which digest."""

    key: str
    digest: TableDigest


class Builds:
    """The builds of the lake with that catalogue, read with `read` and kept until it changes."""

    def __init__(self, catalog: Catalog, read: Callable[[str], list[tuple[Any, ...]]]) -> None:
        self._catalog = catalog
        self._read = read
        self._head: tuple[object, dict[str, Build]] | None = None
        self._commits: tuple[object, dict[int, str]] | None = None

    def at_head(self) -> Mapping[str, Build]:
        """Return what the newest content of each node is, by node."""
        state = self._state()
        if self._head is None or state is None or self._head[0] != state:
            rows = self._read(_HEAD)
            found = {str(n): Build(str(k), TableDigest(int(r), str(d))) for n, k, d, r in rows}
            self._head = (state, found)
        return self._head[1]

    def at(self, snapshot: int) -> Mapping[str, Build]:
        """Return what was committed as `snapshot`, by node; nothing when there is no such snapshot any more."""
        state = self._state()
        if self._commits is not None and snapshot not in self._commits[1]:
            # It may have been made a moment ago, by another machine.
            self._catalog.forget()
            state = self._state()
        if self._commits is not None and state is not None and self._commits[0] == state:
            return _read_builds(self._commits[1].get(snapshot))
        if self._commits is not None and state is None:
            # Somebody is writing just now: all would have to be read again for each question.
            return _read_builds(self._read_commits(snapshot).get(snapshot))
        self._commits = (state, self._read_commits())
        return _read_builds(self._commits[1].get(snapshot))

    def forget(self) -> None:
        """Read everything anew at the next question."""
        self._head = self._commits = None

    def _read_commits(self, snapshot: int | None = None) -> dict[int, str]:
        """Return what went with each commit that is kept, by snapshot (of one snapshot, if it is given)."""
        number = "NULL" if snapshot is None else f"{snapshot:d}"
        rows = self._catalog.read(_COMMITS.format(self._catalog.prefix, number))
        if rows is None:
            rows = self._read(_COMMITS.format(_IN_ENGINE, number))
        return {int(number): str(text) for number, text in rows}

    def _state(self) -> object:
        # Taken before the rows, so that a commit in between makes them read again, not kept.
        return self._catalog.state()


def write_builds(builds: Mapping[str, Build]) -> str:
    """Return the text that goes with a commit: what it made, by node."""
    made = {
        node: {"key": build.key, "digest": build.digest.digest, "rows": build.digest.rows}
        for node, build in builds.items()
    }
    return json.dumps({"builds": made}, sort_keys=True)


def _read_builds(text: str | None) -> dict[str, Build]:
    try:
        found: dict[str, Any] = json.loads(text or "{}").get("builds", {})
        return {
            node: Build(str(made["key"]), TableDigest(int(made["rows"]), str(made["digest"])))
            for node, made in found.items()
        }
    # Whoever opens the lake with another program may say anything in a commit.
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
