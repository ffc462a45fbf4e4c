"""What a file below `sources/` imports: a decorator that changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, TypeVar, Unpack, overload

F = TypeVar("F", bound=Callable[..., object])


class SourceOptions(TypedDict, total=False):
    """The options of `@source`.

    Attributes:
        key: the columns that identify a row.
        cursor: the column that grows, or `{"column": ..., "overlap": ...}`; the parameter `since` gets its greatest value.
        write: `append`, `replace`, `merge` or `history`.
        schema: what happens when the columns change: `evolve`, `freeze` or `quarantine`.
        types: SQL types of columns, where the ones found are not wanted.
        max_quarantined: rows, or share of the rows, that may go to quarantine before the load fails.
        refresh: how old what was loaded may be, such as `6h`, or `never`; by default every run loads.
        timeout: longest time the function may run, such as `90s`, `30m` or `2h` (default: `1h`).
        version: change it to have everything loaded anew.
    """

    key: str | Sequence[str]
    cursor: str | Mapping[str, str | float]
    write: str
    schema: str
    types: Mapping[str, str]
    max_quarantined: str | int
    refresh: str
    timeout: str
    version: str


@overload
def source(function: F) -> F: ...


@overload
def source(**options: Unpack[SourceOptions]) -> Callable[[F], F]: ...


def source(function: F | None = None, **options: Unpack[SourceOptions]) -> F | Callable[[F], F]:
    """Mark a function as a source; the function itself is returned unchanged.

    It yields dicts, Arrow tables or batches, data frames or DuckDB relations, and loads the table `raw.NAME`. Planning
    reads the options from the file without importing it, so they must be literals.

    Args:
        function: the function, when the decorator is used without options.
        options: see `SourceOptions`.
    """
    # They are read from the source by planning; at run time there is nothing left to do with them.
    del options
    return function if function is not None else lambda undecorated: undecorated
