"""Relations while SQL is being read: their fields, and what a name means among several of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ropewalk.dataops.columns.values import Origin, Transform, Use, greatest

NOTHING: frozenset[Origin] = frozenset()


@dataclass(frozen=True)
class Field:
    """One column of a relation: what its values are made of, and what decides about them."""

    name: str
    values: frozenset[Origin] = NOTHING
    uses: frozenset[Use] = frozenset()
    transform: Transform = "constant"
    unknown: str | None = None

    def named(self, name: str) -> Field:
        """Return the same field under another name."""
        return self if name == self.name else replace(self, name=name)

    def merged(self, other: Field) -> Field:
        """Return a field whose values come from either: of a union, or of both sides of a join."""
        return Field(
            self.name,
            self.values | other.values,
            self.uses | other.uses,
            greatest((self.transform, other.transform)),
            self.unknown or other.unknown,
        )


@dataclass(frozen=True)
class Relation:
    """Rows with fields, as a table, a subquery or a function gives them.

    Attributes:
        fields: its columns in order, as far as they are known.
        alias: the name it goes by.
        full: its name with its schema, when it is a table.
        rest: what every column is that is not among `fields`; None when there are no others.
        rows: what decides which rows it has.
        key: the names of columns, in lower case, that tell its rows apart; none when that is open.
    """

    fields: tuple[Field, ...] = ()
    alias: str = ""
    full: str = ""
    rest: Field | None = None
    rows: frozenset[Use] = frozenset()
    key: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names in lower case; of two with one name the first."""
        found: dict[str, Field] = {}
        for item in self.fields:
            found.setdefault(item.name.lower(), item)
        return found

    def find(self, name: str) -> Field | None:
        """Return the column of that name, known or not; None when it has none."""
        found = self.by_name.get(name.lower())
        if found is not None or self.rest is None:
            return found
        if self.full:
            # A table whose columns nobody has seen yet has those that its readers name.
            return Field(name, frozenset({Origin(self.full, name.lower())}), transform="copy")
        return self.rest.named(name)

    def called(self, alias: str, columns: Sequence[str] = ()) -> Relation:
        """Return the relation under a name, its first columns renamed as `AS t (a, b)` does."""
        fields = tuple(
            item.named(columns[index]) if index < len(columns) else item
            for index, item in enumerate(self.fields)
        )
        if self.rest is not None and len(columns) > len(fields):
            fields += tuple(self.rest.named(name) for name in columns[len(fields) :])
        renamed = {old.name.lower(): new.name.lower() for old, new in zip(self.fields, fields, strict=False)}
        key = tuple(renamed.get(name, name) for name in self.key)
        return replace(self, fields=fields, alias=alias, key=key)


@dataclass
class Scope:
    """What the names in one SELECT mean.

    Attributes:
        sources: what it selects from, in order.
        tables: what a name in FROM means: common table expressions and tables.
        outer: the SELECT around it, whose names a subquery may use.
        merged: columns that a join made one of two (USING), by name in lower case.
        aliases: the fields of the SELECT's own list, which its clauses may name.
        windows: the named windows' expressions, by name in lower case.
        bound: names of parameters of lambdas around the expression that is read.
        rows: what decides which rows the SELECT gives.
    """

    tables: Mapping[str, Relation]
    outer: Scope | None = None
    sources: list[Relation] = field(default_factory=list)
    merged: dict[str, Field] = field(default_factory=dict)
    aliases: dict[str, Field] = field(default_factory=dict)
    windows: dict[str, object] = field(default_factory=dict)
    bound: frozenset[str] = frozenset()
    rows: set[Use] = field(default_factory=set)

    def resolve(self, parts: Sequence[str]) -> Field:
        """Return what the name `a`, `a.b` or `a.b.c` means; what cannot be told says so in `unknown`."""
        found = self._qualified(parts) if len(parts) > 1 else self._single(parts[0])
        if found is not None:
            return found
        outer = self.outer.resolve(parts) if self.outer else None
        if outer is not None and outer.unknown is None:
            return outer
        name = ".".join(parts)
        return Field(parts[-1], unknown=f"nothing that is read has a column {name}")

    def reads(self, name: str) -> bool:
        """Return whether something that is selected from is known to have a column of that name."""
        return any(name.lower() in source.by_name for source in self.sources)

    def _qualified(self, parts: Sequence[str]) -> Field | None:
        names = [part.lower() for part in parts]
        for source in self.sources:
            if ".".join(names[:-1]) in (source.alias.lower(), source.full):
                return source.find(parts[-1])
        return self._in_struct(parts, names)

    def _in_struct(self, parts: Sequence[str], names: Sequence[str]) -> Field | None:
        """Return the field of a struct that `t.s.x` or `s.x` means; None where nothing holds structs of that name."""
        called = [source for source in self.sources if len(parts) > 2 and names[0] == source.alias.lower()]
        whole = next((found for source in called if (found := source.find(parts[1]))), None)
        if whole is not None:
            return _part_of(whole, parts[-1])
        # A column that holds structs, and a field in it.
        known = [source for source in self.sources if names[0] in source.by_name]
        return _part_of(known[0].by_name[names[0]], parts[-1]) if len(known) == 1 else None

    def _single(self, name: str) -> Field | None:
        lower = name.lower()
        if lower in self.merged:
            return self.merged[lower]
        known = [source for source in self.sources if lower in source.by_name]
        if len(known) == 1:
            return known[0].by_name[lower]
        if known:
            return Field(
                name, unknown=f"{' and '.join(source.alias for source in known)} both have a column {name}"
            )
        return self.aliases.get(lower) or self._whole_row(lower) or self._open(name)

    def _whole_row(self, name: str) -> Field | None:
        source = next((item for item in self.sources if item.alias.lower() == name), None)
        if source is None or source.rest is not None:
            return None
        return _all_of(source.fields, name)

    def _open(self, name: str) -> Field | None:
        """Return the column of the one source whose columns are not all known."""
        candidates = [source for source in self.sources if source.rest is not None]
        if len(candidates) == 1:
            return candidates[0].find(name)
        if candidates:
            names = " or ".join(source.alias or "a subquery" for source in candidates)
            return Field(name, unknown=f"{name} may be a column of {names}: their columns are not known yet")
        return None


def _part_of(whole: Field, name: str) -> Field:
    return Field(name, whole.values, whole.uses, greatest((whole.transform, "computed")), whole.unknown)


def _all_of(fields: Iterable[Field], name: str) -> Field:
    found = Field(name, transform="computed")
    for item in fields:
        found = found.merged(item)
    return found
