"""Where things stand in a project: the folder that holds `ropewalk.yaml`, and the files below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ropewalk.project.errors import NoProject

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


def files_below(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files with `suffix` below `folder` in sorted order, hidden ones left out."""
    if not folder.is_dir():
        return
    # Sorted, because file systems list in any order; hidden ones are editors' and notebooks' leftovers.
    for path in sorted(folder.rglob(f"*{suffix}")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
