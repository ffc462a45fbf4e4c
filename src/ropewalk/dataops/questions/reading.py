"""Reading `questions/**/*.sql`: a header and one SELECT, in which `$name` stands for a parameter."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlglot import TokenType
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from ropewalk.dataops.questions.errors import InvalidQuestion, QuestionMissing
from ropewalk.dataops.questions.header import Header, read_header
from ropewalk.dataops.questions.values import Question
from ropewalk.dataops.transform import parse_sql
from ropewalk.errors import Place, RopewalkError, nearest
from ropewalk.project import files_below

FOLDER = "questions"


@dataclass(frozen=True)
class Questions:
    """What the files below `questions/` ask.

    Attributes:
        by_name: those that can be asked.
        broken: why each of the others cannot be, by its name.
    """

    by_name: Mapping[str, Question]
    broken: Mapping[str, RopewalkError]

    def find(self, name: str) -> Question:
        """Return the question of that name; what is wrong with another one is of no concern.

        Raises:
            QuestionMissing: there is none.
            RopewalkError: its file cannot be read, as `read_questions` says.
        """
        if name in self.broken:
            raise self.broken[name]
        if name not in self.by_name:
            raise QuestionMissing(
                f"there is no question {name!r}",
                nearest=nearest(name, self.by_name),
                hint="`ropewalk ask` lists them all",
            )
        return self.by_name[name]


def read_questions(root: Path) -> dict[str, Question]:
    """Return the questions that the files below `questions/` of the project at `root` ask, by name.

    Raises:
        InvalidQuestion: a header cannot be read, or does not fit the SQL.
        InvalidSQL, FileInSQL: the SQL is not one SELECT over tables.
    """
    found = survey_questions(root)
    for error in found.broken.values():
        raise error
    return dict(found.by_name)


def survey_questions(root: Path) -> Questions:
    """Return the questions as `read_questions` does, and beside them what is wrong with those that cannot be read."""
    found, broken = dict[str, Question](), dict[str, RopewalkError]()
    for path in files_below(root / FOLDER, ".sql"):
        name = path.relative_to(root / FOLDER).with_suffix("").as_posix().replace("/", ".")
        try:
            found[name] = _read(path, root, name)
        except RopewalkError as error:
            broken[name] = error
    return Questions(found, broken)


def _read(path: Path, root: Path, name: str) -> Question:
    shown = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidQuestion(f"the file cannot be read as UTF-8: {error}", place=Place(shown)) from error
    header = read_header(text, shown)
    # Blanks for the header: every line of the SQL stays where it is in the file.
    body = "\n" * text.count("\n", 0, header.end) + text[header.end :]
    sql = _bind(body, header, shown)
    parsed = parse_sql(sql, shown)
    return Question(
        name=name,
        path=shown,
        sql=parsed.statement.lstrip("\n"),
        normal=parsed.normal,
        tables=tuple((item.name, Place(shown, item.line, item.column)) for item in parsed.references),
        title=header.title or name.replace("_", " ").replace(".", ": ").capitalize(),
        description=" ".join(header.words) or None,
        owner=header.owner,
        chart=header.chart,
        parameters=tuple(header.parameters),
    )


def _bind(body: str, header: Header, path: str) -> str:
    """Return the SQL with a look-up in place of each `$name`: values never become part of it.

    Raises:
        InvalidQuestion: a parameter is used and not declared, or declared and not used.
    """
    declared = {parameter.name: parameter for parameter in header.parameters}
    try:
        tokens = DuckDB().tokenize(body)
    except SqlglotError as error:
        raise InvalidQuestion("this SQL cannot be read", place=Place(path), detail=str(error)) from error
    # Tokens, not a pattern: `$name` within a text or a comment is none.
    used, parts, end = set[str](), list[str](), 0
    for mark, name in itertools.pairwise(tokens):
        if mark.token_type != TokenType.PARAMETER or name.start != mark.end + 1:
            continue
        if name.text not in declared:
            raise InvalidQuestion(
                f"${name.text} is no parameter of this question",
                place=_place(body, mark.start, path),
                nearest=nearest(name.text, declared),
                hint=f"`-- parameter: {name.text} text = VALUE` declares it",
            )
        used.add(name.text)
        parts += [body[end : mark.start], f"getvariable('{name.text}')"]
        end = name.end + 1
    if unused := sorted(declared.keys() - used):
        raise InvalidQuestion(f"parameter {unused[0]!r} is used nowhere", place=declared[unused[0]].place)
    return "".join([*parts, body[end:]])


def _place(text: str, offset: int, path: str) -> Place:
    return Place(path, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
