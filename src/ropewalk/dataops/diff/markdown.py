"""A comparison as Markdown: what a merge request shows of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ropewalk.dataops.diff.values import ColumnDiff, DataDiff, Figures, SampleRow, TableDiff
from ropewalk.pipeline import JSON

# A report that nobody reads to its end says less than a short one.
MOST_TABLES = 20
MOST_COLUMNS = 12
LONGEST_VALUE = 40
# Beside markup also what a forge makes links of: people, who would be told, merge requests, and HTML's own names.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~@!&$])")
# How rows were told apart, in words.
METHODS = {
    "changes": "by the lake's record of changes",
    "key": "by key",
    "rows": "as whole rows",
    "none": "",
}


def diff_markdown(found: DataDiff) -> str:
    """Return `found` as Markdown: a table of all that differs, and below it each table's details, folded."""
    count = len(found.tables)
    if not count:
        return f"**Data**: {_all_same(found.same)} in {_code(found.other)} and {_code(found.base)}.\n"
    total = count + found.same
    tables, verb = "table" if total == 1 else "tables", "differs" if count == 1 else "differ"
    lines = [
        f"**Data**: {count} of {total} {tables} {verb} in {_code(found.other)} from {_code(found.base)}.",
        "",
        "| table | rows | added | removed | changed | columns |",
        "|---|---:|---:|---:|---:|---|",
        *(_summary(table) for table in found.tables),
    ]
    for table in found.tables[:MOST_TABLES]:
        lines += ["", *_details(table)]
    if count > MOST_TABLES:
        lines += ["", f"{count - MOST_TABLES} more tables differ; `ropewalk diff` shows them all."]
    return "\n".join(lines) + "\n"


def _all_same(tables: int) -> str:
    if tables <= 1:
        return "the one table is the same" if tables else "there are no tables"
    return f"all {tables} tables are the same"


def rows_moved(table: TableDiff) -> str:
    """Return how many rows the table has before and after: `1,000 → 1,012`."""
    before = f"{table.before.rows:,}" if table.before else "none"
    after = f"{table.after.rows:,}" if table.after else "none"
    return before if before == after else f"{before} → {after}"


def columns_moved(table: TableDiff) -> str:
    """Return which columns differ, those with most changes first."""
    if table.state != "changed":
        return f"table {table.state}"
    said = [str(change) for change in table.schema]
    changed = sorted(
        (column for column in table.columns if column.changed), key=lambda column: -(column.changed or 0)
    )
    said += [f"{column.name} ({column.changed:,})" for column in changed]
    return ", ".join(said)


def figure_shifts(column: ColumnDiff) -> Iterator[str]:
    """Yield what of the column's figures moved: `mean 4.5 → 4.7`."""
    old, new = column.before, column.after
    if old is None or new is None:
        return
    if old.mean != new.mean:
        yield f"mean {_number(old.mean)} → {_number(new.mean)}"
    if _percent(old) != _percent(new):
        yield f"missing {_percent(old)} → {_percent(new)}"
    if old.distinct != new.distinct and old.distinct is not None and new.distinct is not None:
        yield f"distinct about {old.distinct:,} → {new.distinct:,}"


def shown_value(value: JSON) -> str:
    """Return a value as a report shows it, on one line and not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.10g}" if isinstance(value, float) else "" if value is None else str(value)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _summary(table: TableDiff) -> str:
    changed = "" if table.changed is None else f"{table.changed:,}"
    cells = [
        _code(table.table),
        rows_moved(table),
        f"{table.added:,}",
        f"{table.removed:,}",
        changed,
        _text(columns_moved(table)),
    ]
    return f"| {' | '.join(cells)} |"


def _details(table: TableDiff) -> Iterator[str]:
    how = ", ".join(
        part for part in (METHODS[table.method], f"key {', '.join(table.key)}" if table.key else "") if part
    )
    yield f"<details><summary>{_escape_html(table.table)}{f' ({_escape_html(how)})' if how else ''}</summary>"
    yield ""
    for note in table.notes:
        yield f"{_text(note)[0].upper()}{_text(note)[1:]}."
        yield ""
    yield from _columns(table.columns[:MOST_COLUMNS])
    yield from _samples(table)
    yield "</details>"


def _columns(columns: Sequence[ColumnDiff]) -> Iterator[str]:
    if not columns:
        return
    yield "| column | rows changed | largest change | shift |"
    yield "|---|---:|---:|---|"
    for column in columns:
        changed = "" if column.changed is None else f"{column.changed:,}"
        shift = ", ".join(figure_shifts(column))
        yield f"| {_code(column.name)} | {changed} | {_number(column.largest)} | {_text(shift)} |"
    yield ""


def _samples(table: TableDiff) -> Iterator[str]:
    if not table.sample:
        return
    names = list(dict.fromkeys(name for row in table.sample for name in (row.after or row.before or {})))
    # What identifies a row first, then what differs; a wide table would not fit.
    differing = [column.name for column in table.columns if column.changed]
    shown = list(dict.fromkeys([*table.key, *differing, *names]))[:MOST_COLUMNS]
    yield f"| | {' | '.join(map(_code, shown))} |"
    yield f"|---|{'---|' * len(shown)}"
    for row in table.sample:
        yield f"| {row.change} | {' | '.join(_cell(row, name) for name in shown)} |"
    yield ""


def _cell(row: SampleRow, name: str) -> str:
    before, after = ((side or {}).get(name) for side in (row.before, row.after))
    if row.change != "changed":
        return _text(shown_value(after if row.before is None else before))
    if before == after:
        return _text(shown_value(after))
    return f"{_side(before)} → {_side(after)}"


def _side(value: JSON) -> str:
    # A text of no letters is a value; that it took the place of a missing one must be seen.
    return "∅" if value is None else _text(shown_value(value)) or '""'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}"


def _percent(figures: Figures) -> str:
    return f"{100 * figures.null_share:.2f} %"


def _text(text: str) -> str:
    """Return `text` so that nothing in it is taken for Markdown or HTML: it may come from anybody's data."""
    return _SPECIAL.sub(r"\\\1", text)


def _code(name: str) -> str:
    return f"`{name.replace('`', '')}`".replace("|", "\\|")


def _escape_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
