"""The node kind `monitor`, on a real lake, a real prediction log and a registered model."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ropewalk.dataops.lake import open_lake
from ropewalk.devops.forge import IssueFiles
from ropewalk.devops.monitoring import (
    ColumnMissing,
    MonitorKind,
    NotMonitored,
    UnknownTraining,
    UnusableLabel,
    UnusableTime,
    list_alerts,
    monitor_report,
)
from ropewalk.mlops.registry import get_version
from ropewalk.store.monitoring import get_profile, keep_profile


def test_monitor_needs_its_deployment_and_its_labels(watched):
    """The node asks for both by name, at the place of its entry."""
    (node,) = MonitorKind().declare(watched.workspace.project)

    assert (node.id, node.provides) == ("monitor:late", ())
    assert [need.name for need in node.needs] == ["deployment:late", "mart.outcomes"]
    assert str(node.needs[1].place) == "ropewalk.yaml:3:3"


def test_every_part_of_the_declaration_is_a_fact(watched):
    """A changed limit is a reason to judge again, and is named."""
    (node,) = MonitorKind().declare(watched.workspace.project)

    assert node.facts["limits"] == '{"psi":0.25,"auc":{"min":0.6},"rate_shift":0.1}'
    assert set(node.facts) == {"by", "time", "labels", "limits", "ignore", "min_rows"} == set(node.places)
    assert str(node.places["limits"]) == "ropewalk.yaml:6:5"


def test_no_predictions_are_no_windows(watched):
    """A deployment that nobody asked yet is watched, and there is nothing to see."""
    output = watched.execute()

    assert output.summary == {"windows": [], "alerts": 0, "unplaced": 0}
    assert monitor_report(watched.workspace, "late").windows == ()


def test_month_without_labels_shows_drift_only(watched):
    """Before outcomes arrive the quality is pending, and the drift is there."""
    watched.predict("2013-07", 600)

    output = watched.execute()

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.quality, window.auc, window.labelled) == ("pending", None, 0)
    assert window.worst_psi < 0.25
    assert output.summary["windows"][0]["quality"] == "pending"


def test_late_labels_make_the_month_measured(watched):
    """When the outcomes arrive the same month is computed again, and equals sklearn's."""
    frame = watched.predict("2013-07", 600)
    watched.execute()

    watched.learn_outcomes()
    watched.execute()

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.quality, window.labelled) == ("measured", 600)
    assert window.auc == pytest.approx(roc_auc_score(frame["late"], frame["prediction"]))
    assert window.reference_rate == pytest.approx(watched.training["late"].mean())


def test_only_the_models_columns_are_compared(watched):
    """The key and the time drift by nature; the columns of the signature are what counts."""
    watched.predict("2013-07", 600)

    watched.execute()

    (window,) = monitor_report(watched.workspace, "late").windows
    assert set(window.drift) == {"wind", "carrier"}


def test_ignored_column_is_shown_and_not_judged(watched):
    """A storm in a column that follows the seasons is in the figures, and raises nothing."""
    watched.predict("2013-08", 400, wind_factor=3)

    output = watched.execute(ignore=("wind",))

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.worst_column, window.breaches) == ("carrier", ())
    assert window.drift["wind"] > 0.25 > window.worst_psi
    assert output.summary["alerts"] == 0


def test_everything_ignored_is_nothing_judged(watched):
    """A monitor may ignore all columns; then there is no worst one."""
    watched.predict("2013-08", 400, wind_factor=3)

    watched.execute(ignore=("wind", "carrier"))

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.worst_column, window.worst_psi, window.breaches) == (None, None, ())


def test_ignored_column_that_is_not_compared(watched):
    """A misspelt column would be judged all the same: it is told of with the nearest and its place."""
    watched.execute(ignore=("winds",))
    watched.predict("2013-07", 300)

    with pytest.raises(ColumnMissing, match="'late' ignores column 'winds'") as caught:
        watched.execute(ignore=("winds",))

    assert (caught.value.nearest, caught.value.place.line) == ("wind", 3)
    assert caught.value.hint == "compared are: carrier, wind"


def test_report_and_issue_name_the_training_table(watched):
    """Who reads of drift learns from which table and snapshot the expected shares are."""
    version = get_version(watched.workspace, "late", "1")
    (trained,) = json.loads(version.tags["ropewalk.inputs"])
    watched.predict("2013-08", 400, wind_factor=3)
    watched.execute()

    training = monitor_report(watched.workspace, "late").training["late/1"]

    assert (training.table, training.rows) == ("training.flights", 4000)
    assert training.snapshot == trained["snapshot"]
    (issue,) = IssueFiles(watched.workspace.state / "issues").issues()
    assert f"late/1 was trained on {training}." in issue.text


