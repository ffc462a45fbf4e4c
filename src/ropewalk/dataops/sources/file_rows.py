"""The rows of files in a table: taking out those of some files, landing those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, literal
from ropewalk.dataops.sources.columns import Relation, declared_types, empty_text_columns, require_columns
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.file_formats import FileFormat
from ropewalk.dataops.sources.landing import Landed, LandingRules, land, landing_rules
from ropewalk.dataops.sources.local_files import FILE_COLUMN
from ropewalk.dataops.sources.quarantine import Quarantine
from ropewalk.dataops.sources.spec import SourceSpec


@dataclass(frozen=True)
class FileRules:
    """How the rows of files land.

    Attributes:
        landing: the rules for the rows of the files that arrive.
        follows: whether the table has exactly the rows of the files that are there.
    """

    landing: LandingRules
    follows: bool

    @property
    def has_file_column(self) -> bool:
        """Whether each row of the table says which file it is from; one with a key may be from several."""
        return not self.landing.key or self.landing.write == "append"


def file_rules(source: FilesSource) -> FileRules:
    """Return how the rows of `source` land: by default the table follows the files."""
    rules = landing_rules(source)
    if source.write in {None, "replace"}:
        # What is taken out are the rows of files; the rows of those that arrive are then added.
        return FileRules(replace(rules, write="append", key=()), follows=True)
    return FileRules(rules, follows=False)


class FileRows:
    """The rows of one source's files within a transaction."""

    def __init__(
        self, spec: SourceSpec, rules: FileRules, files: FileFormat, transaction: LakeTransaction
    ) -> None:
        self.spec = spec
        self.rules = rules
        self.table = TableName.parse(spec.table)
        self.files = files
        self.transaction = transaction
        self.connection = transaction.connection

    def remove(self, replaced: Sequence[str], removed: Sequence[str], *, is_all: bool) -> None:
        """Take out the rows of files that changed or are gone; with `is_all` the table starts anew, if it may."""
        gone = [*replaced, *removed] if self.rules.follows else [*replaced]
        if gone:
            Quarantine(self.transaction, self.spec.name).clear(self._of(gone))
        if not self.rules.follows or self.transaction.columns(self.spec.table) is None:
            return
        # A file that is replaced alone may well have other columns, and nothing holds it to the old ones.
        if is_all and self.rules.landing.schema == "evolve":
            self.transaction.drop(self.spec.table)
        elif gone:
            self.connection.execute(f"DELETE FROM {self.table.sql} WHERE {self._of(gone)}")

    def land(self, paths: Sequence[str], *, is_complete: bool, is_trusting: bool) -> Landed:
        """Land the rows of `paths`; with `is_complete` they are all the rows there are.

        Raises:
            Doubt: with `is_trusting`, the quick way will not do.
            RopewalkError: a file is not what its name says, or its rows may not land.
        """
        if not paths:
            return Landed(self.transaction.digest(self.spec.table), 0, 0, 0, 0, None)
        try:
            relation, rules = self._arriving(paths, is_trusting=is_trusting)
            return land(self.transaction, self.spec, rules, relation, None, is_complete=is_complete)
        except duckdb.Error as error:
            # Errors about a file's content become ours here; the lake translates the rest.
            translated = self.files.translate(error)
            if translated is None:
                raise
            raise translated from error

    def count(self, paths: Sequence[str], landed: Landed) -> dict[str, int]:
        """Return how many rows each of the files that landed has in the table."""
        if len(paths) < 2 or not self.rules.has_file_column:
            return dict.fromkeys(paths, landed.added)
        counted = self.connection.execute(
            f"SELECT {FILE_COLUMN}, count(*) FROM {self.table.sql} WHERE {self._of(paths)} GROUP BY 1"
        ).fetchall()
        return {str(path): int(rows) for path, rows in counted}

    def _arriving(self, paths: Sequence[str], *, is_trusting: bool) -> tuple[Relation, LandingRules]:
        rules = self.rules.landing
        declared = declared_types(self.connection, rules.types, self.spec.place)
        relation, found = self.files.relation(
            self.connection, paths, {**declared, **self._settled()}, is_trusting=is_trusting
        )
        present = self.transaction.columns(self.spec.table) or ()
        require_columns(list(rules.types), [*present, *relation.columns], "types", self.spec.place)
        if not self.rules.has_file_column:
            shown = tuple(column for column in relation.columns if column.name != FILE_COLUMN)
            relation = replace(relation, columns=shown)
        return relation, rules.with_found(found)

    def _settled(self) -> Mapping[str, str]:
        """Return the types that the table has decided; a column that never had a value has decided nothing."""
        present: Sequence[Column] = self.transaction.columns(self.spec.table) or ()
        undecided = empty_text_columns(self.transaction, self.table, present)
        return {c.name.lower(): c.type for c in present if c.name.lower() not in undecided}

    def _of(self, paths: Sequence[str]) -> str:
        return f"{FILE_COLUMN} IN ({', '.join(literal(path) for path in paths)})"
