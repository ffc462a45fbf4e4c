"""Which program brings the rows of a source, and what it has to know."""

from __future__ import annotations

from ropewalk.dataops.sources.git_declarations import GitSource
from ropewalk.dataops.sources.program_declarations import ProgramSource, PythonSource
from ropewalk.dataops.sources.program_loader import Program, ProgramLoader
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
            message = f"no program brings the rows of {source!r}"
            raise AssertionError(message)


def _python(source: PythonSource) -> Program:
    options = {
        "function": source.function,
        "parameters": source.parameters,
        "takes_since": source.takes_since,
    }
    return Program(
        f"{_READERS}python_reader", f"function {source.function}", options, f"python:{source.function}"
    )
