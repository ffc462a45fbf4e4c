"""Finding a source's files: which are there now, with their digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ropewalk.dataops.sources.errors import FilesMissing, InvalidFile
from ropewalk.dataops.sources.file_digests import FileDigests
from ropewalk.errors import Place, nearest


@dataclass(frozen=True)
class FoundFile:
    """A file that is there: path relative to the project, digest of its bytes, size."""

    path: str
    digest: str
    size: int


def find_files(pattern: str, root: Path, digests: FileDigests, place: Place) -> list[FoundFile]:
    """Return the files that `pattern` (a path or glob relative to `root`) names, sorted by path.

    Raises:
        FilesMissing: there is none; the error names the nearest.
        InvalidFile: one cannot be read.
    """
    paths = _matches(pattern, root)
    if not paths:
        raise FilesMissing(
            f"no file matches {pattern!r}",
            place=place,
            nearest=_nearest_path(pattern, root),
            hint="the path is relative to the folder of ropewalk.yaml",
        )
    try:
        found = [FoundFile(path, digests.digest(root / path), (root / path).stat().st_size) for path in paths]
    except OSError as error:
        shown = str(error.filename).removeprefix(f"{root}/")
        raise InvalidFile(f"the file cannot be read: {error.strerror}", place=Place(shown)) from error
    # Saved at once: a plan that is stopped here has not hashed for nothing.
    digests.save()
    return found


def _matches(pattern: str, root: Path) -> list[str]:
    """Return the paths of the files that match, hidden ones left out, as the pattern writes them."""
    base = Path(Path(pattern).anchor) if Path(pattern).is_absolute() else root
    found = base.glob(str(Path(pattern).relative_to(base)) if base != root else pattern)
    # A hidden file is one that is still being copied, or an editor's.
    visible = [path for path in found if path.is_file() and not path.name.startswith(".")]
    return sorted(str(path.relative_to(root) if path.is_relative_to(root) else path) for path in visible)


def _nearest_path(pattern: str, root: Path) -> str | None:
    """Return the existing path most like `pattern`, looking where its deepest existing folder is."""
    folder = (root / pattern).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    beside = {str(path.relative_to(root)) for path in folder.iterdir() if path.is_relative_to(root)}
    below = {str(path.relative_to(root)) for path in folder.glob("*/*") if path.is_relative_to(root)}
    return nearest(pattern, sorted(beside | below))
