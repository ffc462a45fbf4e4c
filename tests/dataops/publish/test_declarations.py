"""What may be declared below `publish:`, and what is refused at its place."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.dataops.publish import InvalidPublication
from ropewalk.pipeline import declare_graph
from ropewalk.project import InvalidProjectFile, load_project

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: id
        logicalType: integer
      - name: who
        logicalType: string
        classification: PII
"""
FOLDER = "{kind: parquet, path: out}"


def node(shop):
    project = load_project(shop.root, plugins.sections())
    return declare_graph(project, plugins.kinds()).nodes["publish:orders"]


@pytest.mark.parametrize(
    ("to", "options", "said"),
    [
        ("{kind: postgres, url: 'postgresql://a:b@h/d'}", {}, "has a password in it"),
        (FOLDER, {"write": "merge", "key": "[id]"}, "files take replace or append"),
        ("{kind: mysql, url: 'secret://X'}", {"write": "merge"}, "merge needs a key"),
        ("{kind: mysql, url: 'secret://X'}", {"key": "[id]"}, "a key is for write: merge"),
        (FOLDER, {"environments": "[a, b]"}, "several environments need {environment}"),
        (FOLDER, {"environments": "['*']"}, "several environments need {environment}"),
        ("{kind: parquet, path: 'out/{env}'}", {}, "is the only placeholder"),
        ("{kind: mysql, url: 'secret://X', table: 'a`b'}", {}, "backticks"),
        (FOLDER, {"environments": "[]"}, "at least 1 item"),
        ("{kind: oracle, url: x}", {}, "oracle"),
        (FOLDER, {"write": "replace", "wriet": "x"}, "wriet"),
    ],
)
def test_refused(shop, to, options, said):
    """A declaration that cannot work is refused before anything runs, with its line."""
    shop.declare(to, **options)

    with pytest.raises(InvalidProjectFile) as caught:
        node(shop)

    assert said in caught.value.message
    assert caught.value.place.line is not None


def test_facts_hold_no_secret(shop):
    """Where credentials are looked up is no part of what is published, and appears nowhere."""
    shop.declare("{kind: postgres, url: 'secret://HIDDEN', table: 'mart.orders'}")

    facts = node(shop).facts

    assert facts["target"] == "postgres mart.orders"
    assert "HIDDEN" not in str(facts)


def test_private_columns_are_refused(shop):
    """A column that the contract classifies as personal does not go out without a word."""
    shop.write("contracts/mart.orders.odcs.yaml", CONTRACT)
    shop.declare(FOLDER)

    with pytest.raises(InvalidPublication, match=r"would show who: .* classifies who as PII"):
        node(shop)


def test_names_of_personal_terms_that_no_column_has(shop):
    """A glossary is about all tables: its words hold nothing back from a table that does not have them."""
    shop.write("contracts/mart.orders.odcs.yaml", CONTRACT.replace("PII", "public"))
    shop.write(
        "contracts/glossary.yaml",
        "terms: {price: {meaning: P, pii: sensitive}, mail: {meaning: M, pii: contact}}",
    )
    shop.declare(FOLDER, columns="[id, who]")
    assert node(shop).facts.get("pii") is None

    shop.declare(FOLDER)
    failed = shop.run().error

    # The contract says nothing of the price; that the table has one is seen when it is there.
    assert "would show price, which hold personal data" in failed.message


def test_private_columns_that_are_not_chosen(shop):
    """What does not go out needs no word."""
    shop.write("contracts/mart.orders.odcs.yaml", CONTRACT)
    shop.declare(FOLDER, columns="[id, price]")

    assert node(shop).facts.get("pii") is None


@pytest.mark.parametrize(
    ("word", "columns"), [("include", {"id", "who", "price"}), ("leave_out", {"id", "price"})]
)
def test_private_columns_with_a_word(shop, word, columns):
    """They go out when that is said, or the others do."""
    shop.write("contracts/mart.orders.odcs.yaml", CONTRACT)
    shop.declare(FOLDER, pii=word)
    shop.run()

    manifest = (shop.root / "out/manifest.json").read_text()

    assert {name for name in ("id", "who", "price") if f'"name": "{name}"' in manifest} == columns


def test_key_that_is_private(shop, postgres):
    """A merge without its key is none."""
    shop.write("contracts/mart.orders.odcs.yaml", CONTRACT)
    shop.declare(postgres.to, write="merge", key="[who]", pii="leave_out")

    assert "its key 'who' is private" in shop.run().error.message


@pytest.mark.parametrize(
    "url", ["mysql://me@host/x", "postgresql://host", "nonsense", "postgresql://h:notaport/x"]
)
def test_url_of_something_else(shop, url, monkeypatch):
    """A URL that is none of such a database is refused, and not repeated."""
    monkeypatch.setenv("WAREHOUSE", url)
    shop.declare("{kind: postgres, url: 'secret://WAREHOUSE'}")

    failed = shop.run().error

    assert isinstance(failed, InvalidPublication)
    assert url not in str(failed.as_json())


def test_missing_secret(shop):
    """A secret that is not set is named."""
    shop.declare("{kind: postgres, url: 'secret://NOT_SET_ANYWHERE'}")

    assert "'NOT_SET_ANYWHERE' is not set" in shop.run().error.message


def test_private_columns_by_lineage(shop):
    """A copy of a personal column is personal too, although its own table has no contract."""
    shop.write("contracts/mart.people.odcs.yaml", CONTRACT.replace("orders", "people"))
    shop.write("tables/mart/people.sql", "SELECT 1 AS id, 'ann' AS who")
    shop.declare(FOLDER)

    failed = shop.run("SELECT id, who AS customer FROM mart.people").error

    assert isinstance(failed, InvalidPublication)
    assert "would show customer, which hold personal data" in failed.message
    assert not (shop.root / "out/manifest.json").exists()
