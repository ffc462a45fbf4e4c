"""Where things stand in a project: the folder that holds `ropewalk.yaml`, and the files below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ropewalk.errors import Place
from ropewalk.project.errors import InvalidProjectFile, NoProject

PROJECT_FILE = "ropewalk.yaml"


def find_root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, that holds a `ropewalk.yaml`.

    Raises:
        NoProject: there is none.
    """
    # Resolved first, so that `..` in what a person typed does not end the way up too early.
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise NoProject(
        f"no {PROJECT_FILE} in {start} or above it",
        hint="`ropewalk init` makes a small project here; `-C FOLDER` looks elsewhere",
    )


def files_below(folder: Path, *suffixes: str) -> Iterator[Path]:
    """Yield the files with one of the `suffixes` below a project's `folder` in sorted order, hidden ones left out.

    Raises:
        InvalidProjectFile: a folder cannot be listed, or a suffix is in capitals.
    """

    def refuse(error: OSError) -> None:
        # A project need not have the folder; but one that cannot be listed must not pass for an empty one.
        if not isinstance(error, FileNotFoundError):
            raise InvalidProjectFile(
                f"this folder cannot be listed: {error.strerror}", place=_below(folder, Path(error.filename))
            ) from error

    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        # Hidden ones are editors' and notebooks' leftovers.
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    # Sorted, because file systems list in any order.
    for path in sorted(found):
        if path.name.endswith(suffixes):
            yield path
        elif path.name.lower().endswith(suffixes):
            raise InvalidProjectFile(
                f"{path.suffix} must be written {path.suffix.lower()}", place=_below(folder, path)
            )


def _below(folder: Path, path: Path) -> Place:
    return Place(path.relative_to(folder.parent).as_posix())
