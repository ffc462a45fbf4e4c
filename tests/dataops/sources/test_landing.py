"""Landing rows: write modes, schema policies, quarantine and watermark, over rows as any source may bring them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk.dataops.lake import Lake
from ropewalk.dataops.sources.columns import Relation, describe
from ropewalk.dataops.sources.declarations import SQLiteSource
from ropewalk.dataops.sources.landing import Landed, LandingRules, land, landing_rules, start_anew
from ropewalk.dataops.sources.spec import SourceSpec
from ropewalk.errors import Place, RopewalkError

SPEC = SourceSpec("things", SQLiteSource(kind="sqlite", path="x", table="t"), Place("ropewalk.yaml", 3))
Rows = list[tuple[object, ...]]


class Landings:
    """A lake that rows land in, each time as a SELECT."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.watermark: str | None = None

    def land(self, sql: str, rules: LandingRules, **options: bool) -> Landed:
        """Land the rows of `sql`, from the last watermark on."""
        with self.lake.transaction("land") as transaction:
            arriving = describe(transaction.connection, sql) if sql else Relation("", ())
            landed = land(transaction, SPEC, rules, arriving, self.watermark, **options)
        self.watermark = landed.watermark
        return landed

    def rows(self, sql: str = "FROM raw.things") -> Rows:
        """Return the rows of a query in a fixed order."""
        with self.lake.cursor() as connection:
            return connection.execute(f"SELECT * FROM ({sql}) ORDER BY ALL").fetchall()


@pytest.fixture
def landings(tmp_path: Path):
    """Return an empty lake to land in."""
    with Lake(tmp_path) as lake:
        yield Landings(lake)


def values(*rows: str, columns: str = "id, v") -> str:
    """Return a SELECT of rows written as SQL."""
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS t ({columns})"


REPLACE = LandingRules("replace")
APPEND = LandingRules("append", cursor="id")
MERGE = LandingRules("merge", key=("id",))
HISTORY = LandingRules("history", key=("id",))


def counts(landed: Landed) -> tuple[int, int, int, int]:
    return landed.added, landed.changed, landed.removed, landed.quarantined


def test_replace_makes_the_rows_the_whole_content(landings) -> None:
    """What is not there any more is gone; the same rows again touch nothing."""
    landings.land(values("(1, 'a')", "(2, 'b')"), REPLACE)
    assert counts(landings.land(values("(2, 'b')", "(1, 'a')"), REPLACE)) == (0, 0, 0, 0)

    assert counts(landings.land(values("(2, 'c')"), REPLACE)) == (1, 0, 2, 0)

    assert landings.rows() == [(2, "c")]


def test_append_adds_what_is_after_the_watermark(landings) -> None:
    """Rows at the watermark are known."""
    assert landings.land(values("(1, 'a')", "(2, 'b')"), APPEND).watermark == "2"

    landed = landings.land(values("(2, 'b')", "(3, 'c')"), APPEND)

    assert (counts(landed), landed.watermark) == ((1, 0, 0, 0), "3")
    assert landings.rows() == [(1, "a"), (2, "b"), (3, "c")]


def test_append_with_an_overlap_takes_late_rows_once(landings) -> None:
    """A row that came late, within the overlap, is added; those that come again are not."""
    late = replace(APPEND, overlap=5)
    landings.land(values("(7, 'a')", "(9, 'b')"), late)

    landed = landings.land(values("(3, 'too late')", "(7, 'a')", "(8, 'late')", "(9, 'b')"), late)

    assert counts(landed)[0] == 1
    assert landings.rows() == [(7, "a"), (8, "late"), (9, "b")]


def test_merge_replaces_rows_of_the_same_key(landings) -> None:
    """Others stay; of two rows with one key the last counts."""
    landings.land(values("(1, 'a')", "(2, 'b')"), MERGE)

    landed = landings.land(values("(2, 'x')", "(2, 'c')", "(3, 'd')", "(1, 'a')"), MERGE)

    assert counts(landed) == (1, 1, 0, 0)
    assert landings.rows() == [(1, "a"), (2, "c"), (3, "d")]


def test_history_keeps_every_version(landings) -> None:
    """A change closes the version before; so does a deletion, when all rows came."""
    landings.land(values("(1, 'a')", "(2, 'b')"), HISTORY)

    assert counts(landings.land(values("(1, 'A')"), HISTORY)) == (0, 1, 1, 0)

    assert landings.rows("SELECT id, v, is_current, valid_to IS NULL FROM raw.things") == [
        (1, "A", True, True), (1, "a", False, False), (2, "b", False, False)]  # fmt: skip
    joined = "SELECT a.valid_to = b.valid_from FROM raw.things a JOIN raw.things b ON a.v = 'a' AND b.v = 'A'"
    assert landings.rows(joined) == [(True,)]


