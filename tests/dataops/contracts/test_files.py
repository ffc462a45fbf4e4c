"""Which files are contracts, and of which tables."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import InvalidContract, contract_files, read_contract
from ropewalk.project import InvalidProjectFile


def test_each_file_is_the_contract_of_the_table_it_is_named_after(write_project):
    """Contracts are found at any depth below contracts/; the glossary is none."""
    root = write_project(
        {"contracts/mart.a.odcs.yaml": "", "contracts/raw/raw.b.odcs.yaml": "", "contracts/glossary.yaml": ""}
    )

    assert sorted(contract_files(root)) == ["mart.a", "raw.b"]


def test_project_without_contracts_has_none(write_project):
    """No folder is no contracts."""
    assert contract_files(write_project({})) == {}


@pytest.mark.parametrize("name", ["mart.a.yaml", "mart.a.yml", "mart.a.odcs.yml"])
def test_other_yaml_is_refused_rather_than_ignored(write_project, name):
    """A contract that its name hides from us would never be checked."""
    root = write_project({f"contracts/{name}": ""})

    with pytest.raises(InvalidContract, match=r"SCHEMA\.TABLE\.odcs\.yaml") as caught:
        contract_files(root)

    assert str(caught.value.place) == f"contracts/{name}"


def test_two_contracts_of_one_table_are_refused(write_project):
    """Which of the two would count is not for us to choose."""
    root = write_project({"contracts/mart.a.odcs.yaml": "", "contracts/x/mart.a.odcs.yaml": ""})

    with pytest.raises(InvalidContract, match=r"mart\.a has two contracts"):
        contract_files(root)


def test_contracts_in_two_cases_are_refused(write_project):
    """The engine's names have no case, so these two are about one table."""
    root = write_project({"contracts/Mart.a.odcs.yaml": "", "contracts/mart.A.odcs.yaml": ""})

    with pytest.raises(
        InvalidContract, match=r"mart\.A has two contracts, here and in contracts/Mart\.a\.odcs\.yaml"
    ):
        contract_files(root)


def test_file_in_the_place_of_the_folder_is_refused(write_project):
    """Contracts that cannot be listed are not simply none: nothing would be checked."""
    with pytest.raises(InvalidProjectFile, match="cannot be listed") as caught:
        contract_files(write_project({"contracts": "x"}))

    assert str(caught.value.place) == "contracts"


def test_hidden_files_are_left_alone(write_project):
    """What an editor leaves beside a contract is not one."""
    root = write_project({"contracts/.mart.a.odcs.yaml": "", "contracts/.git/x.yaml": ""})

    assert contract_files(root) == {}


def test_contract_is_read_by_the_name_of_its_file(write_project):
    """The file's name says which table it is about, at whatever depth it stands."""
    text = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nschema:\n  - name: mart.a\n"
    root = write_project({"contracts/deep/mart.a.odcs.yaml": text})

    contract = read_contract(root / "contracts/deep/mart.a.odcs.yaml", root)

    assert contract.table == "mart.a"
    assert contract.place.path == "contracts/deep/mart.a.odcs.yaml"
