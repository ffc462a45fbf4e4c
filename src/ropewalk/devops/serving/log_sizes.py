"""How much the prediction log of a deployment holds, told without reading it."""

from __future__ import annotations

from pathlib import Path

from ropewalk.devops.serving.segments import _FRAME, segment_files


def log_state(folder: Path) -> dict[str, str]:
    """Return name -> size in bytes of each segment in `folder` that holds at least one record.

    Every worker that starts makes a segment with a header alone; until it answers, nothing has changed.
    """
    sizes = {path.name: (path.stat().st_size, _header_size(path)) for path in segment_files(folder)}
    return {name: str(size) for name, (size, header) in sizes.items() if size > header}


def _header_size(path: Path) -> int:
    with path.open("rb") as stream:
        start = stream.read(_FRAME.size)
    return _FRAME.size + _FRAME.unpack(start)[0] if len(start) == _FRAME.size else _FRAME.size
