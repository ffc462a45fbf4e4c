"""Whom a change concerns."""

from __future__ import annotations

from ropewalk.dataops.columns.people import find_people
from ropewalk.dataops.contracts import Contract, ContractColumn
from ropewalk.errors import Place
from ropewalk.pipeline import Graph, Node

PLACE = Place("contracts/a.t.odcs.yaml")
GRAPH = Graph(
    {
        "table:a.t": Node("table:a.t", Place("tables/a/t.sql"), provides=("a.t", "t")),
        "step:s": Node("step:s", Place("steps/s.py")),
    },
    {"table:a.t": {}, "step:s": {}},
    {},
)
CONTRACTS = {
    "a.t": Contract(
        "a.t", PLACE, "1", owner="Sales", columns=(ContractColumn("X", owner="Privacy"), ContractColumn("y"))
    )
}


def people(root, nodes, columns=()):
    return {person.name: person.reasons for person in find_people(root, GRAPH, CONTRACTS, nodes, columns)}


def test_owners_of_tables_and_of_their_columns(tmp_path):
    """A column's owner only when the column is reached, whatever its case."""
    assert people(tmp_path, ["table:a.t"]) == {"Sales": ("owns a.t (contract)",)}
    assert people(tmp_path, ["table:a.t"], {"a.t.x"})["Privacy"] == ("owns a.t.X (contract)",)


def test_owners_of_files(tmp_path):
    """As CODEOWNERS says, each file once."""
    (tmp_path / "CODEOWNERS").write_text("*.py @science\n/tables/ @data\n")

    assert people(tmp_path, ["table:a.t", "step:s"])["@science"] == ("owns steps/s.py (CODEOWNERS)",)
    assert people(tmp_path, ["step:s"]) == {"@science": ("owns steps/s.py (CODEOWNERS)",)}


def test_what_is_no_node_concerns_nobody(tmp_path):
    """Such as a run or a model's version."""
    assert people(tmp_path, ["run:abc", "model_version:late/3"]) == {}
