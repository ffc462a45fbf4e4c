"""Write the generated pages of `docs/reference/` from the product itself; `--check` only compares.

python scripts/generate_reference.py
python scripts/generate_reference.py --check
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

import ropewalk
from ropewalk import plugins
from ropewalk.cli.errors import exit_code
from ropewalk.cli.main import COMMANDS, cli
from ropewalk.errors import RopewalkError, error_classes
from ropewalk.mlops.tracking.rows.absent import ABSENT
from ropewalk.mlops.tracking.rows.server import PROTOCOL
from ropewalk.mlops.tracking.rows.table import TABLES
from ropewalk.project import project_schema
from ropewalk.settings import describe_settings
from ropewalk.store.database import migrations, split_statements
from ropewalk.web.errors import status_of

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
Schema = Mapping[str, object]
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
# Sphinx-style sections of a docstring that a reader of the error page has no use for.
INTERNAL_SECTIONS = re.compile(r"\n\s*(Attributes|Args|Raises|Returns):\n")


def settings_page() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. `ropewalk settings` lists them with the values in force.",
        "A variable that starts with `ROPEWALK_` and is none of these is an error.",
        "",
    ]
    for _, variable, default, text in describe_settings():
        kind = "a whole number" if isinstance(default, int) else "text"
        value = f"`{default}` ({kind})" if default != "" else "unset"
        lines += [f"## {variable}", "", f"{text}.", "", f"Default: {value}.", ""]
    return _page(lines)


def errors_page() -> str:
    """Return the page of all error codes."""
    lines = [
        "# Error codes",
        "",
        "Every error has a code, one sentence, the place in a file where there is one, the nearest valid name, and",
        "a hint. `ropewalk explain CODE` prints an entry of this page. Every command with `--json` prints errors as",
        '`{"error": {"code", "message", "place", "nearest", "hint", "detail"}}`; the pages\' JSON and the',
        "prediction endpoints answer with the status given here.",
        "",
    ]
    for found in all_errors():
        lines += [
            f"## {found.code}",
            "",
            f"**{found.__name__}** · exit code {exit_code(found)} · HTTP status {_status(found)}",
            "",
            _docstring(found),
            "",
        ]
    return _page(lines)


def project_page() -> str:
    """Return the page of the sections of `ropewalk.yaml`."""
    schema = project_schema(plugins.sections())
    definitions = _mapping(schema, "$defs")
    lines = [
        "# ropewalk.yaml",
        "",
        "`project` names the project and is required; every other section maps names to entries.",
        "`ropewalk schema` prints the JSON Schema behind this page, for completion and checks in an editor.",
        "An unknown key is an error that names its place and the valid keys beside it.",
        "",
        "## project",
        "",
        "Name of the project (text, required).",
        "",
    ]
    for key, section in sorted(_mapping(schema, "properties").items()):
        if key != "project" and isinstance(section, Mapping):
            entry = _mapping(section, "additionalProperties")
            lines += [f"## {key}", "", f"{_sentence(section['description'])}", "", *_entry(entry)]
            for name in _reachable(entry, definitions):
                lines += [f"### {name}", "", *_model(_mapping(definitions, name))]
    return _page(lines)


def commands_page() -> str:
    """Return the page of all commands."""
    context = click.Context(cli, info_name="ropewalk")
    lines = [
        "# Commands",
        "",
        "Results go to standard output, progress and log events to standard error.",
        "Exit codes: 0 all well, 1 a failure or a failed gate, 2 something written wrongly, 3 not found,",
        "4 in conflict, 5 something outside could not be reached, 130 stopped.",
        "",
        "## Options of every command",
        "",
        *_options(cli, context),
        "",
    ]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        lines += _command(command, f"ropewalk {name}", "##")
        # The commands of a group each have a heading below it.
        inner = command.commands if isinstance(command, click.Group) else {}
        for part, below in inner.items():
            lines += _command(below, f"ropewalk {name} {part}", "###")
    return _page(lines)


def store_page() -> str:
    """Return the page of the tables of the metadata database."""
    lines = [
        "# Metadata database",
        "",
        "`.ropewalk/ropewalk.db` is a SQLite file; with `ROPEWALK_DATABASE_URL` the same tables are on a PostgreSQL",
        "server. Nothing but Ropewalk writes to them; they may change with any release, by numbered migrations that",
        "only go forward. Types are SQLite's; times are UTC milliseconds since 1970.",
        "",
    ]
    connection = sqlite3.connect(":memory:")
    for step in migrations():
        lines += [f"## Migration {step.name.removesuffix('.sql')}", ""]
        for statement in split_statements(step.sql):
            connection.execute(statement)
            if found := re.search(r"CREATE TABLE (\w+)", statement):
                lines += _table(connection, found[1], _comment(statement))
    connection.close()
    return _page(lines)


def protocol_page() -> str:
    """Return the page of what of MLflow's protocol is answered, and what is not and why."""
    served = sorted({(row.path, row.method) for table in TABLES for row in table})
    lines = [
        "# MLflow's protocol",
        "",
        f"Ropewalk answers as MLflow {PROTOCOL} does. Every path below also stands under `/ajax-api`, and all of them",
        "under `/p/<project>` and `/api/v4/projects/<project>/ml/mlflow`. Files travel under",
        "`/api/2.0/mlflow-artifacts` (whole, in parts, and by signed addresses), spans of OpenTelemetry under",
        "`/v1/traces`.",
        "",
        "## Left out on purpose",
        "",
        *(f"- `{path}`: {reason}" for path, reason in ABSENT.items()),
        "",
        "## Answered",
        "",
    ]
    lines += [f"- `{method} {path}`" for path, method in served]
    return _page(lines)


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "ropewalk-yaml.md": project_page,
    "commands.md": commands_page,
    "metadata.md": store_page,
    "mlflow-protocol.md": protocol_page,
}


