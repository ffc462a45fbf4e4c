"""What is installed where steps run: each distribution with its version, what it is imported as, and what it needs.

Reading the metadata of every distribution takes a while, so the result is kept in the state folder. It holds as long as
the same distributions, by name, version and time of installation, lie in the folders of Python's path.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from blake3 import blake3

FILE = "installed.bin"
SUFFIXES = (".dist-info", ".egg-info")
_REQUIREMENT = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?$")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_SEPARATORS = re.compile(r"[-_.]+")


class Requirement(msgspec.Struct, frozen=True, array_like=True):
    """One distribution that another needs: with which extras, whether only for an extra of the other, or only somewhere."""

    name: str
    extras: tuple[str, ...] = ()
    only_for: str | None = None
    only_if: bool = False


class Distribution(msgspec.Struct, frozen=True, array_like=True):
    """One installed distribution.

    Attributes:
        name: in its normal form, `scikit-learn`.
        version: as its metadata say.
        imports: top-level names it is imported as.
        requires: what it needs.
        source: the folder that an editable installation runs from; its version says nothing of the code there.
    """

    name: str
    version: str
    imports: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    source: str | None = None


class Installed(msgspec.Struct, frozen=True, array_like=True):
    """All distributions by name, and the state of the folders they were read from."""

    state: str
    distributions: dict[str, Distribution]


def read_installed(state_folder: Path, path: Iterable[str] | None = None) -> Installed:
    """Return what is installed in the folders of `path` (Python's own, if None).

    Args:
        state_folder: where the result is kept; when it does not exist, nothing is kept.
        path: folders in the order in which Python looks.
    """
    folders = tuple(sys.path if path is None else path)
    entries = list(_entries(folders))
    state = blake3(json.dumps([sys.version_info[:2], entries]).encode()).hexdigest()[:32]
    file = state_folder / FILE
    latest = max((changed for _, _, changed in entries), default=0)
    kept = _load(file, latest)
    if kept and kept.state == state:
        return kept
    found = Installed(state, _read_all(state, tuple((folder, name) for folder, name, _ in entries)))
    _save(found, file)
    return found


def normal_name(name: str) -> str:
    """Return a distribution's name as all tools compare it."""
    return _SEPARATORS.sub("-", name).lower()


def _entries(folders: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Yield folder, name and time of change of the metadata of every distribution."""
    for folder in folders:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            # A file system lists in any order.
            found = sorted((e.name, e.stat().st_mtime_ns) for e in entries if e.name.endswith(SUFFIXES))
            yield from ((folder, name, changed) for name, changed in found)


def _load(file: Path, latest: int) -> Installed | None:
    try:
        # As with Git's index: what changed in the moment of writing, or later, may have changed once more since.
        if file.stat().st_mtime_ns <= latest:
            return None
        return msgspec.msgpack.decode(file.read_bytes(), type=Installed)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _save(found: Installed, file: Path) -> None:
    if not file.parent.is_dir():
        return
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.msgpack.encode(found))
        # Two plans at once each write a whole file; the last one stays.
        Path(name).replace(file)


# Within one process the same state is read once, also where no folder keeps it.
@lru_cache(maxsize=4)
def _read_all(_state: str, entries: tuple[tuple[str, str], ...]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    for folder, name in entries:
        distribution = _read(Path(folder or ".") / name)
        # Of two with one name, Python imports that in the earlier folder.
        if distribution is not None:
            found.setdefault(distribution.name, distribution)
    return found


def _read(folder: Path) -> Distribution | None:
    headers = _headers(folder)
    fields = dict(line.split(": ", 1) for line in headers if line.startswith(("Name: ", "Version: ")))
    if len(fields) < 2:
        return None
    source = _editable_source(folder)
    imports = {*_text(folder / "top_level.txt").split(), *_recorded(folder), *_modules_in(source)}
    return Distribution(
        name=normal_name(fields["Name"]),
        version=fields["Version"],
        imports=tuple(sorted(imports)),
        requires=tuple(filter(None, map(_requirement, headers))),
        source=source,
    )


def _headers(folder: Path) -> list[str]:
    text = _text(folder / "METADATA") or _text(folder / "PKG-INFO") or _text(folder)
    # The description follows after an empty line, and may say anything.
    return text.partition("\n\n")[0].splitlines()


def _requirement(header: str) -> Requirement | None:
    match = _REQUIREMENT.match(header)
    if not match:
        return None
    name, extras, marker = match[1], match[2] or "", match[3] or ""
    extra = _EXTRA.search(marker)
    wanted = tuple(normal_name(item.strip()) for item in extras.split(",") if item.strip())
    return Requirement(normal_name(name), wanted, normal_name(extra[1]) if extra else None, bool(marker))


def _recorded(folder: Path) -> set[str]:
    """Return the top-level names among the files that an installer wrote down."""
    found = set()
    for line in _text(folder / "RECORD").splitlines():
        path = line.partition(",")[0].strip('"')
        top, slash, _ = path.partition("/")
        if slash and path.endswith((".py", ".so", ".pyd")) and "." not in top:
            found.add(top)
        elif not slash and path.endswith((".py", ".so", ".pyd")):
            found.add(top.partition(".")[0])
    return found - {"__pycache__"}


def _editable_source(folder: Path) -> str | None:
    try:
        origin = json.loads(_text(folder / "direct_url.json") or "{}")
        if not origin.get("dir_info", {}).get("editable"):
            return None
        return unquote(urlsplit(origin["url"]).path)
    except (ValueError, KeyError, AttributeError):
        return None


def _modules_in(source: str | None) -> set[str]:
    if source is None:
        return set()
    folder = Path(source, "src") if Path(source, "src").is_dir() else Path(source)
    return {path.parent.name for path in folder.glob("*/__init__.py")} | {p.stem for p in folder.glob("*.py")}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
