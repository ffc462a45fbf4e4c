"""Uploads in parts: what has arrived, what is sent again, and what nobody goes on with."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.store import Database, now_ms
from ropewalk.store.connections import Connection
from ropewalk.store.uploads import (
    KEPT_MS,
    Part,
    Upload,
    add_part,
    begin_upload,
    count_forgotten,
    end_upload,
    find_upload,
    forget_uploads,
)


def _expire(connection: Connection, upload: Upload) -> None:
    connection.execute("UPDATE upload SET expires_at = ? WHERE id = ?", (now_ms() - 1, upload.id))


def test_parts_come_in_any_order(database: Database) -> None:
    """They are found by their numbers, whichever arrived first."""
    with database.write() as connection:
        upload = begin_upload(connection, "0/run/model.bin", 3)
        assert find_upload(connection, upload.id) == upload
        for number in (3, 1, 2):
            add_part(connection, upload.id, Part(number, f"digest {number}", number * 10))

        found = find_upload(connection, upload.id)

    assert found is not None
    assert (found.path, found.parts) == ("0/run/model.bin", 3)
    assert [(part.number, part.size) for part in found.arrived] == [(1, 10), (2, 20), (3, 30)]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9)), max_size=8))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_last_of_a_number_counts(database: Database, sent: list[tuple[int, int]]) -> None:
    """A part that was sent again stands in place of the first, however often."""
    with database.write() as connection:
        upload = begin_upload(connection, "x", 4)
        for number, size in sent:
            add_part(connection, upload.id, Part(number, f"d{size}", size))

        found = find_upload(connection, upload.id)

    assert found is not None
    assert {part.number: part.size for part in found.arrived} == dict(sent)


def test_an_upload_ends_once(database: Database) -> None:
    """With its parts; the second who ends it is told that it is over."""
    with database.write() as connection:
        upload = begin_upload(connection, "x", 1)
        add_part(connection, upload.id, Part(1, "d", 1))

        assert end_upload(connection, upload.id)
        assert not end_upload(connection, upload.id)
        assert find_upload(connection, upload.id) is None
        left = connection.execute("SELECT count(*) AS n FROM upload_part").fetchone()["n"]

    assert left == 0


@pytest.mark.parametrize("upload_id", ["", "nobody", "' OR 1=1 --"])
def test_unknown_uploads(database: Database, upload_id: str) -> None:
    """An id that nobody was given finds nothing."""
    with database.write() as connection:
        begin_upload(connection, "x", 1)

        assert find_upload(connection, upload_id) is None
        assert not end_upload(connection, upload_id)


def test_what_nobody_goes_on_with(database: Database) -> None:
    """Is over before it is forgotten, is counted, and goes alone."""
    with database.write() as connection:
        over, running = begin_upload(connection, "x", 1), begin_upload(connection, "y", 1)
        _expire(connection, over)

        assert find_upload(connection, over.id) is None
        assert count_forgotten(connection) == 1
        assert forget_uploads(connection) == 1
        assert (count_forgotten(connection), forget_uploads(connection)) == (0, 0)
        assert find_upload(connection, running.id) == running


def test_beginning_sweeps(database: Database) -> None:
    """Each new upload forgets those that are over, so that they go without anybody asking."""
    with database.write() as connection:
        over = begin_upload(connection, "x", 1)
        _expire(connection, over)

        begin_upload(connection, "y", 1)

        assert count_forgotten(connection) == 0


def test_a_part_moves_the_end(database: Database) -> None:
    """A slow upload is not forgotten as long as parts arrive."""
    with database.write() as connection:
        upload = begin_upload(connection, "x", 2)
        _expire(connection, upload)
        before = now_ms()

        add_part(connection, upload.id, Part(1, "d", 1))

        row = connection.execute("SELECT expires_at FROM upload WHERE id = ?", (upload.id,)).fetchone()
        assert row["expires_at"] >= before + KEPT_MS
        assert find_upload(connection, upload.id) is not None
