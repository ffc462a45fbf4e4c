"""A saved question: its SQL, its parameters, and how its answer is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.errors import Place


@dataclass(frozen=True)
class Parameter:
    """A value that whoever asks may choose.

    Attributes:
        name: as the SQL has it, after `$`.
        type: `text`, `integer`, `number`, `date`, `timestamp` or `boolean`.
        default: the value when none is given.
        choices: the only values there are; none: any of the type.
        place: where the header declares it.
    """

    name: str
    type: str
    default: str
    choices: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Chart:
    """How an answer is drawn: columns of the answer by their role.

    Attributes:
        kind: `line`, `bar` or `number`.
        x: along the axis.
        y: the height.
        color: one line or bar for each value.
        is_share: whether the values are shares, to be read as percentages.
    """

    kind: str
    x: str | None
    y: str
    color: str | None
    is_share: bool
    place: Place


@dataclass(frozen=True)
class Question:
    """One file below `questions/`.

    Attributes:
        name: the file's path below the folder, without its ending.
        path: the file, relative to the project.
        sql: the SELECT, with `getvariable('NAME')` for each parameter.
        normal: the same in one fixed form.
        tables: the tables it reads, with their places.
        title: what is asked, in words.
        description: more of it.
        owner: who answers for it.
        chart: how the answer is drawn.
        parameters: what may be chosen.
    """

    name: str
    path: str
    sql: str
    normal: str
    tables: tuple[tuple[str, Place], ...]
    title: str
    description: str | None = None
    owner: str | None = None
    chart: Chart | None = None
    parameters: tuple[Parameter, ...] = ()
