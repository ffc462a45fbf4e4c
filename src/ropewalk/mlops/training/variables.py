"""Which variables of the environment the project's own code looks at while a step runs.

Only what a line of the project asks for by name counts: libraries ask for many that decide nothing, and a copy of all
variables for another program is no question. A value is told apart by a short digest, never kept.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from ropewalk.mlops.training.audit import MISSING, note_variable
from ropewalk.processes import is_projects

# An address with a password in it: a digest of that would let people try passwords.
_PASSWORD = re.compile(r"://[^/\s:]*:[^/\s]+@")
# Where Python's own code stands that is asked for a variable by others.
_MACHINERY = (f"{os.sep}os.py", f"{os.sep}_collections_abc.py", "<frozen os>", "<frozen _collections_abc>")


def variable_state(name: str, environ: Mapping[str, str]) -> str | None:
    """Return a text that differs once the variable has another value, or None when its value must not be told."""
    value = environ.get(name)
    if value is None:
        return MISSING
    if _PASSWORD.search(value):
        return None
    # Most steps ask for none, and each would pay for it when it starts.
    from hashlib import blake2b

    return blake2b(value.encode(errors="surrogateescape"), digest_size=8).hexdigest()


def record_variables(root: Path) -> None:
    """Write down from now on which variables the code of the project at `root` looks at.

    What the step set itself before it looked is its own.
    """
    data = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001  # Python has no event for it
    if type(data) is dict:
        watched = _Watched(data, root)
        os.environ._data = watched  # type: ignore[attr-defined]  # noqa: SLF001  # as above
        os.environb._data = watched  # type: ignore[attr-defined]  # noqa: SLF001  # both names show one set of variables


class _Watched(dict[bytes, bytes]):
    """The variables as Python keeps them, which tells whom it is asked by."""

    def __init__(self, data: dict[bytes, bytes], root: Path) -> None:
        super().__init__(data)
        self._root = root
        self._first = {os.fsdecode(name): os.fsdecode(value) for name, value in data.items()}
        self._settled: set[bytes] = set()
        self._copied: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        # `dict(os.environ)` goes through all names and asks for each.
        self._copied = list(super().__iter__())
        return iter(list(self._copied))

    def __setitem__(self, name: bytes, value: bytes) -> None:
        self._settled.add(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: bytes) -> None:
        self._settled.add(name)
        super().__delitem__(name)

    def __getitem__(self, name: bytes) -> bytes:
        if self._copied and self._copied[0] == name:
            self._copied.pop(0)
        elif name not in self._settled and self._is_asked_by_project():
            self._settled.add(name)
            self._tell(os.fsdecode(name))
        return super().__getitem__(name)

    def _tell(self, name: str) -> None:
        if (state := variable_state(name, self._first)) is not None:
            note_variable(name, state)

    def _is_asked_by_project(self) -> bool:
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # the documented way to the caller
        while frame and frame.f_code.co_filename.endswith(_MACHINERY):
            frame = frame.f_back
        return frame is not None and is_projects(Path(frame.f_code.co_filename), self._root)
