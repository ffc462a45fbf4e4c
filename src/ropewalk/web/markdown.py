"""The little Markdown that our own issues use, as HTML: headings, paragraphs, lists, tables, code and emphasis.

Everything is escaped first; what this does not know stays the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_RULE_ROW = re.compile(r"^\|[\s:|-]+\|$")
_HEADING = re.compile(r"^#{1,4} (.*)$")
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n")


def markdown(text: str) -> Markup:
    """Return `text` as HTML; no markup of its own passes through."""
    return Markup("\n").join(_pieces(text))


def _pieces(text: str) -> Iterator[Markup]:
    for index, part in enumerate(_FENCE.split(text)):
        # The pattern's one group makes every second part the inside of a fence.
        if index % 2:
            yield Markup("<pre><code>{}</code></pre>").format(part.rstrip())
        else:
            for block in _EMPTY_LINES.split(part):
                yield from _block([line for line in block.splitlines() if line.strip()])


def _block(lines: list[str]) -> Iterator[Markup]:
    if lines and (heading := _HEADING.match(lines[0])):
        yield Markup("<h2>{}</h2>").format(_inline(heading[1]))
        lines = lines[1:]
    if not lines:
        return
    if len(lines) > 1 and lines[0].startswith("|") and _RULE_ROW.match(lines[1]):
        yield _table(lines)
    elif all(line.startswith(("- ", "* ")) for line in lines):
        items = Markup("").join(Markup("<li>{}</li>").format(_inline(line[2:])) for line in lines)
        yield Markup("<ul>{}</ul>").format(items)
    else:
        yield Markup("<p>{}</p>").format(_inline(" ".join(lines)))


def _table(lines: list[str]) -> Markup:
    sides = [Markup(' class="num"') if cell.endswith(":") else Markup("") for cell in _cells(lines[1])]
    head = _row(lines[0], sides, Markup('<th scope="col"{}>{}</th>'))
    body = Markup("").join(_row(line, sides, Markup("<td{}>{}</td>")) for line in lines[2:])
    table = Markup("<table><thead>{}</thead><tbody>{}</tbody></table>").format(head, body)
    return Markup('<div class="scroll" tabindex="0" role="region" aria-label="Table">{}</div>').format(table)


def _row(line: str, sides: list[Markup], cell: Markup) -> Markup:
    # A row may be longer or shorter than the rule below the head; what has no side stands left.
    pairs = zip_longest(_cells(line), sides[: len(_cells(line))], fillvalue=Markup(""))
    return Markup("<tr>{}</tr>").format(
        Markup("").join(cell.format(side, _inline(text)) for text, side in pairs)
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _inline(text: str) -> Markup:
    escaped = str(escape(text))
    # Escaped text has no angle brackets left, so the only tags in the result are these.
    coded = _CODE.sub(r"<code>\1</code>", escaped)
    return Markup(_STRONG.sub(r"<strong>\1</strong>", coded))  # noqa: S704  # escaped above, only our own tags added
