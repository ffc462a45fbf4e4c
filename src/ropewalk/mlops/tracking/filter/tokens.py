"""A filter's text as tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ropewalk.mlops.tracking.errors import InvalidFilter

# A number comes before a name and must end there, so that `1.2.3` and `5x` are no numbers followed by something.
# Its parts give nothing back (`++`): a long run of digits with a letter behind it would else be tried in every
# division, which takes the square of its length.
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?+(?![\w.]))
  | (?P<name>(?:[A-Za-z_]\w*(?:\.(?:(?:attributes|tag|metadata)\.(?=[`"]))?(?:`[^`]+`|"[^"]+"|[\w.\-/:]+))?)|`[^`]+`)
  | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<sign><=|>=|!=|<>|=|<|>)
  | (?P<mark>[(),])
    """,
    re.VERBOSE,
)
# `OR` is no operator of the language, but as a word of it the error can say where it stands.
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "RLIKE", "IS", "NULL", "ASC", "DESC"})


@dataclass(frozen=True)
class Token:
    """One token: `kind` is number, name, text, sign, mark, word or end; `at` counts characters from 1."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        """The token as an error shows it."""
        return "the end" if self.kind == "end" else f"{self.text!r} at character {self.at}"


def tokenize(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, and an `end` token at last.

    Raises:
        InvalidFilter: a character begins no token, such as an unclosed quote.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidFilter(
                f"Invalid clause(s) in filter string: {text[position : position + 40]!r} at character {position + 1}",
                hint="a clause is `entity.key OPERATOR value`, text values in quotes",
            )
        kind, found = match.lastgroup or "", match.group()
        # Words are names to the pattern; case decides nothing.
        if kind == "name" and found.upper() in _WORDS:
            kind, found = "word", found.upper()
        if kind != "space":
            yield Token(kind, found, position + 1)
        position = match.end()
    yield Token("end", "", len(text) + 1)
