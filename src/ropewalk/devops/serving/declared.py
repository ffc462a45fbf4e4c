"""Which deployments the project declares now: `ropewalk.yaml` is read again whenever it has changed.

`ropewalk up` outlives many edits of the file. What it serves follows the file and the metadata together: a name
that was taken out is served no more, and what it served stays in the deployments' history.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ropewalk import plugins
from ropewalk.devops.serving.section import KEY
from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.pipeline import Workspace
from ropewalk.project import PROJECT_FILE, Project, load_project


class DeclaredNames:
    """The names below `deploy:`, as the project file has them."""

    def __init__(self, project: Project) -> None:
        self._root = project.root
        self._names = frozenset(project.entries(KEY))
        # Never equal to a file's, so that an edit since the project was loaded is seen.
        self._seen: object = None

    def read(self) -> frozenset[str]:
        """Return the names; while the file cannot be read, those that it had before."""
        stamp = _stamp(self._root / PROJECT_FILE)
        if stamp != self._seen:
            self._seen = stamp
            try:
                project = load_project(self._root, plugins.sections())
            except (RopewalkError, OSError) as error:
                # An editor that saves half a file must not end what is being served.
                get_logger().warning("project_unreadable", error=str(error), served="as declared before")
            else:
                self._names = frozenset(project.entries(KEY))
        return self._names


def declared_names(workspace: Workspace) -> frozenset[str]:
    """Return the names of the deployments that the project declares at the moment."""
    kept = workspace.once(
        "serving.declared", lambda: contextlib.nullcontext(DeclaredNames(workspace.project))
    )
    return kept.read()


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return "gone"
    # Editors replace the file, so that a new one may have the time and the size of the old one.
    return found.st_mtime_ns, found.st_size, found.st_ino
