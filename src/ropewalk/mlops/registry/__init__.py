"""The model registry: named models, their immutable versions and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.registry.errors import ModelExists, UnmadeModel
    from ropewalk.mlops.registry.kind import INPUTS_TAG, ModelKind
    from ropewalk.mlops.registry.models import (
        create_model,
        delete_alias,
        delete_model,
        describe_model,
        get_model,
        list_models,
        point_alias,
        rename_model,
        set_alias,
        tag_model,
        untag_model,
    )
    from ropewalk.mlops.registry.semantic import is_semantic
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
        materialise,
        move_version,
        register,
        tag_version,
        untag_version,
    )
    from ropewalk.store.registry import ModelVersion, RegisteredModel

__all__ = [
    "INPUTS_TAG",
    "ModelExists",
    "ModelKind",
    "ModelVersion",
    "RegisteredModel",
    "UnmadeModel",
    "VersionRequest",
    "create_model",
    "create_version",
    "delete_alias",
    "delete_model",
    "delete_version",
    "describe_model",
    "describe_version",
    "get_model",
    "get_numbered_version",
    "get_version",
    "get_version_by_alias",
    "is_semantic",
    "latest_versions",
    "list_models",
    "list_versions",
    "materialise",
    "move_version",
    "point_alias",
    "register",
    "rename_model",
    "set_alias",
    "tag_model",
    "tag_version",
    "untag_model",
    "untag_version",
]

__getattr__ = lazy_names(__name__, __file__)
