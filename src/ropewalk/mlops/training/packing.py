"""Products that travel: what a step made as objects of the store, and back into another workspace.

Its tracked run goes along, so that what is restored elsewhere can be looked at and registered as where it was made.
"""

from __future__ import annotations

from ropewalk.dataops.lake import pack_table, unpack_table
from ropewalk.dataops.transform import BOOKS_OF_PARTS
from ropewalk.errors import Place
from ropewalk.mlops.tracking import export_run, get_run, import_run, logged_model_files
from ropewalk.mlops.training.artifacts import model_digest
from ropewalk.mlops.training.errors import DamagedFiles
from ropewalk.mlops.training.files_product import holds_files, read_manifest
from ropewalk.mlops.training.held import FILES
from ropewalk.mlops.training.outputs import metrics_digest
from ropewalk.mlops.training.step_parts import books_of
from ropewalk.pipeline import Node, Output, Packed, StoredObject, Workspace

RUN, MANIFEST = "run", "manifest"
# Prefixes of the names under which the parts travel.
MODEL_FILE, FILE = "model/", "file/"


def pack_product(node: Node, output: Output, workspace: Workspace) -> Packed | None:
    """Return what the step made as objects; None for a step that was run for its effect, which stays where it is.

    Raises:
        RopewalkError: it is not there any more.
    """
    kind, _, rest = output.reference.partition(":")
    parts: dict[str, str] = {}
    if kind == "logged_model":
        files = logged_model_files(workspace, rest)
        parts = {f"{MODEL_FILE}{path}": stored.digest for path, stored in files.items()}
    elif kind == "snapshot":
        table = pack_table(node, output, workspace, books_of(node))
        if table is None:
            return None
        parts = dict(table.objects)
    elif kind == FILES:
        manifest = read_manifest(rest, workspace.objects)
        parts = {MANIFEST: rest, **{f"{FILE}{file.path}": file.digest for file in manifest.files}}
    elif "metrics" not in output.summary:
        return None
    run = export_run(workspace, str(output.summary["run_id"]), [rest] if kind == "logged_model" else [])
    return Packed(output, {**parts, RUN: workspace.objects.put_bytes(run).digest})


def unpack_product(node: Node, key: str, packed: Packed, workspace: Workspace) -> Output:
    """Bring in what a step made elsewhere, with its tracked run, and return its output as it is named here.

    Raises:
        DamagedFiles, ParcelDamaged: the content is not what its digest says.
        InvalidParcel, InvalidRequest, UnsafePath: the description of its run is none.
        ObjectMissing: a part of it is not in the store.
    """
    output = packed.output
    kind, _, rest = output.reference.partition(":")
    # Before anything is written: what does not fit must leave no trace.
    if kind == "logged_model":
        _require(model_digest(_model_files(packed, workspace), workspace.objects), packed, node)
    elif kind == FILES:
        _require(rest if holds_files(rest, workspace.objects) else "", packed, node)
    elif kind == "run":
        metrics = output.summary.get("metrics")
        numbers = metrics if isinstance(metrics, dict) else {}
        _require(metrics_digest({name: float(str(value)) for name, value in numbers.items()}), packed, node)
    else:
        output = unpack_table(node, key, packed, workspace, books_of(node), BOOKS_OF_PARTS)
    run = workspace.objects.path(packed.objects[RUN]).read_bytes()
    import_run(workspace, run, {rest: _model_files(packed, workspace)} if kind == "logged_model" else {})
    _require_named(output, workspace)
    return output


def _model_files(packed: Packed, workspace: Workspace) -> dict[str, StoredObject]:
    return {
        name.removeprefix(MODEL_FILE): StoredObject(digest, workspace.objects.path(digest).stat().st_size)
        for name, digest in packed.objects.items()
        if name.startswith(MODEL_FILE)
    }


def _require(digest: str, packed: Packed, node: Node) -> None:
    if digest != packed.output.digest:
        raise DamagedFiles(
            f"what was packed of {node.id} is not what its digest says",
            place=Place(node.origin.path, node.origin.line),
            hint="remove the entry from the shared cache; `ropewalk run` then makes it again",
        )


def _require_named(output: Output, workspace: Workspace) -> None:
    """Make sure that the run and the model which the output names are those that came along."""
    get_run(workspace, str(output.summary["run_id"]))
    kind, _, model_id = output.reference.partition(":")
    if kind == "logged_model":
        files = logged_model_files(workspace, model_id)
        if model_digest(files, workspace.objects) != output.digest:
            raise DamagedFiles(f"the logged model {model_id} is here already, with other content")