def test_profile_from_before_tables_were_named_is_taken_again(watched):
    """An older profile is computed anew, so that the report can name its table."""
    watched.predict("2013-07", 300)
    watched.execute()
    kept = get_profile(watched.workspace.database, "late", 1)
    keep_profile(watched.workspace.database, "late", 1, kept.replace('"training.flights"', '""'))
    assert monitor_report(watched.workspace, "late").training == {}

    watched.execute()

    assert monitor_report(watched.workspace, "late").training["late/1"].table == "training.flights"


def test_versions_of_two_models_are_kept_apart(watched):
    """After a switch to another model, its version 1 is not taken for the first model's."""
    watched.register([watched.trained_on("training.flights")], model="forest")
    watched.predict("2013-07", 300)
    watched.predict("2013-08", 300, model="forest")

    watched.execute()

    report = monitor_report(watched.workspace, "late")
    assert [window.model_version for window in report.windows] == ["late/1", "forest/1"]
    assert set(report.training) == {"late/1", "forest/1"}


def test_predictions_from_before_models_were_recorded_are_the_deployed_models(watched):
    """A table without the column, and rows that have none in it, are read as before."""
    watched.predict("2013-07", 300)
    watched.execute()
    with open_lake(watched.workspace).transaction("test") as transaction:
        transaction.connection.execute("ALTER TABLE predictions.late DROP COLUMN model")
    watched.execute()
    watched.predict("2013-08", 300)

    watched.execute()

    report = monitor_report(watched.workspace, "late")
    assert [window.model_version for window in report.windows] == ["late/1", "late/1"]


def test_months_that_break_their_limit_raise_one_issue(watched):
    """Two stormy months are two alerts, one issue and one comment; the run succeeds."""
    watched.predict("2013-07", 400)
    for month in ("2013-08", "2013-09"):
        watched.predict(month, 400, wind_factor=3)

    output = watched.execute()

    assert output.summary["alerts"] == 2
    assert [(a.window, a.limit, a.issue) for a in list_alerts(watched.workspace)] == [
        ("2013-08", "psi", 1),
        ("2013-09", "psi", 1),
    ]
    (issue,) = IssueFiles(watched.workspace.state / "issues").issues()
    assert issue.text.count("## Comment") == 1
    assert [window.worst_column for window in monitor_report(watched.workspace, "late").windows][1:] == [
        "wind",
        "wind",
    ]


def test_running_again_changes_nothing(watched):
    """The same predictions and outcomes give the same content, and no second comment."""
    watched.predict("2013-08", 400, wind_factor=3)
    first = watched.execute()
    before = IssueFiles(watched.workspace.state / "issues").issues()

    second = watched.execute()

    assert (second.digest, second.observed) == (first.digest, first.observed)
    assert IssueFiles(watched.workspace.state / "issues").issues() == before


def test_new_predictions_make_it_stale(watched):
    """What was observed is what the next probe sees, until someone predicts again."""
    watched.predict("2013-07", 300)
    output = watched.execute()
    assert watched.probe() == output.observed

    watched.predict("2013-08", 300)

    assert watched.probe() != output.observed


def test_worker_that_only_started_does_not_make_it_stale(watched):
    """A new worker's segment without a prediction is no news."""
    watched.predict("2013-07", 300)
    output = watched.execute()

    watched.predict("2013-08", 0)

    assert watched.probe() == output.observed


def test_it_holds_while_its_windows_are_in_the_store(watched):
    """An output whose figures were lost is computed again."""
    watched.predict("2013-07", 300)
    output = watched.execute()
    assert MonitorKind().holds(watched.node, "key", output, watched.workspace)

    with watched.workspace.database.write() as connection:
        connection.execute("DELETE FROM monitor_window")

    assert not MonitorKind().holds(watched.node, "key", output, watched.workspace)


def test_profile_is_taken_once_from_the_snapshot_that_was_trained_on(watched):
    """Later rows of the training table do not move what a version is compared with."""
    watched.predict("2013-07", 600)
    watched.execute()
    before = monitor_report(watched.workspace, "late").windows

    watched.store("training.flights", watched.training.assign(wind=1000.0))
    watched.forget_profiles()
    watched.execute()

    assert monitor_report(watched.workspace, "late").windows == before


