"""Whole projects, from files to predictions, by the public commands."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from .conftest import FLIGHTS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
ROPEWALK = Path(sysconfig.get_path("scripts")) / "ropewalk"
WHERE = "ordered_on >= DATE '2026-06-01'"


def ropewalk(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the JSON that a command answers with."""
    done = subprocess.run(
        [ROPEWALK, *arguments, "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_first_project_runs(tmp_path: Path) -> None:
    """`ropewalk init` in an empty Git repository gives a project that trains, passes its gate and predicts."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run([ROPEWALK, "init"], cwd=tmp_path, check=True, capture_output=True)

    first = ropewalk(tmp_path, "run")
    again = ropewalk(tmp_path, "run")
    predicted = ropewalk(tmp_path, "predict", "returns", "--table", "mart.order_features", "--where", WHERE)

    assert (first["executed"], first["failed"]) == (9, 0)
    assert (again["executed"], again["hits"]) == (0, 9)
    assert predicted["rows"] > 600
    assert all(0 < item["prediction"] < 1 for item in predicted["predictions"])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the flights project after its demo, with ports of its own for its systems."""
    folder = tmp_path_factory.mktemp("demo") / "flights"
    shutil.copytree(FLIGHTS, folder, ignore=shutil.ignore_patterns("landing", ".ropewalk", "__pycache__"))
    # Ports of their own, so that a demo that somebody plays meanwhile is left alone.
    names = ("ropewalk.yaml", "weather_api.py", "register.py", "disruptions_log.py")
    for taken in ("8790", "8791", "8792"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        for name in names:
            path = folder / name
            path.write_text(path.read_text(encoding="utf-8").replace(taken, port), encoding="utf-8")
    demo(folder)
    return folder


def demo(folder: Path) -> str:
    """Play the demo and return its last page."""
    done = subprocess.run(
        [sys.executable, "demo.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made(folder: Path, node_id: str) -> dict[str, Any]:
    [found] = [node for node in ropewalk(folder, "status")["nodes"] if node["id"] == node_id]
    summary: dict[str, Any] = found["summary"]
    return summary


def test_the_demo_predicts_every_flight_once(played: Path) -> None:
    """Each flight of the second half of the year has one prediction, whatever month it was asked in."""
    query = "SELECT count(*) AS rows, count(DISTINCT flight_id) AS flights FROM predictions.late"

    [found] = ropewalk(played, "sql", query)["rows"]

    assert found == {"rows": 170_618, "flights": 170_618}


def test_the_model_is_as_good_as_promised(played: Path) -> None:
    """July's AUC passes the gate, and every table's contract holds but for the warning of the last day."""
    contract = made(played, "table:mart.flight_features")["contract"]

    assert made(played, "step:evaluate")["metrics"]["auc"] >= 0.76
    assert contract["checks"] - contract["passed"] == len(contract["warnings"]) == 1


def test_the_monitor_names_the_months_that_moved(played: Path) -> None:
    """Few flights are late from September to November: these months, and no other, break a limit."""
    windows = made(played, "monitor:late")["windows"]

    moved = [window["name"] for window in windows if window["breaches"]]

    assert moved == ["2013-09", "2013-10", "2013-11"]
    assert all(window["labelled"] == window["predictions"] for window in windows)


def test_a_second_demo_executes_nothing(played: Path) -> None:
    """What is done is not done again, and the same page is shown."""
    assert "nothing executed" in demo(played)


def test_later_months_do_not_train_again(played: Path) -> None:
    """The table that the model learns from stayed as it was, so there is one version of the model."""
    assert made(played, "model:late")["version"] == 1
    assert made(played, "table:mart.labelled_flights")["rows"] == 195_583
