"""What a step's process reads of the project: files it opens and folders it lists, seen by an audit hook.

Python tells its audit hooks of every file that is opened and every folder that is listed through it, also by
libraries and in forked workers, and of the programs that are started with the names of files. Native code that opens
files by itself (DuckDB, LightGBM) is not seen here; see `mentions`, and `variables` for the environment. Everything here
is the standard library's: it runs in any step's environment, and in each Python that a step starts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

READ, LIST, MISSING, WRITE = "read", "list", "missing", "write"
# Source that Python itself read, to import it or to print its lines.
SOURCE = "source"
# A file named to something that opens it unseen, and may as well write it.
NAMED = "named"
# A variable of the environment: `path` is its name.
VARIABLE = "variable"
# A table at a moment that the step chose: `path` is TABLE@MOMENT, `state` what it was then.
TABLE = "table"
# What the engine itself puts into the project's folder.
PUBLISHED = "outputs"
_CACHE = "__pycache__"
# What tools keep inside a project. Other hidden folders are somebody's configuration.
_NOT_THE_PROJECTS = frozenset(
    {"site-packages", "node_modules", ".git", ".venv", ".ropewalk", ".cache", ".ipynb_checkpoints"}
    | {
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".hypothesis",
        ".uv",
        ".idea",
        ".vscode",
    }
)
# Looking for modules and for what is installed lists the folders of `sys.path`, the project's among them.
_MACHINERY = ("<frozen importlib", "importlib/metadata", "importlib_metadata", "pkg_resources", "linecache")
# Of an event that starts a program: where its arguments stand, and where the folder it is started in.
_PROGRAMS = {
    "subprocess.Popen": (1, 2),
    "os.system": (0, None),
    "os.exec": (1, None),
    "os.posix_spawn": (1, None),
}
_BETWEEN_WORDS = re.compile(r"[\s;|&<>()\"'=]+")
_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect", *_PROGRAMS})


class Seen(NamedTuple):
    """The first thing that a step's process did with one file or folder of the project.

    Attributes:
        what: `READ`, `SOURCE`, `NAMED`, `LIST`, `MISSING` (looked for in vain), `WRITE`, `TABLE` or `VARIABLE`.
        path: relative to the project's root, `.` for the root itself.
        state: size, time of change and inode of a file that was read, or the names in a folder, one a line.
    """

    what: str
    path: str
    state: str = ""


def record_reads(root: Path, log: Path, excluded: Iterable[Path], *, own_program: bool = False) -> None:
    """Write down in `log` from now on what this process and its forks read below `root`, but not below `excluded`.

    A second call takes the place of the first. `own_program` is for a program that the step started: nobody looked
    at what that imports, so it counts as read.
    """
    # Python never lets go of a hook, so there is one for all.
    if not _recorder:
        sys.addaudithook(_hear)
    _recorder[:] = [_Recorder(root, log, excluded, own_program=own_program)]


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    # Every event of the interpreter passes here: what is none of ours has to leave at once.
    if event in _EVENTS and _recorder:
        _recorder[0].hear(event, arguments)


def note_table(log: Path, name: str, state: str) -> None:
    """Write down in `log` that a table was read as it was at some moment."""
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(Seen(TABLE, name, state)) + "\n")


def note_named(read: Callable[[], Iterable[str]]) -> None:
    """Write down the files that `read` returns, as named in code; what it opens itself is not recorded."""
    if _recorder:
        _recorder[0].aside(read)


def note_asked(absent: Iterable[str], folders: Iterable[str]) -> None:
    """Write down what was asked for in vain and which folders were searched, both relative to the project."""
    if _recorder:
        _recorder[0].aside(list, absent, folders)


def note_variable(name: str, state: str) -> None:
    """Write down that a variable of the environment was looked at."""
    if _recorder:
        _recorder[0].note(VARIABLE, name, state)


def read_log(log: Path) -> list[Seen]:
    """Return what was written down, of every path the first thing; nothing when there is no such file."""
    if not log.is_file():
        return []
    found: dict[tuple[str, str], Seen] = {}
    for line in log.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        seen = Seen(*json.loads(line))
        # What Python imports, a program of the step's may read once more, and that is something else.
        found.setdefault((seen.path, seen.what if seen.what in (LIST, SOURCE, VARIABLE) else ""), seen)
    return list(found.values())


def file_state(path: str | Path) -> str | None:
    """Return a text that differs once the file at `path` was changed, or None when there is no file."""
    try:
        stat = os.stat(path)  # noqa: PTH116  # called for each file that is opened: pathlib costs more than the call
    except OSError:
        return None
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"


def names_in(folder: str | Path, is_root: bool = False) -> str | None:
    """Return the names in `folder` one a line, hidden ones and those that the engine makes left out; None without it."""
    made = {_CACHE, PUBLISHED} if is_root else {_CACHE}
    try:
        names = [name for name in os.listdir(folder) if name not in made and not name.startswith(".")]  # noqa: PTH208  # as above
    except OSError:
        return None
    return "\n".join(sorted(names))


class _Recorder:
    def __init__(self, root: Path, log: Path, excluded: Iterable[Path], *, own_program: bool) -> None:
        # A project may be reached through a link, and a program may name a file either way.
        self._roots = tuple(dict.fromkeys(f"{path}{os.sep}" for path in (root, root.resolve())))
        # Appended line by line, so that forked workers write into the same file and a kill loses nothing.
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        own = [Path(sys.prefix), Path(sys.base_prefix), *excluded]
        # One above the project, such as a temporary folder that holds it, says nothing about the project's files.
        below = [path for path in own if not root.is_relative_to(path)]
        self._excluded = tuple(f"{path}{os.sep}" for path in (*below, *(p.resolve() for p in below)))
        self._noted: set[tuple[str, str]] = set()
        self._busy = threading.local()
        self._own_program = own_program

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note an event of the interpreter if it is about the project's files."""
        # Looking at a folder while one is being noted raises an event again.
        if getattr(self._busy, "now", False):
            return
        self._busy.now = True
        # Whatever this cannot make sense of must not keep the step from opening its file.
        try:
            if event == "open":
                self._opened(arguments[0], int(str(arguments[2])))
            elif event == "sqlite3.connect":
                # SQLite opens the file by itself, and makes it when it is not there.
                self._opened(arguments[0], os.O_RDWR | os.O_CREAT)
            elif event in _PROGRAMS:
                self._started(event, arguments)
            else:
                self._listed(arguments[0])
        except (OSError, ValueError, TypeError):
            pass
        finally:
            self._busy.now = False

    def aside(
        self, read: Callable[[], Iterable[str]], absent: Iterable[str] = (), folders: Iterable[str] = ()
    ) -> None:
        """Note the files that `read` returns, those that are `absent`, and folders; deaf to what it does itself."""
        self._busy.now = True
        try:
            for path in read():
                self._named(path)
            for path in absent:
                if below := self._below(self._roots[0] + path):
                    self.note(MISSING, below)
            for path in folders:
                if below := self._below(self._roots[0] + path, is_folder=True):
                    self.note(LIST, below, names_in(self._roots[0] + below, is_root=below == ".") or "")
        finally:
            self._busy.now = False

    def _started(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note the project's files that are named to a program: `cat data/x.csv`, `python tool.py`."""
        place, at = _PROGRAMS[event]
        words, folder = arguments[place], arguments[at] if at else None
        if isinstance(words, str | bytes | os.PathLike):
            words = [words]
        for word in words if isinstance(words, list | tuple) else ():
            # The word itself, `--input=data/x.csv`, and what a shell's line is made of.
            text = os.fsdecode(word)
            for part in dict.fromkeys((text, *_BETWEEN_WORDS.split(text))):
                self._named(os.path.join(os.fsdecode(folder or "."), part))  # type: ignore[arg-type]  # noqa: PTH118  # a path, or a TypeError

    def _named(self, target: str) -> None:
        path = self._below(target)
        if path is not None and (state := file_state(self._roots[0] + path)) and os.path.isfile(target):  # noqa: PTH113  # as in `file_state`
            self.note(NAMED, path, state)

    def _opened(self, target: object, flags: int) -> None:
        path = self._below(target)
        if path is None:
            return
        full = self._roots[0] + path
        state = file_state(full)
        # A folder is opened to be listed or synced, and that tells nothing yet.
        if state is not None and not os.path.isfile(full):  # noqa: PTH113  # as above
            return
        if _is_write(flags, exists=state is not None):
            self.note(WRITE, path)
        elif state is None:
            self.note(MISSING, path)
        else:
            is_source = path.endswith(".py") and not self._own_program and self._is_machinery()
            self.note(SOURCE if is_source else READ, path, state)

    def _listed(self, target: object) -> None:
        path = self._below("." if target is None else target, is_folder=True)
        if path is not None and (LIST, path) not in self._noted and not self._is_machinery():
            names = names_in(self._roots[0] + path, is_root=path == ".")
            self.note(MISSING if names is None else LIST, path, names or "")

    def _below(self, target: object, *, is_folder: bool = False) -> str | None:
        """Return `target` relative to the root, or None when it is not one of the project's own files."""
        # A number is a file that is open already.
        if isinstance(target, int):
            return None
        full = os.path.abspath(os.fsdecode(target))  # type: ignore[arg-type]  # noqa: PTH100  # a path, or a TypeError
        if is_folder:
            full += os.sep
        root = next((root for root in self._roots if full.startswith(root)), None)
        if root is None or full.startswith(self._excluded):
            return None
        path = full[len(root) :].rstrip(os.sep) or "."
        folders = path.split(os.sep)[: None if is_folder else -1]  # noqa: PTH206  # as in `file_state`
        if not _NOT_THE_PROJECTS.isdisjoint(folders):
            return None
        if _CACHE not in folders:
            return path
        # Compiled code stands for the module it was made of.
        return None if is_folder else importlib.util.source_from_cache(path)

    def _is_machinery(self) -> bool:
        """Return whether it is Python itself that lists, rather than code of the project."""
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # the documented way to the caller
        while frame:
            name = frame.f_code.co_filename
            if any(part in name for part in _MACHINERY):
                return True
            # A step with an environment of its own loads this very module from below the state folder.
            is_projects = name.startswith(self._roots) and not name.startswith(self._excluded)
            if is_projects and "site-packages" not in name:
                return False
            frame = frame.f_back
        return False

    def note(self, what: str, path: str, state: str = "") -> None:
        """Write down one thing, the first time it is seen."""
        if (what, path) not in self._noted:
            self._noted.add((what, path))
            os.write(self._log, (json.dumps([what, path, state]) + "\n").encode())


# One for a process, like the hook.
_recorder: list[_Recorder] = []


def _is_write(flags: int, *, exists: bool) -> bool:
    """Return whether a file opened with `flags` is made or emptied, or only added to."""
    access = flags & os.O_ACCMODE
    makes = bool(flags & os.O_TRUNC) or (bool(flags & os.O_CREAT) and not exists)
    return access == os.O_WRONLY or (access == os.O_RDWR and makes)
