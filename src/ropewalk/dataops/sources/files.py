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
from ropewalk.dataops.sources.doubts import Doubt
from ropewalk.dataops.sources.errors import SourceMoved, SourceUnreachable
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.file_digests import open_digests
from ropewalk.dataops.sources.file_formats import choose_format, largest_record
from ropewalk.dataops.sources.file_rows import FileRows, file_rules
from ropewalk.dataops.sources.found_files import FoundFile, find_files
from ropewalk.dataops.sources.json_lines import sifted_lines
from ropewalk.dataops.sources.landing import Landed, start_anew
from ropewalk.dataops.sources.local_copies import local_copies
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.remote_files import open_remote
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.glance import is_watched
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
        self._remote = open_remote(source, spec.place) if source.is_remote else None

    def probe(self, workspace: Workspace) -> Probe:
        """Return the digest of every file; at an address, of what it shows of them.

        Raises:
            FilesMissing: there is none.
        """
        try:
            found = {file.path: file.digest for file in self._find(workspace)}
            is_own = self._remote is None and is_watched(str(workspace.root), self.source.path)
            return Probe(facts=found, settled=is_own)
        # Only silence can be kept quiet: a refusal or a wrong address is for a person to mend.
        except SourceUnreachable as error:
            return Probe(unreachable=error.message, keep=self.source.on_unreachable == "keep")

    def load(self, task: Task) -> Output:
        """Load the files that are new or changed, and take out those that are gone.

        Raises:
            RopewalkError: a file cannot be loaded; then the lake is as it was.
        """
        found = self._find(task.workspace)
        # Fetched before the lease is taken: a slow address holds up nobody else's writing.
        with local_copies(self.source, self._arriving(found, task.workspace), task, self._remote) as files:
            try:
                return self._load(task, found, files, is_trusting=True)
            except Doubt as doubt:
                # What the first rows show is not true of all: everything is read with care.
                state, largest = task.workspace.state, largest_record(self.source)
                with sifted_lines(files, doubt.lines, state, largest) as careful:
                    return self._load(task, found, careful, is_trusting=False)

    def _arriving(self, found: Sequence[FoundFile], workspace: Workspace) -> Sequence[FoundFile]:
        """Return the files that the load will read; the ledger may only have grown until then."""
        lake = open_lake(workspace)
        if not lake.exists:
            return found
        with lake.rehearsal() as transaction:
            return compare_files(self._ledger(transaction), found).arriving

    def _load(self, task: Task, found: list[FoundFile], files: LocalFiles, *, is_trusting: bool) -> Output:
        lake = open_lake(task.workspace)
        with lake.transaction(f"load {self.spec.name}") as transaction:
            change = compare_files(self._ledger(transaction), found)
            landed = self._apply(change, transaction, task, files, is_trusting) if change else None
            # A file that is still being copied has other bytes now; half of it must not be taken for all.
            if self._find(task.workspace) != found:
                raise SourceMoved(
                    f"the files of source {self.spec.name!r} changed while they were read",
                    place=self.spec.place,
                    hint="run again when they have all landed",
                )
            table = landed.table if landed else self._digest(lake, transaction)
            transaction.record_build(self.spec.node_id, task.key, table)
        told = landed or Landed(table, 0, 0, 0, 0, None)
        return Output(
            digest=table.digest,
            reference=f"snapshot:{transaction.snapshot}",
            summary={
                **told.summary,
                "files": len(found),
                "new": len(change.arriving) - len(change.replaced),
                "changed": told.changed or len(change.replaced),
                "removed": told.removed or len(change.removed),
            },
            observed={file.path: file.digest for file in found},
            origins=tuple(file.path if self._remote else f"file:{file.path}" for file in found),
        )

    def _find(self, workspace: Workspace) -> list[FoundFile]:
        if self._remote is not None:
            return self._remote.list()
        return find_files(self.source.path, workspace.root, open_digests(workspace), self.spec.place)

    def _ledger(self, transaction: LakeTransaction) -> dict[str, LoadedFile]:
        """Return the files loaded as they would be read now; none after the declaration changed."""
        mark = read_mark(transaction, self.spec.name)
        is_same = mark is not None and mark.reading == reading_digest(self.source)
        # The table may have been dropped by hand: then the ledger speaks of rows that are not there.
        if not is_same or transaction.columns(self.spec.table) is None:
            return {}
        return read_files(transaction, self.spec.name)

    def _apply(
        self,
        change: FileChange,
        transaction: LakeTransaction,
        task: Task,
        files: LocalFiles,
        is_trusting: bool,
    ) -> Landed:
        """Write the rows and the ledger, and return what was done."""
        arriving = [file.path for file in change.arriving]
        # The files that stay count too: a source does not become another format one file at a time.
        format_ = choose_format(self.source, [*change.kept, *arriving], files, self.spec.place)
        rows = FileRows(self.spec, file_rules(self.source), format_, transaction)
        task.report(0, len(arriving), f"reading {len(arriving)} files")
        if read_mark(transaction, self.spec.name) != Mark(reading_digest(self.source)):
            start_anew(transaction, self.spec, rows.rules.landing)
        rows.remove(change.replaced, change.removed, is_all=not change.kept)
        landed = rows.land(
            arriving, is_complete=not change.kept, is_trusting=is_trusting and format_.is_guessing
        )
        task.report(len(arriving), len(arriving), f"{landed.added:,} rows")
        counts = rows.count(arriving, landed)
        loaded = [LoadedFile(f.path, f.digest, f.size, counts.get(f.path, 0)) for f in change.arriving]
        write_files(transaction, self.spec.name, [*change.kept.values(), *loaded])
        write_mark(transaction, self.spec.name, Mark(reading_digest(self.source)))
        return landed

    def _digest(self, lake: Lake, transaction: LakeTransaction) -> TableDigest:
        """Return the table's digest, from the lake's books, as nothing was written."""
        # Nothing else writes below `raw`, so the recorded digest stands.
        build = lake.build(self.spec.node_id)
        return build.digest if build else transaction.digest(self.spec.table)
