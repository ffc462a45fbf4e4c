"""A database, an issuer, and a project whose access is required."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blank_state import add_database
from identity_issuer import Issuer, running_issuer

from ropewalk.store import Database


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Return an issuer that the tests of one module share."""
    with running_issuer() as running:
        yield running


@pytest.fixture
def database(tmp_path, environ: dict[str, str]) -> Iterator[Database]:
    """Return an empty metadata database."""
    if not environ:
        add_database(tmp_path / "metadata.db")
    opened = Database.open(environ.get("ROPEWALK_DATABASE_URL") or tmp_path / "metadata.db")
    yield opened
    opened.close()