def test_rows_without_time_are_told_of(watched):
    """Predictions that no window takes are counted in the summary."""
    watched.predict("2013-07", 300)
    watched.predict(None, 20)

    output = watched.execute()

    assert output.summary["unplaced"] == 20
    assert sum(window["predictions"] for window in output.summary["windows"]) == 300


def test_outcomes_are_those_of_the_environment(watched):
    """What another environment made of the table since, at the lake's head, changes no figure."""
    watched.predict("2013-07", 300)
    watched.execute()
    before = monitor_report(watched.workspace, "late").windows
    snapshot = open_lake(watched.workspace).snapshot()
    outcomes = pd.DataFrame(watched.known)
    watched.store("mart.outcomes", outcomes.assign(late=0).head(10))

    watched.execute(snapshot=snapshot)

    assert monitor_report(watched.workspace, "late").windows == before


def test_labels_may_be_a_source(watched):
    """Outcomes straight from a source's raw table do as well."""
    watched.predict("2013-07", 300)
    watched.store("raw.outcomes", pd.DataFrame(watched.known))

    watched.execute(labels_id="source:outcomes")

    assert monitor_report(watched.workspace, "late").windows[0].labelled == 300


@pytest.mark.parametrize(
    ("change", "message", "near"),
    [
        ({"time": "scheduled"}, "table predictions.late has no column 'scheduled'", "scheduled_at"),
        ({"key": "flight"}, "table predictions.late has no column 'flight'", "flight_id"),
        ({"column": "lat"}, "table mart.outcomes has no column 'lat'", "late"),
    ],
)
def test_column_that_is_not_there(watched, change, message, near):
    """A misspelt column names its table, the nearest one and the entry's place."""
    watched.predict("2013-07", 10)

    with pytest.raises(ColumnMissing) as caught:
        watched.execute(**change)

    assert caught.value.message.startswith(message)
    assert (caught.value.nearest, caught.value.place.line) == (near, 3)


def test_time_that_is_no_time(watched):
    """A column of numbers cannot place predictions."""
    watched.predict("2013-07", 10)

    with pytest.raises(UnusableTime, match="'wind' of predictions\\.late is DOUBLE"):
        watched.execute(time="wind")


def test_version_that_does_not_say_what_it_was_trained_on(watched):
    """Without lineage there is nothing to compare with, and the error says so."""
    watched.predict("2013-07", 10, version=watched.register(inputs=[]))

    with pytest.raises(UnknownTraining, match="late/2 does not say"):
        watched.execute()


def test_training_data_that_is_gone(watched):
    """A snapshot that the lake does not have any more is told of in our words."""
    lost = [{"table": "training.flights", "snapshot": 9999, "digest": "d"}]
    watched.predict("2013-07", 10, version=watched.register(inputs=lost))

    with pytest.raises(UnknownTraining, match="late/2 was trained on cannot be read") as caught:
        watched.execute()
    assert "trains it again" in caught.value.hint


def test_table_with_the_models_columns_is_the_reference(watched):
    """Of several inputs of the training step the one that the model reads from counts."""
    watched.store("mart.airports", pd.DataFrame({"code": ["JFK"], "carrier": ["UA"]}))
    inputs = [watched.trained_on("mart.airports"), watched.trained_on("training.flights")]
    watched.predict("2013-07", 300, version=watched.register(inputs=inputs))

    watched.execute()

    assert set(monitor_report(watched.workspace, "late").windows[0].drift) == {"wind", "carrier"}


def test_failed_run_leaves_the_figures_as_they_were(watched):
    """An error while computing replaces nothing."""
    watched.predict("2013-07", 300)
    watched.execute()
    before = monitor_report(watched.workspace, "late").windows

    with pytest.raises(ColumnMissing):
        watched.execute(column="unknown")

    assert monitor_report(watched.workspace, "late").windows == before


def test_report_of_an_unknown_deployment(watched):
    """Asking for what is not monitored names the nearest."""
    with pytest.raises(NotMonitored, match="'lat' has no monitor") as caught:
        monitor_report(watched.workspace, "lat")
    assert caught.value.nearest == "late"


