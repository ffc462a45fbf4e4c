"""A step's files where people look for them: `outputs/STEP/` in the project, replaced as a whole.

The folder is the engine's: what is put there otherwise goes with the next change. Its files are read-only, and hard
links to the stored objects where that is safe, so showing them costs little.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ropewalk.mlops.training.audit import PUBLISHED, file_state
from ropewalk.mlops.training.errors import FilesNotShown
from ropewalk.mlops.training.files_product import KeptFile, copy_file, read_manifest
from ropewalk.pipeline import ObjectStore, Workspace

Shown = Mapping[str, tuple[str, str]]


def publish_files(step: str, manifest_digest: str, workspace: Workspace) -> Path:
    """Let the files of the manifest stand at `outputs/STEP`, and return that folder; nothing is done if they do.

    Raises:
        ObjectMissing: a file's bytes are not in the store.
        FilesNotShown: the project's folder cannot be written to.
    """
    folder, note = workspace.root / PUBLISHED / step, workspace.state / PUBLISHED / f"{step}.json"
    note.parent.mkdir(exist_ok=True)
    with _locked(note.with_suffix(".lock")):
        shown = _read_note(note)
        files = read_manifest(manifest_digest, workspace.objects).files
        if _stands(folder, shown, files):
            return folder
        try:
            _replace(folder, shown, files, workspace.objects)
        except OSError as error:
            raise FilesNotShown(
                f"the files of step {step!r} cannot be put into {folder}: {error.strerror}",
                hint="the step's work is kept; make the folder writable and run again",
            ) from error
        _write_note(note, {file.path: (file.digest, file_state(folder / file.path) or "") for file in files})
    return folder


def _stands(folder: Path, shown: Shown, files: tuple[KeptFile, ...]) -> bool:
    if {path: digest for path, (digest, _) in shown.items()} != {file.path: file.digest for file in files}:
        return False
    return folder.is_dir() and all(file_state(folder / path) == state for path, (_, state) in shown.items())


def _replace(folder: Path, shown: Shown, files: tuple[KeptFile, ...], objects: ObjectStore) -> None:
    """Make the new folder beside the old one and put it in its place."""
    folder.parent.mkdir(exist_ok=True)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        # Git keeps what the files are made of; they themselves stand in the object store.
        ignore.write_text("*\n", encoding="utf-8")
    new, old = (folder.with_name(f".{folder.name}-{uuid.uuid4().hex}") for _ in range(2))
    try:
        new.mkdir()
        for file in files:
            _show(file, folder, shown.get(file.path), objects, new)
        # Of two renames the second follows at once; whoever is killed in between finds the folder missing, and
        # the next run puts it back.
        with suppress(FileNotFoundError):
            folder.rename(old)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _show(
    file: KeptFile, folder: Path, before: tuple[str, str] | None, objects: ObjectStore, new: Path
) -> None:
    target = new / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    present = folder / file.path
    if before is not None and before[0] == file.digest and file_state(present) == before[1]:
        mode = present.stat().st_mode
        if bool(mode & 0o100) == file.is_executable:
            # The same file under the new folder: only what differs is written.
            target.hardlink_to(present)
            return
    # Whoever may write to read-only files could change the object through a link to it. An executable file cannot
    # be a link: all links to an object share its mode.
    if os.geteuid() != 0 and not file.is_executable:
        objects.link(file.digest, target)
    else:
        copy_file(file, objects, target)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The kernel lets go of it with its holder, however that ends.
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _read_note(note: Path) -> Shown:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
        return {str(path): (str(digest), str(state)) for path, (digest, state) in content.items()}
    # Without the note, or with half of one, everything is put there anew.
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write_note(note: Path, shown: Shown) -> None:
    unfinished = note.with_suffix(".partial")
    unfinished.write_text(json.dumps(shown), encoding="utf-8")
    unfinished.replace(note)
