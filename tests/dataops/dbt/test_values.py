"""dbt's nodes as plain values: their names here, their SQL, their rules; without any project around them."""

from __future__ import annotations

import pytest
import yaml
from sqlglot import exp, parse_one

from ropewalk.dataops.dbt.checks import OPERATORS, Draft, Needs, add_checks
from ropewalk.dataops.dbt.contracts import dump_yaml
from ropewalk.dataops.dbt.manifest import (
    Age,
    Config,
    DependsOn,
    Fixture,
    Freshness,
    Manifest,
    Metadata,
    Node,
    Overrides,
    TestMetadata,
    UnitTest,
    texts,
)
from ropewalk.dataops.dbt.moves import Import
from ropewalk.dataops.dbt.names import name_tables
from ropewalk.dataops.dbt.sources import add_sources
from ropewalk.dataops.dbt.sql import Relations, Untranslated, foreign_relations, known_relations, translate
from ropewalk.dataops.dbt.tables import add_tables
from ropewalk.dataops.dbt.unit_tests import add_unit_tests


def _table(name):
    return parse_one(f"select * from {name}").find(exp.Table)


def model(name, *, kind="model", package="shop", materialized="table", **more):
    config = more.pop("config", Config(materialized=materialized))
    path = more.pop("path", f"staging/{name}.sql")
    return Node(f"{kind}.{package}.{name}", name, kind, package, path, config=config, **more)


def manifest(*nodes, sources=(), adapter="duckdb", **more):
    return Manifest(
        Metadata(adapter_type=adapter),
        {node.unique_id: node for node in nodes},
        {node.unique_id: node for node in sources},
        **more,
    )


@pytest.mark.parametrize(
    ("node", "table"),
    [
        (model("a"), "staging.a"),
        (model("a", alias="B-c"), "staging.b_c"),
        (model("1st"), "staging._1st"),
        (model("a", path="a.sql"), "main.a"),
        (model("a", path="a.sql", schema="Dev X"), "dev_x.a"),
        (model("a", path="deep\\er\\a.sql"), "deep.a"),
        (model("a", config=Config(schema="mart", materialized="table")), "mart.a"),
        (model("a", path="raw/a.sql"), "raw_models.a"),
        (model("a", kind="snapshot", schema="history"), "history.a"),
        (model("---"), "staging.table"),
        (model("a", kind="seed"), "raw.a"),
    ],
)
def test_names_of_tables(node, table):
    """A name of dbt becomes one that SQL needs no quotes for, in a schema that models may stand in."""
    assert name_tables(manifest(node)) == {node.unique_id: table}


def test_ephemeral_models_have_no_table():
    """Their SQL stands in that of their readers."""
    assert name_tables(manifest(model("a", materialized="ephemeral"))) == {}


def test_names_that_are_taken():
    """The package is told, then the schema, then a number; the first in order keeps its name."""
    nodes = [model(name, alias="same", package=package) for package, name in zip("abb", "xyz", strict=True)]

    assert list(name_tables(manifest(*nodes)).values()) == [
        "staging.same",
        "staging.b_same",
        "staging.same_2",
    ]


RELATIONS = Relations(
    {("db", "main", "orders"): "mart.orders", ("db", "x", "people"): "raw.persons"}, "duckdb"
)


@pytest.mark.parametrize(
    ("sql", "made"),
    [
        ("select * from db.main.orders", "select * from mart.orders"),
        ('select * from "db"."main"."orders";\n', "select * from mart.orders"),
        ("select * from MAIN.Orders", "select * from mart.orders"),
        ("select people.a from db.x.people", "select people.a from raw.persons AS people"),
        ("select p.a from db.x.people p", "select p.a from raw.persons p"),
        ("select 'db.main.orders' from orders", "select 'db.main.orders' from orders"),
        ("-- db.main.orders\nselect 1", "-- db.main.orders\nselect 1"),
        ("select * from db.main.orders, db.x.people", "select * from mart.orders, raw.persons AS people"),
    ],
)
def test_relations_in_text(sql, made):
    """Only relations are replaced; texts, comments and names of columns stay."""
    assert translate(sql, RELATIONS) == made


