"""Claims about the way from the log to the lake: every prediction exactly once, with fitting types."""

from __future__ import annotations

import datetime as dt
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from ropewalk.dataops.lake import open_lake
from ropewalk.devops.serving import compact
from ropewalk.devops.serving.column_types import values_type, wider
from ropewalk.devops.serving.errors import CompactionFailed, SegmentDamaged
from ropewalk.devops.serving.segments import Record, SegmentHeader, SegmentWriter
from ropewalk.pipeline import Workspace

from .conftest import HEADER

NOON = 1_700_000_000_000


def write(
    workspace: Workspace,
    columns: dict[str, list[object]],
    predictions: Sequence[object] = (0.25, 0.75),
    header: SegmentHeader = HEADER,
) -> SegmentWriter:
    """Write one request into a new segment of the deployment."""
    writer = SegmentWriter(workspace.state / "predictions" / "late", header)
    return append(writer, columns, predictions)


def append(
    writer: SegmentWriter, columns: dict[str, list[object]], predictions: Sequence[object] = (0.25, 0.75)
) -> SegmentWriter:
    request_id = os.urandom(4).hex()
    writer.append(Record(request_id, NOON, list(columns), list(columns.values()), list(predictions)))
    return writer


def query(workspace: Workspace, sql: str) -> list[tuple[object, ...]]:
    with open_lake(workspace).cursor() as connection:
        return connection.execute(sql).fetchall()


def columns_of(workspace: Workspace) -> dict[str, str]:
    (table,) = [table for table in open_lake(workspace).tables() if table.schema == "predictions"]
    return {column.name: column.type for column in table.columns}


def test_predictions_reach_the_lake(workspace: Workspace) -> None:
    """The table has the prediction, its id, version and time, and every column that was sent."""
    write(workspace, {"hour": [5, 6], "flight_id": [1, 2], "scheduled_at": ["2013-07-01 05:00:00", None]})

    assert compact(workspace, "late") == 2

    found = query(
        workspace,
        "SELECT flight_id, hour, scheduled_at, prediction, model_version, predicted_at, "
        "prediction_id = request_id || '-' || (flight_id - 1) FROM predictions.late ORDER BY flight_id",
    )
    at = dt.datetime.fromisoformat("2023-11-14 22:13:20")
    assert found == [
        (1, 5, dt.datetime.fromisoformat("2013-07-01 05:00"), 0.25, 3, at, True),
        (2, 6, None, 0.75, 3, at, True),
    ]


def test_each_prediction_is_taken_once(workspace: Workspace) -> None:
    """A second compaction takes only what came since, from old segments and new ones."""
    writer = write(workspace, {"hour": [5, 6]})

    assert compact(workspace, "late") == 2
    assert compact(workspace, "late") == 0
    append(writer, {"hour": [7, 8]})
    write(workspace, {"hour": [9, 10]})
    assert compact(workspace, "late") == 4

    assert query(workspace, "SELECT count(*), count(DISTINCT prediction_id) FROM predictions.late") == [
        (6, 6)
    ]


def test_nothing_new_makes_no_snapshot(workspace: Workspace) -> None:
    """A compaction without new predictions leaves the lake as it is."""
    write(workspace, {"hour": [5, 6]})
    compact(workspace, "late")
    before = open_lake(workspace).snapshot()

    assert compact(workspace, "late") == 0
    assert compact(workspace, "other") == 0

    assert open_lake(workspace).snapshot() == before


def test_a_deployment_without_predictions_has_none(workspace: Workspace) -> None:
    """Before the first worker there is nothing to take."""
    assert compact(workspace, "late") == 0


def test_a_torn_end_is_taken_later(workspace: Workspace) -> None:
    """A frame that is being written is left for the next compaction."""
    writer = write(workspace, {"hour": [5, 6]})
    whole = writer.path.read_bytes()
    append(writer, {"hour": [7, 8]})
    complete = writer.path.read_bytes()
    writer.path.write_bytes(complete[: len(whole) + 9])

    assert compact(workspace, "late") == 2
    writer.path.write_bytes(complete)
    assert compact(workspace, "late") == 2


