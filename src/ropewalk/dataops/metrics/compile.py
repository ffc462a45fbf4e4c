"""From a question about metrics to one SELECT: always over the rows, never over sums of sums.

Every measure is computed from the table's rows at the grain that is asked for, so that medians, distinct counts and
ratios are right at each. Measures of different tables are computed one table at a time and then put side by side:
tables are never joined to each other for it, which would count rows of one once for each row of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ropewalk.dataops.lake import TableName, quote
from ropewalk.dataops.metrics.declarations import GRAINS, Grain
from ropewalk.dataops.metrics.errors import InvalidMetric
from ropewalk.dataops.metrics.reading import Metric, Subject, joins_before, parse_part, split_column
from ropewalk.errors import Place, nearest

# What the measured table is called in the SELECT, so that no join's column is mistaken for its own.
_BASE = "base"
# Between a time's name and its grain: `departed__month`.
_MARK = "__"


@dataclass(frozen=True)
class MetricQuestion:
    """What is asked.

    Attributes:
        metrics: the measures, by name.
        by: dimensions: `carrier`, `departed_at__month`, or `month` for the subject's own time.
        grain: of times that name none.
        where: a condition in SQL over dimensions.
        order: columns of the answer to sort by; `-late_share` from the greatest down.
        limit: the most rows.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: Grain | None = None
    where: str | None = None
    order: tuple[str, ...] = ()
    limit: int = 1000


@dataclass(frozen=True)
class Asked:
    """A dimension as it was asked for: its name, its grain if it is one of time, and its name in the answer."""

    name: str
    grain: Grain | None
    shown: str


def compile_question(question: MetricQuestion, metrics: Sequence[Metric]) -> str:
    """Return the SELECT that answers.

    Raises:
        InvalidMetric: a dimension that a metric does not have, a condition that is none, an order by nothing.
    """
    subjects: dict[str, list[Metric]] = {}
    for metric in metrics:
        subjects.setdefault(metric.subject.name, []).append(metric)
    parts = [_subject_sql(found[0].subject, found, question) for found in subjects.values()]
    shown = [asked.shown for asked in _asked(metrics[0].subject, question)]
    names = [*shown, *(metric.name for metric in metrics)]
    body = parts[0] if len(parts) == 1 else _side_by_side(parts, shown, [metric.name for metric in metrics])
    order = _order(question, names, shown)
    return f"{body}\n{order}" if order else body


def dimension_columns(subject: Subject, question: MetricQuestion) -> list[str]:
    """Return the names that the dimensions asked for have in the answer."""
    return [asked.shown for asked in _asked(subject, question)]


def join_checks(subject: Subject) -> list[tuple[str, str, str]]:
    """Return, for the grain of the table and each join, what it is, and the SQL that counts rows too many."""
    declared = subject.declared
    found = [(name, join.table, list(join.on.values())) for name, join in declared.joins.items()]
    if declared.grain:
        found.insert(0, ("grain", declared.table, list(declared.grain)))
    return [(what, table, _doubles(table, keys)) for what, table, keys in found]


def _doubles(table: str, keys: Sequence[str]) -> str:
    names = ", ".join(map(quote, keys))
    # Rows without a key are found by no join, and are no doubles.
    known = " AND ".join(f"{quote(key)} IS NOT NULL" for key in keys)
    return f"SELECT count(*) - count(DISTINCT ({names})) AS doubles FROM {_table(table)} WHERE {known}"


def _subject_sql(subject: Subject, metrics: Sequence[Metric], question: MetricQuestion) -> str:
    asked = _asked(subject, question)
    columns = [f"{_dimension_sql(subject, item)} AS {quote(item.shown)}" for item in asked]
    columns += [f"{measure_sql(subject, metric.name)} AS {quote(metric.name)}" for metric in metrics]
    lines = [f"SELECT {', '.join(columns)}", f"FROM {_table(subject.declared.table)} AS {_BASE}"]
    condition = _condition_sql(subject, question.where) if question.where else ""
    # A join that nothing asked for needs would only cost.
    used = " ".join([*columns, condition])
    lines += [_join_sql(name, subject) for name in _needed_joins(subject, used)]
    lines += [f"WHERE {condition}"] if condition else []
    if asked:
        # By position: a dimension may be called as a column that it is not.
        lines.append(f"GROUP BY {', '.join(str(number) for number in range(1, len(asked) + 1))}")
    return "\n".join(lines)


