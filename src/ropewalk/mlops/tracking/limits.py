"""How much one request may bring, and which names can be stored: MLflow's own limits."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping

from ropewalk.mlops.tracking.errors import InvalidRequest, RequestTooLarge

# The client splits what it logs by these figures, and leaves what it splits no larger than a megabyte.
BATCH_BYTES = 1_000_000
# For all other requests, of which a logged model's description is the largest that clients send.
BODY_BYTES = 32 << 20
METRICS = 1000
PARAMS = 100
TAGS = 100
TOTAL = 1000
# The widths of MLflow's own columns: what fits here can be moved to another server and back.
KEY = 250
PARAM_VALUE = 6000
RUN_TAG_VALUE = 8000
EXPERIMENT_TAG_VALUE = 20_000
EXPERIMENT_NAME = 500
# More than MLflow gives out at once; its clients never ask for more.
RUNS_PAGE = 50_000
HISTORY_PAGE = 25_000

# Letters of any script, digits, and the signs that MLflow's user interface and file layout can show.
_NAME = re.compile(r"[/\w.\- :]+")


def check_length(what: str, text: str, limit: int) -> None:
    """Refuse a text of more than `limit` characters.

    Raises:
        RequestTooLarge: it is longer.
    """
    if len(text) > limit:
        raise RequestTooLarge(f"{what} exceeds the maximum length of {limit} characters, it has {len(text)}")


def check_key(what: str, key: str) -> None:
    """Refuse a metric's, parameter's or tag's name that MLflow's tools cannot use as a path.

    Raises:
        InvalidRequest: it is empty, has a character that is not allowed, or looks like a path that leads upwards.
        RequestTooLarge: it is too long.
    """
    check_length(f"{what} name", key, KEY)
    # The two messages begin as MLflow's do, because its tests and its users' programs look for these words.
    if not _NAME.fullmatch(key):
        raise InvalidRequest(
            f"Invalid value \"{key}\" for parameter 'key' supplied: Invalid {what} name",
            hint="use letters, digits, underscore, dash, dot, space, colon and slash",
        )
    # MLflow's tools write metrics to files named after them.
    if posixpath.normpath(key) != key or key == "." or key.startswith(("/", "..")):
        raise InvalidRequest(
            f"Invalid value \"{key}\" for parameter 'key' supplied: Invalid {what} name, it is not a plain path"
        )


def check_entries(what: str, entries: Mapping[str, str], value_limit: int) -> None:
    """Refuse parameters or tags whose names or values cannot be stored.

    Raises:
        InvalidRequest: a name is not allowed.
        RequestTooLarge: a name or value is too long.
    """
    for key, value in entries.items():
        check_key(what, key)
        check_length(f"{what} value of '{key}'", value, value_limit)


def check_batch(metrics: Collection[object], params: Collection[object], tags: Collection[object]) -> None:
    """Refuse a batch with too many items.

    Raises:
        RequestTooLarge: it has more than one batch may have.
    """
    total = len(metrics) + len(params) + len(tags)
    for what, count, limit in (
        ("metrics", len(metrics), METRICS),
        ("params", len(params), PARAMS),
        ("tags", len(tags), TAGS),
        ("metrics, params and tags", total, TOTAL),
    ):
        if count > limit:
            raise RequestTooLarge(
                f"A batch logging request can contain at most {limit} {what}. Got {count} {what}.",
                hint="split it into several requests",
            )


def unique_entries(what: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs as a mapping.

    Raises:
        InvalidRequest: a name comes twice with different values.
    """
    found: dict[str, str] = {}
    for key, value in pairs:
        # MLflow takes one of the two without saying which; a client that retries sends equal pairs, which are
        # fine.
        if found.setdefault(key, value) != value:
            raise InvalidRequest(f"Duplicate {what} keys have been submitted. '{key}' has two values")
    return found
