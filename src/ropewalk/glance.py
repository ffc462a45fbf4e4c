"""Knowing at a glance that nothing changed since a run found everything fresh.

Such a run leaves a note: a digest of all that planning depended on. The next `ropewalk run` with the same arguments
compares it before anything else is loaded, which takes a few milliseconds where planning takes a hundred. The digest is
over the arguments, the variables of the process, Python and its folders, the branch, the metadata database, the lake's
catalogue, the object store, and name, size, inode and times of every file of the project. A note is left only when no
node asked anything else (`Probe.settled`), and only when everything it is about was older than the run itself.

Nothing of Ropewalk is imported here but what is as small: this is what every `ropewalk run` loads first.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b

STATE = ".ropewalk"
NOTE = "glance"
DATABASE = "ropewalk.db"
# File systems count time in ticks: what changed in the tick before the run may change again with equal times.
GRAIN_NS = 2_000_000_000
# Ages of environments are counted from recorded runs, so one is recorded now and then.
LASTS_S = 3600
# Beyond this a project is planned: looking at each file would take as long.
MOST_FILES = 50_000
# These differ from shell to shell, and no plan reads them.
PASSING = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"})
# What lies here is other programs' work; a node that reads it is never settled (`is_watched`).
UNWATCHED = frozenset({STATE, ".git", "__pycache__", "node_modules"})
ENVIRONMENT_MARK = "pyvenv.cfg"


class Unclear(Exception):
    """What there is cannot be told at a glance: links to folders, too many files, a folder that cannot be listed."""


def is_noted(arguments: Sequence[str]) -> bool:
    """Return whether a run with these arguments may leave a note, or be answered by one."""
    # What asks for a run on its own account wants it recorded; and a folder of its own is looked at as any command does.
    return arguments[:1] == ["run"] and "--cause" not in arguments


def recall(arguments: Sequence[str]) -> str | None:
    """Return what `ropewalk` with these arguments would print, if nothing changed since it was noted; else None."""
    root = project_root(os.getcwd())  # noqa: PTH109  # pathlib takes as long to load as all of this
    if root is None or not is_noted(arguments):
        return None
    try:
        with open(f"{root}/{STATE}/{NOTE}", encoding="utf-8") as file:  # noqa: PTH123  # as above
            noted_at, given, digest, text = file.read().split("\n", 3)
        if given != repr(list(arguments)) or not 0 <= time.time() - float(noted_at) < LASTS_S:
            return None
        seen, _ = survey(root, arguments)
        return text if digest == _with_database(seen, root) else None
    except (OSError, ValueError, Unclear):
        return None


def look(arguments: Sequence[str]) -> Callable[[str, str], None] | None:
    """Survey the project before a run; None when a note could not be trusted.

    Returns:
        What leaves the note, called with the text to print and the database's last turn, after the run has closed
        the database.
    """
    root, now = project_root(os.getcwd()), time.time_ns()  # noqa: PTH109  # as above
    try:
        seen = survey(root, arguments) if root else None
    except (OSError, Unclear):
        return None
    if root is None or seen is None or seen[1] > now - GRAIN_NS:
        return None
    digest = seen[0]

    def leave(text: str, turn: str) -> None:
        # Somebody else may have written between the run's last turn and now.
        if _turn(root) == turn:
            _write(root, arguments, _with_database(digest, root), text)

    return leave


def project_root(folder: str) -> str | None:
    """Return the nearest folder from `folder` upwards that has a project, by its real path."""
    folder = os.path.realpath(folder)
    while not os.path.isfile(f"{folder}/ropewalk.yaml"):  # noqa: PTH113  # as above
        above = os.path.dirname(folder)  # noqa: PTH120  # as above
        if above == folder:
            return None
        folder = above
    return folder


def is_watched(root: str, path: str) -> bool:
    """Return whether a survey of `root` sees each change of the file, folder or glob `path` relative to it."""
    parts = os.path.normpath(path).split(os.sep)  # noqa: PTH206  # as above
    if os.path.isabs(path) or ".." in parts or UNWATCHED.intersection(parts):  # noqa: PTH117  # as above
        return False
    folders = ("/".join((root, *parts[:depth])) for depth in range(1, len(parts) + 1))
    return not any(os.path.exists(f"{folder}/{ENVIRONMENT_MARK}") for folder in folders)  # noqa: PTH110  # as above


def survey(
    root: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> tuple[str, int]:
    """Return a digest of all that a plan of the project in `root` depends on, except the database.

    Returns:
        The digest, and when the newest of it changed, in nanoseconds since 1970.

    Raises:
        Unclear: it cannot be told.
        OSError: a file vanished meanwhile.
    """
    variables = os.environ if variables is None else variables
    kept = sorted((name, value) for name, value in variables.items() if name not in PASSING)
    hasher = blake2b(digest_size=16)
    hasher.update(repr((list(arguments), kept, sys.version, sys.executable, sys.path, _head(root))).encode())
    newest = 0
    for name, state in _everything(root):
        hasher.update(f"{name}\0{state.st_mode}\0{state.st_ino}\0{state.st_size}\0".encode(errors="replace"))
        hasher.update(f"{state.st_mtime_ns}\0{state.st_ctime_ns}\n".encode())
        newest = max(newest, state.st_ctime_ns)
    return hasher.hexdigest(), newest


def _everything(root: str) -> Iterator[tuple[str, os.stat_result]]:
    yield from _files(root, is_top=True)
    state = f"{root}/{STATE}"
    yield from _sqlite(f"{state}/lake/catalog.sqlite")
    # An object that is removed changes its folder's times.
    yield from _folders(f"{state}/objects", depth=2)
    for folder in dict.fromkeys(sys.path):
        yield from _state(folder or ".")
    own = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # as above
    # Installed, it changes with its folder; as a checkout it is somebody's work.
    if f"{os.sep}site-packages{os.sep}" not in own:
        yield from _files(own)


def _files(folder: str, *, is_top: bool = False) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file and folder below `folder`, in an order of their own, except what is not watched."""
    pending, count = [folder], 0
    while pending:
        folder = pending.pop()
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        if any(entry.name == ENVIRONMENT_MARK for entry in listed):
            if is_top:
                raise Unclear
            continue
        is_top = False
        count += len(listed)
        if count > MOST_FILES:
            raise Unclear
        for entry in listed:
            if entry.name in UNWATCHED:
                continue
            yield entry.path, entry.stat(follow_symlinks=False)
            if entry.is_symlink():
                yield from _linked(entry.path)
            elif entry.is_dir():
                pending.append(entry.path)


