"""Traces in a folder `mlruns`.

Layout: `EXPERIMENT/traces/ID/trace_info.yaml`, one file per tag and per metadata entry in `tags/` and `request_metadata/`,
`assessments/*.yaml` since 3.0, and the spans as a file below `artifacts/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ropewalk.errors import InvalidInput
from ropewalk.mlops.migration.errors import InvalidExport
from ropewalk.mlops.tracking import MovedTrace, read_moved, read_moved_legacy

TRACES, INFO = "traces", "trace_info.yaml"
ReadYAML = Callable[[Path], dict[str, Any]]
ReadTexts = Callable[[Path], dict[str, str]]


def read_trace(folder: Path, read_yaml: ReadYAML, read_texts: ReadTexts) -> MovedTrace:
    """Return the trace that lies in a folder.

    Raises:
        InvalidExport: a file is not what MLflow writes.
    """
    info = read_yaml(folder / INFO)
    tags, metadata = read_texts(folder / "tags"), read_texts(folder / "request_metadata")
    # MLflow 3 has another form, and reads the older one where it finds it.
    if "request_id" in info:
        pairs = {"tags": _pairs(tags), "request_metadata": _pairs(metadata)}
        return _checked(folder, lambda: read_moved_legacy({**info, **pairs}))
    said = [
        read_yaml(path)
        for path in sorted((folder / "assessments").glob("*.yaml"))
        if path.is_file() and not path.is_symlink()
    ]
    duration = info.pop("execution_duration_ms", None)
    lasted = {} if duration is None else {"execution_duration": f"{int(duration) / 1000:.3f}s"}
    whole = {**info, **lasted, "tags": tags, "trace_metadata": metadata, "assessments": said}
    return _checked(folder, lambda: read_moved(whole))


def _pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def _checked(folder: Path, read: Callable[[], MovedTrace]) -> MovedTrace:
    try:
        moved = read()
    except InvalidInput as error:
        raise InvalidExport(f"{folder / INFO}: {error}") from None
    # The folder is where its files are looked for.
    if moved.id != folder.name:
        raise InvalidExport(f"{folder / INFO} is of another trace: {moved.id[:100]}")
    return moved
