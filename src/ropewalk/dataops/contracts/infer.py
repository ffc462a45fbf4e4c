"""Drafting a contract for a table of the environment."""

from __future__ import annotations

from pathlib import Path

from ropewalk.dataops.contracts.draft import Subject, write_draft
from ropewalk.dataops.contracts.errors import ContractExists, NotInferred
from ropewalk.dataops.contracts.files import FOLDER, SUFFIX
from ropewalk.dataops.contracts.seen import look
from ropewalk.dataops.definitions import read_glossary
from ropewalk.dataops.lake import Column, Masks, TableMissing, TableName, environment_tables, open_environment
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import Workspace
from ropewalk.project import PROJECT_FILE, main_author


def infer_contract(workspace: Workspace, table: str, masks: Masks | None = None) -> str:
    """Return the text of a first contract for `table`, from the rows that the workspace's environment has.

    Of a column that `masks` masks no value is written, as of those that seem personal.

    Raises:
        InvalidTableName: `table` is not `schema.table`.
        TableMissing: the environment does not have it.
        NotInferred: it has no columns.
    """
    name, built = TableName.parse(table), environment_tables(workspace)
    if table.lower() not in built:
        raise TableMissing(
            f"environment {workspace.settings.environment!r} has no table {table!r}",
            nearest=nearest(table.lower(), built),
            hint="`ropewalk run` makes it; a draft is written from rows",
        )
    with open_environment(workspace, [table.lower()]) as connection:
        # What Ropewalk writes beside a row, such as the file that it is from, is nobody's to promise.
        seen = [column for column in look(connection, name.unqualified) if not column.name.startswith("_")]
    columns = [Column(column.name, column.type) for column in seen]
    personal = masks.of(str(name), columns) if masks else {}
    return write_draft(
        Subject(
            str(name),
            seen,
            f"{name} in environment {workspace.settings.environment}",
            _owner(workspace.root, name),
            read_glossary(workspace.root),
            {column.lower(): kind for column, kind in personal.items()},
        )
    )


def write_contract(root: Path, table: str, text: str) -> Path:
    """Write the text as the contract of `table`, and return its file.

    Raises:
        ContractExists: there is one, which people may have written.
        NotInferred: the folder refuses the file.
    """
    path = root / FOLDER / f"{table}{SUFFIX}"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ContractExists(
            f"{table} has a contract",
            place=Place(path.relative_to(root).as_posix()),
            hint="without --write the draft is printed, to be compared with it",
        ) from None
    except OSError as error:
        raise NotInferred(f"the draft cannot be written: {error.strerror}", place=Place(path.name)) from error
    return path


def _owner(root: Path, table: TableName) -> str | None:
    # A source is declared in the project's file, and so is the step of a table that a step makes not far from it.
    files = [f"tables/{table.schema}/{table.name}.sql", f"steps/{table.name}.py", PROJECT_FILE]
    return next((author for path in files if (author := main_author(root, path))), None)