def test_columns_renamed_in_text():
    """Names of a snapshot's columns are replaced wherever they are names."""
    made = translate(
        "select dbt_valid_to, 'dbt_valid_to' from main.orders", RELATIONS, {"dbt_valid_to": "valid_to"}
    )

    assert made == "select valid_to, 'dbt_valid_to' from mart.orders"


@pytest.mark.parametrize(
    "sql", ["", ";", "select", "select 1; select 2", "drop table a", "select $$", "select 'a"]
)
def test_sql_that_cannot_be_carried_over(sql):
    """Whatever is no SELECT is told in one line."""
    with pytest.raises(Untranslated) as caught:
        translate(sql, RELATIONS)

    assert "\n" not in str(caught.value)


def test_relation_of_two_databases_needs_its_database():
    """A schema and a name that two databases have mean neither."""
    twins = Relations({("a", "s", "t"): "one.t", ("b", "s", "t"): "two.t"}, "duckdb")

    assert twins.find(_table("s.t")) is None
    assert twins.find(_table("b.s.t")) == "two.t"


def test_foreign_relations():
    """Names of three parts are left over from dbt; each is told once, whatever it is called beside."""
    assert foreign_relations("select * from a.b.c, b.c, a.b.c as d, x") == ["a.b.c"]


def test_dialect_of_an_adapter():
    """The word of dbt for a database is not always that of the SQL's reader."""
    dialects = [
        known_relations(manifest(adapter=name), {}).dialect for name in ("sqlserver", "snowflake", None)
    ]

    assert dialects == ["tsql", "snowflake", "duckdb"]


def test_draft_of_a_column_in_any_case():
    """The first spelling counts."""
    draft = Draft("a.b")
    draft.column("Id")["required"] = True

    assert draft.column("ID") is draft.column("Id")
    assert draft.columns == {"Id": {"name": "Id", "required": True}}


def test_needs_never_go_round():
    """A table can need what does not need it, itself excepted; circles that are there already do not hang."""
    needs = Needs({"a": {"b"}, "b": {"c"}, "x": {"y"}, "y": {"x"}})

    assert needs.reach("a", "c")
    assert not needs.reach("x", "a")
    assert [needs.can_add("c", {other}) for other in "abcx"] == [False, False, True, True]
    needs.add("c", {"c", "x"})
    assert needs.edges["c"] == {"x"}


def checked(metadata=None, config=None, code="select * from main.orders where a is null", column="a"):
    """Return the draft of `mart.orders` after one test of it, and the import."""
    orders = model("orders", schema="main")
    test = Node(
        "test.shop.t",
        "t",
        "test",
        depends_on=DependsOn([orders.unique_id]),
        config=config or Config(),
        compiled_code=code,
        test_metadata=metadata,
        column_name=column,
        attached_node=orders.unique_id,
    )
    names, found, draft = {orders.unique_id: "mart.orders"}, Import("shop"), Draft("mart.orders")
    relations = Relations({("", "main", "orders"): "mart.orders"}, "duckdb")
    add_checks(manifest(orders, test), names, relations, {"mart.orders": draft}, found)
    return draft, found


@pytest.mark.parametrize(("kind", "word"), [("not_null", "required"), ("unique", "unique")])
def test_words_of_the_standard(kind, word):
    """A test that everybody uses is a word of its column."""
    draft, found = checked(TestMetadata(kind))

    assert (draft.columns, found.moved[0].note) == ({"a": {"name": "a", word: True}}, word)


@pytest.mark.parametrize(
    ("kind", "given", "rule"),
    [
        ("not_null", {}, {"metric": "nullValues"}),
        ("unique", {}, {"metric": "duplicateValues"}),
        ("accepted_values", {"values": [1]}, {"metric": "invalidValues", "arguments": {"validValues": [1]}}),
    ],
)
def test_warnings_are_rules(kind, given, rule):
    """A word has no severity, so what only warns is written as a rule."""
    draft, _ = checked(TestMetadata(kind, given), Config(severity="WARN"))

    assert draft.columns["a"]["quality"] == [{**rule, "mustBe": 0, "severity": "warning"}]


