"""The `schedule` section: both forms, and what a wrong entry is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Rule, Schedule, check_schedules, declare_graph, read_schedules
from ropewalk.project import load_project, project_schema

TABLE = {"tables/mart/late.sql": "SELECT 1 AS late"}


def read(write_project, text: str) -> dict[str, Schedule]:
    return read_schedules(load_project(write_project({"ropewalk.yaml": text}), plugins.sections()))


def refusal(write_project, text: str) -> RopewalkError:
    root = write_project({"ropewalk.yaml": text, **TABLE})
    with pytest.raises(RopewalkError) as caught:
        check(root)
    return caught.value


def check(root: Path) -> None:
    project = load_project(root, plugins.sections())
    kinds = plugins.kinds()
    check_schedules(project, declare_graph(project, kinds), kinds)


def test_short_form(write_project) -> None:
    """A cron line alone means UTC, the whole project, and making up for the last missed time."""
    found = read(write_project, 'project: p\nschedule: {nightly: "0 3 * * *"}\n')

    assert found == {"nightly": Schedule("nightly", Rule("0 3 * * *", "UTC"), (), None, "last", "wait")}


def test_long_form(write_project) -> None:
    """Each part of an entry is taken as it stands."""
    entry = '{cron: "@daily", timezone: Europe/Berlin, run: [late], environment: dev, catch_up: none, overlap: skip}'
    found = read(write_project, f"project: p\nschedule:\n  nightly: {entry}\n")

    rule = Rule("@daily", "Europe/Berlin")
    assert found["nightly"] == Schedule("nightly", rule, ("late",), "dev", "none", "skip")
    assert found["nightly"].cause == "schedule:nightly"


def test_no_schedule(write_project) -> None:
    """A project without the section has none."""
    assert read(write_project, "project: p\n") == {}


@pytest.mark.parametrize(
    ("entry", "message", "close", "line"),
    [
        ('"0 3 * *"', "has 4 fields, and needs five", None, 3),
        ('"61 3 * * *"', "the minute '61' is not valid cron", None, 3),
        ('\n    cron: "0 3 * * mox"', "the day of week 'mox'", None, 4),
        ('\n    cron: "@daily"\n    timezone: berlin', "'berlin' is no time zone", "Europe/Berlin", 5),
        ('\n    cron: "@daily"\n    timezone: Xyzzy', "'Xyzzy' is no time zone", None, 5),
        ('\n    cron: "@daily"\n    catchup: all', "unknown key 'catchup'", "catch_up", 5),
        ('\n    cron: "@daily"\n    catch_up: some', "catch_up", None, 5),
        ("\n    run: [late]", "key 'cron' is missing", None, 3),
        ("5", "nightly", None, 3),
        ('\n    cron: "@daily"\n    run: late', "run", None, 5),
        (
            '\n    cron: "@daily"\n    run: [mart.lat]',
            "runs 'mart.lat', which nothing provides",
            "mart.late",
            3,
        ),
    ],
)
def test_wrong_entries(write_project, entry: str, message: str, close: str | None, line: int) -> None:
    """What is wrong is named with its line, and with the nearest name where there is one."""
    error = refusal(write_project, f"project: p\nschedule:\n  nightly: {entry}\n")

    assert message in error.message
    assert error.nearest == close
    assert error.place is not None
    assert error.place.line == line


def test_protected_environment(write_project) -> None:
    """A schedule cannot move what only a release may move."""
    error = refusal(
        write_project,
        'project: p\nenvironments: {production: {protected: true}}\nschedule:\n  n: {cron: "@daily", environment: production}\n',
    )

    assert "is protected" in error.message
    assert "ropewalk apply" in (error.hint or "")


def test_monitors_may_run_in_a_protected_environment(write_project) -> None:
    """What they find is about its own predictions, and in no release."""
    text = (
        "project: p\nenvironments: {production: {protected: true}}\ndeploy:\n  late: {key: id}\n"
        "monitor:\n  late: {time: at, labels: {table: mart.late, key: late, column: late}}\n"
        'schedule:\n  n: {cron: "@daily", environment: production, run: [RUN]}\n'
    )
    steps = {"steps/late.py": "from ropewalk import Model\n\ndef late() -> Model: ...\n"}

    check(write_project({"ropewalk.yaml": text.replace("RUN", '"monitor:late"'), **TABLE, **steps}))

    assert "is protected" in refusal(write_project, text.replace("RUN", '"monitor:late", mart.late')).message


def test_schema_has_both_forms() -> None:
    """An editor takes the cron line alone as well as the mapping."""
    schema = project_schema(plugins.sections())

    assert '"anyOf": [{"type": "string"' in json.dumps(schema)
