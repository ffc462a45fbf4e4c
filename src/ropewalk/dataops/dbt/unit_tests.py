"""Unit tests of dbt as unit tests of tables, which use the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ropewalk.dataops.dbt.contracts import dump_yaml
from ropewalk.dataops.dbt.manifest import Fixture, Manifest, Overrides, UnitTest
from ropewalk.dataops.dbt.moves import Import, Moved, Names

_CALL = re.compile(r"\s*(?P<verb>ref|source)\s*\((?P<names>[^)]*)\)\s*")
_QUOTED = re.compile(r"""['"]([^'"]+)['"]""")


class _Unmoved(Exception):
    """A unit test that cannot move; the message says why."""


def add_unit_tests(manifest: Manifest, names: Names, found: Import) -> None:
    """Add a file of tests beside each table whose model has unit tests."""
    by_table: dict[str, list[dict[str, object]]] = {}
    for _, test in sorted(manifest.unit_tests.items()):
        try:
            table, text = _convert(test, manifest, names, found)
        except _Unmoved as why:
            found.leave("unit test", test.name, str(why))
            continue
        by_table.setdefault(table, []).append(text)
        found.moved.append(Moved("unit test", test.name, _path(table)))
    for table, tests in by_table.items():
        found.files[_path(table)] = dump_yaml({"unit_tests": tests})


def _convert(
    test: UnitTest, manifest: Manifest, names: Names, found: Import
) -> tuple[str, dict[str, object]]:
    if _replaces_something(test.overrides):
        raise _Unmoved("it replaces macros or variables, which compiled SQL has no more")
    models = [item for item in test.depends_on.nodes if item in names and _is_named(item, test.model)]
    if not models or _sql_path(names[models[0]]) not in found.files:
        raise _Unmoved(f"the model {test.model} did not move")
    given = [{"input": _table(item.input, manifest, names), **_rows(item)} for item in test.given]
    text: dict[str, object] = {"name": test.name}
    if test.description:
        text["description"] = test.description.strip()
    return names[models[0]], {**text, "given": given, "expect": _rows(test.expect)}


def _replaces_something(overrides: Overrides | None) -> bool:
    if overrides is None:
        return False
    # dbt's own way of saying that a run is a full one: `is_incremental: false`, which ours always are.
    macros = [name for name, value in overrides.macros.items() if value is not False]
    return bool(macros or overrides.vars or overrides.env_vars)


def _table(written: str, manifest: Manifest, names: Names) -> str:
    """Return the table that `ref('x')` or `source('a', 'b')` means."""
    if written.strip() == "this":
        raise _Unmoved("it is about an incremental run, which is no table's whole SQL")
    call = _CALL.fullmatch(written)
    parts = _QUOTED.findall(call["names"]) if call else []
    if call is None or not parts:
        raise _Unmoved(f"its input {written!r} is none that can be read")
    kinds = _KINDS[call["verb"]]
    found = _find([i for i in (*manifest.nodes, *manifest.sources) if i.startswith(kinds)], parts)
    if found not in names:
        raise _Unmoved(f"its input {written} has no table here: ephemeral models stand in the SQL itself")
    return names[found]


def _find(ids: list[str], parts: list[str]) -> str:
    """Return the id that is meant, or no text when there is none."""
    # `ref('package', 'model')` and `source('source', 'table')` both end as the id does.
    exact = [node_id for node_id in ids if node_id.split(".")[-len(parts) :] == parts]
    return next(iter(exact or [node_id for node_id in ids if _is_named(node_id, parts[-1])]), "")


_KINDS: Mapping[str, tuple[str, ...]] = {
    "ref": ("model.", "seed.", "snapshot."),
    "source": ("source.",),
}


def _is_named(node_id: str, name: str) -> bool:
    return node_id.split(".")[2:3] == [name] or node_id.rpartition(".")[2] == name


def _rows(fixture: Fixture) -> dict[str, object]:
    if fixture.rows is None and fixture.fixture:
        raise _Unmoved(f"its fixture {fixture.fixture} is not in the manifest")
    if isinstance(fixture.rows, str):
        return {"format": fixture.format or "sql", "rows": fixture.rows}
    return {"rows": fixture.rows or []}


def _path(table: str) -> str:
    return f"{_sql_path(table).removesuffix('.sql')}.test.yaml"


def _sql_path(table: str) -> str:
    return f"tables/{table.replace('.', '/', 1)}.sql"