def test_damage_takes_nothing(workspace: Workspace) -> None:
    """A damaged log is an error, and no half of it is in the lake."""
    writer = write(workspace, {"hour": [5, 6]})
    append(writer, {"hour": [7, 8]})
    content = bytearray(writer.path.read_bytes())
    content[-3] ^= 1
    writer.path.write_bytes(content)

    with pytest.raises(SegmentDamaged):
        compact(workspace, "late")

    assert open_lake(workspace).tables() == []


def test_a_full_disk_takes_nothing_and_says_so(workspace: Workspace) -> None:
    """What cannot be brought into the lake stays in the log, and comes when there is room."""
    write(workspace, {"note": ["x" * 4000] * 40}, [0.5] * 40)
    open_lake(workspace).snapshot()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(CompactionFailed, match="'late' could not be brought into the lake") as caught:
            compact(workspace, "late")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "stay in their log" in (caught.value.hint or "")

    assert compact(workspace, "late") == 40


def test_types_come_from_the_signature_and_the_values(workspace: Workspace) -> None:
    """A model's column has its signature's type whatever the first values are; others the narrowest that fits."""
    sent: dict[str, list[object]] = {
        "distance": [1, 2],
        "carrier": ["2013-07-01", "UA"],
        "day": ["2013-07-01", "2013-07-02T10:00:00Z"],
        "mixed": [1, "a"],
        "ratio": [1, 2.5],
        "code": ["20130701", "20130702"],
        "flag": [True, None],
        "empty": [None, None],
    }
    write(workspace, sent)

    compact(workspace, "late")

    found = columns_of(workspace)
    assert "empty" not in found
    assert {name: found[name] for name in sent if name != "empty"} == {
        "distance": "DOUBLE",
        "carrier": "VARCHAR",
        "day": "TIMESTAMP",
        "mixed": "VARCHAR",
        "ratio": "DOUBLE",
        "code": "VARCHAR",
        "flag": "BOOLEAN",
    }


def test_later_requests_widen_and_add_columns(workspace: Workspace) -> None:
    """Nothing is dropped when later values do not fit: the column widens, and new ones are added."""
    write(workspace, {"flight_id": [1, 2], "gate": [1, 2], "seen": ["2013-07-01", "2013-07-02"]})
    compact(workspace, "late")
    write(workspace, {"flight_id": [3, 4.5], "gate": ["A", None], "seen": ["soon", None], "note": ["x", "y"]})
    compact(workspace, "late")

    assert query(
        workspace, "SELECT flight_id, gate, seen, note FROM predictions.late ORDER BY flight_id"
    ) == [
        (1.0, "1", "2013-07-01 00:00:00", None),
        (2.0, "2", "2013-07-02 00:00:00", None),
        (3.0, "A", "soon", "x"),
        (4.5, None, None, "y"),
    ]


def test_times_with_an_offset_are_kept_in_utc(workspace: Workspace) -> None:
    """Five o'clock in Rome is three in UTC; a time without an offset is taken as UTC."""
    write(workspace, {"at": ["2013-07-01T05:00:00+02:00", "2013-07-01T03:00:00Z"]})
    write(workspace, {"at": ["2013-07-01 03:00", "2013-06-30T21:00:00-0600"]})

    compact(workspace, "late")

    assert columns_of(workspace)["at"] == "TIMESTAMP"
    assert query(workspace, "SELECT DISTINCT late.at FROM predictions.late") == [
        (dt.datetime.fromisoformat("2013-07-01T03:00"),)
    ]


