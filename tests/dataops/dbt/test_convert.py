"""What becomes of each part of a dbt project, and what is said of the parts that cannot move."""

from __future__ import annotations

import pytest
import yaml

from ropewalk.dataops.dbt import convert_manifest, read_manifest


@pytest.fixture
def convert(shop):
    """Return a function that converts the shop as it is."""
    return lambda: convert_manifest(read_manifest(shop.write()))


def left(found):
    return {item.name: item.why for item in found.left}


def contract(found, table):
    return yaml.safe_load(found.files[f"contracts/{table}.odcs.yaml"])["schema"][0]


def test_tables_keep_their_text(convert):
    """Names of relations are replaced and nothing else: people find their own SQL again."""
    found = convert()

    assert found.files["tables/staging/stg_customers.sql"] == (
        "-- Customers, cleaned.\n-- kind: view\nwith source as (\n    -- all of them\n"
        "    select * from raw.raw_customers\n)\nselect id as customer_id, first_name, last_name from source\n"
    )
    assert found.files["tables/main/order_log.sql"].startswith("-- kind: incremental\n-- key: order_id\n")


def test_a_description_sets_nothing(convert):
    """A line of a description that looks like a setting of the header is none."""
    text = convert().files["tables/marts/orders.sql"]

    assert text.startswith("-- One order.\n-- status - as the shop tells it.\nwith ")


def test_snapshots_become_histories(convert):
    """The key and the time come along; who reads the snapshot reads the columns that a history has."""
    found = convert()

    assert found.files["tables/snapshots/orders_snapshot.sql"] == (
        "-- kind: history\n-- key: id\n-- time: order_date\nselect * from raw.raw_orders\n"
    )
    assert (
        "select id, valid_from from snapshots.orders_snapshot where valid_to is null"
        in (found.files["tables/marts/current_orders.sql"])
    )


def test_documentation_becomes_contracts(convert):
    """Columns keep their descriptions and types."""
    assert contract(convert(), "staging.stg_customers") == {
        "name": "stg_customers",
        "physicalName": "staging.stg_customers",
        "description": "Customers, cleaned.",
        "properties": [{"name": "customer_id", "description": "Who it is.", "physicalType": "integer"}],
    }


ORDERS = ["model.shop.orders"]
WARN = {"severity": "WARN"}


@pytest.mark.parametrize(
    ("test", "column", "config", "expected"),
    [
        (("not_null", {}), "status", {}, {"required": True}),
        (("unique", {}), "status", {}, {"unique": True}),
        (
            ("not_null", {}),
            "status",
            WARN,
            {"quality": [{"metric": "nullValues", "mustBe": 0, "severity": "warning"}]},
        ),
        (
            ("accepted_values", {"values": ["placed", "returned"]}),
            "status",
            {},
            {
                "quality": [
                    {
                        "metric": "invalidValues",
                        "arguments": {"validValues": ["placed", "returned"]},
                        "mustBe": 0,
                    }
                ]
            },
        ),
        (
            ("relationships", {"to": "ref('customers')", "field": "customer_id"}),
            "customer_id",
            {},
            {"relationships": [{"to": "marts.customers.odcs.yaml#/schema/customers/properties/customer_id"}]},
        ),
    ],
)
def test_tests_that_the_standard_has_words_for(shop, convert, test, column, config, expected):
    """They are written as people write contracts."""
    above = ["model.shop.customers", *ORDERS] if test[0] == "relationships" else ORDERS
    shop.test("t", "select 1", above=above, metadata=test, column=column, config=config)

    assert contract(convert(), "marts.orders")["properties"] == [{"name": column, **expected}]


def test_a_combination_of_columns(shop, convert):
    """The one of dbt_utils that everybody uses is a rule of the table."""
    given = {"combination_of_columns": ["order_id", "status"]}
    shop.test("t", "select 1", above=ORDERS, metadata=("unique_combination_of_columns", given))

    rule = {"metric": "duplicateValues", "arguments": {"properties": ["order_id", "status"]}, "mustBe": 0}
    assert contract(convert(), "marts.orders")["quality"] == [rule]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"mustBe": 0}),
        ({"error_if": ">10"}, {"mustBeLessOrEqualTo": 10}),
        ({"severity": "warn", "warn_if": "> 2"}, {"mustBeLessOrEqualTo": 2, "severity": "warning"}),
        ({"fail_calc": "sum(amount)"}, {"mustBe": 0}),
    ],
)
def test_other_tests_become_sql(shop, convert, config, expected):
    """Whatever dbt compiled is the rule, with its threshold and its severity."""
    code = 'select * from "shop"."main"."orders" where amount < 0'
    shop.test("positive", code, above=ORDERS, metadata=("positive", {}), column="amount", config=config)

    (rule,) = contract(convert(), "marts.orders")["quality"]
    calculation = config.get("fail_calc", "count(*)")
    query = f"SELECT {calculation}\nFROM (\nselect * from marts.orders where amount < 0\n) AS failing"
    assert rule == {"name": "positive", "type": "sql", "query": query, **expected}


