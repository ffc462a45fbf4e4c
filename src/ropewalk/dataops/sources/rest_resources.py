"""Several resources of one API, in the words of dlt's RESTAPIConfig, so that its users need not learn others.

What is different is said in docs/guides/load-from-apis.md. `rest_expansion.py` turns each resource into one source.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ropewalk.dataops.sources.entries import Entry, Limit, Name, SchemaPolicy
from ropewalk.dataops.sources.refreshing import Refresh
from ropewalk.dataops.sources.rest_declarations import URL, Asked, Auth, Scalar


def _plain_path(path: str) -> str:
    """Return a JSONPath that names one place, such as `$.data.items[*]`, as a dotted path."""
    plain = path.removeprefix("$").removeprefix(".").removesuffix("[*]")
    if any(sign in plain for sign in "[]*?@ "):
        raise ValueError("only a dotted path such as data.items can be selected")
    return plain


Path = Annotated[str, AfterValidator(_plain_path)]


class JSONLink(Entry):
    """The body holds the address of the next page."""

    type: Literal["json_link"]
    next_url_path: Path = "next"


class HeaderLink(Entry):
    """The Link header holds the address of the next page."""

    type: Literal["header_link"]
    links_next_key: Name = "next"


class HeaderCursorPages(Entry):
    """A header holds a token for the next page."""

    type: Literal["header_cursor"]
    cursor_key: Name = "next"
    cursor_param: Name = "cursor"


class CursorPages(Entry):
    """The body holds a token for the next page."""

    type: Literal["cursor"]
    cursor_path: Path = "cursors.next"
    cursor_param: Name | None = None
    cursor_body_path: Path | None = None
    has_more_path: Path | None = None


class OffsetPages(Entry):
    """Pages start at a record's number."""

    type: Literal["offset"]
    limit: int = Field(ge=1)
    offset: int = Field(default=0, ge=0)
    offset_param: Name = "offset"
    limit_param: Name = "limit"
    offset_body_path: Path | None = None
    limit_body_path: Path | None = None
    total_path: Path | None = Field(
        default="total", description="Number of records; null when the answer tells none"
    )
    maximum_offset: int | None = Field(default=None, ge=0)
    stop_after_empty_page: Literal[True] = True
    has_more_path: Path | None = None


class PageNumberPages(Entry):
    """Pages are numbered."""

    type: Literal["page_number"]
    base_page: int = 0
    page: int | None = None
    page_param: Name = "page"
    page_body_path: Path | None = None
    total_path: Path | None = Field(
        default="total", description="Number of pages; null when the answer tells none"
    )
    maximum_page: int | None = Field(default=None, ge=0)
    stop_after_empty_page: bool = True
    has_more_path: Path | None = None


class SinglePagePages(Entry):
    """There is one page."""

    type: Literal["single_page"]


Paginator = Annotated[
    JSONLink | HeaderLink | HeaderCursorPages | CursorPages | OffsetPages | PageNumberPages | SinglePagePages,
    Field(discriminator="type"),
]
PaginatorName = Literal["json_link", "header_link", "header_cursor", "cursor", "page_number", "single_page"]


class ResolvedParam(Entry):
    """A parameter of the path that takes a field of another resource."""

    type: Literal["resolve"]
    resource: Name
    field: Name


class IncrementalParam(Entry):
    """A parameter that takes the cursor's greatest value so far."""

    type: Literal["incremental"]
    cursor_path: Name
    initial_value: Scalar | None = None
    lag: float | None = Field(
        default=None, description="How far before that value: seconds, or a number", gt=0
    )


class Incremental(Entry):
    """Incremental loading by a field that grows."""

    cursor_path: Name
    start_param: Name | None = None
    initial_value: Scalar | None = None
    lag: float | None = Field(
        default=None, description="How far before that value: seconds, or a number", gt=0
    )


class ResponseAction(Entry):
    """What an HTTP status means."""

    status_code: int
    action: Literal["ignore"]


class Endpoint(Entry):
    """How a resource is asked for."""

    path: str | None = Field(
        default=None, description="After base_url; {resources.NAME.FIELD} takes a parent's field"
    )
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, ResolvedParam | IncrementalParam | Scalar] = Field(default={})
    json_body: dict[str, Any] = Field(default={}, alias="json")
    headers: dict[str, str] = Field(default={})
    auth: Auth | None = None
    paginator: Paginator | PaginatorName | None = None
    data_selector: Path | None = Field(
        default=None, description="Dotted path in the body to the list of records"
    )
    incremental: Incremental | None = None
    response_actions: list[ResponseAction] = Field(default=[])


class SlowlyChanging(Entry):
    """The disposition of a history."""

    disposition: Literal["merge"]
    strategy: Literal["scd2", "upsert"]


Disposition = Literal["append", "replace", "merge"]


class ResourceDefaults(Entry):
    """What holds for every resource that does not say otherwise."""

    endpoint: Endpoint | None = None
    primary_key: Name | list[Name] | None = None
    write_disposition: Disposition | SlowlyChanging | None = None
    include_from_parent: list[Name] = Field(default=[])
    parallelized: bool = Field(default=True, description="Whether children are asked for side by side")
    schema_policy: SchemaPolicy | None = Field(default=None, alias="schema")
    types: dict[str, str] = Field(default={})
    max_quarantined: Limit | None = None
    refresh: Refresh | None = None


class Resource(ResourceDefaults):
    """One resource, loaded into the table `raw.SOURCE_NAME`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
    endpoint: Endpoint | str | None = None  # type: ignore[assignment]  # a resource may give the path alone
    selected: bool = Field(default=True, description="Whether it is loaded")


class Client(Entry):
    """What all resources share."""

    base_url: URL
    headers: dict[str, str] = Field(default={})
    auth: Auth | None = None
    paginator: Paginator | PaginatorName | None = None


class RESTSource(Asked):
    """Records from a JSON API, page by page: of one address, or of several resources."""

    kind: Literal["rest"]
    client: Client | None = Field(default=None, description="Instead of a url: what the resources share")
    resource_defaults: ResourceDefaults | None = Field(
        default=None, description="What holds for all resources"
    )
    resources: list[Resource | str] = Field(
        default=[], description="Resources, each loaded into `raw.SOURCE_NAME`"
    )

    @model_validator(mode="after")
    def _one_address_or_several_resources(self) -> Self:
        shared = {"kind", "client", "resource_defaults", "resources", "on_unreachable", "timeout"}
        shared |= {"max_requests_per_minute", "max_page_mb", "at_once"}
        if self.client is None:
            if self.url is None:
                raise ValueError("key 'url' is missing; or client and resources, for several tables")
            if extra := self.model_fields_set & {"resource_defaults", "resources"}:
                raise ValueError(f"{min(extra)} needs a client")
            return self
        if not self.resources:
            raise ValueError("resources: at least one is needed")
        if extra := self.model_fields_set - shared:
            raise ValueError(f"{min(extra)} is for a single url; with a client it belongs to a resource")
        return self
