"""Meanings follow copies: what nobody said of a column is said by what it is copied from."""

from __future__ import annotations

from ropewalk.dataops.catalog import list_tables
from ropewalk.dataops.columns import ColumnLineage, Origin, TableLineage

CONTRACT = """\
    apiVersion: v3.1.0
    kind: DataContract
    id: people
    version: 1.0.0
    schema:
      - name: people
        properties:
          - {name: mail, classification: pii, description: Where to write to}
          - {name: age, description: In years}
    """
FILES = {
    "tables/staging/people.sql": "SELECT 'a@b' AS mail, 3 AS age",
    "tables/mart/people.sql": "SELECT mail AS address, age, age * 12 AS months FROM staging.people",
    "contracts/staging.people.odcs.yaml": CONTRACT,
    "contracts/mart.people.odcs.yaml": CONTRACT.replace("mail, classification: pii", "address")
    .replace(", description: Where to write to", "")
    .replace("In years", "Years alive"),
}
LINEAGE = {
    "mart.people": TableLineage(
        "mart.people",
        (
            ColumnLineage("address", (Origin("staging.people", "mail"),), (), "copy"),
            ColumnLineage("age", (Origin("staging.people", "age"),), (), "copy"),
            ColumnLineage("months", (Origin("staging.people", "age"),), (), "computed"),
        ),
    )
}


def test_meaning_and_class_come_from_what_is_copied(open_project):
    """With where it was said; what a table says itself comes first, and what is computed means something else."""
    cards = {card.name: card for card in list_tables(open_project(FILES), LINEAGE)}
    address, age, months = cards["mart.people"].columns

    assert (address.description, address.inherited_from) == ("Where to write to", "staging.people.mail")
    assert address.pii == "identifier"
    assert (age.description, age.inherited_from) == ("Years alive", None)
    assert (months.description, months.inherited_from) == (None, None)


def test_without_lineage_nothing_is_inherited(open_project):
    """As while the project's files cannot be read."""
    cards = {card.name: card for card in list_tables(open_project(FILES))}

    assert cards["mart.people"].columns[0].description is None
