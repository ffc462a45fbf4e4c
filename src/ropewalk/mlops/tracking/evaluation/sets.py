"""Evaluation sets: made, found, tagged, linked to experiments."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from blake3 import blake3

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownEvaluationSet
from ropewalk.mlops.tracking.experiments import require_experiment
from ropewalk.mlops.tracking.filter import EVALUATION_SETS, parse_filter, parse_ordering
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, now_ms
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import evaluation_sets as table
from ropewalk.store.tracking.evaluation_sets import EvaluationSet

# The tag by which clients say who they are.
USER_TAG = "mlflow.user"
# The width of MLflow's own column.
NAME = 255


def create_evaluation_set(
    workspace: Workspace, name: str, experiments: Sequence[str], tags: Mapping[str, str]
) -> EvaluationSet:
    """Make an evaluation set without records and return it.

    Raises:
        InvalidRequest: the name or a tag does not fit.
        UnknownExperiment: one of the experiments does not exist.
    """
    if not name.strip():
        raise InvalidRequest("Invalid dataset name: it is empty")
    limits.check_length("Dataset name", name, NAME)
    limits.check_entries("Dataset tag", tags, limits.RUN_TAG_VALUE)
    identifier, now, user = f"d-{uuid.uuid4().hex}", now_ms(), tags.get(USER_TAG)
    made = EvaluationSet(
        id=identifier,
        name=name,
        digest=next_digest("", identifier),
        schema=None,
        profile=None,
        created_at=now,
        updated_at=now,
        created_by=user,
        updated_by=user,
        tags=tags,
        experiment_ids=tuple(dict.fromkeys(experiments)),
    )
    with workspace.database.write() as connection:
        _require_experiments(connection, experiments)
        table.insert_evaluation_set(connection, made)
    return made


def next_digest(digest: str, change: str) -> str:
    """Return the digest of an evaluation set that had `digest` before this change."""
    # Of the whole history and not of the content, which may be gigabytes: equal digests still mean equal content.
    return blake3(f"{digest}\n{change}".encode()).hexdigest(4)


def _require_experiments(connection: Connection, experiments: Sequence[str]) -> None:
    for experiment in experiments:
        require_experiment(connection, experiment)


def get_evaluation_set(workspace: Workspace, identifier: str) -> EvaluationSet:
    """Return an evaluation set with its tags and experiments, without its records.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    with workspace.database.read() as connection:
        return require_evaluation_set(connection, identifier)


def require_evaluation_set(connection: Connection, identifier: str) -> EvaluationSet:
    """Return an evaluation set within a transaction.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    found = table.read_evaluation_sets(connection, [identifier])
    if not found:
        raise UnknownEvaluationSet(f"Dataset '{identifier[:100]}' not found")
    return found[0]


def search_evaluation_sets(
    workspace: Workspace, experiments: Sequence[str], clauses: tuple[str | None, Sequence[str]], page: Page
) -> list[EvaluationSet]:
    """Return one page of the evaluation sets of these experiments (none: of all) that a filter finds, in an order.

    Raises:
        InvalidFilter: the filter or an ordering does not parse, or names what cannot be searched.
    """
    filter_text, order_by = clauses
    conditions = parse_filter(filter_text, EVALUATION_SETS)
    if experiments:
        known = tuple(filter(str.isdecimal, experiments))
        conditions.append(Condition("experiment", "id", "IN", known))
    orderings = [parse_ordering(clause, EVALUATION_SETS) for clause in order_by]
    with workspace.database.read() as connection:
        return table.search_evaluation_sets(connection, conditions, orderings, page)


def delete_evaluation_set(workspace: Workspace, identifier: str) -> None:
    """Remove an evaluation set with its records, if it is there."""
    with workspace.database.write() as connection:
        # A deletion that is sent again finds nothing, which is what it wanted.
        table.delete_evaluation_set(connection, identifier)


def tag_evaluation_set(workspace: Workspace, identifier: str, tags: Mapping[str, str]) -> EvaluationSet:
    """Set tags of an evaluation set and return it.

    Raises:
        UnknownEvaluationSet: there is none of that id.
        InvalidRequest: a tag does not fit.
    """
    limits.check_entries("Dataset tag", tags, limits.RUN_TAG_VALUE)
    with workspace.database.write() as connection:
        found = require_evaluation_set(connection, identifier)
        user = tags.get(USER_TAG) or found.updated_by
        table.set_evaluation_tags(connection, identifier, tags)
        table.change_evaluation_set(connection, replace(found, updated_at=now_ms(), updated_by=user))
        return require_evaluation_set(connection, identifier)


def untag_evaluation_set(workspace: Workspace, identifier: str, key: str) -> None:
    """Remove a tag of an evaluation set, if it has it.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    with workspace.database.write() as connection:
        require_evaluation_set(connection, identifier)
        table.delete_evaluation_tag(connection, identifier, key)


def link_experiments(workspace: Workspace, identifier: str, experiments: Sequence[str]) -> EvaluationSet:
    """Let an evaluation set belong to these experiments too, and return it.

    Raises:
        UnknownEvaluationSet: there is none of that id.
        UnknownExperiment: one of the experiments does not exist.
    """
    with workspace.database.write() as connection:
        require_evaluation_set(connection, identifier)
        _require_experiments(connection, experiments)
        table.link_experiments(connection, identifier, experiments)
        return require_evaluation_set(connection, identifier)


def unlink_experiments(workspace: Workspace, identifier: str, experiments: Sequence[str]) -> EvaluationSet:
    """Take an evaluation set out of these experiments, where it is in them, and return it.

    Raises:
        UnknownEvaluationSet: there is none of that id.
    """
    with workspace.database.write() as connection:
        require_evaluation_set(connection, identifier)
        # An experiment may be gone by now, and taking out what is not in changes nothing.
        table.unlink_experiments(connection, identifier, filter(str.isdecimal, experiments))
        return require_evaluation_set(connection, identifier)
