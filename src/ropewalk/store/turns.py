"""Turns of writing: a small file beside the database whose text is another one after every write transaction.

Whoever remembers the text knows, without opening the database, that nothing was written since. Times of the file do not
tell that: two commits within one tick of the clock leave equal times, and closing a database writes to it too.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BYTES = 16


class Turns:
    """The turns of one database file, as this process takes them and sees others take theirs."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-turn")
        self._last = self._read()
        self._is_alone = True
        self._file: int | None = None

    def take(self) -> None:
        """Take a turn; to be called inside the write transaction, which only one process has at a time."""
        if self._read() != self._last:
            self._is_alone = False
        text = os.urandom(BYTES).hex()
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.pwrite(self._file, text.encode(), 0)
        except OSError:
            # Without a file nobody takes an old turn for the present one.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        # Before the commit: a kill in between makes others look once more, never once too little.
        self._last = text

    def undisturbed(self) -> str | None:
        """Return the last turn, if since this was made nobody but this process has taken one."""
        return self._last if self._is_alone and self._last and self._read() == self._last else None

    def close(self) -> None:
        """Close the file; taking a turn opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> str:
        try:
            return self._path.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""
