"""Personal data behind masks: what is seen, and every way around the masks that a hostile question may try."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from textwrap import dedent

import pytest

from ropewalk import plugins
from ropewalk.dataops.contracts import InvalidContract, declared_masks
from ropewalk.dataops.contracts.masking import KEY_FILE, mask_key
from ropewalk.dataops.lake import QueryNotAllowed, TableMissing, open_lake
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings

SECRETS = ("ann@example.org", "bob@example.org", "1234567", "1980-05-17")
FILES = {
    "contracts/glossary.yaml": "terms: {email: {meaning: Where to write to, pii: contact, synonyms: [mail]}}\n",
    "tables/mart/people.sql": "SELECT 1",
    "tables/mart/plain.sql": "SELECT 1",
    "contracts/mart.people.odcs.yaml": """
        apiVersion: v3.1.0
        kind: DataContract
        id: people
        version: 1.0.0
        schema:
          - name: people
            properties:
              - {name: id, classification: pii}
              - {name: Email, authoritativeDefinitions: [{type: glossary, url: "glossary:email"}]}
              - {name: born, tags: ["pii:quasi"]}
              - {name: salary, tags: ["pii:sensitive"]}
              - {name: country}
        """,
}
PEOPLE = (
    "SELECT * FROM (VALUES (1234567, 'ann@example.org', DATE '1980-05-17', 5000, 'DE'),"
    " (7654321, 'bob@example.org', DATE '1990-01-02', 6000, 'FR'), (8, NULL, NULL, NULL, 'FR'))"
    " AS t (id, Email, born, salary, country)"
)


def fill(workspace):
    lake = open_lake(workspace)
    with lake.transaction("before") as transaction:
        transaction.replace("mart.people", PEOPLE.replace("country)", "letterbox)"))
    with lake.transaction("today") as transaction:
        transaction.replace("mart.people", PEOPLE)
        transaction.replace("raw.people", "SELECT id, Email AS mail, 'x' AS note FROM (" + PEOPLE + ")")
        transaction.replace(
            "quarantine.people", "SELECT '{\"mail\": \"ann@example.org\"}' AS row, 'mail' AS _column"
        )
    return workspace


@pytest.fixture(scope="module")
def shared(tmp_path_factory, module_environ):
    """Return a workspace whose lake has people with and without a contract, of today and of before."""
    root = tmp_path_factory.mktemp("people")
    for name, text in {"ropewalk.yaml": "project: test\n", **FILES}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text))
    with Workspace(load_project(root, plugins.sections()), load_settings(module_environ)) as workspace:
        yield fill(workspace)


@pytest.fixture(scope="module")
def ask(shared):
    """Return a function that asks as somebody without the right does."""
    masks = declared_masks(shared)
    return lambda sql: open_lake(shared).query(sql, tables={}, masks=masks).rows


@pytest.fixture
def workspace(write_project, open_workspace):
    """Return the same for one test alone, which may change it."""
    return fill(open_workspace(write_project(FILES)))


def test_columns_are_masked_by_their_class(ask):
    """Numbers of persons are hashes, addresses and dates lose all but their beginning, and what hurts is gone."""
    rows = ask("SELECT * FROM mart.people ORDER BY country, salary")

    assert next(row[1:] for row in rows) == ("a***", dt.date(1980, 1, 1), None, "DE")
    assert all(len(row[0]) == 16 for row in rows)
    assert sum(row[1] is None for row in rows) == 1


def test_hashes_join_and_count(ask):
    """The same value has the same hash in every table, so that persons can be counted and joined."""
    assert ask("SELECT count(DISTINCT id) FROM mart.people") == ((3,),)
    assert ask("SELECT count(*) FROM mart.people a JOIN mart.people b USING (id)") == ((3,),)


def test_tables_without_a_contract_are_masked_by_names(ask):
    """A column that is called like a personal term is masked, whoever made the table."""
    assert {row[0] for row in ask("SELECT mail FROM raw.people")} == {"a***", "b***", None}


def test_rows_in_quarantine_are_hidden_whole(ask):
    """A row that did not fit may have anything in it; where it failed is still told."""
    assert ask("SELECT * FROM quarantine.people") == ((None, "mail"),)


def test_past_is_masked(ask):
    """At another time the same columns are masked, and those that are gone since are hidden."""
    for table in ("mart.people AT (VERSION => 2)", "lake.mart.people AT (VERSION => 2)"):
        row = ask(f"SELECT * FROM {table} ORDER BY Email")[0]
        assert row[1:] == ("a***", dt.date(1980, 1, 1), None, None)
    assert ask("SELECT people.Email FROM lake.mart.people WHERE Email LIKE 'a%'") == (("a***",),)


REVEALING = [
    "SELECT Email FROM mart.people",
    'SELECT "EMAIL" FROM "MART"."PEOPLE"',
    "SELECT people FROM mart.people",
    "SELECT COLUMNS('.*') FROM mart.people",
    "SELECT upper(Email) || '' FROM mart.people",
    "WITH p AS (SELECT Email AS e FROM mart.people) SELECT e FROM p",
    "WITH RECURSIVE r AS (SELECT Email e, 1 n FROM mart.people UNION ALL SELECT e, n + 1 FROM r WHERE n < 3) FROM r",
    "SELECT (SELECT max(Email) FROM mart.people)",
    "SELECT a.Email FROM mart.people a, LATERAL (SELECT a.Email) b",
    "SELECT x.mail FROM raw.people x JOIN mart.people p ON x.mail = p.Email",
    "SELECT Email FROM mart.people UNION ALL SELECT mail FROM raw.people",
    "SELECT * FROM (SUMMARIZE mart.people)",
    "SELECT * FROM (DESCRIBE mart.people)",
    "SELECT list(Email), string_agg(Email), min(Email), mode(Email), histogram(Email) FROM mart.people",
    "SELECT * FROM mart.people PIVOT (count(*) FOR country IN ('DE', 'FR'))",
    "SELECT * FROM (UNPIVOT mart.people ON Email INTO NAME n VALUE v)",
    "SELECT to_json(people) FROM mart.people",
    "SELECT * FROM mart.people TABLESAMPLE 100%",
    "SELECT * FROM lake.mart.people AT (VERSION => 2) ORDER BY ALL",
    "SELECT p.Email, q.Email FROM lake.mart.people p JOIN mart.people AT (VERSION => 2) q USING (id)",
    "SELECT row FROM quarantine.people",
    "SELECT unnest(list(salary)) FROM mart.people",
    "SELECT lag(Email) OVER (ORDER BY country) FROM mart.people",
    "TABLE mart.people",
    "FROM mart.people",
    "SELECT (SELECT Email FROM mart.people WHERE country = 'DE')",
    "SELECT CAST(Email AS INTEGER) FROM mart.people",
    "SELECT error(Email) FROM mart.people",
    "SELECT strptime(Email, '%Y') FROM mart.people",
    "SELECT json_extract(Email, '$') FROM mart.people",
]


@pytest.mark.parametrize("sql", REVEALING)
def test_no_expression_reveals(ask, sql):
    """Whatever is made of a masked column, in an answer or in an error, is made of its mask."""
    try:
        told = str(ask(sql))
    except RopewalkError as error:
        told = str(error.as_json())

    # The question itself may stand in the error.
    assert not any(secret in told.replace(sql, "") for secret in SECRETS)


@pytest.mark.parametrize(
    "where",
    [
        "Email = 'ann@example.org'",
        "Email LIKE '%@%'",
        "length(Email) > 10",
        "id = '1234567'",
        "salary > 0",
        "born > DATE '1990-01-01'",
    ],
)
def test_filters_act_on_masks(ask, where):
    """Nobody can ask whether a value is there by filtering for it."""
    assert ask(f"SELECT count(*) FROM mart.people WHERE {where}") == ((0,),)


DETOURS = [
    "FROM duckdb_views",
    "FROM duckdb_views()",
    "FROM sqlite_master",
    "FROM pg_catalog.pg_views",
    "FROM information_schema.views",
    "FROM system.information_schema.views",
    "FROM (WITH duckdb_views AS (SELECT 1) FROM duckdb_views) a, duckdb_views b",
    "WITH pg_views AS (FROM pg_views) FROM pg_views",
    "FROM __ducklake_metadata_lake.ducklake_file_column_stats",
    "FROM __ducklake_metadata_lake.main.ducklake_file_column_stats",
    "FROM lake.ropewalk.source_files",
    "FROM scope_1.mart.people",
    "FROM temp.mart.people",
    "FROM memory.main.people",
    "SELECT pg_get_viewdef(1)",
    "SELECT PG_CATALOG.PG_GET_VIEWDEF(1)",
    "SELECT json_serialize_plan('FROM mart.people')",
    "SELECT json_execute_serialized_sql('{}')",
    "SELECT stats(Email) FROM mart.people",
    "SELECT getvariable('key')",
    "SELECT current_setting('s3_secret_access_key')",
    "FROM query('FROM mart.people')",
    "FROM query_table('mart.people')",
    "FROM read_parquet('*.parquet')",
    "FROM ducklake_table_insertions('lake', 'mart', 'people', 0, 9)",
    "FROM 'mart.people'",
    "EXPLAIN FROM mart.people",
    "SELECT 1; FROM mart.people",
    "SET VARIABLE x = (SELECT Email FROM mart.people)",
    "CREATE TEMP TABLE t AS FROM mart.people",
    "PREPARE p AS FROM mart.people",
]


@pytest.mark.parametrize("sql", DETOURS)
def test_no_way_around_the_masks(ask, sql):
    """The engine's own catalogue, its functions and other databases are no tables that may be asked for."""
    with pytest.raises(RopewalkError) as caught:
        ask(sql)

    assert not any(secret in str(caught.value.as_json()) for secret in SECRETS)


