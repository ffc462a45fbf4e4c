"""Manifests of dbt in their true form, of a small shop: customers, orders and payments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"
SEEDS = {
    "raw_customers": "id,first_name,last_name\n1,Ann,Ash\n2,Bob,Birch\n3,Cy,Cedar\n",
    "raw_orders": "id,user_id,order_date,status\n1,1,2018-01-01,returned\n2,3,2018-01-02,completed\n"
    "3,1,2018-01-04,completed\n4,2,2018-02-04,placed\n",
    "raw_payments": "id,order_id,payment_method,amount\n1,1,credit_card,1000\n2,2,coupon,2000\n"
    "3,3,bank_transfer,100\n4,3,credit_card,250\n5,4,gift_card,77\n",
}


class Shop:
    """A dbt project to be: nodes are added, and its manifest is written as dbt does it."""

    def __init__(self, root: Path, adapter: str = "duckdb") -> None:
        self.root = root
        self.metadata = {
            "dbt_schema_version": SCHEMA,
            "dbt_version": "1.11.16",
            "project_name": "shop",
            "adapter_type": adapter,
            "generated_at": "2026-11-23T10:00:00.000000Z",
        }
        self.parts = {
            name: {}
            for name in (
                "nodes",
                "sources",
                "macros",
                "docs",
                "exposures",
                "metrics",
                "groups",
                "disabled",
                "saved_queries",
                "semantic_models",
                "unit_tests",
            )
        }

    def node(self, kind, name, *, schema="main", folder="", above=(), code=None, **more):
        """Add a node of dbt and return it."""
        node_id = f"{kind}.shop.{name}"
        config = {"enabled": True, "materialized": kind, "meta": {}, "tags": [], **more.pop("config", {})}
        path = f"{folder}/{name}.sql".lstrip("/")
        self.parts["nodes"][node_id] = {
            "database": "shop",
            "schema": schema,
            "name": name,
            "alias": name,
            "resource_type": kind,
            "package_name": "shop",
            "path": path,
            "original_file_path": f"{kind}s/{path}",
            "unique_id": node_id,
            "fqn": ["shop", name],
            "config": config,
            "columns": {},
            "description": "",
            "language": "sql",
            "depends_on": {"macros": [], "nodes": list(above)},
            "compiled": code is not None,
            **({"compiled_code": code} if code is not None else {}),
            **more,
        }
        return self.parts["nodes"][node_id]

    def seed(self, name, text):
        """Add a seed and its file."""
        (self.root / "seeds").mkdir(parents=True, exist_ok=True)
        (self.root / f"seeds/{name}.csv").write_text(text)
        return self.node("seed", name, original_file_path=f"seeds/{name}.csv", language=None)

    def test(self, name, code, *, above, metadata=None, column=None, **more):
        """Add a test that was compiled to `code`."""
        attached = more.pop("attached", above[-1])
        config = {"severity": "ERROR", "error_if": "!= 0", "warn_if": "!= 0", "fail_calc": "count(*)"}
        return self.node(
            "test",
            name,
            code=code,
            above=above,
            column_name=column,
            attached_node=attached if metadata else None,
            test_metadata=metadata and {"name": metadata[0], "kwargs": metadata[1], "namespace": None},
            config={**config, **more.pop("config", {})},
        )

    def source(self, group, name, *, identifier=None, **more):
        """Add a table of a source."""
        node_id = f"source.shop.{group}.{name}"
        self.parts["sources"][node_id] = {
            "database": "shop",
            "schema": "landing",
            "name": name,
            "source_name": group,
            "identifier": identifier or name,
            "resource_type": "source",
            "unique_id": node_id,
            "package_name": "shop",
            "columns": {},
            "description": "",
            "config": {"enabled": True},
            **more,
        }

    def write(self, **metadata):
        """Write the manifest and return the project's folder."""
        (self.root / "target").mkdir(parents=True, exist_ok=True)
        text = json.dumps({"metadata": {**self.metadata, **metadata}, **self.parts})
        (self.root / "target/manifest.json").write_text(text)
        return self.root


