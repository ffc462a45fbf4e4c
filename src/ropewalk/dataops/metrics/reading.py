"""Reading `metrics/*.yaml`: each file by itself, then all together, so that a metric's name means one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ropewalk.dataops.metrics.declarations import Measure, MetricFile
from ropewalk.dataops.metrics.errors import InvalidMetric, MetricMissing
from ropewalk.errors import Place, RopewalkError, nearest
from ropewalk.project import Document, files_below, parse_yaml, validate

FOLDER = "metrics"
# What is SQL and no value; what sqlglot's word for statements leaves out is named one by one.
_NO_VALUE = (exp.Query, exp.DDL, exp.DML, exp.Command, exp.Alias, exp.Drop, exp.Alter, exp.Set, exp.Attach)


@dataclass(frozen=True)
class Subject:
    """One file: what is measured.

    Attributes:
        name: the file's name without its ending.
        declared: what it says.
        document: where it says it.
    """

    name: str
    declared: MetricFile
    document: Document

    def place(self, *location: str) -> Place:
        """Return where in the file something stands."""
        return self.document.place(self.document.known(location))


@dataclass(frozen=True)
class Metric:
    """One measure of a subject, under its own name."""

    name: str
    subject: Subject

    @property
    def measure(self) -> Measure:
        """What is declared of it."""
        return self.subject.declared.measures[self.name]

    @property
    def owner(self) -> str | None:
        """Who answers for it."""
        return self.measure.owner or self.subject.declared.owner


@dataclass(frozen=True)
class Metrics:
    """All metrics of a project, by name.

    Attributes:
        subjects: the files that can be read.
        by_name: their metrics.
        broken: why each other file cannot be, by its path.
    """

    subjects: tuple[Subject, ...]
    by_name: Mapping[str, Metric]
    broken: Mapping[str, RopewalkError] = field(default_factory=dict)

    def find(self, name: str) -> Metric:
        """Return the metric of that name; `SUBJECT.NAME` is understood too.

        Raises:
            MetricMissing: there is none; where files cannot be read, which may declare it, they are named.
        """
        subject, dot, own = name.rpartition(".")
        found = self.by_name.get(own if dot else name)
        if found is None or (dot and found.subject.name != subject):
            raise MetricMissing(
                f"there is no metric {name!r}",
                nearest=nearest(own, self.by_name),
                hint=self._hint(),
                detail="\n".join(
                    f"{error.place or path}: {error.message}" for path, error in self.broken.items()
                )
                or None,
            )
        return found

    def _hint(self) -> str:
        if not self.broken:
            return "`ropewalk metric list` has them all"
        return f"{', '.join(self.broken)} cannot be read, and may declare it"


def read_metrics(root: Path) -> Metrics:
    """Return what the files below `metrics/` of the project at `root` declare.

    Raises:
        InvalidProjectFile: a file is not YAML, or something in it does not fit.
        InvalidMetric: SQL that does not parse, a name that means nothing or two things.
    """
    found = survey_metrics(root)
    for error in found.broken.values():
        raise error
    return found


def survey_metrics(root: Path) -> Metrics:
    """Return the metrics as `read_metrics` does, and beside them what is wrong with files that cannot be read."""
    subjects, found, broken = list[Subject](), dict[str, Metric](), dict[str, RopewalkError]()
    for path in _files(root):
        try:
            subject = _read(path, root)
            own = _own_metrics(subject, found)
        except RopewalkError as error:
            broken[path.relative_to(root).as_posix()] = error
        else:
            subjects.append(subject)
            found |= own
    return Metrics(tuple(subjects), found, broken)


def _own_metrics(subject: Subject, found: Mapping[str, Metric]) -> dict[str, Metric]:
    for name in subject.declared.measures:
        if name in found:
            raise InvalidMetric(
                f"metric {name!r} is declared twice, here and in {found[name].subject.name}.yaml",
                place=subject.place("measures", name),
                hint="a name means one thing: rename one of the two",
            )
    return {name: Metric(name, subject) for name in subject.declared.measures}


def parse_part(text: str, place: Place) -> exp.Expr:
    """Return the tree of a piece of SQL that gives one value of a row, or of a group.

    Raises:
        InvalidMetric: it does not parse, or is more than that.
    """
    if "\0" in text:
        # The engine's parser takes it for the end of the text, in the middle of a quoted value too.
        raise InvalidMetric("SQL cannot have a NUL character", place=place)
    try:
        found = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        raise InvalidMetric(f"this SQL cannot be read: {text}", place=place, detail=str(error)) from error
    tree = found[0] if len(found) == 1 else None
    if tree is None or tree.find(*_NO_VALUE):
        raise InvalidMetric(
            f"this is no expression over columns: {text}", place=place, hint="put it into a table's SQL"
        )
    return tree


def split_column(text: str) -> tuple[str | None, str]:
    """Return the join and the column that `JOIN.COLUMN` is; None and the column for one of the table itself."""
    join, dot, column = text.partition(".")
    return (join, column) if dot else (None, text)


def joins_before(subject: Subject, name: str) -> list[str]:
    """Return the joins whose columns the join `name` goes on from."""
    found = (split_column(here)[0] for here in subject.declared.joins[name].on)
    return [join for join in dict.fromkeys(found) if join is not None]


def _files(root: Path) -> Iterator[Path]:
    folder = root / FOLDER
    yield from files_below(folder, ".yaml")
    yield from files_below(folder, ".yml")


def _read(path: Path, root: Path) -> Subject:
    document = parse_yaml(path, root)
    declared: MetricFile = validate(document, MetricFile)
    subject = Subject(path.stem, declared, document)
    for name in declared.joins:
        _follow_joins(subject, name, ())
    _check_measures(subject)
    _check_parts(subject)
    return subject


def _follow_joins(subject: Subject, name: str, above: tuple[str, ...]) -> None:
    """Refuse joins that go on from one that is not there, or round in circles."""
    place = subject.place("joins", above[-1] if above else name)
    if name not in subject.declared.joins:
        raise InvalidMetric(
            f"join {above[-1]!r} goes on from {name!r}, which is no join of this file",
            place=place,
            nearest=nearest(name, subject.declared.joins),
        )
    if name in above:
        raise InvalidMetric(f"joins go round in circles: {' -> '.join((*above, name))}", place=place)
    for before in joins_before(subject, name):
        _follow_joins(subject, before, (*above, name))


def _check_measures(subject: Subject) -> None:
    """Refuse measures of measures that are not there, or go round in circles."""
    for name in subject.declared.measures:
        _follow(subject, name, ())


def _follow(subject: Subject, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        raise InvalidMetric(
            f"measure {name!r} is computed from itself: {' -> '.join((*above, name))}",
            place=subject.place("measures", name),
        )
    for used in used_measures(subject, name):
        if used not in subject.declared.measures:
            raise InvalidMetric(
                f"measure {name!r} is computed from {used!r}, which this file does not have",
                place=subject.place("measures", name),
                nearest=nearest(used, subject.declared.measures),
            )
        _follow(subject, used, (*above, name))


def used_measures(subject: Subject, name: str) -> list[str]:
    """Return the measures that a measure is computed from; none for one of rows."""
    measure = subject.declared.measures[name]
    if measure.kind == "ratio":
        return [used for used in (measure.numerator, measure.denominator) if used]
    if measure.kind != "expression" or not measure.sql:
        return []
    tree = parse_part(measure.sql, subject.place("measures", name, "sql"))
    return sorted({column.name for column in tree.find_all(exp.Column)})


def _check_parts(subject: Subject) -> None:
    declared = subject.declared
    parts: list[tuple[str | None, tuple[str, ...]]] = []
    for name, measure in declared.measures.items():
        parts += [
            (measure.where, ("measures", name, "where")),
            (measure.column, ("measures", name, "column")),
        ]
        # The names in an expression are measures, which were looked at before.
        parts += [(measure.sql, ("measures", name, "sql"))] if measure.kind != "expression" else []
    for name, dimension in declared.dimensions.items():
        parts += [
            (dimension.sql, ("dimensions", name, "sql")),
            (dimension.column, ("dimensions", name, "column")),
        ]
    for text, location in parts:
        if text:
            _check_part(subject, text, subject.place(*location))


def _check_part(subject: Subject, text: str, place: Place) -> None:
    tree = parse_part(text, place)
    for column in tree.find_all(exp.Column):
        if column.table and column.table not in subject.declared.joins:
            raise InvalidMetric(
                f"{column.table!r} in {text!r} is no join of this file",
                place=place,
                nearest=nearest(column.table, subject.declared.joins),
                hint="`joins:` says how its table is found",
            )
    aggregate = tree.find(exp.AggFunc)
    if aggregate is not None:
        raise InvalidMetric(
            f"{text!r} aggregates; a measure's kind does that",
            place=place,
            hint="kind: expression computes with other measures",
        )