def test_history_of_a_part_closes_nothing_that_did_not_come(landings) -> None:
    """Only a complete load knows of deletions."""
    landings.land(values("(1, 'a')"), HISTORY)

    landed = landings.land(values("(2, 'b')"), HISTORY, is_complete=False)

    assert counts(landed) == (1, 0, 0, 0)


def test_rows_that_do_not_fit_are_kept_aside(landings) -> None:
    """With reason, column, value and the whole row; the others land."""
    rules = replace(MERGE, types={"v": "INTEGER"})

    landed = landings.land(values("(1, '1')", "(2, 'x')", "(NULL, '3')", "(4, '4')"), rules)

    assert (counts(landed), landings.rows()) == ((2, 0, 0, 2), [(1, 1), (4, 4)])
    assert landings.rows("SELECT _reason, _column, _value, _row FROM quarantine.things") == [
        ("no value for the key", "id", None, '{"id":null,"v":"3"}'),
        ("not an INTEGER", "v", "x", '{"id":2,"v":"x"}'),
    ]


@pytest.mark.parametrize("limit", ["49.9%", 1, 0])
def test_too_many_rows_that_do_not_fit(landings, limit: str | int) -> None:
    """The load fails, shows the first of them, and leaves everything as it was."""
    rules = replace(REPLACE, types={"v": "INTEGER"}, max_quarantined=limit)

    with pytest.raises(RopewalkError) as caught:
        landings.land(values("(1, '1')", "(2, 'x')", "(3, 'y')", "(4, '4')"), rules)

    assert caught.value.code == "RW423"
    assert "2 of 4 rows do not fit, the first: column 'v': 'x' is not an INTEGER" in caught.value.message
    assert landings.lake.table_names() == ()


def frozen(rules: LandingRules) -> LandingRules:
    return replace(rules, schema="freeze")


@pytest.mark.parametrize("write", [REPLACE, MERGE, HISTORY])
@pytest.mark.parametrize(
    ("sql", "code", "message"),
    [
        (values("(1, 'a', 2)", columns="id, v, w"), "RW326", "has a new column 'w'"),
        (values("(1)", columns="id"), "RW326", "lacks the column 'v'"),
        (values("('x', 'a')"), "RW127", "column 'id': 'x' is not an INTEGER"),
    ],
)
def test_a_frozen_schema(landings, write: LandingRules, sql: str, code: str, message: str) -> None:
    """Other columns, fewer columns and other types fail the load."""
    landings.land(values("(1, 'a')"), frozen(write))

    with pytest.raises(RopewalkError) as caught:
        landings.land(sql, frozen(write))

    assert (caught.value.code, message in caught.value.message) == (code, True)


def test_rows_with_new_columns_in_quarantine(landings) -> None:
    """With schema: quarantine, only rows that have a value in a new column are kept aside."""
    rules = replace(MERGE, schema="quarantine")
    landings.land(values("(1, 'a')"), rules)

    landed = landings.land(values("(2, 'b', 3)", "(3, 'c', NULL)", columns="id, v, w"), rules)

    assert counts(landed) == (1, 0, 0, 1)
    assert landings.rows("SELECT _column, _value FROM quarantine.things") == [("w", "3")]
    assert landings.rows() == [(1, "a"), (3, "c")]


def test_an_evolving_schema(landings) -> None:
    """A new column is added, a missing one is NULL."""
    landings.land(values("(1, 'a')"), MERGE)

    landings.land(values("(2, 3)", columns="id, w"), MERGE)

    assert landings.rows() == [(1, "a", None), (2, None, 3)]


def test_nothing_at_all(landings) -> None:
    """Without a single record there are no columns, and no table; later it stays as it is."""
    with pytest.raises(RopewalkError, match="has no records"):
        landings.land("", APPEND)

    landings.land(values("(1, 'a')"), APPEND)

    assert counts(landings.land("", APPEND)) == (0, 0, 0, 0)
    assert landings.watermark == "1"


def test_what_is_loaded_anew_keeps_its_history(landings) -> None:
    """No source could tell it again; other tables start from nothing."""
    landings.land(values("(1, 'a')"), HISTORY)
    with landings.lake.transaction("anew") as transaction:
        start_anew(transaction, SPEC, HISTORY)

        assert transaction.columns("raw.things") is not None
        start_anew(transaction, SPEC, MERGE)
        assert transaction.columns("raw.things") is None


