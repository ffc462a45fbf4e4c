"""Whether what a step made is still there, and letting it be seen: asked at every plan, so nothing heavy is loaded for it.

A project without tables made by steps never loads the lake here, and one without models never loads tracking.
"""

from __future__ import annotations

from ropewalk.mlops.training.files_product import holds_files
from ropewalk.mlops.training.publish import publish_files
from ropewalk.pipeline import Node, Output, Workspace

FILES = "files"


def holds_product(node: Node, key: str, output: Output, workspace: Workspace) -> bool:
    """Return whether what a step made under `key` is still there."""
    kind, _, rest = output.reference.partition(":")
    if kind == "logged_model":
        return _holds_model(rest, workspace)
    if kind == "snapshot":
        from ropewalk.dataops.lake import holds_table

        return holds_table(node, key, output, workspace)
    if kind == FILES:
        return holds_files(rest, workspace.objects)
    # Numbers are in the record itself.
    return True


def show_product(node: Node, output: Output, workspace: Workspace) -> None:
    """Let the product stand where people look for it: files in the project's folder, all else where it is.

    Raises:
        ObjectMissing, FilesNotShown: the files cannot be put there.
    """
    kind, _, rest = output.reference.partition(":")
    if kind == FILES:
        publish_files(node.name, rest, workspace)


def _holds_model(model_id: str, workspace: Workspace) -> bool:
    from ropewalk.mlops.tracking import logged_model_files

    files = logged_model_files(workspace, model_id)
    return bool(files) and all(workspace.objects.has(stored.digest) for stored in files.values())
