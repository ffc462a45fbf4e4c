"""Finding data by words: in tables, columns, terms and owners, the best fitting first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ropewalk.dataops.catalog.values import Hit, TableCard
from ropewalk.dataops.definitions import Glossary

KINDS = ("table", "column", "term", "owner")
# How much it counts where a word stands: a name more than what is said, the whole of it more than a part.
WEIGHTS = {"name": 40, "term": 24, "owner": 20, "class": 16, "meaning": 12}
WHOLE, START, PART = 3, 2, 1


@dataclass(frozen=True)
class _Item:
    """Something that can be found, with the texts it can be found by."""

    hit: Hit
    texts: tuple[tuple[str, str], ...]


def search_catalog(
    cards: Sequence[TableCard], glossary: Glossary, text: str, kinds: Iterable[str] = KINDS
) -> list[Hit]:
    """Return what every word of `text` is found in, the best fitting first; everything of `kinds` for no words.

    Args:
        cards: the tables with their columns.
        glossary: the project's terms.
        text: the words; case and order do not count.
        kinds: of what (`table`, `column`, `term`, `owner`).
    """
    words, wanted = text.lower().split(), set(kinds)
    scored: list[tuple[int, int, str, Hit]] = []
    for item in _items(cards, glossary):
        if item.hit.kind not in wanted:
            continue
        score, found_in = _score(item, words)
        if score or not words:
            hit = Hit(item.hit.kind, item.hit.name, item.hit.table, item.hit.text, found_in)
            scored.append((-score, KINDS.index(hit.kind), hit.name, hit))
    return [hit for *_, hit in sorted(scored, key=lambda entry: entry[:3])]


def _items(cards: Sequence[TableCard], glossary: Glossary) -> Iterator[_Item]:
    for card in cards:
        yield _table(card)
        yield from _columns(card)
    yield from _terms(cards, glossary)
    yield from _owners(cards)


def _terms(cards: Sequence[TableCard], glossary: Glossary) -> Iterator[_Item]:
    # Read backwards, so that of several tables with a term the first one stays.
    mapped = {column.term: card.name for card in reversed(cards) for column in card.columns if column.term}
    for term in glossary.terms.values():
        hit = Hit("term", term.name, mapped.get(term.name), term.meaning, "")
        names = tuple(("name", name) for name in term.names)
        yield _Item(
            hit, (*names, ("meaning", term.meaning), ("owner", term.owner or ""), ("class", term.pii or ""))
        )


def _owners(cards: Sequence[TableCard]) -> Iterator[_Item]:
    owned: dict[str, list[tuple[str, str]]] = {}
    for card in cards:
        named = [(card.owner, card.name), *((c.owner, f"{card.name}.{c.name}") for c in card.columns)]
        for owner, name in named:
            if owner:
                owned.setdefault(owner, []).append((card.name, name))
    for owner, pairs in owned.items():
        text = "owns " + ", ".join(name for _, name in pairs)
        yield _Item(Hit("owner", owner, pairs[0][0], text, ""), (("name", owner),))


def _table(card: TableCard) -> _Item:
    text = card.description or ""
    hit = Hit("table", card.name, card.name, text, "")
    return _Item(hit, (("name", card.name), ("meaning", text), ("owner", card.owner or "")))


def _columns(card: TableCard) -> Iterator[_Item]:
    for column in card.columns:
        text = column.description or ""
        hit = Hit("column", f"{card.name}.{column.name}", card.name, text, "")
        said = (
            "class",
            f"{column.pii or ''} {column.classification or ''}{' pii' if column.pii else ''}".strip(),
        )
        # Not by its table's name: a search for a table would find all of its columns.
        yield _Item(
            hit,
            (
                ("name", column.name),
                ("meaning", text),
                ("term", column.term or ""),
                ("owner", column.owner or ""),
                said,
            ),
        )


def _score(item: _Item, words: Sequence[str]) -> tuple[int, str]:
    """Return how well the item fits, 0 when a word is nowhere in it, and where the first word was found."""
    total, where = 0, ""
    for word in words:
        best, place = max(
            ((WEIGHTS[place] * _fit(word, text.lower()), place) for place, text in item.texts),
            default=(0, ""),
        )
        if not best:
            return 0, ""
        total += best
        where = where or place
    return total, where


def _fit(word: str, text: str) -> int:
    if word not in text:
        return 0
    parts = text.replace(".", " ").replace("_", " ").split()
    if word == text or word in parts:
        return WHOLE
    return START if any(part.startswith(word) for part in parts) or text.startswith(word) else PART