def test_an_offset_over_the_end_of_a_month_moves_the_window(workspace: Workspace) -> None:
    """What happened on the first of August in Tokyo happened in July, as monitors count."""
    header = SegmentHeader("late", "late", 3, "flight_id", {"at": "datetime"})
    write(workspace, {"at": ["2013-08-01T05:00:00+09:00", "20130801"]}, header=header)

    compact(workspace, "late")

    assert query(workspace, "SELECT strftime(late.at, '%Y-%m-%d') FROM predictions.late ORDER BY 1") == [
        ("2013-07-31",),
        ("2013-08-01",),
    ]


def test_times_beside_other_text_stay_text(workspace: Workspace) -> None:
    """Where not every value is a time the column is text, and its values are as they were sent."""
    write(workspace, {"at": ["2013-07-01", "soon"], "late_at": ["2013-07-01T05:00:00+02:00", "never"]})

    compact(workspace, "late")

    assert query(workspace, "SELECT late.at, late_at FROM predictions.late ORDER BY 1") == [
        ("2013-07-01", "2013-07-01T05:00:00+02:00"),
        ("soon", "never"),
    ]


@pytest.mark.parametrize(
    "text",
    ["2013-07-01T05:00+0200", "2013-07-01T05:00:00,5", "0001-01-01T00:00:00+05:00", "2013-07-01T24:00", "\0"],
)
def test_no_text_stops_a_compaction(workspace: Workspace, text: str) -> None:
    """Whatever the engine cannot read as a time does not keep acknowledged predictions out of the lake."""
    write(workspace, {"at": [text, "2013-07-01"]})

    assert compact(workspace, "late") == 2


def test_case_alone_makes_no_second_column(workspace: Workspace) -> None:
    """Clients that write a column in different cases fill the same one."""
    write(workspace, {"Gate": ["A", "B"]})
    write(workspace, {"gate": ["C", "D"]})
    compact(workspace, "late")
    write(workspace, {"GATE": ["E", "F"], "Prediction_ID": ["x", "y"]})
    compact(workspace, "late")

    assert query(workspace, "SELECT string_agg(gate, '' ORDER BY gate) FROM predictions.late") == [
        ("ABCDEF",)
    ]
    assert "input_Prediction_ID" in columns_of(workspace)


def test_each_row_names_the_model_that_answered(workspace: Workspace) -> None:
    """Version 3 of one model and version 3 of another are told apart after the deployment has switched."""
    write(workspace, {"hour": [5, 6]})
    write(workspace, {"hour": [7, 8]}, header=SegmentHeader("late", "forest", 3, "flight_id", {}))

    compact(workspace, "late")

    found = query(workspace, "SELECT model, model_version, count(*) FROM predictions.late GROUP BY ALL")
    assert sorted(found) == [("forest", 3, 2), ("late", 3, 2)]


def test_a_table_from_before_models_were_recorded_is_kept(workspace: Workspace) -> None:
    """An older table gets the column; its rows, whose model nobody wrote down, have none."""
    write(workspace, {"hour": [5, 6]})
    compact(workspace, "late")
    with open_lake(workspace).transaction("test") as transaction:
        transaction.connection.execute("ALTER TABLE predictions.late DROP COLUMN model")
    write(workspace, {"hour": [7, 8]})

    assert compact(workspace, "late") == 2

    assert query(workspace, "SELECT hour, model FROM predictions.late ORDER BY hour") == [
        (5, None),
        (6, None),
        (7, "late"),
        (8, "late"),
    ]


@pytest.mark.parametrize("prediction", [["a", "b"], {"low": 1.5}, 2**64, [[1.0]], [0.5, None]])
def test_any_prediction_is_kept(workspace: Workspace, prediction: object) -> None:
    """Models answer with texts, objects and huge numbers too; none of them stops a compaction."""
    write(workspace, {"hour": [5, 6]}, [prediction, prediction])

    assert compact(workspace, "late") == 2


