"""Which declared engine a table's header names."""

from __future__ import annotations

from ropewalk.dataops.transform.errors import InvalidHeader
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, nearest
from ropewalk.project import Entry, Project


def find_engine(project: Project, spec: TableSpec) -> Entry:
    """Return the declared engine that the table's header names.

    Raises:
        InvalidHeader: there is none of that name.
    """
    name, engines = spec.sql.header.engine or "", project.entries("engines")
    if name not in engines:
        raise InvalidHeader(
            f"there is no engine {name!r}",
            place=Place(spec.path, spec.sql.header.lines.get("engine")),
            nearest=nearest(name, engines),
            hint="`engines:` in ropewalk.yaml declares them: `NAME: {kind: postgres, url: secret://...}`",
        )
    return engines[name]
