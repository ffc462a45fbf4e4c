"""Changes of contracts: which break those who read, which those who fill, and which nobody."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.dataops.contracts import (
    Check,
    Contract,
    ContractMissing,
    compare_contracts,
    contracts_at,
    is_declared,
    read_contract,
)
from ropewalk.errors import Place

PLACE = Place("contracts/mart.a.odcs.yaml", 1, 1)
HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: %s\nschema:\n  - name: a\n    %s\n"
BOTH = ["consumers", "producers"]


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the contract of mart.a from the text of its table."""

    def read_table(text, version="1.0.0"):
        path = tmp_path / "contracts/mart.a.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER % (version, text))
        return read_contract(path, tmp_path)

    return read_table


@pytest.fixture
def compare(read):
    """Return a function that compares two texts of a column's properties."""

    def compare_columns(old, new):
        before, after = (read(f"properties: [{text}]") for text in (old, new))
        return [
            (item.what, list(item.breaks))
            for item in compare_contracts({"mart.a": before}, {"mart.a": after})
        ]

    return compare_columns


@pytest.mark.parametrize(
    ("old", "new", "what", "breaks"),
    [
        ("{name: x}, {name: y}", "{name: x}", "column y is gone", ["consumers"]),
        ("{name: x}", "{name: x}, {name: y, required: true}", "column y is new", ["producers"]),
        ("{name: x, required: true}", "{name: x}", "not NULL of x is gone", ["consumers"]),
        ("{name: x}", "{name: x, required: true}", "not NULL of x is new", ["producers"]),
        ("{name: x, unique: true}", "{name: x}", "unique of x is gone", ["consumers"]),
        (
            "{name: x, logicalType: integer}",
            "{name: x, logicalType: number}",
            "type of x was integer and is number",
            ["consumers"],
        ),
        (
            "{name: x, logicalType: number}",
            "{name: x, logicalType: integer}",
            "type of x was number and is integer",
            ["producers"],
        ),
        (
            "{name: x, logicalType: integer}",
            "{name: x, logicalType: string}",
            "type of x was integer and is string",
            BOTH,
        ),
        (
            "{name: x, enum: [{value: a}]}",
            "{name: x, enum: [{value: a}, {value: b}]}",
            "enum of x was a and is a, b",
            ["consumers"],
        ),
        (
            "{name: x, enum: [{value: a}, {value: b}]}",
            "{name: x, enum: [{value: a}]}",
            "enum of x was a, b and is a",
            ["producers"],
        ),
        ("{name: x, enum: [{value: a}]}", "{name: x, enum: [{value: b}]}", "enum of x was a and is b", BOTH),
        ("{name: x, enum: [{value: b}]}", "{name: x}", "enum of x is gone", ["consumers"]),
        ("{name: x, description: One}", "{name: x, description: Two}", "description of x changed", []),
    ],
)
def test_columns(compare, old, new, what, breaks):
    """Taking back or loosening a promise breaks consumers, adding or tightening one breaks producers."""
    assert compare(old, new) == [(what, breaks)]


@pytest.mark.parametrize(
    ("key", "old", "new", "breaks"),
    [
        ("minimum", 0, -1, ["consumers"]),
        ("minimum", 0, 1, ["producers"]),
        ("maximum", 10, 9, ["producers"]),
        ("maximum", 9, 10, ["consumers"]),
        ("exclusiveMaximum", 1.5, 2.5, ["consumers"]),
        ("multipleOf", 2, 3, BOTH),
    ],
)
def test_bounds(compare, key, old, new, breaks):
    """A wider range breaks who reads, a narrower one who fills."""
    column = "{{name: x, logicalType: number, logicalTypeOptions: {{{}: {}}}}}"

    assert compare(column.format(key, old), column.format(key, new)) == [
        (f"{key} of x was {old} and is {new}", breaks)
    ]


