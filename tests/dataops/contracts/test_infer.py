"""First drafts: what is seen of rows, what is promised of it, and what is never written down."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml

from ropewalk.dataops.contracts import (
    check_table,
    lint_contracts,
    read_contract,
    read_contract_file,
    write_contract,
)
from ropewalk.dataops.contracts.draft import Subject, write_draft
from ropewalk.dataops.contracts.errors import ContractExists, NotInferred
from ropewalk.dataops.contracts.guess import guess_name
from ropewalk.dataops.contracts.seen import look
from ropewalk.dataops.definitions import Glossary, Term
from ropewalk.errors import Place

NO_TERMS = Glossary()
GLOSSARY = Glossary(
    {
        "airport": Term("airport", "An airport", Place("g"), type="string", synonyms=("dest",)),
        "when": Term("when", "A moment", Place("g"), type="timestamp"),
    }
)


@pytest.fixture
def infer(connection, tmp_path):
    """Return a function that drafts a contract for the rows of a SELECT, and gives its text, contract and columns."""

    def draft(select, glossary=NO_TERMS):
        connection.execute(f"CREATE OR REPLACE TABLE mart.flights AS {select}")
        subject = Subject("mart.flights", look(connection, "mart.flights"), "mart.flights", "Ann", glossary)
        text = write_draft(subject)
        path = tmp_path / "contracts/mart.flights.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        contract = read_contract(path, tmp_path, glossary)
        columns = yaml.safe_load(text)["schema"][0].get("properties") or []
        return SimpleNamespace(text=text, contract=contract, columns={item["name"]: item for item in columns})

    return draft


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("range", {"logicalType": "integer", "physicalType": "BIGINT", "logicalTypeOptions": {"minimum": 0}}),
        ("range % 7 - 3", {"logicalTypeOptions": {"minimum": -5, "maximum": 5}}),
        ("range % 500 + 900", {"logicalTypeOptions": {"minimum": 0, "maximum": 2000}}),
        (
            "(range % 100) / 100",
            {"logicalType": "number", "logicalTypeOptions": {"minimum": 0, "maximum": 1}},
        ),
        (
            "['EWR', 'JFK', 'LGA'][1 + range % 3]",
            {"enum": [{"value": "EWR"}, {"value": "JFK"}, {"value": "LGA"}]},
        ),
        (
            "chr((65 + range % 26)::INT) || chr((65 + range % 25)::INT)",
            {"logicalTypeOptions": {"pattern": "^[A-Z]{2}$"}},
        ),
        ("format('{:05d}', range)", {"logicalTypeOptions": {"pattern": "^[0-9]{5}$"}, "unique": True}),
        ("uuid()", {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}}),
        ("'https://example.org/' || range", {"logicalTypeOptions": {"format": "uri"}}),
        ("DATE '2013-01-01' + (range % 365)::INT", {"logicalType": "date"}),
        ("range % 2 = 0", {"logicalType": "boolean", "required": True}),
        ("[range]", {"logicalType": "array"}),
        ("{'a': range}", {"logicalType": "object"}),
    ],
)
def test_column(infer, expression, expected):
    """Type, range, values and look of a column become promises with room for what comes."""
    column = infer(f"SELECT {expression} AS x FROM range(1000)").columns["x"]

    assert {key: column.get(key) for key in expected} == expected


def test_draft_holds_for_its_rows(infer, connection):
    """Whatever was seen keeps what is promised of it."""
    draft = infer(
        "SELECT range AS flight_id, -range / 7 AS delay, (range % 5)::VARCHAR AS gate, NULL AS nothing,"
        " CASE WHEN range % 3 > 0 THEN 'a' || range END AS note, TIMESTAMP '2013-01-01' + INTERVAL (range) HOUR AS at,"
        " 'x' || range || '@example.org' AS contact, 1e300 * range AS huge, 'NaN'::DOUBLE AS odd FROM range(500)"
    )

    report = check_table(connection, "mart.flights", draft.contract)

    assert [result for result in report.results if not result.passed] == []
    assert draft.contract.primary_key == ("flight_id",)
    assert (draft.contract.owner, draft.contract.status, draft.contract.version) == ("Ann", "draft", "0.1.0")


def test_same_rows_make_the_same_draft(infer):
    """A draft can be compared with an earlier one."""
    select = "SELECT range AS id, range % 3 AS kind, 'v' || range % 2 AS v FROM range(999)"

    assert infer(select).text == infer(select + " ORDER BY range DESC").text


def test_comments_say_what_was_seen(infer):
    """Whoever reviews the draft sees how many rows, NULLs and different values it rests on."""
    text = infer("SELECT CASE WHEN range > 9 THEN range % 2 END AS x FROM range(110)").text

    assert "# A first draft, written by `ropewalk contract infer` from 110 rows of mart.flights." in text
    assert "- name: x  # 110 rows, 10 NULL, about 2 different" in text
    assert "{minimum: 0, maximum: 1}  # seen: 0 to 1" in text


@pytest.mark.parametrize(
    ("name", "value", "class_"),
    [
        ("email", "'user'", "contact"),
        ("billing_address", "'somewhere'", "contact"),
        ("LastName", "'Miller'", "identifier"),
        ("birth_date", "DATE '1980-05-17'", "quasi"),
        ("salary", "54321", "sensitive"),
        ("note", "'ann@example.org'", "contact"),
        ("host", "'10.0.0.17'", "identifier"),
    ],
)
def test_personal_data_is_guessed_and_not_written(infer, name, value, class_):
    """A column that seems personal is called so, and none of its values stands in the file."""
    draft = infer(f'SELECT {value} AS "{name}" FROM range(100)')

    column = draft.contract.columns[0]
    assert (column.classification, column.pii) == ("pii", class_)
    for secret in ("Miller", "1980", "54321", "ann@example", "10.0.0", "somewhere"):
        assert secret not in draft.text


@pytest.mark.parametrize("name", ["recipient", "mailbox_count", "shipping", "name", "zipper", "trip", "id"])
def test_other_names_are_not_personal(name):
    """Whole words count, and not what merely contains them."""
    assert guess_name(name) is None


def test_columns_map_to_their_terms(infer):
    """A column that is called like a term maps to it and repeats nothing of it, if its type agrees."""
    draft = infer("SELECT 'EWR' AS dest, 1 AS \"when\" FROM range(100)", GLOSSARY)

    assert draft.columns["dest"]["authoritativeDefinitions"] == [
        {"type": "glossary", "url": "glossary:airport"}
    ]
    assert "logicalType" not in draft.columns["dest"]
    assert "authoritativeDefinitions" not in draft.columns["when"]
    assert draft.contract.columns[0].term == "airport"


@pytest.mark.parametrize(
    "name", ["a b", "select", 'say "hi"', "ünï", "yes", "1st", "a: b", "#x", "{x}", "nul\tl"]
)
def test_odd_names_are_written_safely(infer, name):
    """Whatever a column is called, the file says exactly that."""
    quoted = name.replace('"', '""')

    assert list(infer(f'SELECT 1 AS "{quoted}"').columns) == [name]


def test_values_are_written_safely(infer):
    """What YAML could take for something else is quoted."""
    draft = infer("SELECT ['yes', 'null', '1', 'a: b', '''', '\"'][1 + range % 6] AS x FROM range(600)")

    assert {item["value"] for item in draft.columns["x"]["enum"]} == {"yes", "null", "1", "a: b", "'", '"'}


def test_empty_table_promises_its_shape(infer):
    """Without rows only names and types were seen."""
    draft = infer("SELECT 1 AS x WHERE false")

    assert draft.columns == {"x": {"name": "x", "logicalType": "integer", "physicalType": "INTEGER"}}
    assert "rowCount" not in draft.text


def test_table_without_columns_has_no_draft():
    """There is nothing to promise anything of."""
    with pytest.raises(NotInferred):
        write_draft(Subject("mart.a", (), "x", None, Glossary()))


def test_draft_takes_the_place_of_nothing(tmp_path):
    """A contract that people wrote is never written over."""
    path = write_contract(tmp_path, "mart.a", "one")

    with pytest.raises(ContractExists) as caught:
        write_contract(tmp_path, "mart.a", "two")

    assert path.read_text() == "one"
    assert str(caught.value.place) == "contracts/mart.a.odcs.yaml"


HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\n"


def test_lint_tells_all_files(write_project):
    """Each file's error is told, not only the first, and what is worth a look in those that can be used."""
    root = write_project(
        {
            "contracts/glossary.yaml": "terms: {airport: {meaning: x, synonyms: [origin]}}",
            "contracts/mart.a.odcs.yaml": HEADER
            + "schema: [{name: a, properties: [{name: origin}, {name: email}]}]\n",
            "contracts/mart.b.odcs.yaml": HEADER + "schema: [{name: b, propertys: []}]\n",
            "contracts/mart.c.odcs.yaml": HEADER
            + "status: active\nteam: {name: x}\nschema: [{name: c, properties: [{name: x, description: y, required: true}]}]\n",
        }
    )

    glossary, a, b, c = lint_contracts(root)

    assert [item.error is None for item in (glossary, a, b, c)] == [True, True, False, True]
    assert a.advice == (
        "no status: the standard wants one, such as `status: active`",
        "nobody answers for it: give it a team",
        "it describes, and asks for no check",
        "no description: origin, email",
        "origin should map to the term 'airport'",
        "email seems to hold personal data (contact): classify it, or call it public",
    )
    assert list(b.lines()) == [
        "contracts/mart.b.odcs.yaml:5:20: error RW112: unknown key 'propertys'; did you mean 'properties'?"
    ]
    assert list(c.lines()) == ["contracts/mart.c.odcs.yaml: fine"]


def test_lint_reads_contracts_beside_a_wrong_glossary(write_project):
    """One command tells all there is to mend."""
    root = write_project(
        {
            "contracts/glossary.yaml": "terms: {a: {}}",
            "contracts/mart.a.odcs.yaml": HEADER
            + "schema: [{name: a, properties: [{name: x, logicalType: text}]}]\n",
        }
    )

    assert [item.error is not None for item in lint_contracts(root)] == [True, True]


def test_file_anywhere_is_read(tmp_path):
    """A contract beside the project can be compared with one in it: it names its table itself."""
    path = tmp_path / "old.yaml"
    path.write_text(HEADER + "schema: [{name: a, physicalName: mart.a}]\n")

    assert read_contract_file(path, tmp_path).table == "mart.a"