@pytest.fixture
def make_shop(tmp_path):
    """Return a function that begins a dbt project without nodes."""
    return lambda adapter="duckdb": Shop(tmp_path / "dbt", adapter)


@pytest.fixture
def shop(make_shop):
    """Return a dbt project whose tables are made of three seeds, with tests and documentation."""
    found = make_shop()
    for name, text in SEEDS.items():
        found.seed(name, text)
    staging = {"schema": "main_staging", "folder": "staging"}
    view = {"materialized": "view", "schema": "staging"}
    found.node(
        "model",
        "stg_customers",
        **staging,
        config=view,
        above=["seed.shop.raw_customers"],
        description="Customers, cleaned.",
        code='with source as (\n    -- all of them\n    select * from "shop"."main"."raw_customers"\n)\n'
        "select id as customer_id, first_name, last_name from source",
        columns={"customer_id": {"name": "customer_id", "description": "Who it is.", "data_type": "integer"}},
    )
    found.node(
        "model",
        "stg_orders",
        **staging,
        config=view,
        above=["seed.shop.raw_orders"],
        code='\n\nselect id as order_id, user_id as customer_id, order_date, status from "shop"."main"."raw_orders"\n;',
    )
    found.node(
        "model",
        "stg_payments",
        **staging,
        config=view,
        above=["seed.shop.raw_payments"],
        code='select id as payment_id, order_id, payment_method, amount / 100 as amount from "shop"."main"."raw_payments"',
    )
    found.node(
        "model",
        "order_amounts",
        folder="marts",
        config={"materialized": "ephemeral"},
        above=["model.shop.stg_payments"],
        code='select order_id, sum(amount) as total from "shop"."main_staging"."stg_payments" group by 1',
    )
    found.node(
        "model",
        "orders",
        folder="marts",
        config={"materialized": "table"},
        above=["model.shop.stg_orders", "model.shop.order_amounts"],
        description="One order.\nstatus: as the shop tells it.",
        code="with __dbt__cte__order_amounts as (\n"
        'select order_id, sum(amount) as total from "shop"."main_staging"."stg_payments" group by 1\n)\n'
        'select o.order_id, o.customer_id, o.status, a.total as amount from "shop"."main_staging"."stg_orders" o\n'
        "left join __dbt__cte__order_amounts a on a.order_id = o.order_id",
    )
    found.node(
        "model",
        "customers",
        folder="marts",
        config={"materialized": "table"},
        above=["model.shop.stg_customers", "model.shop.stg_orders", "model.shop.stg_payments"],
        code="select c.customer_id, count(distinct o.order_id) as number_of_orders, sum(p.amount) as value\n"
        'from "shop"."main_staging"."stg_customers" c\n'
        'left join "shop"."main_staging"."stg_orders" o using (customer_id)\n'
        'left join "shop"."main_staging"."stg_payments" p using (order_id) group by 1',
    )
    found.node(
        "model",
        "order_log",
        config={"materialized": "incremental", "unique_key": "order_id"},
        above=["model.shop.stg_orders"],
        code='select order_id, status from "shop"."main_staging"."stg_orders"',
    )
    found.node(
        "snapshot",
        "orders_snapshot",
        schema="snapshots",
        config={"unique_key": "id", "strategy": "timestamp", "updated_at": "order_date"},
        above=["seed.shop.raw_orders"],
        code='\n\nselect * from "shop"."main"."raw_orders"',
    )
    found.node(
        "model",
        "current_orders",
        folder="marts",
        config={"materialized": "view"},
        above=["snapshot.shop.orders_snapshot"],
        code='select id, dbt_valid_from from "shop"."snapshots"."orders_snapshot" where dbt_valid_to is null',
    )
    return found