def _side_by_side(parts: Sequence[str], shown: Sequence[str], metrics: Sequence[str]) -> str:
    # Rows of one group come from several parts, each with the others' measures missing.
    united = "\nUNION ALL BY NAME\n".join(f"({part})" for part in parts)
    columns = [*map(quote, shown), *(f"any_value({quote(name)}) AS {quote(name)}" for name in metrics)]
    grouped = f"\nGROUP BY {', '.join(map(quote, shown))}" if shown else ""
    return f"SELECT {', '.join(columns)}\nFROM (\n{united}\n){grouped}"


def measure_sql(subject: Subject, name: str) -> str:
    """Return the SQL of a measure over the rows of a group."""
    measure = subject.declared.measures[name]
    if measure.kind == "ratio":
        above, below = (measure_sql(subject, str(part)) for part in (measure.numerator, measure.denominator))
        # A share of no rows is no number, and no error.
        return f"(CAST({above} AS DOUBLE) / nullif({below}, 0))"
    if measure.kind == "expression":
        tree = parse_part(str(measure.sql), subject.place("measures", name, "sql"))
        found = tree.transform(
            lambda node: (
                exp.maybe_parse(f"({measure_sql(subject, node.name)})", dialect="duckdb")
                if isinstance(node, exp.Column)
                else node
            )
        )
        return f"({_write(found)})"
    rows = f" FILTER (WHERE {_row_sql(subject, measure.where)})" if measure.where else ""
    if measure.kind == "count":
        return f"count(*){rows}"
    value = _row_sql(subject, str(measure.sql or measure.column))
    if measure.kind == "count_distinct":
        return f"count(DISTINCT {value}){rows}"
    return f"{measure.kind}({value}){rows}"


def _asked(subject: Subject, question: MetricQuestion) -> list[Asked]:
    found = [_read_dimension(subject, text, question) for text in question.by]
    if question.grain and not any(item.grain for item in found):
        time = _time(subject)
        found.insert(0, Asked(time, question.grain, question.grain))
    # What is asked for twice is one column; two of one name cannot be put side by side.
    return list(dict.fromkeys(found))


def _read_dimension(subject: Subject, text: str, question: MetricQuestion) -> Asked:
    if text in GRAINS:
        return Asked(_time(subject), _grain(text), text)
    # A dimension's own name may have the mark in it.
    is_whole = _MARK not in text or text in subject.declared.dimensions
    name, mark, grain = (text, "", "") if is_whole else text.rpartition(_MARK)
    dimension = subject.declared.dimensions.get(name)
    if dimension is None:
        raise InvalidMetric(
            f"{subject.name} has no dimension {name!r}",
            place=subject.place("dimensions"),
            nearest=nearest(name, subject.declared.dimensions),
            hint=f"it has {', '.join(subject.declared.dimensions) or 'none'}",
        )
    if dimension.kind == "time":
        return Asked(name, _grain(grain) if mark else question.grain or "day", text)
    if mark:
        raise InvalidMetric(
            f"dimension {name!r} of {subject.name} has no grain: it is no time",
            place=subject.place("dimensions", name),
            hint=f"ask by {name}, or declare it with `kind: time`",
        )
    return Asked(name, None, text)


def _time(subject: Subject) -> str:
    if subject.declared.time is None:
        raise InvalidMetric(
            f"{subject.name} does not say which time it goes by",
            place=subject.place(),
            hint="`time: NAME` names a dimension of kind: time; or ask by NAME__month",
        )
    return subject.declared.time


