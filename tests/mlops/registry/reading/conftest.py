"""Pickles as attackers and as libraries write them, and a reader for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ropewalk.mlops.registry import FilesReport
from ropewalk.mlops.registry.reading.report import read_files

Read = Callable[..., FilesReport]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that reads files (path -> bytes), or one pickle, as those of a model."""

    def read_them(files: Mapping[str, bytes] | bytes) -> FilesReport:
        named = {"model.pkl": files} if isinstance(files, bytes) else files
        places = {}
        for number, (path, content) in enumerate(named.items()):
            places[path] = tmp_path / str(number)
            places[path].write_bytes(content)
        return read_files(places)

    return read_them
