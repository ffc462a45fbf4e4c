"""Where a step's run comes from: Git, CI, and what was not committed, without secrets."""

from __future__ import annotations

import subprocess

import pytest

from ropewalk.mlops.tracking import get_run
from ropewalk.mlops.tracking.artifacts import find_artifact
from ropewalk.mlops.training import git_origin
from ropewalk.mlops.training.execution import run_step
from ropewalk.mlops.training.git_origin import origin_tags, without_secrets

SOURCE = "def make(*, depth: int = 7) -> 'Metrics':\n    return {'auc': 0.5}\n"
NAMED = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(root, *words: str) -> None:
    """Run Git."""
    subprocess.run(["git", "-C", str(root), *NAMED, *words], check=True, capture_output=True)


@pytest.fixture
def task(make_task):
    """Return a task in a repository with one commit."""
    found = make_task(SOURCE)
    git(found.workspace.root, "init", "-q", "-b", "main")
    git(found.workspace.root, "add", ".")
    git(found.workspace.root, "commit", "-q", "-m", "first")
    git_origin._git_state.cache_clear()
    git_origin._patch.cache_clear()
    return found


@pytest.mark.parametrize(
    ("environ", "tag", "value"),
    [
        ({}, "mlflow.source.git.branch", "main"),
        ({}, "ropewalk.environment", "dev"),
        ({"CI_MERGE_REQUEST_IID": "12"}, "ropewalk.merge_request", "12"),
        ({"CI_JOB_ID": "7"}, "gitlab.CI_JOB_ID", "7"),
        (
            {"CI_PROJECT_URL": "https://u:hunter22@host/p"},
            "mlflow.source.git.repoURL",
            "https://u:***@host/p",
        ),
        # Git knows better.
        ({"CI_COMMIT_BRANCH": "other"}, "ropewalk.git.branch", None),
    ],
)
def test_tags(task, environ: dict[str, str], tag: str, value: str | None) -> None:
    """A run is told its branch and environment, and by a CI job its merge request; passwords are not."""
    assert origin_tags(task, task.node.spec, environ).get(tag) == value


def test_branch_of_a_job(task) -> None:
    """Where only a commit is checked out the job's variable says the branch."""
    git(task.workspace.root, "checkout", "-q", "--detach")
    git_origin._git_state.cache_clear()

    tags = origin_tags(task, task.node.spec, {"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature"})

    assert tags["ropewalk.git.branch"] == "feature"
    assert "mlflow.source.git.branch" not in tags


def test_patch_is_kept(task, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not committed is an artifact of the run, with secrets hidden and no longer than allowed."""
    monkeypatch.setenv("SHOP_TOKEN", "hunter22-is-secret")
    monkeypatch.setattr(git_origin, "MOST_PATCH", 2_000)
    (task.workspace.root / "notes.txt").write_text(
        "hunter22-is-secret\n" + "words\n" * 1_000, encoding="utf-8"
    )

    run = get_run(task.workspace, run_step(task).reference.removeprefix("run:"))

    assert (run.tags["ropewalk.git.dirty"], run.tags["ropewalk.git.patch"]) == ("true", "git/dirty.patch")
    stored = find_artifact(task.workspace, f"{run.experiment_id}/{run.id}/artifacts/git/dirty.patch")
    text = task.workspace.objects.path(stored.digest).read_text(encoding="utf-8")
    assert "+***" in text
    assert "hunter22" not in text
    assert "# cut here" in text
    assert len(text) < 2_200


def test_clean_checkout_has_no_patch(task) -> None:
    """Nothing is kept when everything is committed."""
    run = get_run(task.workspace, run_step(task).reference.removeprefix("run:"))

    assert run.tags["ropewalk.git.dirty"] == "false"
    assert "ropewalk.git.patch" not in run.tags


@pytest.mark.parametrize(
    "line",
    [
        "+API_KEY=abc-hunter22",
        "+  password: hunter22",
        '+export DB_PASSWORD="hunter22"',
        '+  "secret_token": "hunter22",',
        "-url = postgresql://user:hunter22@host/db",
        "+-----BEGIN {0}-----\n+hunter22\n+-----END {0}-----".format("PRIVATE " + "KEY"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(task, line: str) -> None:
    """Lines that give a secret a value lose it, wherever the value comes from."""
    assert "hunter22" not in without_secrets(f" before\n{line}\n after\n", task.workspace, {})


@pytest.mark.parametrize("line", ["+password = secret://DB", "+tokens are counted", "+max_depth = 7"])
def test_what_is_no_secret_stays(task, line: str) -> None:
    """References to secrets, and lines that only speak of them, stay readable."""
    assert line in without_secrets(f" before\n{line}\n after\n", task.workspace, {})
