"""Importing the project's own modules from their source only, and everything else as usual.

Python takes compiled code for current when source size and whole second agree, so an edit made right after a run could
execute the code before it. Without compiled files the code that runs is the code of the key. Installed packages keep
theirs: compiling them anew for each step would cost more than most steps do.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

_INSTALLED = frozenset({"site-packages", "dist-packages", ".venv"})


class SourceOnlyLoader(SourceFileLoader):
    """Compiles a module each time, without a look at compiled files and without leaving any."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the source as it is now.

        Raises:
            SyntaxError: it does not parse.
        """
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def import_from_source(root: Path) -> None:
    """Have the modules below `root` imported from source from now on."""
    # A project may be reached through a link, and a program's folder is told without it.
    roots = {root, root.resolve()}
    find = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceOnlyLoader, SOURCE_SUFFIXES)
    )

    def find_below_root(folder: str) -> FileFinder:
        if not any(is_projects(Path(folder), each) for each in roots):
            # Python's word for a folder that another finder is to look into.
            raise ImportError(folder)
        return find(folder)  # type: ignore[return-value]  # declared as any finder, and it is this one

    sys.path_hooks.insert(0, find_below_root)
    # Finders of folders that were looked into before are kept, and would go on as they were.
    sys.path_importer_cache.clear()


def import_project(root: Path, *beside: Path) -> None:
    """Have the project's modules found and imported from source: those in the folders `beside`, its root and `src`."""
    # As they are found in a test; those of a `src` layout also where nobody installed the project.
    source = root / "src"
    sys.path[:0] = map(str, [*beside, root, *([source] if source.is_dir() else [])])
    import_from_source(root)


def is_projects(path: Path, root: Path) -> bool:
    """Return whether a file or folder is the project's own, and not one of a package installed inside it."""
    # Every import of the Pythons that a step starts passes here, whatever their age: before 3.9, paths had no
    # `is_relative_to`.
    return root in (path, *path.parents) and _INSTALLED.isdisjoint(path.relative_to(root).parts)


def load_function(root: Path, path: str, name: str) -> Callable[..., object]:
    """Return the function `name` of the file at `path`, which is relative to the project at `root`.

    Raises:
        AttributeError: the file has no such function.
        Exception: whatever loading the file raises.
    """
    file = root / path
    import_project(root, file.parent)
    # Loaded by path, not by name: two projects may both have a `train.py`.
    loader = SourceOnlyLoader(file.stem, str(file))
    spec = importlib.util.spec_from_file_location(file.stem, file, loader=loader)
    assert spec
    module: ModuleType = importlib.util.module_from_spec(spec)
    # Registered, so that pickles and dataclasses of the user's module find it again.
    sys.modules[file.stem] = module
    loader.exec_module(module)
    return cast("Callable[..., object]", getattr(module, name))


def user_place(error: BaseException, root: Path) -> tuple[str, int] | None:
    """Return file and line of the deepest frame of `error` that is the project's own code."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # The last frame is often deep inside a library; the user wants the line of their own file.
        if is_projects(Path(frame.filename), root):
            return Path(frame.filename).relative_to(root).as_posix(), frame.lineno or 1
    return None
