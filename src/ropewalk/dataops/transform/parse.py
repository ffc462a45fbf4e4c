"""Parsing one table's SQL without running it: what it reads, its normal form, and what is wrong with it.

The engine's own parser decides what is valid; sqlglot's tree tells what the statement reads.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import duckdb
from blake3 import blake3
from sqlglot import Token, TokenType, exp, parse_one
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, SqlglotError

from ropewalk.dataops.lake import translate_error
from ropewalk.dataops.transform.errors import InvalidSQL
from ropewalk.dataops.transform.header import read_description, read_header
from ropewalk.dataops.transform.references import find_references, place_at, refuse_outside_reads
from ropewalk.dataops.transform.values import ParsedSQL
from ropewalk.errors import Place

_TRAVELS = frozenset({("AT", "(", "VERSION"), ("AT", "(", "TIMESTAMP")})
_FIRST_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "(")
# Kinds of word that the normal form must not lose.
_LITERALS = (TokenType.STRING, TokenType.NUMBER)


def parse_sql(text: str, path: str) -> ParsedSQL:
    """Return what the SQL `text` of the file at `path` says.

    Raises:
        InvalidSQL: it does not parse, is empty, is more than one statement, or is no SELECT.
        FileInSQL: it reads a file or an outside system by itself.
    """
    _refuse_what_the_engine_refuses(text, path)
    tokens = _tokenize(text, path)
    end = max(token.end for token in tokens if token.token_type != TokenType.SEMICOLON) + 1
    bare = _without_comments(text, tokens)[:end]
    tree = _read_tree(bare, path)
    refuse_outside_reads(tree, text, path)
    return ParsedSQL(
        statement=text[:end],
        normal=_normal(tree, bare),
        references=find_references(tree, text, path),
        description=read_description(text),
        header=read_header(text, tokens[0].start, path),
    )


def _refuse_what_the_engine_refuses(text: str, path: str) -> None:
    try:
        with _engine().cursor() as connection:
            statements = connection.extract_statements(text)
    except duckdb.Error as error:
        found = translate_error(error, path=path)
        is_template = "{{" in text or "{%" in text
        raise InvalidSQL(
            f"not valid SQL: {found.message}",
            # Without a place the engine means the end of the text.
            place=found.place or place_at(text, max(len(text.rstrip()) - 1, 0), path),
            hint="tables are plain SQL without templates: name the tables themselves"
            if is_template
            else None,
            detail=found.detail,
        ) from error
    if not statements:
        raise InvalidSQL("the file has no statement", place=Place(path), hint="write one SELECT")
    names = ", ".join(sorted({name for item in statements for name in item.named_parameters}))
    if names:
        raise InvalidSQL(f"a table's SQL takes no parameters, and this has {names}", place=Place(path))


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    # Starting an engine takes ten times as long as parsing a file with it.
    # Other threads could only look on at what is parsed by one.
    return duckdb.connect(config={"threads": "1"})


def _tokenize(text: str, path: str) -> list[Token]:
    """Return the words of `text`, which are those of one SELECT."""
    # Words are looked at before the tree: some statements that are no SELECT have no tree at all in sqlglot.
    try:
        tokens = DuckDB().tokenize(text)
    except SqlglotError as error:
        raise _unreadable(error, path) from error
    starts = [token for token in tokens if token.token_type != TokenType.SEMICOLON]
    ended = next(
        (i for i, token in enumerate(tokens) if token.token_type == TokenType.SEMICOLON), len(tokens)
    )
    if len(starts) > ended:
        raise InvalidSQL(
            "the file has more than one statement",
            place=place_at(text, starts[ended].start, path),
            hint="one file is one table; common table expressions (WITH) can hold the parts",
        )
    if starts[0].text.upper() not in _FIRST_WORDS:
        raise InvalidSQL(
            f"a table is made by one SELECT, not by {starts[0].text.upper()}",
            place=place_at(text, starts[0].start, path),
            hint="write the SELECT alone; Ropewalk makes the table of it",
        )
    _refuse_time_travel(tokens, text, path)
    return tokens


def _refuse_time_travel(tokens: list[Token], text: str, path: str) -> None:
    # A snapshot's number means nothing on another machine, so the table's key could not say what it was made from.
    for here, bracket, word in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (here.text.upper(), bracket.text, word.text.upper()) in _TRAVELS:
            raise InvalidSQL(
                "a table is made from what its inputs are, not from what they were: AT (...) is not possible here",
                place=place_at(text, here.start, path),
                hint="ask `ropewalk sql`, or read it in a step: flights.at('PIN') of a parameter flights: Table",
            )


def _read_tree(text: str, path: str) -> exp.Expr:
    try:
        tree = parse_one(text, dialect="duckdb")
    except SqlglotError as error:
        raise _unreadable(error, path) from error
    if not isinstance(tree, exp.Query | exp.Values):
        raise InvalidSQL(f"a table is made by one SELECT, not by {tree.key.upper()}", place=Place(path))
    return tree


def _unreadable(error: SqlglotError, path: str) -> InvalidSQL:
    return InvalidSQL(
        "this SQL is valid, and Ropewalk cannot tell which tables it reads",
        place=_sqlglot_place(error, path),
        hint="write that part in plainer SQL",
        detail=str(error),
    )


def _sqlglot_place(error: SqlglotError, path: str) -> Place:
    if not isinstance(error, ParseError) or not error.errors:
        return Place(path)
    found = error.errors[0]
    # sqlglot counts to the last character of what it stumbled over.
    return Place(path, found["line"], max(found["col"] - len(found["highlight"]) + 1, 1))


def _without_comments(text: str, tokens: list[Token]) -> str:
    """Return `text` with blanks for all that is no token, every character in its place.

    sqlglot reads `GROUP BY` as one word, and stumbles over a comment inside it.
    """
    bare = ["\n" if character == "\n" else " " for character in text]
    for token in tokens:
        bare[token.start : token.end + 1] = text[token.start : token.end + 1]
    return "".join(bare)


def _normal(tree: exp.Expr, bare: str) -> str:
    """Return the statement in one fixed form, in which comments, layout and the case of keywords do not count."""
    pretty: str = tree.sql(dialect="duckdb", pretty=True, comments=False)
    tokens = DuckDB().tokenize(bare)
    if not _lost_literals(tokens, pretty) and parse_one(pretty, dialect="duckdb") == tree:
        return pretty
    # The generator said less than was written (VARCHAR(10) is VARCHAR to it), so the words themselves count too.
    exact = "\n".join(_word(token, bare) for token in tokens)
    return f"{pretty}\n-- {blake3(exact.encode()).hexdigest()[:16]}"


def _lost_literals(tokens: list[Token], pretty: str) -> Counter[str]:
    def literals(found: list[Token]) -> Counter[str]:
        return Counter(token.text for token in found if token.token_type in _LITERALS)

    return literals(tokens) - literals(DuckDB().tokenize(pretty))


def _word(token: Token, bare: str) -> str:
    written = bare[token.start : token.end + 1]
    # What is quoted differs from its text, and keeps its case and its blanks.
    return " ".join(written.upper().split()) if written == token.text else written