def test_a_test_never_makes_a_circle(shop, convert):
    """A rule about two tables stands with the one that comes after the other."""
    code = (
        'select 1 from "shop"."main"."orders" o join "shop"."main_staging"."stg_orders" s using (order_id) '
        "where o.amount is null"
    )
    above = ["model.shop.orders", "model.shop.stg_orders"]
    shop.test("both", code, above=above, metadata=("odd", {}), attached="model.shop.stg_orders")
    to = {"to": "ref('orders')", "field": "order_id"}
    shop.test(
        "back",
        'select 1 from "shop"."main_staging"."stg_orders" join "shop"."main"."orders" using (order_id)',
        above=["model.shop.orders", "model.shop.stg_orders"],
        metadata=("relationships", to),
        column="order_id",
    )

    rules = [rule["name"] for rule in contract(convert(), "marts.orders")["quality"]]

    assert rules == ["back", "both"]


@pytest.mark.parametrize(
    ("adapter", "declared", "why"),
    [
        (
            "duckdb",
            '{"kind": "duckdb", "path": "shop.duckdb", "table": "landing.events_v2"}',
            "check the path",
        ),
        (
            "postgres",
            '{"kind": "postgres", "url": "secret://SHOP_URL", "table": "landing.events_v2"}',
            "set the secret SHOP_URL",
        ),
        (
            "snowflake",
            '{"kind": "files", "path": "landing/events/*.parquet"}',
            "snowflake is not read directly",
        ),
    ],
)
def test_sources_are_to_be_filled_in(make_shop, adapter, declared, why):
    """A source is declared as far as the manifest knows it, without any password, and the rest is said."""
    shop = make_shop(adapter)
    shop.source("web", "events", identifier="events_v2")

    found = convert_manifest(read_manifest(shop.write()))

    assert found.sources == {"events": declared}
    assert why in left(found)["web.events"]


def test_another_dialect_is_translated(make_shop):
    """SQL of a warehouse becomes the engine's own."""
    shop = make_shop("bigquery")
    shop.source("web", "events")
    code = (
        "select safe_cast(x as int64) as x, date_trunc(t, month) as m from `shop`.`landing`.`events` limit 5"
    )
    shop.node("model", "a", folder="marts", code=code, config={"materialized": "table"})

    text = convert_manifest(read_manifest(shop.write())).files["tables/marts/a.sql"]

    assert "TRY_CAST(x AS BIGINT)" in text
    assert "FROM raw.events" in text


def test_names_that_collide(make_shop):
    """Two models of one name stand side by side, and none stands where sources or steps do."""
    shop = make_shop()
    shop.node("model", "a", config={"materialized": "table", "schema": "Raw"}, code="select 1 as x")
    shop.node("model", "b", config={"materialized": "table", "schema": "m"}, code="select 1 as x", alias="c")
    shop.node(
        "model", "c", config={"materialized": "table", "schema": "m"}, code='select * from "shop"."main"."a"'
    )
    shop.parts["nodes"]["model.shop.b"]["database"] = "other"

    found = convert_manifest(read_manifest(shop.write()))

    assert sorted(found.files) == ["tables/m/c.sql", "tables/m/shop_c.sql", "tables/raw_models/a.sql"]
    assert "from raw_models.a" in found.files["tables/m/shop_c.sql"]


