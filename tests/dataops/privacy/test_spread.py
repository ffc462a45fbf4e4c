"""What is personal spreads with the values: up to what was copied, down to what is made of it, and no further."""

from __future__ import annotations

import pytest

from ropewalk.dataops.columns import ColumnLineage, Origin, TableLineage
from ropewalk.dataops.lake import Column, Masks
from ropewalk.dataops.privacy import project_masks, spread_masks


def table(name, **columns):
    made = tuple(
        ColumnLineage(
            column, tuple(Origin(*source.rsplit(".", 1)) for source in sources), transform=transform
        )
        for column, (transform, *sources) in columns.items()
    )
    return {name: TableLineage(name, made)}


LINEAGE = {
    **table(
        "staging.people", Mail=("copy", "raw.people.email"), n=("copy", "raw.people.id"), x=("constant",)
    ),
    **table(
        "mart.people",
        contact=("copy", "staging.people.mail"),
        shout=("computed", "staging.people.mail"),
        both=("computed", "staging.people.mail", "staging.people.n"),
        last=("aggregated", "staging.people.mail"),
    ),
    **table("mart.report", text=("computed", "mart.people.shout"), n=("copy", "staging.people.n")),
}


def spread(tables, opened=(), names=()):
    masks = Masks(tables, dict.fromkeys(names, "partial"))
    return spread_masks(masks, LINEAGE, {Origin(*name.rsplit(".", 1)) for name in opened}).tables


def test_values_carry_it_down():
    """What is copied or computed from a personal column is personal, over any number of tables."""
    found = spread({"raw.people": {"email": "partial"}})

    assert found["staging.people"] == {"mail": "partial"}
    assert found["mart.people"] == {
        "contact": "partial",
        "shout": "partial",
        "both": "partial",
        "last": "total",
    }
    assert found["mart.report"] == {"text": "partial"}


def test_copies_carry_it_up():
    """What a personal column is a copy of is as personal, and so are its other copies."""
    found = spread({"mart.people": {"contact": "hash"}})

    assert found["raw.people"] == {"email": "hash"}
    assert found["staging.people"] == {"mail": "hash"}
    assert found["mart.people"] == {"contact": "hash", "shout": "hash", "both": "hash", "last": "total"}


def test_computed_columns_carry_nothing_up():
    """That something is personal says nothing of each of the columns it is made of."""
    assert "raw.people" not in spread({"mart.people": {"both": "hash"}})


def test_strictest_of_several_counts():
    """What is made of a name and of a salary shows no more than either."""
    found = spread({"raw.people": {"email": "partial", "id": "null"}})

    assert found["mart.people"]["both"] == "null"
    assert found["mart.report"]["n"] == "null"


def test_open_columns_end_it():
    """A column that its contract calls open stays so, and what is made of it with it."""
    found = spread({"raw.people": {"email": "partial"}}, opened=["mart.people.shout"])

    assert "shout" not in found["mart.people"]
    assert "mart.report" not in found


def test_what_is_said_is_not_changed():
    """Lineage adds to what contracts say, and never takes the place of it."""
    found = spread({"raw.people": {"email": "partial"}, "mart.people": {"contact": "null"}})

    assert found["mart.people"]["contact"] == "null"
    assert found["raw.people"] == {"email": "partial"}


def test_names_spread_too():
    """A column that is personal by its name alone, in a table without a contract, is followed like any other."""
    found = spread({}, names=["mail"])

    assert found["mart.people"]["contact"] == "partial"
    assert found["mart.people"]["mail"] == "partial"
    assert found["raw.people"]["email"] == "partial"


def test_tables_that_python_made_are_masked_by_every_personal_name():
    """Nobody knows where a step's columns come from: a name that is personal anywhere is masked there."""
    lineage = {
        **LINEAGE,
        **table("mart.after", who=("copy", "steps.enrich.shout"), n=("copy", "steps.enrich.rows")),
    }
    columns = [Column(name, "VARCHAR") for name in ("email", "contact", "shout", "rows")]

    masks = spread_masks(Masks({"raw.people": {"email": "partial"}}), lineage, set())

    for made in ("steps.enrich", "predictions.late", "predictions_mr-1.late"):
        assert set(masks.of(made, columns)) == {"email", "contact", "shout"}
    assert masks.of("mart.other", columns) == {}
    assert masks.tables["mart.after"] == {"who": "partial"}


def test_contracts_of_such_tables_have_the_last_word():
    """A step's column that its contract describes is what the contract says."""
    masks = Masks(
        {"raw.people": {"email": "partial"}, "steps.a": {}}, described={"steps.a": frozenset({"email"})}
    )

    found = spread_masks(masks, LINEAGE, set())

    assert found.of("steps.a", [Column("email", "VARCHAR"), Column("contact", "VARCHAR")]) == {
        "contact": "partial"
    }


@pytest.fixture
def workspace(write_project, open_workspace):
    """Return a workspace of SQL over a source, with one contract at its end."""
    return open_workspace(
        write_project(
            {
                "ropewalk.yaml": "project: p\nsources:\n  people: {kind: files, path: 'drops/*.csv'}\n",
                "drops/a.csv": "id,email\n1,ann@example.org\n",
                "tables/staging/people.sql": "SELECT id, email AS e FROM raw.people",
                "tables/mart/people.sql": "SELECT e AS contact, id FROM staging.people",
                "contracts/mart.people.odcs.yaml": (
                    "apiVersion: v3.1.0\nkind: DataContract\nid: p\nversion: 1.0.0\n"
                    "schema: [{name: people, properties: [{name: contact, tags: ['pii:contact']}]}]\n"
                ),
            }
        )
    )


def test_project_is_read(workspace):
    """One contract masks the column in every table that it comes through."""
    found = project_masks(workspace)

    assert found.tables == {
        "mart.people": {"contact": "partial"},
        "staging.people": {"e": "partial"},
        "raw.people": {"email": "partial"},
    }
    assert found.described == {"mart.people": frozenset({"contact"})}
    assert found.untraced == {"contact": "partial", "e": "partial", "email": "partial"}


def test_edited_files_count_at_once(workspace):
    """A server that runs on sees what was edited since it started."""
    path = workspace.root / "tables/mart/people.sql"
    path.write_text("SELECT e AS contact, upper(e) AS loud, id FROM staging.people")

    assert project_masks(workspace).tables["mart.people"] == {"contact": "partial", "loud": "partial"}