@given(old=st.integers(-99, 99), new=st.integers(-99, 99))
@settings(max_examples=40)
def test_there_and_back_breaks_the_other_side(old, new):
    """A change that breaks who reads breaks, undone, who fills; no change is none."""
    contracts = [
        {"a": Contract("mart.a", PLACE, "1", checks=(Check("minimum", ("x",), PLACE, (str(bound),)),))}
        for bound in (old, new)
    ]

    there, back = compare_contracts(*contracts), compare_contracts(*reversed(contracts))

    broken = [item.breaks for item in [*there, *back]]
    assert broken in ([], [("consumers",), ("producers",)], [("producers",), ("consumers",)])
    assert (broken == []) == (old == new)


def test_bounds_of_dates(compare):
    """Dates are compared as dates are."""
    column = "{name: x, logicalType: date, logicalTypeOptions: {minimum: %s}}"

    assert compare(column % "2013-02-01", column % "2013-01-31")[0][1] == ["consumers"]
    assert compare(column % "2013-02-01", column % "2013-12-01")[0][1] == ["producers"]


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        ("mustBeLessThan: 5", "mustBeLessThan: 6", ["consumers"]),
        ("mustBeLessThan: 5", "mustBeLessThan: 4", ["producers"]),
        ("mustBeGreaterThan: 5", "mustBeGreaterThan: 4", ["consumers"]),
        ("mustBeGreaterThan: 5", "mustBeGreaterThan: 6", ["producers"]),
        ("mustBeBetween: [2, 5]", "mustBeBetween: [1, 4]", BOTH),
        ("mustBeBetween: [2, 5]", "mustBeBetween: [2, 6]", ["consumers"]),
        ("mustBe: 5", "mustBe: 6", BOTH),
        ("mustBe: 5", "mustBeLessThan: 6", BOTH),
        ("mustBe: 5", "mustBe: 5, severity: warning", ["consumers"]),
        ("mustBe: 5, severity: warning", "mustBe: 5", ["producers"]),
        ("mustBe: 5, severity: warning", "mustBe: 6, severity: warning", []),
    ],
)
def test_rules(read, old, new, breaks):
    """A rule that is looser, or only warns, breaks who reads; what only warned breaks nobody."""
    before, after = (read(f"quality: [{{metric: rowCount, {rule}}}]") for rule in (old, new))

    (change,) = compare_contracts({"mart.a": before}, {"mart.a": after})

    assert list(change.breaks) == breaks


def test_rules_are_told_apart_by_their_names(read):
    """Two rules of one kind are two promises; a renamed one is another."""
    before = read(
        "quality: [{name: a, type: sql, query: SELECT 1, mustBe: 0}, {name: b, type: sql, query: SELECT 2, mustBe: 0}]"
    )
    after = read(
        "quality: [{name: a, type: sql, query: SELECT 3, mustBe: 0}, {name: c, type: sql, query: SELECT 2, mustBe: 0}]"
    )

    found = [(item.what, list(item.breaks)) for item in compare_contracts({"a": before}, {"a": after})]

    assert found == [
        ("'a' was SELECT 1 and is SELECT 3", BOTH),
        ("'b' is gone", ["consumers"]),
        ("'c' is new", ["producers"]),
    ]


def test_rules_without_names_are_told_apart(read):
    """Of two rules about the same that nobody named, the one that goes is told of; the order of the file counts."""
    rule = "{type: sql, query: SELECT %s, mustBe: 0}"
    both, one = read(f"quality: [{rule % 1}, {rule % 2}]"), read(f"quality: [{rule % 1}]")

    def told(old, new):
        return [(item.what, list(item.breaks)) for item in compare_contracts({"a": old}, {"a": new})]

    assert told(both, one) == [("sql is gone", ["consumers"])]
    assert told(one, both) == [("sql is new", ["producers"])]
    assert told(both, both) == []


