"""In its own process: yielding the items of one resource of a dlt source, without dlt's normalising and loading."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ropewalk.dataops.sources.rows_harness import Hints, NotThere, State
from ropewalk.dataops.sources.rows_job import RowsJob
from ropewalk.dataops.sources.secrets import resolve_nested
from ropewalk.errors import nearest
from ropewalk.processes import import_project

if TYPE_CHECKING:
    from dlt.extract.resource import DltResource

_WRITES = {"append": "append", "replace": "replace", "merge": "merge"}


def read(job: RowsJob) -> Iterator[object]:
    """Yield the resource's items, how it says that they land, and at the end the state that it left.

    Raises:
        NotThere: there is no such module, function or resource.
        Exception: whatever the source raises.
    """
    from dlt.common.configuration.container import Container
    from dlt.common.json import json as dlt_json
    from dlt.common.pipeline import StateInjectableContext

    import_project(Path(job.root))
    state: Any = dlt_json.typed_loads(job.since) if job.since else {}
    # What dlt's pipeline does around an extraction: resources find their state here, and leave it here.
    with Container().injectable_context(StateInjectableContext(state=state)):
        resource = _resource(job)
        yield Hints(_hints(resource))
        yield from resource
    yield State(dlt_json.typed_dumps(state, sort_keys=True))


def _resource(job: RowsJob) -> DltResource:
    from dlt.extract.resource import DltResource

    module, _, name = str(job.options["function"]).partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except AttributeError:
        raise NotThere(f"module {module!r} has no function {name!r}") from None
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0] and error.name != module:
            raise
        raise NotThere(f"there is no module {module!r}") from None
    made = function(**cast("Mapping[str, object]", resolve_nested(job.options["arguments"])))
    wanted = str(job.options["resource"])
    known = {made.name: made} if isinstance(made, DltResource) else dict(made.resources)
    if wanted not in known:
        close = nearest(wanted, known)
        hint = f"; did you mean {close!r}?" if close else ""
        raise NotThere(f"the source has no resource {wanted!r}{hint}")
    found: DltResource = known[wanted]
    return found


def _hints(resource: DltResource) -> dict[str, object]:
    """Return how the resource says that its rows land, in our words."""
    schema = resource.compute_table_schema()
    said = resource.write_disposition
    strategy = said.get("strategy") if isinstance(said, Mapping) else None
    disposition = said.get("disposition") if isinstance(said, Mapping) else said
    columns = schema.get("columns", {}).items()
    key = [name for name, column in columns if column.get("primary_key") or column.get("merge_key")]
    write = "history" if strategy == "scd2" else _WRITES.get(str(disposition), "append")
    if write in {"merge", "history"} and not key:
        # What cannot be told apart cannot be merged; dlt appends then too.
        write = "append"
    return {"write": write, "key": key}
