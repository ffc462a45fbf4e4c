"""What a change reaches: columns, tables, steps, models, deployments, checks and people, each on its surest way."""

from __future__ import annotations

import subprocess

import pytest

from ropewalk.dataops.columns import Impact, Reading, UnknownColumn, find_impact

from .conftest import FILES


@pytest.fixture
def impact(open_graph):
    """Return a function that asks a project what a change reaches."""

    def ask(name: str, files=FILES, reading: Reading | None = None) -> Impact:
        workspace, graph = open_graph(files)
        return find_impact(workspace, graph, name, reading)

    return ask


def _hows(found: Impact) -> dict[str, str]:
    return {item.id: item.how for item in found.affected}


def test_a_column_reaches_what_is_made_of_its_values(impact):
    """From a source's field to the deployment; a window only decides."""
    found = impact("raw.orders.amount")

    assert found.of == "column:raw.orders.amount"
    assert _hows(found) == {
        "column:staging.orders.amount": "value",
        "column:mart.cities.paid": "value",
        "step:fit": "value",
        "step:judge": "value",
        "gate:big": "value",
        "model:big": "value",
        "deployment:big": "value",
        "table:staging.orders": "filter",
        "column:mart.ranks.place": "filter",
        "table:mart.cities": "filter",
        "table:mart.ranks": "filter",
    }


def test_a_column_that_only_filters_reaches_rows(impact):
    """No value is made of it, and whatever reads those rows is reached all the same."""
    found = impact("staging.orders.late")

    assert _hows(found)["table:mart.cities"] == "filter"
    assert set(_hows(found).values()) == {"filter"}
    assert _hows(found)["deployment:big"] == "filter"


def test_path_says_how_each_is_reached(impact):
    """Edge by edge, with what each does."""
    (place,) = [
        item for item in impact("amount", FILES_WITH_ONE).affected if item.id == "column:mart.ranks.place"
    ]

    assert [(hop.by, hop.id) for hop in place.path] == [
        ("asked", "column:raw.orders.amount"),
        ("value", "column:mart.cities.paid"),
        ("window", "column:mart.ranks.place"),
    ]


FILES_WITH_ONE = {
    **{name: text for name, text in FILES.items() if name != "contracts/staging.orders.odcs.yaml"},
    "tables/staging/orders.sql": "SELECT 1 AS nothing",
    "tables/mart/cities.sql": "SELECT city, sum(amount) AS paid FROM raw.orders GROUP BY city",
}


def test_features_of_a_model_are_told_from_what_it_does_not_take(impact):
    """Where the signature is known, a column that is not in it is no feature; the step may still read it."""
    reading = Reading({"step:fit": frozenset({"city"})})
    paid, city = impact("mart.cities.paid", reading=reading), impact("mart.cities.city", reading=reading)

    assert (_hows(paid)["step:fit"], _hows(paid)["step:judge"]) == ("filter", "value")
    assert _hows(city)["step:fit"] == "value"
    assert next(item for item in city.affected if item.id == "step:fit").path[-1].by == "feature"


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("staging.orders", "table:staging.orders"),
        ("source:orders", "source:orders"),
        ("raw.orders", "source:orders"),
    ],
)
def test_tables_and_sources_stand_for_all_their_columns(impact, name, of):
    """What is made of any of them is reached by values."""
    found = impact(name)

    assert found.of == of
    assert _hows(found)["column:mart.cities.paid"] == "value"
    assert not any(item.id.startswith(f"column:{name}") for item in found.affected)


def test_any_node_can_be_asked_about(impact):
    """A step reaches its model and what deploys it."""
    assert set(_hows(impact("fit"))) == {"step:judge", "gate:big", "model:big", "deployment:big"}


def test_what_the_sql_does_not_tell_is_possible(impact):
    """A column of unknown origin may be reached, and that is said."""
    files = {
        **FILES,
        "tables/mart/cities.sql": "SELECT city, paid FROM staging.orders AS a, staging.orders AS b",
    }

    assert _hows(impact("staging.orders.amount", files))["column:mart.cities.city"] == "unknown"


def test_tables_of_steps_pass_it_on(impact):
    """What a step makes of a table has all of its columns from there."""
    files = {
        **FILES,
        "steps/more.py": "from ropewalk import Table, step\n\n\n@step\ndef more(cities: Table) -> Table:\n    ...\n",
        "tables/mart/after.sql": "SELECT score FROM steps.more",
    }

    assert _hows(impact("mart.cities.paid", files))["column:mart.after.score"] == "value"


def test_checks_on_what_is_reached(impact):
    """Those of the column itself and those behind it."""
    checks = {(check.table, check.name): check.how for check in impact("raw.orders.amount").checks}

    assert checks[("staging.orders", "required(amount)")] == "value"
    assert ("staging.orders", "primaryKey(id)") not in checks


def test_people_by_contract_code_owners_and_git(impact, open_graph):
    """Owners first, then who wrote the files; each with why."""
    workspace, graph = open_graph({**FILES, "CODEOWNERS": "steps/ @science\n"})
    root = str(workspace.root)
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "-C", root, "add", "tables"], check=True)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", root, *identity, "commit", "-qm", "tables"], check=True)

    people = {
        person.name: person.reasons for person in find_impact(workspace, graph, "raw.orders.amount").people
    }

    assert list(people) == ["Sales", "@science", "Ada"]
    assert people["Sales"] == ("owns staging.orders (contract)",)
    assert people["@science"] == ("owns steps/fit.py (CODEOWNERS)",)
    assert "wrote tables/mart/cities.sql" in people["Ada"]


@pytest.mark.parametrize(
    ("name", "message", "nearest"),
    [
        ("staging.orders.amuont", "nothing is called", "staging.orders.amount"),
        ("city", "can mean", None),
        ("stagin.orders", "nothing is called", "staging.orders"),
    ],
)
def test_names_that_mean_nothing_or_much(impact, name, message, nearest):
    """The nearest valid name, or all that it can mean."""
    with pytest.raises(UnknownColumn, match=message) as caught:
        impact(name)

    assert caught.value.nearest == nearest


ASKING = {
    **FILES,
    "questions/paid.sql": "-- title: Who paid?\n-- owner: Desk\nSELECT city, paid FROM mart.cities WHERE paid > 5\n",
    "questions/where.sql": "-- title: Where?\nSELECT city FROM mart.cities\n",
    "metrics/money.yaml": "table: mart.cities\ngrain: [city]\nmeasures:\n  total: {kind: sum, column: paid}\n",
}


def test_metrics_and_questions_are_reached_by_the_columns_that_they_use(impact):
    """A question by its SQL, a metric by what it declares; one that uses other columns is left alone."""
    paid, city = impact("mart.cities.paid", ASKING), impact("mart.cities.city", ASKING)

    assert {k: v for k, v in _hows(paid).items() if k.startswith(("metric:", "question:"))} == {
        "metric:money": "value",
        "question:paid": "value",
    }
    assert _hows(city)["question:where"] == "value"


def test_rows_reach_every_question(impact):
    """What changes which rows there are changes the answers of all that read them."""
    found = _hows(impact("staging.orders.late", ASKING))

    assert {found[name] for name in ("question:paid", "question:where", "metric:money")} == {"filter"}


def test_owners_of_questions_are_concerned(impact):
    """As the question's header names them."""
    people = {person.name: person.reasons for person in impact("mart.cities.paid", ASKING).people}

    assert people["Desk"] == ("owns question:paid",)
