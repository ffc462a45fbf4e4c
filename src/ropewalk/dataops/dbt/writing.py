"""Writing an import into a folder: all of it, and only where nothing of a person's is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ropewalk.dataops.dbt.errors import ImportInTheWay
from ropewalk.dataops.dbt.moves import Import
from ropewalk.errors import Place
from ropewalk.project import PROJECT_FILE, NotWritten, parse_yaml

IGNORED = ".ropewalk/"


def write_import(found: Import, root: Path, into: Path) -> list[Path]:
    """Write the files of `found`, made of the dbt project at `root`, into the folder `into`, and return them.

    Raises:
        ImportInTheWay: a file exists and says something else; nothing was written.
        NotWritten: the folder refused a file.
    """
    contents = {into / path: text.encode() for path, text in found.files.items()}
    # All is read and compared before anything is written: an import is whole, or there is none.
    for path, original in found.copies.items():
        contents[into / path] = _read(root / original)
    contents[into / PROJECT_FILE] = _project_text(found, into).encode()
    taken = [path for path, content in contents.items() if _differs(path, content, into)]
    if taken:
        names = ", ".join(path.relative_to(into).as_posix() for path in taken[:5])
        more = f" and {len(taken) - 5} more" if len(taken) > 5 else ""
        raise ImportInTheWay(
            f"{into} already has {names}{more}, which say something else",
            hint="nothing was written; import with --into an empty folder, and bring the two together with Git",
        )
    return list(_write(contents, into))


def _write(contents: dict[Path, bytes], into: Path) -> Iterator[Path]:
    contents = {**contents, into / ".gitignore": _ignoring_state(into / ".gitignore")}
    for path, content in sorted(contents.items()):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
        except OSError as error:
            raise NotWritten(f"{path} cannot be written: {error.strerror}") from error
        yield path


def _ignoring_state(path: Path) -> bytes:
    """Return what Git is to ignore: all that it does already, and the state."""
    # As bytes: Git does not mind which encoding and which line ends a person's file has.
    content = path.read_bytes() if path.exists() else b""
    if IGNORED.encode() in content.splitlines():
        return content
    return content.rstrip() + f"\n{IGNORED}\n".encode() if content.strip() else f"{IGNORED}\n".encode()


def _differs(path: Path, content: bytes, into: Path) -> bool:
    # The project's file was read before, and only grows.
    return path != into / PROJECT_FILE and path.exists() and path.read_bytes() != content


def _project_text(found: Import, into: Path) -> str:
    """Return the text of the project's file with the sources that the import needs.

    Raises:
        ImportInTheWay: it declares other sources already, which a program should not rewrite.
        InvalidProjectFile: it cannot be read.
    """
    path = into / PROJECT_FILE
    lines = [f"  {name}: {text}" for name, text in sorted(found.sources.items())]
    block = "\n".join(["sources:", *lines, ""]) if lines else ""
    if not path.exists():
        return f"project: {found.project}\n{block}"
    document, text = parse_yaml(path, into), path.read_text(encoding="utf-8")
    data = document.data if isinstance(document.data, dict) else {}
    declared = data.get("sources") or {}
    missing = [line for name, line in zip(sorted(found.sources), lines, strict=True) if name not in declared]
    if not missing:
        return text
    if "sources" in data:
        raise ImportInTheWay(
            f"{PROJECT_FILE} declares sources already, and lacks {len(missing)} that the import needs",
            place=Place(PROJECT_FILE, *document.places.get(("sources",), (1, 1))),
            hint="add these lines below `sources:`, and import again",
            detail="\n".join(missing),
        )
    return f"{text.rstrip()}\n{block}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotWritten(
            f"{path}, a seed of the dbt project, cannot be read: {error.strerror}",
            hint="name the folder of the dbt project itself, so that its seeds can come along",
        ) from error
