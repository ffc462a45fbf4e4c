"""Sources: files, SQLite databases and REST APIs, loaded into the lake's `raw` schema.

Other rooms import from here and nowhere deeper. Importing this loads neither DuckDB nor an HTTP client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.sources.declarations import AnySource, FilesSource, SQLiteSource
    from ropewalk.dataops.sources.elastic_declarations import ElasticsearchSource
    from ropewalk.dataops.sources.gitlab_declarations import GitLabSource
    from ropewalk.dataops.sources.kind import SourceKind, source_tables
    from ropewalk.dataops.sources.rest_auth import Credentials, FixedAuth
    from ropewalk.dataops.sources.rest_resources import RESTSource
    from ropewalk.dataops.sources.search_cluster import (
        SearchCluster,
        SearchClusterAddress,
        open_search_cluster,
    )
    from ropewalk.dataops.sources.search_cluster_bulk import Document, SearchClusterWriter
    from ropewalk.dataops.sources.secrets import resolve_secrets

__all__ = [
    "AnySource",
    "Credentials",
    "Document",
    "ElasticsearchSource",
    "FilesSource",
    "FixedAuth",
    "GitLabSource",
    "RESTSource",
    "SQLiteSource",
    "SearchCluster",
    "SearchClusterAddress",
    "SearchClusterWriter",
    "SourceKind",
    "open_search_cluster",
    "resolve_secrets",
    "source_tables",
]

__getattr__ = lazy_names(__name__, __file__)
