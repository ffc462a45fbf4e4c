"""Sources: files, SQLite databases and REST APIs, loaded into the lake's `raw` schema.

Other rooms import from here and nowhere deeper. Importing this loads neither DuckDB nor an HTTP client.
"""

from ropewalk.dataops.sources.declarations import SECTION, FilesSource, RESTSource, SQLiteSource
from ropewalk.dataops.sources.kind import SourceKind

__all__ = ["SECTION", "FilesSource", "RESTSource", "SQLiteSource", "SourceKind"]
