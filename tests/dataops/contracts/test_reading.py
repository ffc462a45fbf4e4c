"""Reading contract files: what is taken from them, and every way in which they can be wrong."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import ContractColumn, InvalidContract, read_contract
from ropewalk.project import InvalidProjectFile, InvalidYAML, UnknownKey

HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: flights\nversion: 1.0.0\n"
SCHEMA = "schema: [{name: flights}]\n"


def test_contract_has_what_the_file_says(read_text):
    """Version, status, domain, owner, description and columns come from the file."""
    contract = read_text(
        f"{HEADER}status: active\ndomain: operations\nteam: {{name: Crew planning}}\n"
        "description: {purpose: Which flights were late}\n"
        "schema:\n"
        "  - name: flights\n"
        "    properties:\n"
        "      - {name: id, primaryKey: true, logicalType: integer, description: The flight}\n"
        "      - {name: tail, classification: restricted, required: true}\n"
    )

    assert (contract.table, contract.version, contract.status) == ("mart.flights", "1.0.0", "active")
    assert (contract.domain, contract.owner) == ("operations", "Crew planning")
    assert contract.description == "Which flights were late"
    assert contract.columns == (
        ContractColumn("id", "integer", "The flight", primary_key=True),
        ContractColumn("tail", classification="restricted", required=True),
    )
    assert contract.primary_key == ("id",)


def test_table_description_outranks_the_purpose(read_text):
    """What the schema says of the table is nearer than the purpose of the contract."""
    contract = read_text(
        f"{HEADER}description: {{purpose: far}}\nschema: [{{name: flights, description: near}}]\n"
    )

    assert contract.description == "near"


@pytest.mark.parametrize(
    ("team", "owner"),
    [
        ("{members: [{username: ann}, {username: bo, role: owner}]}", "bo"),
        ("[{username: ann}, {name: Bo, username: bo, role: owner}]", "Bo"),
        ("[{username: ann}]", "ann"),
        ("[]", None),
    ],
)
def test_owner_is_the_member_in_that_role_or_the_first(read_text, team, owner):
    """The team may be a mapping or, as in older contracts, a list of members."""
    contract = read_text(f"{HEADER}team: {team}\n{SCHEMA}")

    assert contract.owner == owner


@pytest.mark.parametrize("name", ["flights", "mart.flights", "Flights", "{physicalName: mart.flights}"])
def test_schema_may_name_the_table_short_or_in_full(read_text, name):
    """Both `flights` and `mart.flights` mean the table that the file is named after."""
    named = name.strip("{}") if name.startswith("{") else f"name: {name}"

    contract = read_text(f"{HEADER}schema: [{{{named}}}]\n")

    assert contract.table == "mart.flights"


def test_physical_name_is_the_column(read_column):
    """A property whose column has another name says so by physicalName."""
    contract = read_column("{name: tail number, physicalName: tailnum, required: true}")

    assert contract.columns[0].name == "tailnum"
    assert {check.columns for check in contract.checks} == {("tailnum",)}


@pytest.mark.parametrize(
    ("text", "key", "nearest", "place"),
    [
        ("schma: []\n", "schma", "schema", ":5:1"),
        ("schema:\n  - name: flights\n    qualty: []\n", "qualty", "quality", ":7:5"),
        (
            "schema:\n  - name: flights\n    properties:\n    - {name: a, requird: true}\n",
            "requird",
            "required",
            ":8:17",
        ),
        ("team: {nme: x}\n", "nme", "name", ":5:8"),
        ("servers: [{servr: x}]\n", "servr", "server", ":5:12"),
        (
            "schema:\n  - name: flights\n    quality:\n    - {metric: rowCount, mustbe: 1}\n",
            "mustbe",
            "mustBe",
            ":8:26",
        ),
    ],
)
def test_unknown_key_is_refused_at_any_depth(read_text, text, key, nearest, place):
    """A key that the standard does not have names its place and the nearest one that it has."""
    with pytest.raises(UnknownKey, match=repr(key)) as caught:
        read_text(HEADER + text)

    assert caught.value.nearest == nearest
    assert str(caught.value.place) == f"contracts/mart.flights.odcs.yaml{place}"


@pytest.mark.parametrize("key", ["version", "apiVersion", "kind", "id"])
def test_header_keys_are_needed(read_text, key):
    """Each key that the standard demands is asked for by name."""
    lines = [line for line in HEADER.splitlines() if not line.startswith(f"{key}:")]

    with pytest.raises(InvalidContract, match=f"key '{key}' is missing"):
        read_text("\n".join(lines) + "\n" + SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "message", "place"),
    [
        ("kind: DataContract", "kind: Product", "kind must be DataContract, not 'Product'", ":2:1"),
        ("v3.1.0", "v2.2.2", "apiVersion 'v2.2.2' is not read here", ":1:1"),
        ("v3.1.0", "latest", "apiVersion 'latest' is not read here", ":1:1"),
    ],
)
def test_other_documents_are_refused(read_text, old, new, message, place):
    """Another kind of document, or another generation of the standard, is not half-read."""
    with pytest.raises(InvalidContract, match=message) as caught:
        read_text((HEADER + SCHEMA).replace(old, new))

    assert str(caught.value.place).endswith(place)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("", "this schema has 0"),
        ("schema: []\n", "this schema has 0"),
        ("schema: [{name: flights}, {name: planes}]\n", "this schema has 2"),
        ("schema: [{name: flihts}]\n", "its schema about 'flihts'"),
        ("schema: [{description: nameless}]\n", "its schema about 'nothing'"),
        ("schema: [{name: flights, properties: [{description: x}]}]\n", "a property has no name"),
        ("schema: [{name: flights, properties: [{name: a}, {name: A}]}]\n", "column 'A' is described twice"),
    ],
)
def test_contract_is_about_exactly_its_table(read_text, schema, message):
    """One file describes the one table it is named after, and each column once."""
    with pytest.raises(InvalidContract, match=message) as caught:
        read_text(HEADER + schema)

    assert caught.value.place is not None


@pytest.mark.parametrize("text", ["", "[]", "just words", "42"])
def test_file_that_is_no_mapping_is_refused(read_text, text):
    """An empty file, a list or a word is no contract."""
    with pytest.raises(InvalidProjectFile):
        read_text(text)


@pytest.mark.parametrize(
    "text",
    ["id: [", "id: 1\nid: 2\n", "id: 'x", "schema: &a [*a]"],
    ids=["open", "twice", "unclosed", "endless"],
)
def test_broken_yaml_is_refused(read_text, text):
    """What is not YAML is refused with its place."""
    with pytest.raises(InvalidYAML) as caught:
        read_text(text)

    assert caught.value.place.path == "contracts/mart.flights.odcs.yaml"


@pytest.mark.parametrize(
    "property_text",
    [
        "{name: [a]}",
        "{name: a, required: maybe}",
        "{name: a, enum: x}",
        "{name: a, logicalTypeOptions: []}",
        "a",
    ],
)
def test_value_of_the_wrong_shape_is_refused(read_column, property_text):
    """A value that the standard's model does not take is refused at its place."""
    with pytest.raises(InvalidProjectFile) as caught:
        read_column(property_text)

    assert caught.value.place.line == 8


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- a\n- b\n", "hello\n", "3\n", "null\n"])
def test_file_without_keys_is_told_how_to_start(read_text, text):
    """An empty file, a list or a word is answered with what a contract starts with."""
    with pytest.raises(InvalidContract, match="a contract must be a mapping") as caught:
        read_text(text)

    assert caught.value.hint.startswith("a contract starts with apiVersion: v3.1.0")
    assert caught.value.place.path == "contracts/mart.flights.odcs.yaml"


@pytest.mark.parametrize("content", [b"\x00\x01", b"id: \xff\xfe", b"PK\x03\x04rest"])
def test_binary_file_is_refused(read_text, tmp_path, content):
    """Bytes that are no text are told by line and column."""
    (tmp_path / "contracts").mkdir()
    path = tmp_path / "contracts/mart.flights.odcs.yaml"
    path.write_bytes(content)

    with pytest.raises(InvalidYAML, match="not valid YAML") as caught:
        read_contract(path, tmp_path)

    assert caught.value.place.line == 1
