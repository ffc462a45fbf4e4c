"""Models and snapshots of dbt as files of tables: a header, and plain SQL."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from ropewalk.dataops.dbt.manifest import Manifest, Node
from ropewalk.dataops.dbt.moves import Import, Moved, Names
from ropewalk.dataops.dbt.sql import (
    SNAPSHOT_COLUMNS,
    Relations,
    Untranslated,
    foreign_relations,
    translate,
)

WIDTH = 110
_COLUMN = re.compile(r"[A-Za-z_]\w*")
# A line of a description that starts like a setting of the header.
_SETTING = re.compile(r"^(\w+)[ \t]*:")


def add_tables(manifest: Manifest, names: Names, relations: Relations, found: Import) -> None:
    """Add a file for each model and snapshot that can move, and say of the others why they do not."""
    for node in manifest.of_type("model", "snapshot"):
        _note_hooks(node, found)
        if node.unique_id not in names:
            found.moved.append(
                Moved(
                    "ephemeral model",
                    node.name,
                    "its readers",
                    "its SQL stands in theirs, as dbt put it there",
                )
            )
        elif node.language == "python":
            found.leave(
                "model", node.name, "it is Python: write it as a step, which makes the table steps.NAME"
            )
        else:
            _add(node, manifest, names, relations, found)


def _add(node: Node, manifest: Manifest, names: Names, relations: Relations, found: Import) -> None:
    table = names[node.unique_id]
    renamed = SNAPSHOT_COLUMNS if _reads_snapshot(node, manifest) else {}
    try:
        sql = translate(node.compiled_code or "", relations, renamed)
    except Untranslated as why:
        found.leave(node.resource_type, node.name, str(why))
        return
    # The table moves all the same: its SQL is right but for that name.
    for name in foreign_relations(sql):
        found.leave(
            node.resource_type,
            node.name,
            f"it reads {name}, which is no model and no source: declare a source, and write raw.NAME",
        )
    header, note = _header(node)
    text = "\n".join([*_comment(node.description or ""), *header, sql]) + "\n"
    schema, _, name = table.partition(".")
    kind = node.config.materialized or node.resource_type
    what = "snapshot" if node.resource_type == "snapshot" else f"{kind} model"
    found.add(Moved(what, node.name, f"tables/{schema}/{name}.sql", note), text)


def _header(node: Node) -> tuple[list[str], str | None]:
    """Return the settings of a table's header, and what a person should know of them."""
    config = node.config
    keys = [config.unique_key] if isinstance(config.unique_key, str) else config.unique_key or []
    key = ", ".join(keys)
    is_plain = bool(keys) and all(_COLUMN.fullmatch(name) for name in keys)
    if node.resource_type == "snapshot":
        return _history(node, key, is_plain=is_plain)
    if config.materialized == "view":
        return ["-- kind: view"], None
    if config.materialized == "incremental":
        if is_plain:
            note = "always what its whole SQL gives; where that can be shown, only changed keys are computed"
            return ["-- kind: incremental", f"-- key: {key}"], note
        return [], "has no key of plain columns: built whole, as by a full refresh"
    if config.materialized == "table":
        return [], None
    return [], f"{config.materialized!r} is built as a table"


def _history(node: Node, key: str, *, is_plain: bool) -> tuple[list[str], str | None]:
    if not is_plain:
        return (
            [],
            f"its key {key!r} is no column: it is a plain table now; select the key, and say kind and key",
        )
    lines = ["-- kind: history", f"-- key: {key}"]
    time = node.config.updated_at
    if node.config.strategy == "timestamp" and time and _COLUMN.fullmatch(time):
        lines.append(f"-- time: {time}")
    columns = "valid_from, valid_to and is_current stand for dbt_valid_from, dbt_valid_to"
    return lines, f"{columns}; every column counts as a change; versions of before stay in dbt's table"


def _comment(description: str) -> Iterator[str]:
    """Yield the lines of a comment that says the same, and sets nothing."""
    for paragraph in description.strip().splitlines():
        for line in textwrap.wrap(paragraph.strip(), WIDTH - 3) or [""]:
            said = _SETTING.sub(r"\1 -", line)
            yield f"-- {said}".rstrip()


def _reads_snapshot(node: Node, manifest: Manifest) -> bool:
    above = (manifest.nodes.get(name) for name in node.depends_on.nodes)
    return any(other is not None and other.resource_type == "snapshot" for other in above)


def _note_hooks(node: Node, found: Import) -> None:
    hooks = len(node.config.pre_hook) + len(node.config.post_hook)
    if hooks:
        why = "its hooks run statements around the build: write what they make as a table or a step"
        found.leave("hook", node.name, why)
    if node.config.grants:
        why = "who may read is said where tables are published to, not here"
        found.leave("grants", node.name, why)
