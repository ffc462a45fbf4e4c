"""Where a step's run comes from: Git's commit and branch, the merge request of a CI job, and what was not committed.

In a CI job Git has a commit checked out and no branch; the job's own variables say which branch and merge request it is
for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ropewalk.mlops.tracking import keep_run_file
from ropewalk.mlops.training.options import check_options
from ropewalk.pipeline import Task, Workspace
from ropewalk.processes import find_secrets
from ropewalk.project import GitState, StepDeclaration, content_digest, dirty_patch, git_state

PATCH = "git/dirty.patch"
# A patch that is longer is of generated files, and nobody reads it.
MOST_PATCH = 1_000_000
# What a job of GitLab or GitHub says of the change that it is for.
_CI_TAGS = {
    "ropewalk.merge_request": ("CI_MERGE_REQUEST_IID",),
    "ropewalk.git.branch": (
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CI_COMMIT_BRANCH",
        "GITHUB_HEAD_REF",
    ),
    "gitlab.CI_JOB_ID": ("CI_JOB_ID",),
    "gitlab.CI_JOB_URL": ("CI_JOB_URL",),
    "gitlab.CI_PIPELINE_ID": ("CI_PIPELINE_ID",),
    "mlflow.source.git.repoURL": ("CI_PROJECT_URL",),
}
# A line that gives something a secret's name a value, in any of the usual files.
_SECRET_LINE = re.compile(
    r"(?im)^([-+ ]\s*(?:export\s+)?[\"']?[\w.\-]*(?:token|passw(?:or)?d|secret|credential|api_?key|private_?key|access_?key)"
    r"[\w.\-]*[\"']?\s*[:=]\s*)(?!\s*secret://)\S.*$"
)
_PRIVATE_KEY = re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----")
_ADDRESS = re.compile(r"(://[^\s:/@\"']+:)[^\s@\"']+(@)")


@lru_cache(maxsize=2)
def _git_state(root: Path, _run_id: str) -> GitState:
    """Return what Git says at the start of the run: asking takes as long as half a small step."""
    return git_state(root)


@lru_cache(maxsize=2)
def _patch(root: Path, _run_id: str) -> str | None:
    return dirty_patch(root)


def origin_tags(task: Task, step: StepDeclaration, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the tags that say where a run of the step comes from."""
    workspace = task.workspace
    git = _git_state(workspace.root, task.run_id)
    tags = {"ropewalk.environment": workspace.settings.environment}
    if git.commit:
        tags |= {"mlflow.source.git.commit": git.commit, "ropewalk.git.dirty": str(git.is_dirty).lower()}
    if git.branch:
        tags["mlflow.source.git.branch"] = git.branch
    for tag, names in _CI_TAGS.items():
        found = next((environ[name] for name in names if environ.get(name)), None)
        if found and (tag != "ropewalk.git.branch" or not git.branch):
            tags[tag] = _ADDRESS.sub(r"\1***\2", found)
    locked = check_options(step).env
    if locked and (workspace.root / locked).is_file():
        digest = content_digest((workspace.root / locked).read_bytes())
        tags["ropewalk.locked"] = f"{locked} ({digest[:12]})"
    return tags


def keep_patch(task: Task, run_id: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Keep what differs from the commit as an artifact of the run, and return the tag that names it, if there is any.

    What is known to be a secret, and what looks like one, is hidden in it.
    """
    workspace = task.workspace
    if not _git_state(workspace.root, task.run_id).is_dirty:
        return {}
    patch = _patch(workspace.root, task.run_id)
    if patch is None:
        return {}
    content = without_secrets(patch, workspace, environ).encode(errors="replace")
    if len(content) > MOST_PATCH:
        kept = content[:MOST_PATCH].rpartition(b"\n")[0]
        content = kept + f"\n# cut here: {len(kept):,} of {len(content):,} bytes are kept\n".encode()
    return {"ropewalk.git.patch": PATCH} if keep_run_file(workspace, run_id, PATCH, content) else {}


def without_secrets(patch: str, workspace: Workspace, environ: Mapping[str, str]) -> str:
    """Return a patch without the values of the environment's secrets, and of lines that give a secret a value."""
    declared = workspace.root / "ropewalk.yaml"
    text = declared.read_text(encoding="utf-8", errors="replace") if declared.is_file() else ""
    hidden = find_secrets(environ, text).hide_text(patch)
    hidden = _PRIVATE_KEY.sub("***", hidden)
    return _ADDRESS.sub(r"\1***\2", _SECRET_LINE.sub(r"\1***", hidden))
