"""What stands below `sources:` for Elasticsearch and OpenSearch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ropewalk.dataops.sources.entries import Entry, LandedSource, Name
from ropewalk.dataops.sources.refreshing import Refresh
from ropewalk.dataops.sources.rest_declarations import URL, BasicAuth, BearerAuth, Secret

ID, INDEX = "_id", "_index"


class ClusterKeyAuth(Entry):
    """An API key, as Elasticsearch gives them out: encoded, for the header `Authorization: ApiKey`."""

    type: Literal["api_key"]
    api_key: Secret = Field(description="secret://NAME")


ClusterAuth = Annotated[BasicAuth | BearerAuth | ClusterKeyAuth, Field(discriminator="type")]


class ElasticsearchSource(LandedSource):
    """Documents of an index of Elasticsearch or OpenSearch; which of the two is found out."""

    kind: Literal["elasticsearch"]
    url: URL = Field(description="The cluster's address, such as https://search.example.com:9200")
    index: Name = Field(description="Index, alias, data stream, or a pattern of them: logs-*")
    query: dict[str, Any] = Field(
        {}, description="Query in the cluster's own language; by default all documents"
    )
    fields: list[Name] = Field([], description="Fields to load, with * allowed; by default all")
    auth: ClusterAuth | None = Field(None, description="Credentials")
    ca: Name | None = Field(
        None, description="File with the certificates that are trusted instead of the system's"
    )
    slices: int = Field(1, description="Parts that are read at the same time", ge=1, le=64)
    page_size: int = Field(2000, description="Documents per request", ge=1, le=10_000)
    keep_alive: str = Field(
        "5m",
        description="How long the cluster keeps its point in time between two pages",
        pattern=r"^\d+[smh]$",
    )
    refresh: Refresh | None = Field(
        None,
        description="Without a cursor: how old what was loaded may be, such as 6h; by default all is read to see",
    )
    timeout: float = Field(60.0, description="Seconds to wait for one answer", gt=0)

    @model_validator(mode="before")
    @classmethod
    def _documents_have_ids(cls, given: object) -> object:
        if not isinstance(given, dict) or "key" in given:
            return given
        # An id is unique within an index; behind an alias the index may be another one tomorrow.
        is_pattern = any(sign in str(given.get("index", "")) for sign in "*,")
        return {**given, "key": [INDEX, ID] if is_pattern else [ID]}
