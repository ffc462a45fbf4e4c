"""`ropewalk catalog`: finding data by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from ropewalk.cli.output import count, emit_json, emit_table, shorten
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.catalog import Hit, TableCard, list_tables, search_catalog
from ropewalk.dataops.columns import read_table_lineage
from ropewalk.dataops.definitions import read_glossary

KINDS = ("table", "column", "term", "owner")
SHOWN = 40
WIDTH = 72


@click.command("catalog")
@click.argument("words", metavar="[SEARCH]...", nargs=-1)
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only these; may be given again."
)
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    words: tuple[str, ...], *, kinds: tuple[str, ...], environment: str | None, as_json: bool
) -> None:
    """Find tables, columns, terms and owners in which every word of SEARCH stands; list all tables without one."""
    with open_session(environment=environment) as session:
        cards = list_tables(session.workspace, read_table_lineage(session.workspace, session.graph()))
        found = _search(session, cards, words, kinds)
    if as_json:
        emit_json({"search": " ".join(words), "found": [asdict(hit) for hit in found]})
    elif words or kinds:
        _print(found, " ".join(words))
    else:
        _list(cards)


def _search(
    session: Session, cards: Sequence[TableCard], words: Sequence[str], kinds: Sequence[str]
) -> list[Hit]:
    wanted = kinds or (KINDS if words else ("table",))
    return search_catalog(cards, read_glossary(session.workspace.root), " ".join(words), wanted)


def _print(found: Sequence[Hit], text: str) -> None:
    if not found:
        click.echo(f"nothing has {text!r} in it", err=True)
    rows = [(hit.kind, hit.name, hit.found_in, shorten(hit.text, WIDTH)) for hit in found[:SHOWN]]
    emit_table(("what", "name", "found in", "meaning"), rows)
    if len(found) > SHOWN:
        click.echo(f"{count(len(found) - SHOWN, 'more hit')} (--json lists all)", err=True)


def _list(cards: Sequence[TableCard]) -> None:
    rows = [
        (card.name, card.rows, len(card.columns), card.owner or "", shorten(card.description or "", WIDTH))
        for card in cards
    ]
    emit_table(("table", "rows", "columns", "owner", "meaning"), rows)
