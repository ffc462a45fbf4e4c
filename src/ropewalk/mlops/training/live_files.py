"""Which objects the files that steps made consist of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ropewalk.mlops.training.errors import DamagedFiles
from ropewalk.mlops.training.files_product import read_manifest
from ropewalk.pipeline import ObjectMissing, ObjectStore

PREFIX = "files:"


def files_objects(references: Iterable[str], objects: ObjectStore) -> Iterator[str]:
    """Yield the digests of the lists of files among `references`, and of the files that they name."""
    for reference in references:
        if reference.startswith(PREFIX):
            digest = reference.removeprefix(PREFIX)
            yield digest
            try:
                yield from (file.digest for file in read_manifest(digest, objects).files)
            except (ObjectMissing, DamagedFiles):
                # A list that is gone names nothing; the step is executed again when it is needed.
                continue
