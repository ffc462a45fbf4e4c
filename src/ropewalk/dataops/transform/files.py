"""Where tables stand in a project: `tables/SCHEMA/NAME.sql` is the table `schema.name`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ropewalk.dataops.transform.errors import InvalidSQL, InvalidTableFile, TableDeclaredTwice
from ropewalk.errors import Place
from ropewalk.project import files_below

RESERVED = {
    "raw": "which sources fill",
    "steps": "which steps fill",
    "ropewalk": "in which the lake keeps its books",
    # A table there could be declared, and then neither be made nor asked for.
    **dict.fromkeys(
        ("information_schema", "lake", "memory", "pg_catalog", "system", "temp"),
        "that the engine needs for itself",
    ),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def table_files(root: Path) -> Mapping[str, Path]:
    """Return the file of each table that the project at `root` declares, by the table's name in lower case.

    Raises:
        InvalidProjectFile: a folder cannot be listed.
        InvalidTableFile: a file stands at another depth, or its path gives no name.
        TableDeclaredTwice: two files give one table.
    """
    folder = root / "tables"
    found: dict[str, Path] = {}
    for path in files_below(folder, ".sql"):
        shown = path.relative_to(root).as_posix()
        name = _table_name(path.relative_to(folder), Place(shown))
        if name in found:
            raise TableDeclaredTwice(
                f"{name} has two files, here and {found[name].relative_to(root).as_posix()}",
                place=Place(shown),
                hint="the names of tables do not differ by upper and lower case; rename one file",
            )
        found[name] = path
    return found


def read_text(path: Path, root: Path) -> str:
    """Return the text of a table's file.

    Raises:
        InvalidSQL: it is not UTF-8, or cannot be read.
    """
    place = Place(path.relative_to(root).as_posix())
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSQL(f"not UTF-8 text: {error.reason} at byte {error.start}", place=place) from error
    except OSError as error:
        raise InvalidSQL(f"cannot be read: {error.strerror}", place=place) from error


def _table_name(relative: Path, place: Place) -> str:
    parts = relative.with_suffix("").parts
    if len(parts) != 2:
        raise InvalidTableFile(
            "a table's file stands in exactly one folder below tables/, which is its schema",
            place=place,
            hint=f"such as tables/mart/{parts[-1]}.sql for mart.{parts[-1]}",
        )
    for part in parts:
        if not _NAME.fullmatch(part):
            raise InvalidTableFile(
                f"{part!r} is not a name of SQL",
                place=place,
                hint="letters, digits and underscores, not starting with a digit",
            )
    # The engine's names have no case, so Raw is raw.
    schema = parts[0].lower()
    if schema in RESERVED:
        raise InvalidTableFile(
            f"the schema {schema} is the one {RESERVED[schema]}; no table can stand there",
            place=place,
            hint="move the file to a folder of another name",
        )
    return ".".join(parts).lower()