def all_errors() -> list[type[RopewalkError]]:
    """Return every error class of the product, with all of its modules imported, sorted by code."""
    for module in pkgutil.walk_packages(ropewalk.__path__, "ropewalk."):
        importlib.import_module(module.name)
    found = {error for error in error_classes() if error.__module__.startswith("ropewalk.")}
    return sorted(found, key=lambda error: (error.code, error.__name__))


def _status(found: type[RopewalkError]) -> int:
    return status_of(found.__new__(found))


def _docstring(found: type[RopewalkError]) -> str:
    text = inspect.cleandoc(found.__doc__ or "")
    return INTERNAL_SECTIONS.split(f"\n{text}")[0].strip()


def _reachable(entry: Schema, definitions: Schema) -> list[str]:
    """Return the names of the models that `entry` refers to, directly or through others, in order."""
    found: list[str] = []
    pending = _references(entry)
    while pending:
        name = pending.pop(0)
        if name not in found:
            found.append(name)
            pending += _references(_mapping(definitions, name))
    return found


def _references(schema: object) -> list[str]:
    text = json.dumps(schema)
    return list(dict.fromkeys(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text)))


def _entry(schema: Schema) -> Iterator[str]:
    """Yield the lines that say what one entry of a section is."""
    if "properties" in schema:
        yield from _model(schema)
    else:
        yield from (f"Each entry: {_type(schema)}.", "")


def _model(schema: Schema) -> Iterator[str]:
    """Yield the lines for one model: its keys, their types, defaults and meaning."""
    yield from (_one_line(schema.get("description", "")), "")
    required = schema.get("required", [])
    assert isinstance(required, list)
    properties = _mapping(schema, "properties")
    if properties:
        yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key, value in properties.items():
        assert isinstance(value, Mapping)
        default = "required" if key in required else _default(value.get("default"))
        meaning = _sentence(value.get("description", "")).removesuffix(".")
        yield f"| `{key}` | {_cell(_type(value))} | {_cell(default)} | {_cell(meaning)} |"
    yield ""


def _default(value: object) -> str:
    is_nothing = value in (None, [], {}) or (isinstance(value, dict) and not any(value.values()))
    return "" if is_nothing else f"`{json.dumps(value)}`"


def _type(schema: Schema) -> str:
    """Return in words what a JSON Schema allows."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    members = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(members, list):
        return " or ".join(dict.fromkeys(_type(member) for member in members if member.get("type") != "null"))
    constants = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(constants, list):
        return " or ".join(f"`{value}`" for value in constants)
    if schema.get("type") == "array":
        return f"list of {_type(_mapping(schema, 'items'))}"
    if schema.get("type") == "object":
        return f"mapping of names to {_type(_mapping(schema, 'additionalProperties'))}"
    return WORDS.get(str(schema.get("type")), "any value")


def _command(command: click.Command, name: str, level: str) -> Iterator[str]:
    """Yield the lines for one command: how it is called, what it does, and its options."""
    context = click.Context(command, info_name=name)
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield from (f"{level} {name}", "", f"```text\n{usage}\n```", "")
    yield from (inspect.cleandoc(command.help or ""), "", *_options(command, context), "")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [param.get_help_record(context) for param in command.params if isinstance(param, click.Option)]
    if any(records):
        yield from ("| option | meaning |", "|---|---|")
    for names, text in filter(None, records):
        # click shows the limits of a number beside its help; that it is a range needs no word in its name.
        yield f"| `{names.replace(' RANGE', '')}` | {_cell(text)} |"


def _table(connection: sqlite3.Connection, name: str, comment: str) -> Iterator[str]:
    yield from (f"### {name}", "")
    if comment:
        yield from (comment, "")
    yield from ("| column | type | key |", "|---|---|---|")
    targets = {row[3]: row[2] for row in connection.execute(f"PRAGMA foreign_key_list({name})")}
    for _, column, kind, not_null, _, primary in connection.execute(f"PRAGMA table_info({name})"):
        notes = ["primary key"] if primary else []
        notes += [f"of [{targets[column]}](#{targets[column]})"] if column in targets else []
        nullable = "" if not_null or primary else ", may be empty"
        yield f"| `{column}` | {kind.lower()}{nullable} | {', '.join(notes)} |"
    yield ""


def _comment(statement: str) -> str:
    """Return the comment that stands before a statement."""
    before = statement.partition("CREATE")[0]
    return " ".join(line.strip().removeprefix("--").strip() for line in before.splitlines()).strip()


def _mapping(schema: Schema, key: str) -> Schema:
    found = schema.get(key, {})
    return found if isinstance(found, Mapping) else {}


def _sentence(text: object) -> str:
    line = _one_line(text)
    return f"{line[:1].upper()}{line[1:]}" + ("" if line.endswith(".") or not line else ".")


def _cell(text: object) -> str:
    return _one_line(text).replace("|", "\\|")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def _page(lines: list[str]) -> str:
    header = "<!-- Generated by scripts/generate_reference.py; edit the code it describes instead. -->"
    return re.sub(r"\n{3,}", "\n\n", "\n".join([header, *lines])).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write every page, or with `--check` name those that differ."""
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                REFERENCE.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    done = (
        f"{len(stale)} of {len(PAGES)} pages differ: {', '.join(stale)}"
        if stale
        else "the reference is up to date"
    )
    sys.stdout.write(done + "\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