def test_what_does_not_move_is_said(shop, convert):
    """Nothing is dropped in silence."""
    shop.node("model", "forecast", folder="marts", language="python", code="def model(dbt, session): ...")
    shop.node(
        "model",
        "hooked",
        code="select 1 as x",
        config={"materialized": "table", "post-hook": [{"sql": "grant"}]},
    )
    shop.node("model", "foreign", code='select * from "legacy"."x"."y"', config={"materialized": "table"})
    shop.node("model", "broken", code="select from where", config={"materialized": "table"})
    shop.node("analysis", "look", code="select 1")
    shop.test("strange", "select 1 as a", above=ORDERS)
    shop.test(
        "late", 'select 1 from "shop"."main"."orders"', above=ORDERS, config={"error_if": "between 1 and 2"}
    )
    shop.test("bare", None, above=ORDERS)
    shop.parts["exposures"]["exposure.shop.kpis"] = {"name": "kpis"}
    shop.parts["metrics"]["metric.shop.revenue"] = {"name": "revenue"}

    found = left(convert())

    assert set(found) == {
        "forecast", "hooked", "foreign", "broken", "look", "strange", "late", "bare", "kpis", "revenue",
    }  # fmt: skip
    assert 'it reads "legacy"."x"."y"' in found["foreign"]
    assert "'between 1 and 2'" in found["late"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"overrides": {"macros": {"now": "2020"}, "vars": {}, "env_vars": {}}}, "replaces macros"),
        ({"given": [{"input": "this", "rows": []}]}, "incremental run"),
        ({"given": [{"input": "ref('order_amounts')", "rows": []}]}, "ephemeral"),
        ({"given": [{"input": "nothing", "rows": []}]}, "none that can be read"),
        ({"expect": {"rows": None, "fixture": "big"}}, "fixture big"),
        ({"model": "gone", "depends_on": {"nodes": []}}, "did not move"),
    ],
)
def test_unit_tests_that_do_not_move(shop, convert, change, why):
    """Each says why."""
    test = {
        "unique_id": "unit_test.shop.orders.t",
        "name": "t",
        "model": "orders",
        "given": [],
        "expect": {"rows": []},
        "depends_on": {"nodes": ["model.shop.orders"]},
    }
    shop.parts["unit_tests"]["unit_test.shop.orders.t"] = {**test, **change}

    assert why in left(convert())["t"]


def test_columns_that_no_table_has(shop, convert):
    """What dbt's YAML describes and nothing makes is no promise: a contract would refuse each build for it."""
    described = {
        name: {"name": name, "description": "x"} for name in ("order_id", "Amount", "total_order_amount")
    }
    shop.parts["nodes"]["model.shop.orders"]["columns"] = described
    shop.parts["nodes"]["snapshot.shop.orders_snapshot"]["columns"] = {
        "valid_to": {"name": "valid_to", "description": "x"}
    }

    found = convert()

    assert [item["name"] for item in contract(found, "marts.orders")["properties"]] == ["order_id", "Amount"]
    assert left(found) == {
        "marts.orders.total_order_amount": "it is described, and the table has no such column"
    }
    assert contract(found, "snapshots.orders_snapshot")["properties"][0]["name"] == "valid_to"


def test_columns_that_cannot_be_told(make_shop):
    """A table over a source shows its columns where its SELECT names them, and is believed where it does not."""
    shop = make_shop()
    shop.source("web", "events")
    described = {"y": {"name": "y", "description": "x"}}
    table = {"config": {"materialized": "table"}, "folder": "m", "columns": described}
    shop.node("model", "named", code='select x from "shop"."landing"."events"', **table)
    shop.node("model", "star", code='select * from "shop"."landing"."events"', **table)

    found = convert_manifest(read_manifest(shop.write()))

    assert "m.named.y" in left(found)
    assert [item["name"] for item in contract(found, "m.star")["properties"]] == ["y"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("seen_at", [{"property": "latency", "value": 12, "unit": "hour", "element": "raw.events.seen_at"}]),
        ("seen_at::timestamp", None),
    ],
)
def test_freshness_of_sources(make_shop, field, expected):
    """What `dbt source freshness` asks is a promise of the contract, or it is said that it is not."""
    shop = make_shop()
    age = {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": None, "period": None}}
    shop.source("web", "events", freshness=age, loaded_at_field=field)

    found = convert_manifest(read_manifest(shop.write()))

    text = found.files.get("contracts/raw.events.odcs.yaml", "{}")
    assert yaml.safe_load(text).get("slaProperties") == expected
    assert any(item.what == "freshness" for item in found.left) == (expected is None)


def test_constraints_and_grants(shop, convert):
    """What a model's contract in dbt enforces is promised here; who may read it is said."""
    node = shop.parts["nodes"]["model.shop.orders"]
    kinds = {"order_id": ["primary_key"], "status": ["not_null", "check"]}
    node["columns"] = {
        name: {"name": name, "constraints": [{"type": kind} for kind in found]}
        for name, found in kinds.items()
    }
    node["config"]["grants"] = {"select": ["reporter"]}

    found = convert()

    first, second = contract(found, "marts.orders")["properties"]
    assert first == {"name": "order_id", "primaryKey": True, "required": True, "unique": True}
    assert second == {"name": "status", "required": True}
    assert set(left(found)) == {"marts.orders.status", "orders"}