def _grain(text: str) -> Grain:
    for grain in GRAINS:
        if grain == text:
            return grain
    raise InvalidMetric(
        f"there is no grain of time {text!r}",
        nearest=nearest(text, GRAINS),
        hint=f"the grains are {', '.join(GRAINS)}",
    )


def _dimension_sql(subject: Subject, asked: Asked) -> str:
    dimension = subject.declared.dimensions[asked.name]
    value = _row_sql(subject, str(dimension.sql or dimension.column))
    if asked.grain is None:
        return value
    # From the day up a date is what is meant; midnight would be shown with it otherwise.
    truncated = f"date_trunc('{asked.grain}', {value})"
    return truncated if asked.grain == "hour" else f"CAST({truncated} AS DATE)"


def _needed_joins(subject: Subject, used: str) -> list[str]:
    """Return the joins that the SQL `used` names, each after those that it goes on from."""
    found: list[str] = []

    def add(name: str) -> None:
        for before in joins_before(subject, name):
            add(before)
        if name not in found:
            found.append(name)

    for name in subject.declared.joins:
        if f"{quote(name)}." in used:
            add(name)
    return found


def _join_sql(name: str, subject: Subject) -> str:
    join = subject.declared.joins[name]
    on = " AND ".join(f"{_here_sql(here)} = {quote(name)}.{quote(there)}" for here, there in join.on.items())
    # LEFT: rows without a partner stay, or a count would depend on by what it is told apart.
    return f"LEFT JOIN {_table(join.table)} AS {quote(name)} ON {on}"


def _here_sql(text: str) -> str:
    join, column = split_column(text)
    return f"{quote(join) if join else _BASE}.{quote(column)}"


def _condition_sql(subject: Subject, text: str) -> str:
    """Return a condition over dimensions as one over the table's columns.

    Raises:
        InvalidMetric: it names something else than dimensions.
    """
    place = Place("where")
    tree = parse_part(text, place)
    if tree.find(exp.AggFunc, exp.Window) or any(
        column.name in subject.declared.measures for column in tree.find_all(exp.Column)
    ):
        raise InvalidMetric(
            "a condition is about dimensions, not about measures",
            place=place,
            hint="order by the measure and limit the rows, or ask with `ropewalk sql`",
        )
    plain = MetricQuestion((), grain=None)

    def replaced(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        name = node.sql(dialect="duckdb") if node.table else node.name
        if name in subject.declared.dimensions:
            dimension = subject.declared.dimensions[name]
            sql = _row_sql(subject, str(dimension.sql or dimension.column))
        else:
            sql = _dimension_sql(subject, _read_dimension(subject, name, plain))
        return exp.maybe_parse(f"({sql})", dialect="duckdb")

    return _write(tree.transform(replaced))


def _row_sql(subject: Subject, text: str) -> str:
    """Return SQL over a row with each column said to be of which table."""
    tree = parse_part(text, subject.place())
    for column in list(tree.find_all(exp.Column)):
        if not column.table:
            column.set("table", exp.to_identifier(_BASE))
        else:
            column.set("table", exp.to_identifier(column.table, quoted=True))
    return _write(tree)


def _order(question: MetricQuestion, names: Sequence[str], shown: Sequence[str]) -> str:
    parts = []
    for text in question.order:
        name = text.removeprefix("-")
        if name not in names:
            raise InvalidMetric(
                f"there is no {name!r} in the answer to sort by",
                place=Place("order"),
                nearest=nearest(name, names),
            )
        parts.append(f"{quote(name)} {'DESC' if text.startswith('-') else 'ASC'} NULLS LAST")
    # In a fixed order always: an answer that is asked for twice reads the same.
    parts += [
        f"{quote(name)} ASC NULLS LAST"
        for name in shown
        if name not in {t.removeprefix("-") for t in question.order}
    ]
    return f"ORDER BY {', '.join(parts)}" if parts else ""


def _table(name: str) -> str:
    return TableName.parse(name).unqualified


def _write(tree: exp.Expr) -> str:
    return str(tree.sql(dialect="duckdb"))
