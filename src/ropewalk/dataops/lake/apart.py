"""Answering in a process of its own what may take more memory or time than the engine can be held to.

The engine's limits are for what it keeps in its buffers, and it can be stopped between chunks of rows only. One value
is neither: `repeat('x', 4000000000)` or `range(1000000000)` is made in one piece, often while the query is prepared.
A query that could make such a value is answered by a process that the operating system holds to its limits.
"""

from __future__ import annotations

import io
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import duckdb

from ropewalk.dataops.lake.asking import Asking, QueryResult
from ropewalk.dataops.lake.errors import QueryTimeout, QueryTooLarge

_HARNESS = "ropewalk.dataops.lake.apart_harness"
# One call makes as much as one of its arguments says, or as two of them multiplied.
MAKING = frozenset(
    [
        "repeat",
        "range",
        "generate_series",
        "lpad",
        "rpad",
        "bitstring",
        "list_resize",
        "array_resize",
        "printf",
        "format",
        "replace",
        "regexp_replace",
        "list_transform",
        "list_apply",
        "array_transform",
        "array_apply",
        "apply",
        "list_reduce",
        "array_reduce",
        "reduce",
    ]
)
# Each call makes a little more of what it is given; a few, one inside the next, double a value as often.
ENLARGING = frozenset(
    [
        "||",
        "concat",
        "concat_ws",
        "list_concat",
        "list_cat",
        "array_concat",
        "array_cat",
        "list_append",
        "array_append",
        "list_prepend",
        "array_prepend",
        "list_value",
        "array_value",
        "list_pack",
        "struct_pack",
        "row",
        "map",
        "hex",
        "to_hex",
        "bin",
        "to_binary",
        "url_encode",
        "base64",
        "to_base64",
        "json_quote",
        "to_json",
        "json_object",
        "json_array",
    ]
)
# Over a window each row gets such a value of its own.
COLLECTING = frozenset(["list", "array_agg", "string_agg", "group_concat", "listagg", "histogram"])
FEW, FEW_PARTS = 4, 8
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}
# What the interpreter, the engine and its extensions take beside the engine's buffers.
_OWN_BYTES = 1 << 30
# More than an answer may be, whose rows are all in the memory of whoever asks.
MOST_BYTES = 256 << 20
_PLAIN = frozenset(
    {
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("uuid", "UUID"),
        ("zoneinfo", "ZoneInfo._unpickle"),
        ("pytz", "_UTC"),
        ("ropewalk.dataops.lake.asking", "QueryResult"),
        ("ropewalk.dataops.lake.digest", "Column"),
    }
)


def is_growing(nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a query, given by the nodes of the engine's parse of it, could make values of any size."""
    found = list(nodes)
    # As a table such a function gives rows one chunk at a time.
    tables = {id(node["function"]) for node in found if node.get("type") == "TABLE_FUNCTION"}
    is_recursive = any(node.get("type") == "RECURSIVE_CTE_NODE" for node in found)
    calls = [node for node in found if node.get("function_name") and id(node) not in tables]
    enlarging = [node for node in calls if str(node["function_name"]).lower() in ENLARGING]
    return (
        any(_is_making(node) for node in calls)
        or len(enlarging) >= FEW
        or any(is_recursive or len(node.get("children") or ()) >= FEW_PARTS for node in enlarging)
    )


def _is_making(node: Mapping[str, Any]) -> bool:
    name = str(node["function_name"]).lower()
    return name in MAKING or (node.get("class") == "WINDOW" and name in COLLECTING)


def answer_apart(question: object, asking: Asking) -> QueryResult:
    """Return what the harness answers to `question`, which is what it takes.

    Raises:
        QueryTimeout, QueryTooLarge: its process was ended for it.
        duckdb.Error: the query cannot be answered.
    """
    done = subprocess.run(  # our own module
        [sys.executable, "-m", _HARNESS], input=pickle.dumps(question), capture_output=True, check=False
    )
    if done.returncode == -signal.SIGALRM:
        raise QueryTimeout(
            f"the query ran longer than {asking.timeout_s:g} s", hint="ask for less, or aggregate"
        )
    if done.returncode != 0:
        # However a process ends that gets no more memory: by an error of any library, or killed.
        raise _too_large()
    kind, content = _PlainValues(io.BytesIO(done.stdout)).load()
    if kind == "answer":
        return _require_answer(content)
    name, message = content
    error = getattr(duckdb, str(name), duckdb.Error)
    raise error(message)


def memory_bytes(memory: str) -> int:
    """Return how many bytes of data a process may have whose engine may have `memory`, such as 512MB or 2GiB."""
    found = re.fullmatch(r"([\d.]+) ?([KMGT])(i?)B", memory.strip(), re.IGNORECASE)
    if found is None:
        return _OWN_BYTES
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** _UNITS[found[2].upper()]) + _OWN_BYTES


def _require_answer(content: object) -> QueryResult:
    if not isinstance(content, QueryResult):
        raise _too_large()
    return content


def _too_large() -> QueryTooLarge:
    return QueryTooLarge(
        "the query needed more memory than it is allowed",
        hint="make rows instead of long values: FROM range(...), unnest; or allow more (--memory)",
    )


class _PlainValues(pickle.Unpickler):  # a process that an attacker's query ran in may say anything
    """Reads values that the engine gives, and nothing that runs code."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        """Return a class of plain values.

        Raises:
            UnpicklingError: it is another.
        """
        if (module, name) not in _PLAIN:
            raise pickle.UnpicklingError(f"{module}.{name} is no plain value")
        found: Callable[..., object] = super().find_class(module, name)
        return found
