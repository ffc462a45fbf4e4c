"""The rows of files in a table: taking out those of some files, adding those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, literal
from ropewalk.dataops.sources.columns import (
    Relation,
    cast_relation,
    declared_types,
    empty_text_columns,
    find_misfit,
    fit_table,
    require_columns,
    target_types,
)
from ropewalk.dataops.sources.csv_files import FILE_COLUMN
from ropewalk.dataops.sources.errors import ValueMisfit
from ropewalk.dataops.sources.file_formats import FileFormat
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Place


class FileRows:
    """The rows of one source's files within a transaction."""

    def __init__(
        self, spec: SourceSpec, types: Mapping[str, str], files: FileFormat, transaction: LakeTransaction
    ) -> None:
        self.spec = spec
        self.table = TableName.parse(spec.table)
        self.types = types
        self.files = files
        self.transaction = transaction
        self.connection = transaction.connection

    def remove(self, paths: Sequence[str], *, is_all: bool) -> None:
        """Take out the rows of `paths`; with `is_all` the table starts anew, with columns of its own."""
        # A file that is replaced alone may well have other columns, and nothing holds it to the old ones.
        if is_all:
            self.transaction.drop(self.spec.table)
        elif paths:
            named = ", ".join(literal(path) for path in paths)
            self.connection.execute(f"DELETE FROM {self.table.sql} WHERE {FILE_COLUMN} IN ({named})")

    def append(self, paths: Sequence[str]) -> dict[str, int]:
        """Add the rows of `paths` and return how many each file has.

        Raises:
            ValueMisfit: a value does not fit its column; the error names file and line.
            RopewalkError: a file is not what its name says.
        """
        if not paths:
            return {}
        try:
            self._append(paths)
        except duckdb.Error as error:
            # Errors about a file's content become ours here; the lake translates the rest.
            translated = self.files.translate(error)
            if translated is None:
                raise
            raise translated from error
        counted = self.connection.execute(
            f"SELECT {FILE_COLUMN}, count(*) FROM {self.table.sql} GROUP BY 1"
        ).fetchall()
        return {str(path): int(rows) for path, rows in counted if path in set(paths)}

    def _append(self, paths: Sequence[str]) -> None:
        declared = declared_types(self.connection, self.types, self.spec.place)
        present = self.transaction.columns(self.spec.table)
        undecided = empty_text_columns(self.transaction, self.table, present or ()) if present else set()
        # What the table has decided binds the files to come; a column that never had a value has decided nothing.
        settled = [column for column in present or () if column.name.lower() not in undecided]
        wanted = {**declared, **{column.name.lower(): column.type for column in settled}}
        relations = self.files.relations(self.connection, paths, wanted)
        arriving = _all_columns(relations)
        require_columns(list(self.types), [*(present or ()), *arriving], "types", self.spec.place)
        types = target_types(settled, arriving, declared)
        fit_table(self.transaction, self.table, arriving, types)
        for relation in relations:
            self._check(relation, types)
            self.connection.execute(f"INSERT INTO {self.table.sql} BY NAME {cast_relation(relation, types)}")

    def _check(self, relation: Relation, types: Mapping[str, str]) -> None:
        """Refuse the first value that would be lost or rounded by a cast."""
        # Rows are counted within each file, as a person would look for one there.
        counted = f"SELECT *, row_number() OVER (PARTITION BY {FILE_COLUMN}) AS _row FROM ({relation.sql})"
        misfit = find_misfit(
            self.connection, Relation(counted, relation.columns), types, [FILE_COLUMN, "_row"]
        )
        if misfit is not None:
            path, record = str(misfit.location[0]), int(misfit.location[1])
            raise ValueMisfit(
                f"{misfit} (record {record})",
                place=Place(path, self.files.line_of(path, record)),
                hint=f"declare types: {{{misfit.column}: ...}} so that all files fit, or mend the file",
            )


def _all_columns(relations: Sequence[Relation]) -> list[Column]:
    """Return the columns of all relations in order of first appearance, `_file` last."""
    found: dict[str, Column] = {}
    for relation in relations:
        for column in relation.columns:
            found.setdefault(column.name.lower(), column)
    # Last in the table, as the first columns are what a person looks at.
    file_column = found.pop(FILE_COLUMN)
    return [*found.values(), file_column]