def test_report_has_declaration_and_alerts(watched):
    """The report is what a page needs: limits, windows, alerts."""
    watched.predict("2013-08", 400, wind_factor=3)
    watched.execute()

    report = monitor_report(watched.workspace, "late")

    assert (report.deployment, report.monitor.limits.psi) == ("late", 0.25)
    assert [breach.limit for breach in report.windows[0].breaches] == ["psi"]
    assert report.alerts[0].message == report.windows[0].breaches[0].message


@pytest.mark.parametrize(
    "mlmodel",
    [{"signature": None}, {"signature": {"inputs": '[{"type": "tensor"}]'}}],
    ids=["null", "tensor"],
)
def test_model_without_named_inputs_is_compared_on_all_columns(watched, mlmodel):
    """What the training table has counts when the model does not name what it reads, but for ids and times."""
    times = {"flight_id": range(4000), "scheduled_at": "2013-01-01"}
    watched.store("training.flights", watched.training.assign(**times))
    version = watched.register([watched.trained_on("training.flights")], mlmodel)
    watched.predict("2013-07", 300, version=version)

    watched.execute()

    (window,) = monitor_report(watched.workspace, "late").windows
    assert set(window.drift) == {"wind", "carrier"}


def test_month_of_two_versions_is_compared_with_the_main_one(watched):
    """The version that made most of a month's predictions is named, the others' rows count as well."""
    second = watched.register([watched.trained_on("training.flights")])
    watched.predict("2013-07", 100)
    watched.predict("2013-07", 300, version=second)

    watched.execute()

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.model_version, window.predictions) == ("late/2", 400)


def test_another_label_is_another_expected_rate(watched):
    """A profile kept for one label is not used for another one."""
    watched.store("training.flights", watched.training.assign(cancelled=False))
    watched.predict("2013-07", 300, version=watched.register([watched.trained_on("training.flights")]))
    watched.learn_outcomes()
    watched.execute()
    watched.store("mart.outcomes", pd.DataFrame(watched.known).assign(cancelled=False))

    watched.execute(column="cancelled")

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.positive_rate, window.reference_rate) == (0.0, 0.0)


def test_shorter_windows_replace_the_months(watched):
    """A monitor declared by the day has no months left over."""
    watched.predict("2013-07", 300)
    watched.execute()

    watched.execute(by="day")

    assert [window.name for window in monitor_report(watched.workspace, "late").windows] == ["2013-07-15"]


def test_keys_of_another_type_still_meet(watched):
    """Requests send numbers, the labels have text: the outcomes are found all the same."""
    watched.predict("2013-07", 300)
    watched.store("mart.outcomes", pd.DataFrame(watched.known).astype({"flight_id": str}))

    watched.execute()

    assert monitor_report(watched.workspace, "late").windows[0].labelled == 300


def test_labels_that_arrive_can_break_and_mend(watched):
    """A month is judged when its outcomes are there, and again when they are corrected."""
    watched.predict("2013-07", 400)
    watched.store("mart.outcomes", pd.DataFrame(watched.known).assign(late=True))
    assert watched.execute().summary["alerts"] == 1

    watched.learn_outcomes()

    assert watched.execute().summary["alerts"] == 0
    (alert,) = list_alerts(watched.workspace)
    assert (alert.limit, alert.cleared_at is None) == ("rate_shift", False)


def test_wrong_labels_stop_the_run_before_anything_is_kept(watched):
    """A label of 2 is an error that names table and column; the figures of before stay."""
    watched.predict("2013-07", 300)
    watched.execute()
    before = monitor_report(watched.workspace, "late").windows
    watched.store("mart.outcomes", pd.DataFrame(watched.known).assign(late=2))

    with pytest.raises(UnusableLabel, match=r"300 labels in column 'late' of .*outcomes"):
        watched.execute()

    assert monitor_report(watched.workspace, "late").windows == before


def test_months_with_few_rows_raise_nothing(watched):
    """Fewer predictions than `min_rows` are shown, and not judged."""
    watched.predict("2013-08", 150, wind_factor=5)
    watched.learn_outcomes()

    assert watched.execute().summary["alerts"] == 0

    (window,) = monitor_report(watched.workspace, "late").windows
    assert (window.quality, window.breaches) == ("thin", ())
    assert window.worst_psi > 0.25


def test_output_of_another_run_does_not_hold(watched):
    """Figures that changed since an output was made are not its figures."""
    watched.predict("2013-07", 300)
    old = watched.execute()
    watched.predict("2013-08", 300)
    watched.execute()

    assert not MonitorKind().holds(watched.node, "key", old, watched.workspace)
