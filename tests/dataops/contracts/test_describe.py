"""The line that decides whether two checks are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.dataops.contracts import Check, Contract, ContractColumn, Expectation
from ropewalk.errors import Place

PLACE = Place("contracts/a.b.odcs.yaml", 3, 5)
CHECK = Check("minimum", ("a",), PLACE, ("0",))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "maximum"},
        {"columns": ("b",)},
        {"columns": ("a", "b")},
        {"columns": ()},
        {"values": ("1",)},
        {"values": ("0", "1")},
        {"values": ("0 1",)},
        {"values": ()},
        {"pattern": ""},
        {"pattern": "x"},
        {"query": "SELECT 1"},
        {"expect": Expectation("mustBe", (1,))},
        {"expect": Expectation("mustNotBe", (0,))},
        {"unit": "percent"},
        {"severity": "warning"},
    ],
    ids=str,
)
def test_whatever_decides_changes_the_line(change):
    """No two checks that could judge differently have one line."""
    assert replace(CHECK, **change).describe() != CHECK.describe()


@pytest.mark.parametrize("change", [{"place": Place("elsewhere")}, {"label": "never negative"}], ids=str)
def test_place_and_name_do_not_decide(change):
    """Moving or renaming a check changes nothing that could fail."""
    assert replace(CHECK, **change).describe() == CHECK.describe()


def test_text_of_a_contract_is_its_checks():
    """Descriptions, owners and versions may change without a table being built again."""
    contract = Contract("a.b", PLACE, "1.0.0", checks=(CHECK, replace(CHECK, kind="maximum")))
    described = replace(
        contract, version="2.0.0", description="new", owner="ann", columns=(ContractColumn("a"),)
    )

    assert contract.text() == "error minimum('a') '0'\nerror maximum('a') '0'"
    assert described.text() == contract.text()
