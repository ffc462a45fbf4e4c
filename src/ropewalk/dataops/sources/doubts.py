"""What a quick way of reading files says when it will not do."""

from __future__ import annotations

from collections.abc import Sequence


class Doubt(Exception):
    """The quick way will not do: a value is not written as the first ones are, or a line is no record.

    Attributes:
        lines: the files whose lines have to be looked at one by one.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        super().__init__()
        self.lines = tuple(lines)