@pytest.mark.parametrize(
    ("old", "new", "declared"),
    [
        ("1.9.0", "2.0.0", True),
        ("v1", "v2", True),
        ("v9.1", "v10", True),
        ("1.0.0", "1.9.0", False),
        ("2.0.0", "1.0.0", False),
        ("draft", "2.0.0", False),
        ("1.0.0", "\u00b2.0.0", False),
    ],
)
def test_declared_breaks(read, old, new, declared):
    """Major numbers are compared as numbers; what is no number says nothing, and nothing crashes."""
    assert is_declared(read("properties: []", old), read("properties: []", new)) is declared


@pytest.mark.parametrize(("old", "new"), [("1", "1.0"), ("0", "-0.0"), ("100", "1.0e+2")])
def test_one_bound_in_two_spellings(compare, old, new):
    """A bound that is only written in another way breaks nobody."""
    bound = "{name: x, logicalType: number, logicalTypeOptions: {minimum: %s}}"

    assert [breaks for _, breaks in compare(bound % old, bound % new)] == [[]]


def test_meaning(compare):
    """A new unit breaks both sides; what becomes masked breaks who reads it."""
    unit = "{name: x, customProperties: [{property: unit, value: %s}]}"

    assert compare(unit % "miles", unit % "km") == [("unit of x was miles and is km", BOTH)]
    assert compare("{name: x}", "{name: x, classification: pii}") == [
        ("x was in the clear and is masked (hash)", ["consumers"])
    ]
    assert compare("{name: x, classification: pii}", "{name: x}")[0][1] == []


def test_contracts_come_and_go(read):
    """A new contract breaks nobody, a lost one who relied on it; the same one has no changes."""
    contract = read("properties: [{name: x}]")

    gone, come = compare_contracts(
        {"mart.a": contract, "mart.b": contract}, {"mart.b": contract, "mart.c": contract}
    )

    assert (gone.what, list(gone.breaks)) == ("the contract is gone", ["consumers"])
    assert (come.table, list(come.breaks)) == ("mart.c", [])
    assert compare_contracts({"mart.a": contract}, {"mart.a": contract}) == []


def test_column_that_goes_is_told_once(compare):
    """A column with many checks that goes is one change."""
    old = "{name: x, required: true, logicalType: integer, unique: true, logicalTypeOptions: {minimum: 0}}, {name: y}"

    assert compare(old, "{name: y}") == [("column x is gone", ["consumers"])]


@pytest.mark.parametrize(
    ("old", "new", "declared"),
    [
        ("1.0.0", "2.0.0", True),
        ("1.9.0", "1.10.0", False),
        ("v1", "v2", True),
        ("draft", "2.0.0", False),
        ("2.0.0", "1.0.0", False),
    ],
)
def test_major_version_declares(read, old, new, declared):
    """A greater first number says that something breaks, as semantic versions do."""
    assert is_declared(read("description: x", old), read("description: x", new)) is declared


@pytest.fixture
def repository(write_project):
    """Return a project in Git with one committed contract."""
    root = write_project({"contracts/mart.a.odcs.yaml": HEADER % ("1.0.0", "properties: [{name: x}]")})
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_contracts_of_a_revision(repository):
    """The contracts of a revision are read from Git, and the checkout stays as it is."""
    path = repository / "contracts/mart.a.odcs.yaml"
    path.write_text(HEADER % ("1.0.0", "properties: [{name: other}]"))

    found = contracts_at(repository, "main")

    assert [column.name for column in found["mart.a"].columns] == ["x"]
    assert "other" in path.read_text()


def test_revision_without_contracts_has_none(repository):
    """Before the first contract there was none; a revision that is not there is told of."""
    empty = subprocess.run(
        [
            "git",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit-tree",
            "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            "-m",
            "x",
        ],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()

    assert contracts_at(repository, empty) == {}
    for revision in ("nope", "", "-h", "--output=x", "main..main"):
        with pytest.raises(ContractMissing, match="is neither a revision"):
            contracts_at(repository, revision)