@pytest.mark.parametrize(
    ("metadata", "config", "column"),
    [
        (TestMetadata("accepted_values", {"values": []}), None, "a"),
        (TestMetadata("accepted_values", {}), None, "a"),
        (TestMetadata("unique"), None, None),
        (TestMetadata("unique"), Config(where="a > 1"), "a"),
        (TestMetadata("unique"), Config(limit=5), "a"),
        (TestMetadata("unique"), Config(error_if="> 5"), "a"),
        (TestMetadata("relationships", {"to": "ref('gone')", "field": "id"}), None, "a"),
        (TestMetadata("relationships", {"to": "ref('orders')"}), None, "a"),
        (TestMetadata("relationships", {}), None, "a"),
        (TestMetadata("unique_combination_of_columns", {"combination_of_columns": "a"}), None, None),
        (None, None, None),
    ],
)
def test_what_has_no_word_stays_sql(metadata, config, column):
    """The SELECT that dbt compiled says it exactly."""
    draft, found = checked(metadata, config, column=column)

    assert (draft.columns, found.moved[0].note) == ({}, "sql")
    assert draft.rules[0]["query"].startswith("SELECT count(*)\nFROM (\nselect * from mart.orders")


@pytest.mark.parametrize(("sign", "operator"), OPERATORS.items())
def test_conditions(sign, operator):
    """What makes dbt fail is the opposite of what must be."""
    draft, _ = checked(config=Config(error_if=f" {sign}10 "))

    assert draft.rules[0][operator] == 10


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (
            {"config": Config(error_if="between 1 and 2")},
            "the condition 'between 1 and 2' has no counterpart here",
        ),
        ({"code": None}, "it was not compiled: `dbt compile` compiles tests too, unless they are excluded"),
        ({"code": "select 1"}, "it is about no table that moved"),
        ({"code": "drop table main.orders"}, "it is not one SELECT"),
    ],
)
def test_tests_that_cannot_move(given, why):
    """Each is told with its reason, and leaves no rule."""
    draft, found = checked(**given)

    assert [(item.name, item.why) for item in found.left] == [("t", why)]
    assert (draft.rules, found.moved) == ([], [])


def unit_test(model_name="a", given=(), expect=None, overrides=None, nodes=("model.shop.a",)):
    """Return what becomes of one unit test of a model that reads a seed and a source."""
    test = UnitTest(
        "unit_test.shop.t",
        "t",
        model_name,
        list(given),
        expect or Fixture([]),
        " why ",
        overrides,
        DependsOn(list(nodes)),
    )
    seed = model("s", kind="seed")
    source = Node("source.shop.crm.o", "o", "source", source_name="crm")
    found = Import("shop", files={"tables/staging/a.sql": ""})
    all_of_it = manifest(model("a"), seed, sources=[source], unit_tests={"t": test})
    add_unit_tests(all_of_it, name_tables(all_of_it), found)
    written = found.files.get("tables/staging/a.test.yaml")
    return yaml.safe_load(written)["unit_tests"][0] if written else found.left[0].why


@pytest.mark.parametrize(
    ("written", "table"),
    [
        ("ref('s')", "raw.s"),
        (' ref( "s" ) ', "raw.s"),
        ("ref('shop', 's')", "raw.s"),
        ("source('crm', 'o')", "raw.o"),
        ("ref('a')", "staging.a"),
    ],
)
def test_inputs_of_unit_tests(written, table):
    """However it is written, it is the table here."""
    made = unit_test(given=[Fixture([{"x": 1}], input=written)])

    assert made["given"] == [{"input": table, "rows": [{"x": 1}]}]
    assert made["description"] == "why"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"given": [Fixture([], input=" this ")]}, "it is about an incremental run"),
        ({"given": [Fixture([], input="s")]}, "its input 's' is none that can be read"),
        ({"given": [Fixture([], input="ref()")]}, "its input 'ref()' is none"),
        ({"given": [Fixture([], input="ref('o')")]}, "its input ref('o') has no table here"),
        ({"given": [Fixture([], input="source('crm', 's')")]}, "has no table here"),
        ({"given": [Fixture(None, fixture="f", input="ref('s')")]}, "its fixture f is not in the manifest"),
        ({"overrides": Overrides({"is_incremental": True})}, "it replaces macros"),
        ({"overrides": Overrides(vars={"a": 1})}, "it replaces macros"),
        ({"overrides": Overrides(env_vars={"a": 1})}, "it replaces macros"),
        ({"nodes": ()}, "the model a did not move"),
        ({"model_name": "b"}, "the model b did not move"),
    ],
)
def test_unit_tests_that_cannot_move(given, why):
    """Each says why."""
    assert why in unit_test(**given)


