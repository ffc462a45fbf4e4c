"""The nodes of a project's tables: names, needs, facts, and contracts that fit no table."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import InvalidContract
from ropewalk.dataops.transform import ContractWithoutTable, InvalidSQL, TableKind, read_tables
from ropewalk.pipeline import Need, UnknownName, build_graph
from ropewalk.project import InvalidProjectFile, Section, load_project

HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"


@pytest.fixture
def declare(write_project):
    """Return a function that declares the tables of a project given as files, by their names."""

    def declare_files(files, sections=()):
        project = load_project(write_project(files), sections)
        return {node.name: node for node in TableKind().declare(project)}

    return declare_files


def contract(table, rules=""):
    return f"{HEADER}schema:\n  - name: {table}\n{rules}"


def test_node_says_what_its_file_says(declare):
    """Id, names, origin, needs with places, and the normalised SQL as a fact come from the one file."""
    nodes = declare(
        {"tables/mart/late.sql": "-- Late.\nselect *\nfrom raw.flights, Airports, raw.flights f\n"}
    )

    node = nodes["mart.late"]
    assert (node.id, node.provides) == ("table:mart.late", ("mart.late", "late"))
    assert str(node.origin) == "tables/mart/late.sql"
    assert [(need.name, str(need.place)) for need in node.needs] == [
        ("airports", "tables/mart/late.sql:3:19"),
        ("raw.flights", "tables/mart/late.sql:3:6"),
    ]
    assert node.facts == {"sql": "SELECT\n  *\nFROM raw.flights, Airports, raw.flights AS f"}


def test_contract_is_a_fact_with_its_place(declare):
    """What the contract checks is part of the table's definition; its file is where that stands."""
    nodes = declare(
        {
            "tables/mart/a.sql": "SELECT 1 AS id",
            "contracts/mart.a.odcs.yaml": contract("a", "    properties: [{name: id, required: true}]\n"),
        }
    )

    node = nodes["mart.a"]
    assert node.facts["contract"] == "error present('id')\nerror required('id')"
    assert str(node.places["contract"]) == "contracts/mart.a.odcs.yaml"
    assert node.spec.contract.table == "mart.a"


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("required: true", "required: false", True),
        ("name: id", "name: id, unique: true", True),
        ("version: 1.0.0", "version: 1.1.0\ndescription: {purpose: x}", False),
        ("name: id", "name: id, description: The flight", False),
        ("required: true}]", "required: true  } ]  # always", False),
    ],
)
def test_only_what_is_checked_counts_in_the_fact(declare, old, new, changes):
    """A description may be bettered without building the table again; a check may not be changed so."""
    text = contract("a", "    properties: [{name: id, required: true}]\n")
    files = {"tables/mart/a.sql": "SELECT 1 AS id", "contracts/mart.a.odcs.yaml": text}
    before = declare(files)["mart.a"].facts

    after = declare({**files, "contracts/mart.a.odcs.yaml": text.replace(old, new)})["mart.a"].facts

    assert (after != before) == changes


def test_tables_of_a_contract_query_are_needed(declare):
    """A rule that reads another table makes it an input; the table itself is none."""
    rule = (
        "    quality:\n"
        "      - {type: sql, query: 'SELECT count(*) FROM ${table} JOIN staging.airports USING (id)', mustBe: 0}\n"
    )
    nodes = declare(
        {"tables/mart/a.sql": "SELECT 1 AS id", "contracts/mart.a.odcs.yaml": contract("a", rule)}
    )

    (need,) = nodes["mart.a"].needs
    assert (need.name, str(need.place)) == ("staging.airports", "contracts/mart.a.odcs.yaml:8:21")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT count(*) FROM airports", "names 'airports' without its schema"),
        ("SELEC 1", "not valid SQL"),
        ("DELETE FROM ${table}", "one SELECT, not by DELETE"),
        ("SELECT count(*) FROM read_csv('x')", "reads from outside the lake"),
    ],
)
def test_query_that_could_not_run_is_refused_when_planning(declare, query, message):
    """A rule's query is parsed with the tables, and its error names the contract."""
    rule = f'    quality:\n      - {{name: odd, type: sql, query: "{query}", mustBe: 0}}\n'

    with pytest.raises(InvalidContract, match=message) as caught:
        declare({"tables/mart/a.sql": "SELECT 1", "contracts/mart.a.odcs.yaml": contract("a", rule)})

    assert caught.value.message.startswith("the query of odd: ") or "odd names" in caught.value.message
    assert str(caught.value.place) == "contracts/mart.a.odcs.yaml:8:32"


def test_contract_of_no_table_is_refused(declare):
    """A contract that nothing would ever check names the nearest table."""
    with pytest.raises(ContractWithoutTable, match=r"'mart\.fligths'") as caught:
        declare(
            {"tables/mart/flights.sql": "SELECT 1", "contracts/mart.fligths.odcs.yaml": contract("fligths")}
        )

    assert caught.value.nearest == "mart.flights"
    assert str(caught.value.place) == "contracts/mart.fligths.odcs.yaml"


def test_contract_may_be_of_a_source(write_project):
    """The table of a source may have a contract too; it belongs to no SQL file."""
    files = {
        "ropewalk.yaml": "project: test\nsources: {flights: {}}\n",
        "contracts/raw.flights.odcs.yaml": contract("flights"),
    }
    project = load_project(write_project(files), [Section("sources", dict, "sources")])

    declared = read_tables(project)

    assert (list(declared.contracts), dict(declared.specs)) == (["raw.flights"], {})


def test_broken_file_stops_the_plan(declare):
    """One file that does not parse is an error of the project, with its place."""
    with pytest.raises(InvalidSQL) as caught:
        declare({"tables/mart/a.sql": "SELECT 1", "tables/mart/b.sql": "SELECT\n  1 1"})

    assert str(caught.value.place) == "tables/mart/b.sql:2:5"


def test_unknown_table_is_reported_where_it_is_named(declare):
    """The pipeline points at the name in FROM and says which one is near."""
    nodes = declare(
        {"tables/staging/flights.sql": "SELECT 1", "tables/mart/a.sql": "SELECT *\nFROM staging.flihgts"}
    )

    with pytest.raises(UnknownName) as caught:
        build_graph(nodes.values())

    assert str(caught.value.place) == "tables/mart/a.sql:2:6"
    assert caught.value.nearest == "staging.flights"


def test_short_name_needs_what_provides_it(declare):
    """A name without a schema is asked for as it stands, and the last part of a full name answers to it."""
    nodes = declare({"tables/staging/flights.sql": "SELECT 1", "tables/mart/a.sql": "FROM FLIGHTS"})

    graph = build_graph(nodes.values())

    assert [type(need) for need in nodes["mart.a"].needs] == [Need]
    assert graph.inputs["table:mart.a"] == {"flights": "table:staging.flights"}


def test_contract_that_cannot_be_read_is_refused(write_project):
    """A contract that is a link to nowhere is told by its place, not by the engine's own error."""
    root = write_project({"tables/mart/a.sql": "SELECT 1 AS x", "contracts/none.txt": ""})
    (root / "contracts/mart.a.odcs.yaml").symlink_to("nowhere")

    with pytest.raises(InvalidProjectFile, match="cannot be read: No such file") as caught:
        list(TableKind().declare(load_project(root, ())))

    assert str(caught.value.place) == "contracts/mart.a.odcs.yaml"
