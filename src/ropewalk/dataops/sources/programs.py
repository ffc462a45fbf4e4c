"""Which program brings the rows of a source, and what it has to know."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from ropewalk.dataops.sources.driver_declarations import ADBCSource, DLTSource, SQLAlchemySource
from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.program_declarations import ProgramSource, PythonSource
from ropewalk.dataops.sources.program_loader import ProgramLoader
from ropewalk.dataops.sources.rows_process import Program
from ropewalk.dataops.sources.secrets import SCHEME
from ropewalk.dataops.sources.singer_declarations import SingerSource
from ropewalk.dataops.sources.spec import Loader, SourceSpec
from ropewalk.pipeline import Output

_READERS = "ropewalk.dataops.sources."


def program_loader(spec: SourceSpec, source: ProgramSource | GitSource, last: Output | None) -> Loader:
    """Return what loads a source whose rows a program brings."""
    match source:
        case GitSource():
            from ropewalk.dataops.sources.git_source import GitLoader

            return GitLoader(spec, source)
        case SingerSource():
            from ropewalk.dataops.sources.singer import SingerLoader

            return SingerLoader(spec, source, last)
        case PythonSource():
            return ProgramLoader(spec, source, _python(source), last)
        case _:
            return ProgramLoader(spec, source, _program(source), last)


def _program(source: ProgramSource) -> Program:
    match source:
        case PythonSource():
            return _python(source)
        case ADBCSource():
            options = {"driver": source.driver, "uri": source.uri, "options": source.options}
            return _driver(source, options, source.uri or "", f"driver {source.driver}")
        case SQLAlchemySource():
            scheme = "" if source.url.startswith(SCHEME) else source.url.partition("://")[0]
            return _driver(source, {"url": source.url}, source.url, f"SQLAlchemy {scheme}".strip())
        case DLTSource():
            return _dlt(source)
        case _:
            message = f"no program brings the rows of {source!r}"
            raise AssertionError(message)


def _driver(
    source: ADBCSource | SQLAlchemySource, options: Mapping[str, object], address: str, what: str
) -> Program:
    cursor = source.cursor.column if source.cursor else None
    given = {**options, "table": source.table, "query": source.query, "cursor": cursor}
    origin = f"{source.kind}:{source.table or 'query'}"
    return Program(f"{_READERS}{source.kind}_reader", what, given, origin, _passwords(address))


def _passwords(address: str) -> tuple[str, ...]:
    """Return the password of an address, as written and as meant, for what hides it in a log."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()


def _dlt(source: DLTSource) -> Program:
    options = {"function": source.function, "arguments": source.arguments, "resource": source.resource}
    # Nobody asked for its calls home, nor for its bars in the log.
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "true"}
    what, origin = f"dlt source {source.function}", f"dlt:{source.function}#{source.resource}"
    return Program(f"{_READERS}dlt_reader", what, options, origin, environment=quiet)


def _python(source: PythonSource) -> Program:
    options = {
        "function": source.function,
        "parameters": source.parameters,
        "takes_since": source.takes_since,
    }
    return Program(
        f"{_READERS}python_reader", f"function {source.function}", options, f"python:{source.function}"
    )