def test_unit_test_of_a_full_run():
    """To say that a run is not incremental replaces nothing; rows as SQL stay SQL."""
    made = unit_test(expect=Fixture("select 1"), overrides=Overrides({"is_incremental": False}))

    assert made["expect"] == {"format": "sql", "rows": "select 1"}


@pytest.mark.parametrize(
    ("adapter", "part", "said"),
    [
        ("redshift", '"kind": "postgres", "url": "secret://MY_DB_URL"', "set the secret MY_DB_URL"),
        ("mariadb", '"kind": "mysql"', "set the secret MY_DB_URL"),
        ("duckdb", '"path": "my-db.duckdb", "table": "crm.Orders"', "check the path"),
        ("snowflake", '"path": "landing/orders/*.parquet"', "snowflake is not read directly"),
    ],
)
def test_sources_by_adapter(adapter, part, said):
    """What reads the database is declared; what only a person knows is told."""
    source = Node(
        "source.p.g.orders",
        "orders",
        "source",
        source_name="g",
        database="my-db",
        schema="crm",
        identifier="Orders",
    )
    found, given = Import("shop"), manifest(sources=[source], adapter=adapter)
    add_sources(given, name_tables(given), found)

    assert part in found.sources["orders"]
    assert (found.left[0].name, said in found.left[0].why) == ("g.orders", True)


def test_seeds_of_one_name():
    """Two packages may have them; each has its own file and its own table."""
    seeds = [model("s", kind="seed", package=name, original_file_path="seeds\\s.csv") for name in "ab"]
    found, given = Import("shop"), manifest(*seeds)
    add_sources(given, name_tables(given), found)

    assert list(found.copies) == ["seeds/s.csv", "seeds/b_s.csv"]
    assert sorted(found.sources) == ["b_s", "s"]


@pytest.mark.parametrize(
    ("config", "header"),
    [
        (Config("table"), ""),
        (Config("view"), "-- kind: view\n"),
        (Config("incremental", unique_key="id"), "-- kind: incremental\n-- key: id\n"),
        (Config("incremental", unique_key=["a", "b"]), "-- kind: incremental\n-- key: a, b\n"),
        (Config("incremental", unique_key="a || b"), ""),
        (Config("incremental"), ""),
        (Config("materialized_view"), ""),
    ],
)
def test_headers_of_tables(config, header):
    """A key of plain columns is a setting; without one the table is built whole."""
    found, given = Import("shop"), manifest(model("a", config=config, compiled_code="select 1 as id"))
    names = name_tables(given)
    add_tables(given, names, known_relations(given, names), found)

    assert found.files["tables/staging/a.sql"] == f"{header}select 1 as id\n"
    assert (found.moved[0].note is None) == (config.materialized in ("table", "view"))


@pytest.mark.parametrize(
    ("warn", "error", "days"),
    [
        (Age(1, "day"), Age(2, "day"), 1),
        (None, Age(2, "day"), 2),
        (Age(), Age(2, "day"), 2),
        (Age(1), None, None),
    ],
)
def test_first_age_that_is_told_of(warn, error, days):
    """An age without a number or a unit is none."""
    limit = Freshness(warn, error).limit

    assert (limit and limit.count) == days


def test_texts():
    """What is no text is left out."""
    assert texts({"a": "x", "b": 1, "c": None}, "a", "b", "c", "d") == {"a": "x"}


def test_yaml_as_people_write_it():
    """Lists stand below their keys, texts of several lines are blocks, nothing is escaped."""
    made = dump_yaml({"names": ["ä", "b"], "query": "SELECT 1\nFROM x\n"})

    assert made == "names:\n  - ä\n  - b\nquery: |\n  SELECT 1\n  FROM x\n"
