"""Tests of dbt as checks of contracts: the four that everybody uses in the standard's own words, all others as SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp, parse_one

from ropewalk.dataops.dbt.manifest import Manifest, Node
from ropewalk.dataops.dbt.moves import Import, Moved, Names
from ropewalk.dataops.dbt.sql import ENGINE, SNAPSHOT_COLUMNS, Relations, Untranslated, translate

# What makes a test of dbt fail -> what the number then must be.
_CONDITION = re.compile(r"\s*(?P<sign>!=|<>|>=|<=|=|>|<)\s*(?P<number>\d+)\s*")
OPERATORS = {
    "!=": "mustBe",
    "<>": "mustBe",
    ">": "mustBeLessOrEqualTo",
    ">=": "mustBeLessThan",
    "=": "mustNotBe",
    "<": "mustBeGreaterOrEqualTo",
    "<=": "mustBeGreaterThan",
}
# dbt's tests of one column -> the standard's word for a column, and its metric.
WORDS = {"not_null": ("required", "nullValues"), "unique": ("unique", "duplicateValues")}
_QUOTED = re.compile(r"""['"]([^'"]+)['"]""")


@dataclass
class Draft:
    """What a contract is going to say of one table: rules of the table, of each column, and how old it may be."""

    table: str
    promises: list[dict[str, object]] = field(default_factory=list)
    rules: list[dict[str, object]] = field(default_factory=list)
    columns: dict[str, dict[str, object]] = field(default_factory=dict)

    def column(self, name: str) -> dict[str, object]:
        """Return what is said of a column; the same whatever the case of its name."""
        known = next((key for key in self.columns if key.lower() == name.lower()), name)
        return self.columns.setdefault(known, {"name": name})


@dataclass
class Needs:
    """Which table needs which, the rules of contracts counted."""

    edges: dict[str, set[str]]

    def reach(self, start: str, goal: str) -> bool:
        """Return whether `start` needs `goal`, directly or through others."""
        seen, pending = set[str](), [start]
        while pending:
            table = pending.pop()
            if table == goal:
                return True
            if table not in seen:
                seen.add(table)
                pending.extend(self.edges.get(table, ()))
        return False

    def can_add(self, table: str, others: set[str]) -> bool:
        """Return whether `table` can need `others` without needing itself."""
        return not any(other != table and self.reach(other, table) for other in others)

    def add(self, table: str, others: set[str]) -> None:
        """Note that `table` needs `others`."""
        self.edges.setdefault(table, set()).update(others - {table})


def add_checks(
    manifest: Manifest, names: Names, relations: Relations, drafts: Mapping[str, Draft], found: Import
) -> None:
    """Add a rule for each test to the draft of the table it is about."""
    needs = Needs(_edges(manifest, names))
    for node in manifest.of_type("test"):
        _Test(node, manifest, names, relations, drafts, needs).move(found)


def _edges(manifest: Manifest, names: Names) -> dict[str, set[str]]:
    """Return which of our tables each is made from; what stands between them is looked through."""

    def above(node_id: str) -> set[str]:
        node, found = manifest.nodes.get(node_id), set[str]()
        for parent in node.depends_on.nodes if node else ():
            found |= {names[parent]} if parent in names else above(parent)
        return found

    return {table: above(node_id) for node_id, table in names.items()}


@dataclass(frozen=True)
class _Test:
    node: Node
    manifest: Manifest
    names: Names
    relations: Relations
    drafts: Mapping[str, Draft]
    needs: Needs

    @property
    def is_warning(self) -> bool:
        return (self.node.config.severity or "error").lower() == "warn"

    @property
    def is_plain(self) -> bool:
        """Whether it is about all rows, and one that fails is too many."""
        config = self.node.config
        condition = config.warn_if if self.is_warning else config.error_if
        return not config.where and config.limit is None and condition in (None, "!= 0")

    def move(self, found: Import) -> None:
        """Add the rule, and say what became of the test."""
        table = self.names.get(self.node.attached_node or "") or self._attached()
        # What a filter or a threshold narrows has no word in the standard, and stays SQL.
        metadata, name = self.node.test_metadata, self.node.name
        column = self.node.column_name
        note = None
        is_known = metadata is not None and self.is_plain and table in self.drafts
        if is_known and metadata is not None and table is not None:
            note = self._native(metadata.name, metadata.kwargs, self.drafts[table], column)
        if note is None:
            try:
                table, note = self._as_sql()
            except Untranslated as why:
                found.leave("test", name, str(why))
                return
        found.moved.append(Moved("test", name, f"contracts/{table}.odcs.yaml", note))

    def _attached(self) -> str | None:
        tables = [self.names[item] for item in self.node.depends_on.nodes if item in self.names]
        return tables[-1] if tables else None

    def _native(self, kind: str, given: Mapping[str, object], draft: Draft, column: str | None) -> str | None:
        """Add the rule in the standard's words, and return what it is called there; None when there are none."""
        listed = given.get("combination_of_columns")
        if kind == "unique_combination_of_columns" and isinstance(listed, list):
            draft.rules.append(self._rule("duplicateValues", {"properties": listed}))
            return "duplicateValues"
        return self._of_column(kind, given, draft, column) if column else None

    def _of_column(self, kind: str, given: Mapping[str, object], draft: Draft, column: str) -> str | None:
        if kind in WORDS:
            word, metric = WORDS[kind]
            if not self.is_warning:
                draft.column(column)[word] = True
                return word
            # A word of the standard has no severity; a rule that says the same has.
            _rules(draft.column(column)).append(self._rule(metric))
            return metric
        values = given.get("values")
        if kind == "accepted_values" and isinstance(values, list) and values:
            _rules(draft.column(column)).append(self._rule("invalidValues", {"validValues": values}))
            return "invalidValues"
        if kind == "relationships" and not self.is_warning:
            return self._relationship(given, draft, column)
        return None

    def _rule(self, metric: str, arguments: Mapping[str, object] | None = None) -> dict[str, object]:
        severity: dict[str, object] = {"severity": "warning"} if self.is_warning else {}
        given: dict[str, object] = {"arguments": arguments} if arguments else {}
        return {"metric": metric, **given, "mustBe": 0, **severity}

    def _relationship(self, given: Mapping[str, object], draft: Draft, column: str) -> str | None:
        other, named = given.get("field"), _QUOTED.findall(str(given.get("to", "")))
        # The test names the table by its name in dbt; the manifest says which of those it depends on that is.
        wanted = [table for i, table in self._by_name() if named and i.endswith(f".{named[-1]}")]
        if not isinstance(other, str) or len(wanted) != 1 or not self.needs.can_add(draft.table, set(wanted)):
            return None
        self.needs.add(draft.table, set(wanted))
        links = draft.column(column).setdefault("relationships", [])
        assert isinstance(links, list)
        # The standard's v3.1.0 names a table of another schema by the file of its contract alone.
        table = wanted[0].rpartition(".")[2]
        links.append({"to": f"{wanted[0]}.odcs.yaml#/schema/{table}/properties/{other}"})
        return "relationships"

    def _by_name(self) -> list[tuple[str, str]]:
        return [(i, self.names[i]) for i in self.node.depends_on.nodes if i in self.names]

    def _as_sql(self) -> tuple[str, str]:
        """Add the rule as the SELECT that dbt compiled, and return its table and what it is called.

        Raises:
            Untranslated: it was not compiled, cannot be translated, or is about no table here.
        """
        node = self.node
        if not node.compiled_code:
            raise Untranslated(
                "it was not compiled: `dbt compile` compiles tests too, unless they are excluded"
            )
        sql = translate(node.compiled_code, self.relations, SNAPSHOT_COLUMNS)
        tables = {
            f"{table.db}.{table.name}".lower()
            for table in parse_one(sql, dialect=ENGINE).find_all(exp.Table)
            if table.db
        }
        table = self._home(tables & self.drafts.keys())
        if table is None:
            raise Untranslated("it is about no table that moved")
        self.needs.add(table, tables)
        operator, number = self._expected()
        severity: dict[str, object] = {"severity": "warning"} if self.is_warning else {}
        # dbt counts the rows that fail, unless a test computes its number from them in another way.
        calculation = node.config.fail_calc or "count(*)"
        query = f"SELECT {calculation}\nFROM (\n{sql}\n) AS failing"
        rule = {"name": node.name, "type": "sql", "query": query, operator: number, **severity}
        self.drafts[table].rules.append(rule)
        return table, "sql"

    def _home(self, tables: set[str]) -> str | None:
        """Return the table whose contract can hold the rule: it comes after all others that the rule reads."""
        attached = self.names.get(self.node.attached_node or "") or self._attached()
        ordered = sorted(tables, key=lambda table: (table != attached, table))
        return next((table for table in ordered if self.needs.can_add(table, tables)), None)

    def _expected(self) -> tuple[str, int]:
        config = self.node.config
        condition = (config.warn_if if self.is_warning else config.error_if) or "!= 0"
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise Untranslated(f"the condition {condition!r} has no counterpart here")
        return OPERATORS[found["sign"]], int(found["number"])


def _rules(column: dict[str, object]) -> list[dict[str, object]]:
    rules = column.setdefault("quality", [])
    assert isinstance(rules, list)
    return rules
