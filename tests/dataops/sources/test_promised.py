"""Contracts of sources: held before what was loaded is committed, whatever the loader."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import ContractBroken, InvalidContract
from ropewalk.pipeline import State

FILES = '{kind: files, path: "drops/*.csv"}'
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: things
version: 1.0.0
schema:
  - name: things
    physicalName: raw.things
    quality: [{metric: rowCount, mustBeLessThan: %d, severity: warning}]
    properties:
      - {name: id, primaryKey: true, logicalType: integer}
      - {name: who, classification: pii, enum: [{value: ann}, {value: bob}]}
"""
PATH = "contracts/raw.things.odcs.yaml"


@pytest.fixture
def promised(project):
    """Return the project with a source of files, two good rows and a contract."""
    project.declare(FILES)
    project.write("drops/a.csv", "id,who\n1,ann\n2,bob\n")
    project.write(PATH, CONTRACT % 100)
    return project


def test_good_rows_are_loaded_with_the_report(promised):
    """How many checks held is recorded with the load."""
    output = promised.load()

    assert output.summary["contract"] == {"checks": 7, "passed": 7, "warnings": []}
    assert len(promised.rows()) == 2


def test_bad_rows_leave_everything_as_it_was(promised):
    """Rows that break the contract are not committed, and neither is what the lake remembers of the load."""
    promised.load()
    before = promised.lake.snapshot()
    promised.write("drops/b.csv", "id,who\n3,eve\n")

    error = promised.fail()

    assert isinstance(error, ContractBroken)
    assert "enum(who): 1 of 3 rows are none of ann, bob" in error.message
    assert error.place.path == PATH
    assert "'***'" in error.detail
    assert "eve" not in str(error.as_json())
    assert promised.lake.snapshot() == before
    assert len(promised.rows()) == 2


def test_mended_rows_are_loaded(promised):
    """After a refusal the next load takes all of it: the ledger knows nothing of the refused file."""
    promised.load()
    bad = promised.write("drops/b.csv", "id,who\n3,eve\n")
    promised.fail()

    bad.write_text("id,who\n3,ann\n")

    assert promised.load().summary["rows"] == 3
    assert promised.is_hit()


def test_whole_table_is_checked(promised):
    """A key that comes again in another file breaks the contract of the table."""
    promised.load()
    promised.write("drops/b.csv", "id,who\n1,ann\n")

    assert "primaryKey(id): 1 of 3 rows repeat another" in promised.fail().message


def test_warning_is_told_and_stands(promised):
    """A broken check of severity warning lets the load through, and every plan tells of it."""
    promised.write(PATH, CONTRACT % 2)

    result = promised.run()

    assert result.state is State.EXECUTED
    assert result.warning == "contract: rowCount: 2 rows, must be less than 2"
    assert promised.plan().warning == result.warning
    assert promised.run().warning == result.warning


def test_changed_contract_is_a_reason_to_load(promised):
    """Another promise is checked against all that is there, and loads nothing twice."""
    promised.load()
    promised.write(PATH, CONTRACT.replace("value: bob", "value: eve") % 100)
    promised.close()

    (reason,) = promised.plan().reasons

    assert str(reason).startswith("contract: ")
    assert "enum(who): 1 of 2 rows" in promised.fail().message


def test_better_description_is_no_reason(promised):
    """Only what is checked counts."""
    promised.load()
    promised.write(PATH, (CONTRACT % 100).replace("name: id,", "name: id, description: Its number,"))
    promised.close()

    assert promised.is_hit()


def test_contract_in_another_case_is_the_tables(promised):
    """The engine's names have no case."""
    (promised.root / PATH).rename(promised.root / "contracts/raw.Things.odcs.yaml")

    assert "contract" in promised.load().summary


@pytest.mark.parametrize(
    "rule",
    [
        "quality: [{type: sql, query: SELECT count(*) FROM mart.a, mustBe: 0}]",
        "relationships: [{from: id, to: mart.a.id}]",
    ],
)
def test_other_tables_are_out_of_sight(write_project, open_workspace, rule):
    """A source is loaded without knowing of other tables: rules about them are refused by the plan."""
    from ropewalk.dataops.transform import declare_tables

    root = write_project(
        {
            "ropewalk.yaml": f"project: test\nsources:\n  things: {FILES}\n",
            "tables/mart/a.sql": "SELECT 1 AS id",
            PATH: (CONTRACT % 1).replace(
                "quality: [{metric: rowCount, mustBeLessThan: 1, severity: warning}]", rule
            ),
        }
    )

    with pytest.raises(
        InvalidContract, match=r"asks for a look at .mart\.a., and is checked while raw\.things alone"
    ):
        declare_tables(open_workspace(root).project)


def test_wrong_contract_is_told_by_the_plan(promised):
    """A contract that asks for nothing that can be checked stops the plan, not the load."""
    promised.write(PATH, CONTRACT.replace("integer", "text") % 1)

    with pytest.raises(InvalidContract, match="'text' is not a logical type"):
        promised.plan()


@pytest.mark.parametrize(("column", "is_told"), [("who", False), ("id", True)])
def test_misfits_tell_no_personal_value(promised, column, is_told):
    """A value that does not fit its type is told of without it, when its column is personal."""
    promised.declare(f'{{kind: files, path: "drops/*.csv", schema: freeze, types: {{{column}: INTEGER}}}}')
    promised.write("drops/a.csv", "id,who\n1,2\n")
    promised.write("drops/b.csv", "id,who\n" + ("1,eve\n" if column == "who" else "eve,1\n"))

    error = promised.fail()

    assert ("'eve'" in str(error.as_json())) is is_told
    assert f"column '{column}': " in error.message


def test_source_without_a_contract_is_loaded_as_ever(promised):
    """No contract, no checks, no word of them."""
    (promised.root / PATH).unlink()

    assert "contract" not in promised.load().summary
