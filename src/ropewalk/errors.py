"""The one error tree of the product.

Every error a user can meet is a `RopewalkError` with a code, a place where there is one, the nearest
valid name, and what to do next. Domains derive their own classes, one class per code:

    RopewalkError
    ├── InvalidInput      something a person or client wrote does not fit (a file, an option, a payload)
    ├── NotFound          a name that was asked for does not exist
    ├── Conflict          the thing exists, is busy, or moved meanwhile
    ├── Failed            work was started and did not succeed (a step raised, a build broke)
    │   └── InternalError a bug: Ropewalk or a plugin failed in a way it should not
    ├── GateFailed        work succeeded and its result was judged not good enough
    └── Unavailable       something outside Ropewalk could not be reached or answered wrongly

Exit codes and HTTP statuses are not chosen here but in `cli/errors.py` and `web/errors.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Place:
    """Where in a person's files something stands; line and column count from 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`path:line:column`, as compilers print it and editors open it."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


class RopewalkError(Exception):
    """Anything that Ropewalk reports to a person, with what they need to mend it.

    Attributes:
        code: stable name of the error class, documented in the error reference.
        message: one sentence that says what is wrong.
        place: the file, line and column it is about, where there is one.
        nearest: the valid name closest to the one given.
        hint: what to do next.
        detail: longer evidence (last log lines, failing rows), printed below the message.
        may_pass: whether trying again can help: a time-out, a killed process, an outside that did not answer.
    """

    code: ClassVar[str] = "RW000"
    may_pass: bool = False

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        nearest: str | None = None,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.nearest = nearest
        self.hint = hint
        self.detail = detail

    def as_json(self) -> dict[str, str | None]:
        """Return the error as the one JSON object that every door prints."""
        return {
            "code": self.code,
            "message": self.message,
            "place": str(self.place) if self.place else None,
            "nearest": self.nearest,
            "hint": self.hint,
            "detail": self.detail,
        }


class InvalidInput(RopewalkError):
    """Something a person or client wrote does not fit."""

    code = "RW100"


class NotFound(RopewalkError):
    """A name that was asked for does not exist."""

    code = "RW200"


class Conflict(RopewalkError):
    """The thing exists already, is in use, or moved meanwhile."""

    code = "RW300"


class Failed(RopewalkError):
    """Work was started and did not succeed."""

    code = "RW400"


class GateFailed(RopewalkError):
    """Work succeeded and its result was judged not good enough."""

    code = "RW500"


class Unavailable(RopewalkError):
    """Something outside Ropewalk could not be reached or answered wrongly."""

    code = "RW600"
    may_pass = True


class InternalError(Failed):
    """Ropewalk or a plugin failed in a way it should not; `--debug` shows where."""

    code = "RW410"


def internal_error(error: Exception, what: str = "") -> InternalError:
    """Return the error to report for an exception nobody expected, with that exception as its cause."""
    internal = InternalError(
        f"{what}{type(error).__name__}: {error}",
        hint="this is a bug in Ropewalk or a plugin; --debug shows where, please report it",
    )
    internal.__cause__ = error
    return internal


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name most like `name`, or None when none is alike."""
    # Only who made a mistake waits for it to load.
    import difflib

    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return matches[0] if matches else None


def error_classes(root: type[RopewalkError] = RopewalkError) -> Iterator[type[RopewalkError]]:
    """Yield every error class that has been imported, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)
