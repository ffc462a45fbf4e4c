"""Profiles: what values are like, over a sample, kept for each snapshot, with nothing of what is hidden."""

from __future__ import annotations

import pytest

from ropewalk.dataops.catalog import NotProfiled, find_table, table_profile
from ropewalk.dataops.catalog.kept_profiles import FOLDER, profile_at
from ropewalk.dataops.catalog.profiles import compute_profile
from ropewalk.dataops.lake import Lake, TableName

TABLE = TableName("mart", "t")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Return a lake that the tests of this module share."""
    with Lake(tmp_path_factory.mktemp("lake")) as lake:
        yield lake


@pytest.fixture
def profile(lake):
    """Return a function that profiles the rows of a SELECT, by column."""

    def make(select: str, hidden: frozenset[str] = frozenset()) -> dict:
        with lake.transaction("rows") as transaction:
            transaction.replace("mart.t", select)
        found = compute_profile(lake, TABLE, lake.snapshot(), hidden)
        return {column.name: column for column in found.columns}

    return make


def test_numbers_have_a_histogram(profile):
    """Twelve ranges of equal width hold every value; least, greatest, mean and median are told."""
    found = profile("SELECT i AS n, if(i % 4 = 0, NULL, i::DOUBLE) AS x FROM range(120) AS r (i)")

    assert [item.count for item in found["n"].bins] == [10] * 12
    assert (found["n"].bins[0].start, found["n"].bins[-1].end) == ("0", "119")
    assert (found["n"].least, found["n"].most, found["n"].mean, found["n"].median) == ("0", "119", 59.5, 59.5)
    assert (found["x"].null_share, found["x"].distinct) == (0.25, pytest.approx(90, rel=0.1))


def test_few_values_are_counted(profile):
    """The most frequent ones, most first; truths are such values too."""
    found = profile("SELECT ['b', 'a', 'a', NULL][1 + i % 4] AS w, i % 2 = 0 AS t FROM range(40) AS r (i)")

    assert found["w"].top == (("a", 20), ("b", 10))
    assert found["t"].top == (("false", 20), ("true", 20))
    assert found["w"].bins == ()


def test_moments_have_a_histogram(profile):
    """Dates and times are numbers of seconds to it, and read as dates and times."""
    found = profile(
        "SELECT DATE '2026-01-01' + i::INTEGER AS d, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS t FROM range(25) AS r (i)"
    )

    assert (found["d"].bins[0].start, found["d"].bins[-1].end) == ("2026-01-01", "2026-01-25")
    assert found["t"].bins[-1].end == "2026-01-02 00:00:00"
    assert sum(item.count for item in found["t"].bins) == 25


@pytest.mark.parametrize(
    ("select", "bins"),
    [
        ("SELECT 7 AS v FROM range(3)", [3]),
        ("SELECT NULL::INTEGER AS v FROM range(3)", []),
        ("SELECT 1 AS v LIMIT 0", []),
        ("SELECT * FROM (VALUES ('nan'::DOUBLE), ('inf'::DOUBLE), (1.0)) AS t (v)", [1]),
        ("SELECT * FROM (VALUES (-1.7e308), (1.7e308)) AS t (v)", None),
        ("SELECT 'infinity'::DATE AS v", []),
    ],
)
def test_values_without_a_range(profile, select, bins):
    """One value, none, and those that are no numbers break nothing."""
    found = profile(select)["v"].bins

    assert bins is None or [item.count for item in found] == bins


def test_nested_and_binary_values(profile):
    """They have shares and numbers of values, and nothing that would not fit a line."""
    found = profile(
        "SELECT [i] AS l, {'a': i} AS s, 'x'::BLOB AS b, MAP {'k': i} AS m FROM range(5) AS r (i)"
    )

    assert [(c.least, c.top, c.bins, c.null_share) for c in found.values()] == [(None, (), (), 0.0)] * 4


def test_hidden_columns_show_no_value(profile):
    """Only how much is missing, and how many there are."""
    column = profile("SELECT 'p' || i AS name FROM range(9) AS r (i)", frozenset({"name"}))["name"]

    assert (column.is_hidden, column.least, column.most, column.top, column.bins) == (
        True,
        None,
        None,
        (),
        (),
    )
    assert column.distinct == pytest.approx(9, abs=1)


def test_large_tables_are_sampled(lake, monkeypatch):
    """No more rows are looked at than worth it, the same ones each time."""
    monkeypatch.setattr("ropewalk.dataops.catalog.profiles.SAMPLE_ROWS", 1_000)
    with lake.transaction("large") as transaction:
        transaction.replace("mart.t", "SELECT i FROM range(20000) AS r (i)")

    one, two = (compute_profile(lake, TABLE, lake.snapshot(), ()) for _ in range(2))

    assert one == two
    assert (one.rows, one.is_whole) == (20_000, False)
    assert 800 < one.sampled < 1_200


def test_profile_is_worked_out_once(open_project, monkeypatch):
    """What was kept for the snapshot is taken; what is damaged is worked out anew."""
    workspace = open_project({"tables/a/b.sql": "SELECT 1 AS x"})
    card = find_table(workspace, "a.b")
    assert table_profile(workspace, card, is_kept=True) is None
    first = table_profile(workspace, card)
    (file,) = (workspace.state / FOLDER).iterdir()

    kept = table_profile(workspace, card, is_kept=True)
    file.write_text("{")

    assert kept == first
    assert table_profile(workspace, card) == first


def test_oldest_profiles_make_room(lake, open_project, monkeypatch):
    """No more are kept than somebody looks at."""
    monkeypatch.setattr("ropewalk.dataops.catalog.kept_profiles.MOST", 2)
    workspace = open_project({"tables/a/b.sql": "SELECT 1 AS x"}, run=False)
    for number in range(4):
        with lake.transaction("rows") as transaction:
            transaction.replace("mart.t", f"SELECT {number} AS x")
        profile_at(workspace, lake, TABLE, lake.snapshot(), ())

    assert len(list((workspace.state / FOLDER).iterdir())) == 2


def test_what_was_not_made_has_no_profile(lake, open_project):
    """The error says how it is made."""
    workspace = open_project({"tables/a/b.sql": "SELECT 1 AS x"}, run=False)

    with pytest.raises(NotProfiled, match="was not made yet"):
        table_profile(workspace, find_table(workspace, "a.b"))
    with pytest.raises(NotProfiled, match="is not in the lake"):
        compute_profile(lake, TableName("no", "table"), 1, ())
