"""Columns that map to terms: what they inherit, what they may narrow, and what contradicts."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from ropewalk.dataops.contracts import InvalidContract, TermContradicted, read_contract
from ropewalk.dataops.definitions import UnknownTerm

HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nschema:\n  - name: flights\n    properties:\n"
TERMS = """\
terms:
  origin: {meaning: Airport of departure, type: string, values: [EWR, JFK, LGA], unit: IATA code, owner: schedule desk}
  speed: {meaning: How fast, type: number, minimum: 0, maximum: 150, unit: mph}
  day: {meaning: Day of the schedule, type: date, minimum: 2013-01-01, maximum: 2013-12-31}
  plane: {meaning: Its number, type: string, pattern: '^N[0-9]+$'}
  name: {meaning: Whose it is, type: string, pii: identifier, owner: people}
  salary: {meaning: What they earn, type: number, pii: sensitive}
"""
LINK = "authoritativeDefinitions: [{type: glossary, url: 'glossary:%s'}]"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a contract with one column, `a`, that maps to a term."""

    def read_column(term, more="", name="a"):
        path = tmp_path / "contracts/mart.flights.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        (tmp_path / "contracts/glossary.yaml").write_text(TERMS)
        column = f"- name: {name}\n  {LINK % term}\n" + indent(dedent(more), "  ")
        path.write_text(HEADER + indent(column, "      "))
        return read_contract(path, tmp_path)

    return read_column


def lines(contract):
    return [check.describe() for check in contract.checks][1:]


@pytest.mark.parametrize(
    ("term", "checks"),
    [
        ("origin", ["error logicalType('a') 'string'", "error enum('a') 'EWR' 'JFK' 'LGA'"]),
        ("speed", ["error logicalType('a') 'number'", "error minimum('a') '0'", "error maximum('a') '150'"]),
        (
            "day",
            [
                "error logicalType('a') 'date'",
                "error minimum('a') '2013-01-01'",
                "error maximum('a') '2013-12-31'",
            ],
        ),
        ("plane", ["error logicalType('a') 'string'", "error pattern('a') pattern '^N[0-9]+$'"]),
    ],
)
def test_column_is_checked_by_its_term(read, term, checks):
    """Type, values, range and pattern of the term are checks of the column."""
    assert lines(read(term)) == checks


def test_column_is_described_by_its_term(read):
    """Meaning, unit, owner and class of personal data are the term's where the column says nothing."""
    column, own = read("origin").columns[0], read("origin", "description: Where it starts").columns[0]

    assert (column.term, column.description, column.unit) == ("origin", "Airport of departure", "IATA code")
    assert (column.owner, column.logical_type, own.description) == (
        "schedule desk",
        "string",
        "Where it starts",
    )


@pytest.mark.parametrize(
    ("term", "more", "check"),
    [
        ("origin", "enum: [{value: JFK}]", "error enum('a') 'JFK'"),
        ("speed", "logicalType: integer", "error logicalType('a') 'integer'"),
        ("speed", "logicalType: number\nlogicalTypeOptions: {maximum: 99.5}", "error maximum('a') '99.5'"),
        (
            "speed",
            "logicalType: number\nlogicalTypeOptions: {exclusiveMinimum: 0}",
            "error exclusiveMinimum('a') '0'",
        ),
        (
            "day",
            "logicalType: date\nlogicalTypeOptions: {minimum: 2013-06-01}",
            "error minimum('a') '2013-06-01'",
        ),
    ],
)
def test_column_may_be_narrower(read, term, more, check):
    """What the column says itself takes the place of the wider promise."""
    found = lines(read(term, more))

    assert check in found
    assert len({line.split("(")[0].replace("exclusiveM", "m") for line in found}) == len(found)


@pytest.mark.parametrize(
    ("term", "more", "said"),
    [
        ("origin", "logicalType: integer", "has logicalType integer, and its term 'origin' has string"),
        ("speed", "logicalType: string", "has logicalType string, and its term 'speed' has number"),
        (
            "origin",
            "enum: [{value: JFK}, {value: BOS}]",
            "has enum BOS, and its term 'origin' has EWR, JFK, LGA",
        ),
        (
            "speed",
            "customProperties: [{property: unit, value: km/h}]",
            "unit 'km/h', and its term 'speed' has 'mph'",
        ),
        ("speed", "logicalType: number\nlogicalTypeOptions: {minimum: -1}", "logicalTypeOptions.minimum -1"),
        ("speed", "logicalType: number\nlogicalTypeOptions: {exclusiveMaximum: 151}", "exclusiveMaximum 151"),
        (
            "day",
            "logicalType: date\nlogicalTypeOptions: {maximum: 2014-01-01}",
            "logicalTypeOptions.maximum 2014-01-01",
        ),
        ("name", "classification: public", "has classification public, and its term 'name' is personal data"),
    ],
)
def test_contradiction_names_both_places(read, term, more, said):
    """A column that says otherwise than its term is an error with the place of each."""
    with pytest.raises(TermContradicted) as caught:
        read(term, more)

    assert said in caught.value.message
    assert caught.value.place.path == "contracts/mart.flights.odcs.yaml"
    assert caught.value.place.line > 8
    assert "contracts/glossary.yaml:" in caught.value.hint


