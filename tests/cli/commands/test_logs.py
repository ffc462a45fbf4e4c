"""`ropewalk logs`: which log is meant, its lines, and following it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ropewalk.pipeline.leases import this_host, this_process
from ropewalk.store import Database
from ropewalk.store.leases import take_lease
from ropewalk.store.pipeline import RunRow, start_run

FILES = {
    "ropewalk.yaml": "project: talk\n",
    "steps/talk.py": """
        import time
        from ropewalk import Metrics, step

        @step
        def quick() -> Metrics:
            print("quick says hello")
            return Metrics(x=1.0)

        @step
        def breaks(quick: Metrics) -> Metrics:
            for number in range(5):
                print("line", number)
            raise RuntimeError("out of luck")
        """,
}
SLOW = {
    "ropewalk.yaml": "project: slow\n",
    "steps/slow.py": """
        import time
        from ropewalk import Metrics, step

        @step
        def slow() -> Metrics:
            for number in range(12):
                print("line", number, flush=True)
                time.sleep(0.1)
            return Metrics(x=1.0)
        """,
}


@pytest.fixture(scope="module")
def ran(make_project) -> Path:
    """Return the root of a project with one step that succeeded and one that failed."""
    from ropewalk.cli.main import run

    root = make_project(FILES, ran=False)
    assert run(["-C", str(root), "run"]) == 1
    return root


def test_the_step_that_failed(ropewalk, ran: Path) -> None:
    """Without names it is the failed step of the newest run; what the log is goes to stderr."""
    said = ropewalk("logs", cwd=ran)

    assert said.out.splitlines()[:5] == [f"line {number}" for number in range(5)]
    assert "RuntimeError: out of luck" in said.out
    assert said.err.startswith("step breaks of run ")


def test_by_name(ropewalk, ran: Path) -> None:
    """Run and step can be named, the run by its beginning, the step with or without its kind."""
    run_id = ropewalk("runs", "--json", cwd=ran).json["runs"][0]["id"]

    assert "quick says hello" in ropewalk("logs", run_id[:7], "quick", cwd=ran).out
    assert "quick says hello" in ropewalk("logs", "last", "step:quick", cwd=ran).out


def test_last_lines(ropewalk, ran: Path) -> None:
    """Only so many lines of the end, where asked."""
    said = ropewalk("logs", "-n", "1", cwd=ran)

    assert len(said.out.splitlines()) == 1
    assert "out of luck" in said.out


def test_as_json(ropewalk, ran: Path) -> None:
    """For programs one object, without following."""
    document = ropewalk("logs", "last", "quick", "--json", cwd=ran).json

    assert (document["step"], document["attempt"]) == ("quick", 1)
    assert "quick says hello" in document["lines"]
    assert ropewalk("logs", "--json", "--follow", cwd=ran).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("last", "quik"), 3, "did you mean: quick"),
        (("last", "quick", "--attempt", "2"), 3, "was tried 1 times"),
        (("zzz",), 3, "no run begins with 'zzz'"),
        (("--lines", "0"), 2, "--lines"),
        (("--attempt", "x"), 2, "--attempt"),
    ],
)
def test_wrong_names(ropewalk, ran: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    """What is not there is told, with the nearest name."""
    found = ropewalk("logs", *arguments, cwd=ran)

    assert found.code == code
    assert said in found.err


def test_attempts(ropewalk, own_project) -> None:
    """Of several attempts the last is shown, or the one that is asked for."""
    (log,) = own_project.glob(".ropewalk/logs/*/quick.log")
    log.with_name("quick.2.log").write_text("quick says it again\n")

    assert "says it again" in ropewalk("logs", "last", "quick", cwd=own_project).out
    assert "says hello" in ropewalk("logs", "last", "quick", "--attempt", "1", cwd=own_project).out


def test_logs_that_were_removed(ropewalk, own_project: Path) -> None:
    """When the logs of a run were cleared away, that is said."""
    shutil.rmtree(own_project / ".ropewalk/logs")

    said = ropewalk("logs", cwd=own_project)

    assert said.code == 3
    assert "error[RW213]" in said.err
    assert "`ropewalk gc` has removed them" in said.err


def test_a_run_without_steps(ropewalk, shop: Path) -> None:
    """A run of tables alone has no logs."""
    said = ropewalk("logs", cwd=shop)

    assert said.code == 3
    assert "only steps have logs" in said.err


def test_a_run_that_has_just_begun(ropewalk, write_project) -> None:
    """Before its first step a run has nothing to show, and that is said."""
    root = write_project({})
    with closing(Database.open(root / ".ropewalk/ropewalk.db")) as database:
        start_run(database, RunRow("abc1", "dev", "running", None, None, False, 1, None))
        take_lease(database, "run:abc1", "token", this_host(), this_process())

    assert "no step of run abc1 has begun yet" in ropewalk("logs", cwd=root).err


@pytest.fixture
def own_project(make_project) -> Path:
    """Return a project with a run of a step for one test alone."""
    return make_project(
        {**FILES, "steps/talk.py": FILES["steps/talk.py"].partition("@step\n        def breaks")[0]}
    )


def test_follow(ropewalk_process, make_project) -> None:
    """Following prints the lines as they come, and ends with the step."""
    root = make_project(SLOW, ran=False)
    run = subprocess.Popen(
        [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "run"], stderr=subprocess.PIPE
    )
    while not list(root.glob(".ropewalk/logs/*/slow.log")):
        assert run.poll() is None

    said = ropewalk_process("logs", "--follow", cwd=root)
    run.communicate(timeout=60)

    assert said.out.splitlines() == [f"line {number}" for number in range(12)]
    assert run.returncode == 0