def test_a_column_that_a_history_adds_itself(landings) -> None:
    """It is refused, with a hint."""
    with pytest.raises(RopewalkError, match="has a column 'valid_to', which write: history adds itself"):
        landings.land(values("(1, 'a')", columns="id, valid_to"), HISTORY)


@pytest.mark.parametrize(
    ("options", "write"),
    [({}, "replace"), ({"cursor": {"column": "t"}}, "append"), ({"key": ["a"]}, "replace"),
     ({"cursor": {"column": "t"}, "key": ["a"]}, "merge"), ({"write": "append"}, "append")],
)  # fmt: skip
def test_the_write_mode_that_follows(options: dict[str, object], write: str) -> None:
    """What is read as a whole is replaced; a cursor appends, with a key it merges."""
    source = SQLiteSource(kind="sqlite", path="x", table="t", **options)

    assert landing_rules(source).write == write


@pytest.mark.parametrize("rules", [MERGE, HISTORY, LandingRules("append")])
@pytest.mark.parametrize(
    ("before", "later", "kind"),
    [
        ("1::INTEGER", "3000000000::BIGINT", "BIGINT"),
        ("1.5::FLOAT", "2.25::DOUBLE", "DOUBLE"),
        ("1.5::DECIMAL(4,1)", "1234.56::DECIMAL(8,2)", "DECIMAL(8,2)"),
        ("DATE '2013-01-01'", "TIMESTAMP '2013-01-01 10:00:00'", "TIMESTAMP"),
    ],
)
def test_a_wider_type_is_taken_on(landings, rules: LandingRules, before: str, later: str, kind: str) -> None:
    """A type that holds all that was there widens the column; no row is lost or kept aside."""
    landings.land(values(f"(1, {before})"), rules)

    landed = landings.land(values(f"(2, {later})"), rules, is_complete=False)

    assert counts(landed) == (1, 0, 0, 0)
    assert landings.rows("SELECT DISTINCT typeof(v) FROM raw.things") == [(kind,)]
    assert len(landings.rows()) == 2


@pytest.mark.parametrize(
    "rules", [replace(MERGE, schema="quarantine"), replace(MERGE, types={"v": "INTEGER"})]
)
def test_a_type_that_may_not_widen(landings, rules: LandingRules) -> None:
    """Where the schema is guarded or the type declared, what does not fit is kept aside."""
    landings.land(values("(1, 1::INTEGER)"), rules)

    landed = landings.land(values("(2, 3000000000)", "(3, 3::BIGINT)"), rules)

    assert (counts(landed), landings.rows()) == ((1, 0, 0, 1), [(1, 1), (3, 3)])


@pytest.mark.parametrize("key", [("id",), ()])
def test_a_row_that_comes_again_is_kept_aside_once(landings, key: tuple[str, ...]) -> None:
    """Within the overlap bad rows come again and again; a mended one with its key leaves the quarantine."""
    rules = LandingRules("merge" if key else "append", key, cursor="n", overlap=5, types={"v": "INTEGER"})
    for _ in range(2):
        landings.land(values("(1, 'x', 1)", "(2, '2', 2)", columns="id, v, n"), rules)
    assert landings.rows("SELECT _value FROM quarantine.things") == [("x",)]

    landings.land(values("(1, '7', 3)", columns="id, v, n"), rules)

    assert len(landings.rows("FROM quarantine.things")) == (0 if key else 1)


def test_keys_with_odd_names(landings) -> None:
    """They are found in the kept rows too."""
    rules = LandingRules("merge", ('a/"b~',), cursor="n", overlap=1, types={"v": "INTEGER"})
    columns = '"a/""b~", v, n'
    landings.land(values("(1, 'x', 1)", "(2, '2', 2)", columns=columns), rules)

    landings.land(values("(1, '1', 2)", columns=columns), rules)

    assert landings.rows("FROM quarantine.things") == []


@pytest.mark.parametrize(("overlap", "added"), [("2h", 2), ("90m", 1), ("1d", 2), ("1w", 2), ("30s", 0)])
def test_an_overlap_of_time(landings, overlap: str, added: int) -> None:
    """Rows that came late are taken as far back as is declared."""
    rules = LandingRules("append", cursor="seen", overlap=overlap)
    at = "TIMESTAMP '2013-01-01 {}'"
    landings.land(values(f"(1, {at.format('12:00:00')})", columns="id, seen"), rules)

    late = values(*(f"({n}, {at.format(f'{n}:00:00')})" for n in (10, 11)), columns="id, seen")
    landed = landings.land(late.replace("'2013-01-01 10:00:00'", "'2013-01-01 10:00:01'"), rules)

    assert landed.added == added
