"""Contracts read once: what is kept between plans, and what makes them be read again."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import InvalidContract, read_contracts
from ropewalk.dataops.contracts.kept import FILE, STATE_FOLDER, _load
from ropewalk.dataops.definitions import UnknownTerm
from ropewalk.project import InvalidProjectFile

CONTRACT = (
    "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nschema: [{name: a, properties: [%s]}]\n"
)
MAPPED = CONTRACT % "{name: x, authoritativeDefinitions: [{type: glossary, url: 'glossary:t'}]}"
TERM = "terms: {t: {meaning: x, type: integer, minimum: %d}}\n"


@pytest.fixture
def root(write_project):
    """Return a project with state, a term and two contracts."""
    root = write_project(
        {
            "contracts/glossary.yaml": TERM % 0,
            "contracts/mart.A.odcs.yaml": CONTRACT % "{name: x}",
            "contracts/mart.b.odcs.yaml": MAPPED.replace("{name: a,", "{name: b,"),
        }
    )
    (root / STATE_FOLDER).mkdir()
    return root


def test_contracts_are_by_table_in_small_letters(root):
    """The engine's names have no case, and each contract keeps its own spelling."""
    found = read_contracts(root)

    assert {name: contract.table for name, contract in found.items()} == {
        "mart.a": "mart.A",
        "mart.b": "mart.b",
    }


def test_kept_contracts_are_those_that_were_read(root):
    """What is read back from the state folder equals what was parsed."""
    found = read_contracts(root)

    kept = _load(root / STATE_FOLDER / FILE)

    assert sorted(contract.table for contract in kept.contracts.values()) == ["mart.A", "mart.b"]
    assert list(kept.contracts.values()) == list(found.values())


def test_changed_glossary_changes_contracts(root):
    """A term's new limit is a new limit of every column that maps to it, at the next look."""
    before = read_contracts(root)["mart.b"].text()
    (root / "contracts/glossary.yaml").write_text(TERM % 5)

    after = read_contracts(root)["mart.b"].text()

    assert (before.splitlines()[-1], after.splitlines()[-1]) == (
        "error minimum('x') '0'",
        "error minimum('x') '5'",
    )


def test_nothing_is_kept_without_a_state_folder(root):
    """Planning a project that was never run leaves its folder as it is."""
    (root / STATE_FOLDER / FILE).unlink(missing_ok=True)
    (root / STATE_FOLDER).rmdir()

    read_contracts(root)

    assert not (root / STATE_FOLDER).exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"version": 1}', b'{"version": "other", "contracts": {}}', b"[]"]
)
def test_damaged_file_counts_as_empty(root, content):
    """Losing what was kept costs time and nothing else."""
    (root / STATE_FOLDER / FILE).write_bytes(content)

    assert len(read_contracts(root)) == 2


def test_errors_are_not_kept(root):
    """A wrong contract is told again and again, and read anew when it is mended."""
    path = root / "contracts/mart.A.odcs.yaml"
    good = path.read_text()
    path.write_text(CONTRACT % "{name: x, logicalType: text}")
    for _ in range(2):
        with pytest.raises(InvalidContract):
            read_contracts(root)

    path.write_text(good)

    assert len(read_contracts(root)) == 2


def test_lost_glossary_is_an_error(root):
    """A contract that maps to a term which is gone is no contract any more."""
    read_contracts(root)
    (root / "contracts/glossary.yaml").unlink()

    with pytest.raises(UnknownTerm, match="has no term 't'"):
        read_contracts(root)


def test_glossary_alone_is_read(write_project):
    """What is wrong in a glossary is told before a contract uses it."""
    root = write_project({"contracts/glossary.yaml": "terms: {t: {meening: x}}"})

    with pytest.raises(InvalidProjectFile, match="unknown key 'meening'"):
        read_contracts(root)


def test_unreadable_contract_is_an_error(root):
    """A contract that is no file must not pass for none."""
    path = root / "contracts/mart.A.odcs.yaml"
    path.unlink()
    path.symlink_to("nowhere")

    with pytest.raises(InvalidProjectFile, match="cannot be read"):
        read_contracts(root)
