"""What a contract says of persons: each way to say it, what wins, and what cannot be said."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import InvalidContract, is_open
from ropewalk.dataops.contracts.personal import contract_masks, named_masks
from ropewalk.dataops.contracts.values import ContractColumn
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import Place

PLACE = Place("contracts/glossary.yaml", 2, 3)
GLOSSARY = Glossary(
    {
        "mail": Term("Mail", "How to write", PLACE, pii="contact", mask="partial", synonyms=("E_Mail",)),
        "delay": Term("delay", "Minutes", PLACE, synonyms=("late",)),
    }
)


@pytest.mark.parametrize(
    ("said", "class_", "mask"),
    [
        ("classification: pii", "identifier", "hash"),
        ("classification: Personal Data", "identifier", "hash"),
        ("classification: sensitive", "sensitive", "null"),
        ("classification: confidential", None, None),
        ("tags: [pii]", "identifier", "hash"),
        ("tags: ['PII:contact']", "contact", "partial"),
        ("tags: [core, 'pii:']", "identifier", "hash"),
        ("tags: [pii_free]", None, None),
        ("customProperties: [{property: pii, value: true}]", "identifier", "hash"),
        ("customProperties: [{property: pii, value: false}]", None, None),
        ("customProperties: [{property: pii, value: quasi}]", "quasi", "partial"),
        ("classification: pii, tags: ['pii:sensitive']", "sensitive", "null"),
        ("classification: pii, customProperties: [{property: mask, value: 'null'}]", "identifier", "null"),
        ("classification: public", None, None),
    ],
)
def test_ways_to_say_it(read_column, said, class_, mask):
    """A custom property is nearer than a tag, and a tag than the classification; a mask of its own is the nearest."""
    (column,) = read_column(f"{{name: x, {said}}}").columns

    assert (column.pii, column.mask) == (class_, mask)


@pytest.mark.parametrize(
    ("said", "message", "nearest"),
    [
        ("tags: ['pii:contcat']", "'contcat' is not a class of personal data", "contact"),
        ("customProperties: [{property: pii, value: contact data}]", "is not a class", None),
        ("customProperties: [{property: pii, value: 5}]", "pii must be a word", None),
        ("classification: pii, customProperties: [{property: mask, value: hsah}]", "is not a mask", "hash"),
        ("customProperties: [{property: mask, value: hash}]", "nothing says that it is personal", None),
        ("classification: public, tags: [pii]", "is called personal and public", None),
    ],
)
def test_what_cannot_be_said(read_column, said, message, nearest):
    """A slip would leave a person in the clear: it is an error with its place, and with the right word."""
    with pytest.raises(InvalidContract) as caught:
        read_column(f"{{name: x, {said}}}")

    assert message in caught.value.message
    assert caught.value.place.line is not None
    assert nearest is None or caught.value.nearest == nearest


def test_masks_of_names():
    """Each name of a personal term is masked, in lower case; the names of other terms are not."""
    assert named_masks(GLOSSARY) == {"mail": "partial", "e_mail": "partial"}
    assert named_masks(Glossary()) == {}


@pytest.mark.parametrize(
    ("column", "masks"),
    [
        (ContractColumn("other"), {"mail": "partial", "e_mail": "partial"}),
        (ContractColumn("MAIL"), {"mail": "partial", "e_mail": "partial"}),
        (ContractColumn("MAIL", mask="hash"), {"mail": "hash", "e_mail": "partial"}),
        (ContractColumn("mail", classification="Public"), {"e_mail": "partial"}),
        (ContractColumn("e_mail", term="delay"), {"mail": "partial"}),
        (ContractColumn("x", mask="null"), {"mail": "partial", "e_mail": "partial", "x": "null"}),
    ],
)
def test_masks_of_a_contract(column, masks):
    """Describing a column is not opening it: only an open classification or another meaning takes a mask away."""
    assert contract_masks([column], GLOSSARY) == masks


@pytest.mark.parametrize(
    ("classification", "is_it"),
    [("public", True), ("INTERNAL", True), ("pii", False), (None, False), ("", False)],
)
def test_open_columns(classification, is_it):
    """Open is only what somebody has called so."""
    assert is_open(ContractColumn("x", classification=classification)) is is_it
