"""Loading files: what is new is appended, what changed is replaced, what vanished is removed.

The ledger of loaded files is written in the transaction that writes their rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ropewalk.dataops.lake import Lake, LakeTransaction, TableDigest, open_lake
from ropewalk.dataops.sources.books import (
    LoadedFile,
    Mark,
    read_files,
    read_mark,
    write_files,
    write_mark,
)
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import SourceMoved
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.file_digests import open_digests
from ropewalk.dataops.sources.file_formats import choose_format
from ropewalk.dataops.sources.file_rows import FileRows
from ropewalk.dataops.sources.found_files import FoundFile, find_files
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.pipeline import Output, Probe, Task, Workspace


@dataclass(frozen=True)
class FileChange:
    """How the files that are there differ from those that are loaded.

    Attributes:
        kept: loaded files that are there unchanged.
        arriving: files that are new or changed.
        replaced: paths of loaded files that changed.
        removed: paths of loaded files that are gone.
    """

    kept: Mapping[str, LoadedFile]
    arriving: tuple[FoundFile, ...]
    replaced: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.arriving or self.removed)


def compare_files(loaded: Mapping[str, LoadedFile], found: Sequence[FoundFile]) -> FileChange:
    """Return what has to be done so that exactly the files that were found are loaded."""
    digests = {file.path: file.digest for file in found}
    # Only content counts: a copied or touched file with the same bytes is the same file.
    kept = {path: file for path, file in loaded.items() if digests.get(path) == file.digest}
    gone = loaded.keys() - kept.keys()
    return FileChange(
        kept=kept,
        arriving=tuple(file for file in found if file.path not in kept),
        replaced=tuple(sorted(gone & digests.keys())),
        removed=tuple(sorted(gone - digests.keys())),
    )


class FilesLoader:
    """Loads a source of the kind `files`."""

    def __init__(self, spec: SourceSpec, source: FilesSource) -> None:
        self.spec = spec
        self.source = source

    def probe(self, workspace: Workspace) -> Probe:
        """Return the digest of every file.

        Raises:
            FilesMissing: there is none.
        """
        return Probe(facts={file.path: file.digest for file in self._find(workspace)})

    def load(self, task: Task) -> Output:
        """Load the files that are new or changed, and take out those that are gone.

        Raises:
            RopewalkError: a file cannot be loaded; then the lake is as it was.
        """
        found = self._find(task.workspace)
        lake = open_lake(task.workspace)
        with lake.transaction(f"load {self.spec.name}") as transaction:
            change = compare_files(self._ledger(transaction), found)
            added = self._apply(change, transaction, task) if change else 0
            # A file that is still being copied has other bytes now; half of it must not be taken for all.
            if self._find(task.workspace) != found:
                raise SourceMoved(
                    f"the files of source {self.spec.name!r} changed while they were read",
                    place=self.spec.place,
                    hint="run again when they have all landed",
                )
            table = self._digest(lake, transaction, is_changed=bool(change))
            transaction.record_build(self.spec.node_id, task.key, table)
        return Output(
            digest=table.digest,
            reference=f"snapshot:{transaction.snapshot}",
            summary={
                "rows": table.rows,
                "added": added,
                "files": len(found),
                "new": len(change.arriving) - len(change.replaced),
                "changed": len(change.replaced),
                "removed": len(change.removed),
            },
            observed={file.path: file.digest for file in found},
            origins=tuple(f"file:{file.path}" for file in found),
        )

    def _find(self, workspace: Workspace) -> list[FoundFile]:
        return find_files(self.source.path, workspace.root, open_digests(workspace), self.spec.place)

    def _ledger(self, transaction: LakeTransaction) -> dict[str, LoadedFile]:
        """Return the files loaded as they would be read now; none after the declaration changed."""
        mark = read_mark(transaction, self.spec.name)
        is_same = mark is not None and mark.reading == reading_digest(self.source)
        # The table may have been dropped by hand: then the ledger speaks of rows that are not there.
        if not is_same or transaction.columns(self.spec.table) is None:
            return {}
        return read_files(transaction, self.spec.name)

    def _apply(self, change: FileChange, transaction: LakeTransaction, task: Task) -> int:
        """Write the rows and the ledger, and return how many rows were added."""
        arriving = [file.path for file in change.arriving]
        # The files that stay count too: a source does not become another format one file at a time.
        there = [*change.kept, *arriving]
        format_ = choose_format(self.source, there, task.workspace.root, self.spec.place)
        rows = FileRows(self.spec, self.source.types, format_, transaction)
        task.report(0, len(arriving), f"reading {len(arriving)} files")
        rows.remove([*change.replaced, *change.removed], is_all=not change.kept)
        counts = rows.append(arriving)
        task.report(len(arriving), len(arriving), f"{sum(counts.values()):,} rows")
        loaded = [LoadedFile(f.path, f.digest, f.size, counts.get(f.path, 0)) for f in change.arriving]
        write_files(transaction, self.spec.name, [*change.kept.values(), *loaded])
        write_mark(transaction, self.spec.name, Mark(reading_digest(self.source)))
        return sum(counts.values())

    def _digest(self, lake: Lake, transaction: LakeTransaction, *, is_changed: bool) -> TableDigest:
        """Return the table's digest, from the lake's books when nothing was written."""
        # Nothing else writes below `raw`, so the recorded digest stands while nothing was written here.
        build = lake.build(self.spec.node_id)
        return build.digest if build and not is_changed else transaction.digest(self.spec.table)
