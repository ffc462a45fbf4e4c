"""Unit tests of dbt as unit tests of tables, which use the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ropewalk.dataops.dbt.contracts import dump_yaml
from ropewalk.dataops.dbt.manifest import Fixture, Manifest, UnitTest
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
    overrides = test.overrides
    replaced = {name for name, value in (overrides.macros if overrides else {}).items() if value is not False}
    if replaced or (overrides and (overrides.vars or overrides.env_vars)):
        raise _Unmoved("it replaces macros or variables, which compiled SQL has no more")
    models = [item for item in test.depends_on.nodes if item in names and _is_named(item, test.model)]
    if not models or _sql_path(names[models[0]]) not in found.files:
        raise _Unmoved(f"the model {test.model} did not move")
    given = []
    for fixture in test.given:
        if fixture.input.strip() == "this":
            raise _Unmoved("it is about an incremental run, which is no table's whole SQL")
        given.append({"input": _table(fixture.input, manifest, names), **_rows(fixture)})
    text: dict[str, object] = {"name": test.name}
    if test.description:
        text["description"] = test.description.strip()
    return names[models[0]], {**text, "given": given, "expect": _rows(test.expect)}


def _table(written: str, manifest: Manifest, names: Names) -> str:
    """Return the table that `ref('x')` or `source('a', 'b')` means."""
    call = _CALL.fullmatch(written)
    parts = _QUOTED.findall(call["names"]) if call else []
    if call is None or not parts:
        raise _Unmoved(f"its input {written!r} is none that can be read")
    nodes: Mapping[str, object] = manifest.sources if call["verb"] == "source" else manifest.nodes
    # `ref('package', 'model')` and `source('source', 'table')` both end as the id does.
    found = [i for i in nodes if i.startswith(_KINDS[call["verb"]]) and i.split(".")[-len(parts) :] == parts]
    found = found or [i for i in nodes if i.startswith(_KINDS[call["verb"]]) and _is_named(i, parts[-1])]
    if not found or found[0] not in names:
        raise _Unmoved(f"its input {written} has no table here: ephemeral models stand in the SQL itself")
    return names[found[0]]


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
