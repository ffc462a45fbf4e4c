"""Where a run comes from, read from its tags: ours, MLflow's, and those that clients in a GitLab job set.

Every client can say it: `mlflow.source.git.commit`, `.branch` and `.repoURL` are MLflow's own tags; tags that begin
with `gitlab.` repeat the variables of a GitLab job, with or without the `CI_` that these begin with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMMIT, BRANCH, REPOSITORY = (
    "mlflow.source.git.commit",
    "mlflow.source.git.branch",
    "mlflow.source.git.repoURL",
)
DIRTY, PATCH, MERGE_REQUEST = "ropewalk.git.dirty", "ropewalk.git.patch", "ropewalk.merge_request"
ENVIRONMENT, NODE, KEY, PIPELINE_RUN = (
    "ropewalk.environment",
    "ropewalk.node",
    "ropewalk.key",
    "ropewalk.run",
)
LOCKED = "ropewalk.locked"
# In the order in which they are believed.
BRANCH_TAGS = (
    "ropewalk.git.branch",
    BRANCH,
    "gitlab.CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "gitlab.CI_COMMIT_BRANCH",
    "gitlab.CI_COMMIT_REF_NAME",
)
COMMIT_TAGS = (COMMIT, "gitlab.CI_COMMIT_SHA")
REPOSITORY_TAGS = (REPOSITORY, "gitlab.CI_PROJECT_URL", "gitlab.CI_REPOSITORY_URL")
MERGE_REQUEST_TAGS = (MERGE_REQUEST, "gitlab.CI_MERGE_REQUEST_IID", "gitlab.CI_MERGE_REQUEST_ID")
JOB_TAGS = ("gitlab.CI_JOB_ID", "gitlab.JOB_ID")
JOB_URL_TAGS = ("gitlab.CI_JOB_URL",)


@dataclass(frozen=True)
class Origin:
    """What is known of where a run comes from; None where nobody said.

    Attributes:
        commit: the checked-out commit.
        branch: its branch.
        is_dirty: whether files differed from the commit; None when nobody said.
        patch: path of the artifact that says how.
        merge_request: number of the merge request.
        repository: address of the repository.
        job: id of the CI job.
        job_url: its address.
        node: the node of ours that was executed.
        key: the action key under which that was planned.
        pipeline_run: the `ropewalk run` that it belongs to.
        environment: the environment that it worked in.
        locked: the locked file of the step's own environment, with its digest.
        source: the file or notebook that was run.
    """

    commit: str | None = None
    branch: str | None = None
    is_dirty: bool | None = None
    patch: str | None = None
    merge_request: str | None = None
    repository: str | None = None
    job: str | None = None
    job_url: str | None = None
    node: str | None = None
    key: str | None = None
    pipeline_run: str | None = None
    environment: str | None = None
    locked: str | None = None
    source: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything is known at all."""
        return self != Origin()


def origin_of(tags: Mapping[str, str]) -> Origin:
    """Return where a run with these tags comes from."""
    dirty = tags.get(DIRTY)
    return Origin(
        commit=_first(tags, COMMIT_TAGS),
        branch=_first(tags, BRANCH_TAGS),
        is_dirty=None if dirty is None else dirty == "true",
        patch=tags.get(PATCH),
        merge_request=_first(tags, MERGE_REQUEST_TAGS),
        repository=_first(tags, REPOSITORY_TAGS),
        job=_first(tags, JOB_TAGS),
        job_url=_first(tags, JOB_URL_TAGS),
        node=tags.get(NODE),
        key=tags.get(KEY),
        pipeline_run=tags.get(PIPELINE_RUN),
        environment=tags.get(ENVIRONMENT),
        locked=tags.get(LOCKED),
        source=tags.get("mlflow.source.name"),
    )


def _first(tags: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((tags[name] for name in names if tags.get(name)), None)