@pytest.mark.parametrize(
    ("term", "close"), [("orign", "origin"), ("Origin", "origin"), ("nothing like it", None)]
)
def test_unknown_term_has_the_nearest(read, term, close):
    """A column cannot mean what nobody defined."""
    with pytest.raises(UnknownTerm) as caught:
        read(term)

    assert caught.value.nearest == close
    assert str(caught.value.place) == "contracts/mart.flights.odcs.yaml:9:53"


def test_column_has_one_meaning(read):
    """Two terms for one column are refused, and so is a link of another kind to a term."""
    with pytest.raises(InvalidContract, match="'a' maps to 'origin' and 'speed'"):
        read("origin'}, {type: businessDefinition, url: 'glossary:speed")
    with pytest.raises(InvalidContract, match="of type glossary, not 'tutorial'"):
        read("origin'}, {type: tutorial, url: 'glossary:speed")


def test_options_stand_beside_their_type(read):
    """Other tools read a column's options by its type, and do not know the term."""
    with pytest.raises(InvalidContract, match="logicalTypeOptions needs a logicalType"):
        read("speed", "logicalTypeOptions: {maximum: 99}")


def test_other_links_are_left_alone(read):
    """A contract may point people to definitions elsewhere too."""
    contract = read("origin'}, {type: businessDefinition, url: 'https://example.com/words#origin")

    assert contract.columns[0].term == "origin"


def test_term_counts_in_the_key(read, tmp_path):
    """What a term adds to the checks is part of what decides about the table; its wording is not."""
    before = read("speed")
    other = TERMS.replace("maximum: 150", "maximum: 160").replace("How fast", "Speed over ground")
    (tmp_path / "contracts/glossary.yaml").write_text(other)
    path = tmp_path / "contracts/mart.flights.odcs.yaml"

    after = read_contract(path, tmp_path)
    (tmp_path / "contracts/glossary.yaml").write_text(TERMS.replace("How fast", "Speed over ground"))

    assert before.text() != after.text()
    assert before.text() == read_contract(path, tmp_path).text()


@pytest.mark.parametrize(
    ("more", "pii", "mask"),
    [
        ("classification: pii", "identifier", "hash"),
        ("classification: Sensitive", "sensitive", "null"),
        ("tags: [pii]", "identifier", "hash"),
        ("tags: ['PII:contact']", "contact", "partial"),
        ("customProperties: [{property: pii, value: true}]", "identifier", "hash"),
        ("customProperties: [{property: pii, value: quasi}]", "quasi", "partial"),
        ("classification: pii\ncustomProperties: [{property: mask, value: 'null'}]", "identifier", "null"),
        ("classification: confidential", None, None),
        ("classification: public", None, None),
    ],
)
def test_contract_says_what_is_personal(read, more, pii, mask):
    """Classification, tag or custom property name the class, and the class or a property the mask."""
    column = read("plane", more).columns[0]

    assert (column.pii, column.mask) == (pii, mask)


def test_term_says_what_is_personal(read):
    """A column of a personal term is personal, masked as its class is."""
    assert read("name").masks["a"] == "hash"
    assert read("salary").masks["a"] == "null"


def test_name_of_a_personal_term_is_masked(read):
    """A column that nobody mapped and that is called like a personal term is masked, until it is called open."""
    assert read("plane").masks == {"name": "hash", "salary": "null"}
    assert read("plane", name="salary").masks == {"name": "hash"}
    assert read("plane", "classification: public", name="salary").masks == {"name": "hash"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("customProperties: [{property: pii, value: secret}]", "'secret' is not a class of personal data"),
        ("tags: ['pii:contct']", "'contct' is not a class of personal data"),
        ("classification: pii\ncustomProperties: [{property: mask, value: md5}]", "'md5' is not a mask"),
        (
            "customProperties: [{property: mask, value: hash}]",
            "has a mask, and nothing says that it is personal",
        ),
        ("classification: public\ntags: [pii]", "is called personal and public"),
        ("customProperties: [{property: pii, value: [a]}]", "pii must be a word"),
    ],
)
def test_personal_data_is_said_properly(read, more, message):
    """A slip in what is personal must not leave it in the clear."""
    with pytest.raises(InvalidContract, match=message):
        read("plane", more)