def test_detours_are_told_what_to_do(ask):
    """Who asks for what is no table is told why, and not that something broke."""
    with pytest.raises(QueryNotAllowed) as caught:
        ask("FROM duckdb_views")

    assert "personal columns are masked" in caught.value.hint


def test_what_was_not_made_yet(ask):
    """It is no table here, whoever asks; that something is masked has nothing to do with it."""
    with pytest.raises(TableMissing, match=r"there is no table 'mart\.tomorrow' here") as caught:
        ask("SELECT a FROM mart.tomorrow")

    assert "`ropewalk run`" in caught.value.hint


def test_right_shows_all(workspace):
    """With the right, tables are what they are."""
    workspace.settings = replace(workspace.settings, personal_data="clear")

    assert declared_masks(workspace) is None
    rows = (
        open_lake(workspace).query("SELECT Email FROM mart.people ORDER BY ALL", tables={}, masks=None).rows
    )
    assert rows[0] == ("ann@example.org",)


def test_project_without_personal_data_has_no_key(write_project, open_workspace):
    """Nothing is masked, nothing is kept, and every question is allowed that was."""
    workspace = open_workspace(write_project({"contracts/glossary.yaml": "terms: {a: {meaning: x}}"}))

    assert not declared_masks(workspace)
    assert not (workspace.state / KEY_FILE).exists()


def test_key_is_made_once_and_kept_private(workspace):
    """The key is as random as it can be, the same at every question, and nobody else's to read."""
    key = mask_key(workspace)

    assert (len(key), mask_key(workspace)) == (64, key)
    assert (workspace.state / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert key not in repr(declared_masks(workspace))
    assert sorted(path.name for path in workspace.state.glob("mask*")) == [KEY_FILE]


def test_key_may_be_given(workspace):
    """Several servers have the same hashes when they are given the same key."""

    def hashed(key):
        workspace.settings = replace(workspace.settings, mask_key=key)
        return (
            open_lake(workspace)
            .query("SELECT id FROM mart.people", tables={}, masks=declared_masks(workspace))
            .rows
        )

    assert hashed("one") == hashed("one") != hashed("two")
    assert "one" not in repr(workspace.settings)


def test_unreadable_contract_closes_the_door(workspace):
    """What a broken contract would have called personal is not shown meanwhile."""
    path = workspace.root / "contracts/mart.people.odcs.yaml"
    path.write_text(path.read_text().replace("pii:quasi", "pii:quassi"))

    with pytest.raises(InvalidContract, match="'quassi' is not a class"):
        declared_masks(workspace)
