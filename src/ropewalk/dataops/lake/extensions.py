"""Finding the engine's extensions in their wheels and loading them: no network, no home directory."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb

from ropewalk.dataops.lake.errors import ExtensionMissing
from ropewalk.dataops.lake.names import literal
from ropewalk.dataops.lake.threads import narrow_config

# ducklake keeps its catalogue in SQLite, so it finds sqlite_scanner loaded already.
EXTENSIONS = ("sqlite_scanner", "ducklake")
# The extra of our own package that brings an extension which not everybody needs.
EXTRAS = {"postgres_scanner": "postgres", "mysql_scanner": "mysql", "httpfs": "storage"}


def connect() -> duckdb.DuckDBPyConnection:
    """Return a narrow engine in memory with the extensions loaded, in UTC, that fetches nothing by itself.

    Raises:
        ExtensionMissing: the wheel of an extension is not installed, or is for another DuckDB.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            **narrow_config(),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # The signature check hashes 70 MB at each start, a quarter of a second. It protects what is fetched at
            # run time; these files come with the locked and hashed wheels, as all of Python's own libraries do,
            # are loaded by their full path, and nobody's SQL can load others: only SELECT is ever accepted.
            "allow_unsigned_extensions": "true",
            # A table that does not exist is an error, never a variable of the Python code around it.
            "python_enable_replacements": "false",
        },
    )
    for name in EXTENSIONS:
        load_extension(connection, name)
    connection.execute("SET GLOBAL timezone = 'UTC'")
    return connection


def extension_path(name: str) -> Path:
    """Return the file of the extension `name` inside its installed wheel.

    Raises:
        ExtensionMissing: the wheel is not installed, or is for another DuckDB.
    """
    version = f"v{duckdb.__version__}"
    wheel = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = wheel.submodule_search_locations or [] if wheel else []
    for folder in folders:
        path = Path(folder) / "extensions" / version / f"{name}.duckdb_extension"
        if path.is_file():
            return path
    package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    raise ExtensionMissing(
        f"DuckDB {duckdb.__version__} has no extension {name} here",
        hint=f"pip install 'ropewalk[{EXTRAS[name]}]'" if name in EXTRAS else f"install {package}",
    )


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load the extension `name` into the engine of `connection`; once loaded, it stays.

    Raises:
        ExtensionMissing: its wheel is not installed, is for another DuckDB, or does not load.
    """
    path = extension_path(name)
    try:
        connection.execute(f"LOAD {literal(str(path))}")
    except duckdb.Error as error:
        raise ExtensionMissing(f"the extension {name} at {path} does not load: {error}") from error
