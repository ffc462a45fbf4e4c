"""The model registry: named models, their immutable versions and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.registry.cards.card import keep_card, model_card
    from ropewalk.mlops.registry.cards.facts import decision_about
    from ropewalk.mlops.registry.contents import (
        FROZEN,
        download_location,
        materialise,
        same_content,
        verify_version,
        version_content,
    )
    from ropewalk.mlops.registry.errors import ModelExists, UnmadeModel
    from ropewalk.mlops.registry.history import acting_person, model_history
    from ropewalk.mlops.registry.inspection import allow_version, reading_of, require_loadable
    from ropewalk.mlops.registry.kind import INPUTS_TAG, ModelKind
    from ropewalk.mlops.registry.models import (
        check_name,
        create_model,
        delete_alias,
        delete_model,
        describe_model,
        get_model,
        is_released,
        list_models,
        point_alias,
        rename_model,
        set_alias,
        tag_model,
        untag_model,
    )
    from ropewalk.mlops.registry.policy import ApprovalRule, RegistryEntry, policy_of
    from ropewalk.mlops.registry.reading.mlmodel import Column, MLmodel, read_mlmodel
    from ropewalk.mlops.registry.reading.report import FilesReport, Finding
    from ropewalk.mlops.registry.reviews import (
        Review,
        ask_approval,
        comment_on,
        give_verdict,
        missing_approvals,
        require_approved,
        review_of,
    )
    from ropewalk.mlops.registry.semantic import is_semantic
    from ropewalk.mlops.registry.sources import content_digest
    from ropewalk.mlops.registry.versions import (
        VersionRequest,
        create_version,
        delete_version,
        describe_version,
        get_numbered_version,
        get_version,
        get_version_by_alias,
        latest_versions,
        list_versions,
        move_version,
        register,
        tag_version,
        untag_version,
    )
    from ropewalk.store.registry import ModelVersion, RegisteredModel
    from ropewalk.store.registry_history import ReadingState, RegistryEvent

__all__ = [
    "FROZEN",
    "INPUTS_TAG",
    "ApprovalRule",
    "Column",
    "FilesReport",
    "Finding",
    "MLmodel",
    "ModelExists",
    "ModelKind",
    "ModelVersion",
    "ReadingState",
    "RegisteredModel",
    "RegistryEntry",
    "RegistryEvent",
    "Review",
    "UnmadeModel",
    "VersionRequest",
    "acting_person",
    "allow_version",
    "ask_approval",
    "check_name",
    "comment_on",
    "content_digest",
    "create_model",
    "create_version",
    "decision_about",
    "delete_alias",
    "delete_model",
    "delete_version",
    "describe_model",
    "describe_version",
    "download_location",
    "get_model",
    "get_numbered_version",
    "get_version",
    "get_version_by_alias",
    "give_verdict",
    "is_released",
    "is_semantic",
    "keep_card",
    "latest_versions",
    "list_models",
    "list_versions",
    "materialise",
    "missing_approvals",
    "model_card",
    "model_history",
    "move_version",
    "point_alias",
    "policy_of",
    "read_mlmodel",
    "reading_of",
    "register",
    "rename_model",
    "require_approved",
    "require_loadable",
    "review_of",
    "same_content",
    "set_alias",
    "tag_model",
    "tag_version",
    "untag_model",
    "untag_version",
    "verify_version",
    "version_content",
]

__getattr__ = lazy_names(__name__, __file__)