def _linked(path: str) -> Iterator[tuple[str, os.stat_result]]:
    # Behind a link to a folder there may be anything, also this folder itself.
    if os.path.isdir(path):  # noqa: PTH112  # as above
        raise Unclear
    yield from _state(path)


def _state(path: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        yield path, os.stat(path)  # noqa: PTH116  # as above
    except FileNotFoundError:
        return


def _sqlite(path: str) -> Iterator[tuple[str, os.stat_result]]:
    yield from _state(path)
    # Whoever opens a database to read leaves an empty log, in which there is nothing.
    yield from ((name, state) for name, state in _state(f"{path}-wal") if state.st_size)


def _folders(folder: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    yield from _state(folder)
    if not depth or not os.path.isdir(folder):  # noqa: PTH112  # as above
        return
    with os.scandir(folder) as entries:
        for path in sorted(entry.path for entry in entries if entry.is_dir() and not _is_passing(entry.name)):
            yield from _folders(path, depth - 1)


def _is_passing(name: str) -> bool:
    return name == "incoming"


def _head(root: str) -> str:
    """Return what Git's HEAD says, which names the branch and so the environment."""
    folder = root
    while True:
        if os.path.isfile(f"{folder}/.git"):  # noqa: PTH113  # as above
            # The checkout of another work tree: its HEAD is elsewhere.
            raise Unclear
        try:
            with open(f"{folder}/.git/HEAD", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # as above
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            above = os.path.dirname(folder)  # noqa: PTH120  # as above
        if above == folder:
            return ""
        folder = above


def _turn(root: str) -> str | None:
    try:
        with open(f"{root}/{STATE}/{DATABASE}-turn", encoding="utf-8") as file:  # noqa: PTH123  # as above
            return file.read()
    except FileNotFoundError:
        return None


def _with_database(digest: str, root: str) -> str:
    """Return `digest` with the state of the database in it: the turn, and the files, should they be exchanged."""
    path = f"{root}/{STATE}/{DATABASE}"
    files = [(s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for _, s in _sqlite(path)]
    return blake2b(repr((digest, _turn(root), files)).encode(), digest_size=16).hexdigest()


def _write(root: str, arguments: Sequence[str], digest: str, text: str) -> None:
    path = f"{root}/{STATE}/{NOTE}"
    # Two runs at once each write a whole note; the last one stays.
    partial = f"{path}.{os.getpid()}"
    try:
        with open(partial, "w", encoding="utf-8") as file:  # noqa: PTH123  # as above
            file.write(f"{time.time()}\n{list(arguments)!r}\n{digest}\n{text}")
        os.replace(partial, path)  # noqa: PTH105  # as above
    except OSError:
        # It would only have saved time.
        return
