"""Where Python would find a module of the project, when a step is loaded as the harness loads it."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

# Packages installed into an environment inside the project are no code of the project.
ENVIRONMENTS = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Module:
    """A module of the project: its file, and where its submodules are looked for.

    Attributes:
        file: relative to the project; None for a package without `__init__.py`.
        folders: relative to the project; none for a module that is no package.
    """

    file: str | None
    folders: tuple[str, ...] = ()


@dataclass
class ModuleFinder:
    """Finds modules below one project's folder; each folder is listed once.

    Attributes:
        root: the project's folder.
    """

    root: Path
    _listings: dict[str, dict[str, bool]] = field(default_factory=dict)
    _found: dict[tuple[str, tuple[str, ...]], Module | None] = field(default_factory=dict)
    _elsewhere: dict[str, bool] = field(default_factory=dict)
    _on_path: tuple[str, ...] | None = None

    def search_folders(self, file: str) -> tuple[str, ...]:
        """Return where a step in `file` looks for modules, in order: beside itself, the root, `src`, Python's path."""
        if self._on_path is None:
            self._on_path = tuple(self._folders_on_path())
        return tuple(dict.fromkeys((_parent(file), "", "src", *self._on_path)))

    def find(self, name: str, folders: tuple[str, ...]) -> Module | None:
        """Return the module `name` as Python finds it in `folders`, or None when it is not the project's."""
        key = (name, folders)
        if key not in self._found:
            self._found[key] = self._look(name, folders)
        return self._found[key]

    def package(self, folder: str) -> Module:
        """Return the package that a folder is, which need not have an `__init__.py`."""
        has_file = self._listing(folder).get("__init__.py") is False
        path = f"{folder}/__init__.py" if folder else "__init__.py"
        return Module(path if has_file else None, (folder,))

    def is_installed(self, name: str) -> bool:
        """Return whether Python would find the top-level module `name` outside of the project."""
        if name not in self._elsewhere:
            known = name in sys.stdlib_module_names or name in sys.builtin_module_names
            self._elsewhere[name] = known or importlib.machinery.PathFinder.find_spec(name) is not None
        return self._elsewhere[name]

    def relative(self, file: str, level: int) -> tuple[str, ...]:
        """Return the folder that `level` leading dots in `file` stand for; none above the project."""
        folder = _parent(file)
        for _ in range(level - 1):
            if not folder:
                return ()
            folder = _parent(folder)
        return (folder,)

    def _look(self, name: str, folders: tuple[str, ...]) -> Module | None:
        portions = []
        # As Python does: a package before a module, both before a folder without `__init__.py`, folder by folder.
        for folder in folders:
            listing = self._listing(folder)
            path = f"{folder}/{name}" if folder else name
            is_folder = listing.get(name) is True
            if is_folder and self._listing(path).get("__init__.py") is False:
                return Module(f"{path}/__init__.py", (path,))
            if listing.get(f"{name}.py") is False:
                return Module(f"{path}.py")
            if is_folder:
                portions.append(path)
        return Module(None, tuple(portions)) if portions else None

    def _listing(self, folder: str) -> dict[str, bool]:
        """Return the names in a folder, and whether each is a folder."""
        if folder not in self._listings:
            try:
                with os.scandir(self.root / folder) as entries:
                    self._listings[folder] = {entry.name: entry.is_dir() for entry in entries}
            except OSError:
                self._listings[folder] = {}
        return self._listings[folder]

    def _folders_on_path(self) -> list[str]:
        """Return the folders of the project that Python's path names, such as that of an editable installation."""
        root = os.path.realpath(self.root)
        found = []
        for entry in sys.path:
            path = os.path.realpath(entry)
            inside = path.startswith(root + os.sep)
            if inside and not any(part in ENVIRONMENTS for part in Path(path).parts):
                found.append(Path(path).relative_to(root).as_posix())
        return found


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
