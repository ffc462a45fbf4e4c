"""The content digest of a logged model: what it predicts with, not when or by which run it was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import yaml
from blake3 import blake3

from ropewalk.pipeline import ObjectStore, StoredObject

# Keys of MLmodel that differ between two executions that made the same model.
VOLATILE = ("run_id", "model_id", "model_uuid", "utc_time_created", "artifact_path", "model_size_bytes")
# Lists that the client writes in the order of a hash table, which differs from process to process.
UNORDERED = ("skops_trusted_types",)


def model_digest(files: Mapping[str, StoredObject], objects: ObjectStore) -> str:
    """Return a digest over the model's files (path below the model -> object), volatile keys left out."""
    digest = blake3()
    for path, stored in sorted(files.items()):
        content = stored.digest
        if PurePosixPath(path).name == "MLmodel":
            content = _stable_digest(objects.path(stored.digest).read_bytes())
        digest.update(f"{path}\0{content}\n".encode())
    return digest.hexdigest()[:32]


def _stable_digest(content: bytes) -> str:
    described = yaml.safe_load(content)
    for key in VOLATILE:
        described.pop(key, None)
    for flavour in (described.get("flavors") or {}).values():
        for key in UNORDERED:
            if isinstance(flavour.get(key), list):
                flavour[key] = sorted(flavour[key])
    return blake3(yaml.safe_dump(described, sort_keys=True).encode()).hexdigest()