def test_several_classes_are_a_list(workspace: Workspace) -> None:
    """A prediction per class is kept as a list of numbers."""
    write(workspace, {"hour": [5]}, [[0.25, 0.75]])

    compact(workspace, "late")

    assert query(workspace, "SELECT prediction FROM predictions.late") == [([0.25, 0.75],)]


def test_columns_named_like_ours_do_not_collide(workspace: Workspace) -> None:
    """A request's own column `prediction` is kept beside ours."""
    write(workspace, {"prediction": ["x", "y"], "request_id": [1, 2], "input_prediction": ["a", "b"]})

    compact(workspace, "late")

    found = query(
        workspace,
        "SELECT input_prediction, input_request_id, input_input_prediction, prediction FROM predictions.late"
        " ORDER BY ALL",
    )
    assert found == [("x", 1, "a", 0.25), ("y", 2, "b", 0.75)]


def test_any_column_name_is_kept(workspace: Workspace) -> None:
    """Names that mean something in SQL are only names."""
    names = ['quo"te', "semi;colon", "a.b", "SELECT", "é", " "]
    write(workspace, {name: ["x", "y"] for name in names})

    compact(workspace, "late")

    assert [columns_of(workspace)[name] for name in names] == ["VARCHAR"] * len(names)


COMPACT = """
import sys
from pathlib import Path
from ropewalk import plugins
from ropewalk.devops.serving import compact
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
with Workspace(load_project(Path(sys.argv[1]), plugins.sections()), load_settings({})) as workspace:
    print("ready", flush=True)
    compact(workspace, "late")
"""


def start_compaction(workspace: Workspace) -> subprocess.Popen[bytes]:
    """Start a process that compacts, and wait until it begins."""
    command = [sys.executable, "-c", COMPACT, str(workspace.root)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def test_a_killed_compaction_is_repeated_whole(workspace: Workspace) -> None:
    """Kill -9 at any moment of a compaction leaves all of its predictions or none; the next finishes it."""
    open_lake(workspace).snapshot()
    for pause in (0.0, 0.1, 0.2):
        for _ in range(10):
            write(workspace, {"hour": [*range(50)]}, [0.5] * 50)
        with start_compaction(workspace) as child:
            time.sleep(pause)
            child.kill()

    compact(workspace, "late")

    assert query(workspace, "SELECT count(*), count(DISTINCT prediction_id) FROM predictions.late") == [
        (1500, 1500)
    ]


def test_two_compactions_at_once_share_the_work(workspace: Workspace) -> None:
    """Processes that compact at the same time take each prediction once between them."""
    for _ in range(5):
        write(workspace, {"hour": [*range(50)]}, [0.5] * 50)

    with start_compaction(workspace) as one, start_compaction(workspace) as other:
        compact(workspace, "late")

    assert (one.returncode, other.returncode) == (0, 0)
    assert query(workspace, "SELECT count(*), count(DISTINCT prediction_id) FROM predictions.late") == [
        (250, 250)
    ]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (None, "BIGINT", "BIGINT"),
        ("BIGINT", None, "BIGINT"),
        ("BIGINT", "DOUBLE", "DOUBLE"),
        ("BOOLEAN", "BIGINT", "VARCHAR"),
        ("TIMESTAMP", "VARCHAR", "VARCHAR"),
        (None, None, None),
    ],
)
def test_the_wider_type_holds_both(one: str | None, other: str | None, both: str | None) -> None:
    """Numbers meet in DOUBLE, everything else in text."""
    assert wider(one, other) == both


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None], None),
        ([1, None], "BIGINT"),
        ([1, 1.5], "DOUBLE"),
        (["2013-07-01 05:00"], "TIMESTAMP"),
        (["2013-13-01"], "VARCHAR"),
        (["2013"], "VARCHAR"),
        ([True, 1], "VARCHAR"),
        ([[0.5]], "DOUBLE[]"),
    ],
)
def test_values_get_the_narrowest_type(values: list[object], kind: str | None) -> None:
    """Times are recognised only where a person would."""
    assert values_type(values) == kind
