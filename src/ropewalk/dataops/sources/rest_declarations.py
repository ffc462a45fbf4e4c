"""What stands below `sources:` for web APIs: addresses, credentials, ways of paging, and the cursor."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ropewalk.dataops.sources.entries import Cursor, Entry, LandedSource, Name
from ropewalk.dataops.sources.refreshing import Refresh
from ropewalk.dataops.sources.secrets import SCHEME


# A scheme that httpx does not speak would only fail when the source is first loaded.
def _require_web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url


def _require_secret(text: str) -> str:
    # The text itself is not repeated: it may be the secret.
    if not text.startswith(SCHEME) or len(text) == len(SCHEME):
        raise ValueError(f"must be {SCHEME}NAME, so that it stands in no file")
    return text


URL = Annotated[str, AfterValidator(_require_web_address)]
Secret = Annotated[str, AfterValidator(_require_secret)]
Scalar = str | int | float | bool
START = "{incremental.start_value}"


class BearerAuth(Entry):
    """A token in the header `Authorization`."""

    type: Literal["bearer"] = "bearer"
    token: Secret = Field(description="secret://NAME")


class BasicAuth(Entry):
    """A user with a password, in the header `Authorization`."""

    type: Literal["http_basic"]
    username: Name = Field(description="secret://NAME allowed")
    password: Secret = Field(description="secret://NAME")


class APIKeyAuth(Entry):
    """A key in a header, a query parameter or a cookie."""

    type: Literal["api_key"]
    api_key: Secret = Field(description="secret://NAME")
    name: Name = Field("Authorization", description="Name of the header, parameter or cookie")
    location: Literal["header", "query", "param", "cookie"] = "header"


class ClientCredentialsAuth(Entry):
    """OAuth 2's client credentials: a token is asked for, kept in memory, and renewed when it runs out."""

    type: Literal["oauth2_client_credentials"]
    access_token_url: URL
    client_id: Name = Field(description="secret://NAME allowed")
    client_secret: Secret = Field(description="secret://NAME")
    access_token_request_data: dict[str, Scalar] = Field({}, description="Further fields, such as scope")
    default_token_expiration: float = Field(
        3600, description="Seconds a token lives that does not say so itself", gt=0
    )


def _default_to_bearer(given: object) -> object:
    is_bare = isinstance(given, dict) and "token" in given and "type" not in given
    return {"type": "bearer", **given} if is_bare and isinstance(given, dict) else given


Auth = Annotated[
    Annotated[BearerAuth | BasicAuth | APIKeyAuth | ClientCredentialsAuth, Field(discriminator="type")],
    BeforeValidator(_default_to_bearer),
]


class NextURL(Entry):
    """The body holds the address of the next page, or null."""

    kind: Literal["next_url"]
    path: Name = Field("next", description="Dotted path in the body")


class Counted(Entry):
    """Pages that are counted; an empty page is the end."""

    where: Literal["query", "body"] = Field("query", description="Where the parameters are sent")
    has_more: Name | None = Field(None, description="Dotted path to what says false on the last page")
    maximum: int | None = Field(None, description="The last page, or offset, that is asked for", ge=0)


class PageNumber(Counted):
    """Pages are numbered; an empty page is the end."""

    kind: Literal["page"]
    param: Name = "page"
    start: int = 1
    size: int | None = Field(None, description="Records per page, if it can be asked for", ge=1)
    size_param: Name = "per_page"
    pages: Name | None = Field(None, description="Dotted path to the number of pages")
    stop_after_empty: bool = Field(
        default=True, description="Whether an empty page is the end; if not, something else has to tell it"
    )

    @model_validator(mode="after")
    def _there_is_an_end(self) -> Self:
        if not self.stop_after_empty and not (self.pages or self.has_more or self.maximum is not None):
            raise ValueError("stop_after_empty: false needs pages, has_more or maximum")
        return self


class Offset(Counted):
    """Pages start at a record's number; an empty page is the end."""

    kind: Literal["offset"]
    param: Name = "offset"
    start: int = Field(0, ge=0)
    limit: int = Field(100, ge=1)
    limit_param: Name = "limit"


class NextCursor(Entry):
    """The body holds a token for the next page, or null."""

    kind: Literal["cursor"]
    path: Name = Field("next_cursor", description="Dotted path in the body")
    param: Name = "cursor"
    where: Literal["query", "body"] = Field("query", description="Where the token is sent")
    has_more: Name | None = Field(None, description="Dotted path to what says false on the last page")


class HeaderCursor(Entry):
    """A header of the answer holds a token for the next page."""

    kind: Literal["header_cursor"]
    header: Name = "X-Next-Cursor"
    param: Name = "cursor"


class LinkHeader(Entry):
    """The answer's Link header holds the address of the next page (`rel="next"`)."""

    kind: Literal["link_header"]
    rel: Name = "next"


class SinglePage(Entry):
    """There is one page, whatever the answer says of others."""

    kind: Literal["single"]


Paginate = Annotated[
    NextURL | PageNumber | Offset | NextCursor | HeaderCursor | LinkHeader | SinglePage,
    Field(discriminator="kind"),
]


class FieldCursor(Cursor):
    """Incremental loading: only what is newer than the greatest value loaded so far is asked for."""

    column: Name = Field(alias="field", description="The records' field that grows")
    param: Name | None = Field(
        None,
        description=f"The query parameter that takes the value loaded last; or write {START} in params or json",
    )
    initial: Scalar | None = Field(None, description="What is asked for at first; by default everything")


class Asked(LandedSource):
    """How a web API is asked for one table's records."""

    url: URL | None = Field(None, description="Address; {parent.FIELD} takes a field of the parent's row")
    method: Literal["GET", "POST"] = "GET"
    json_body: dict[str, Any] = Field(
        {}, alias="json", description="POST: the body of each request; secret://NAME allowed"
    )
    records: str | None = Field(None, description="Dotted path in the body to the list of records")
    total: Name | None = Field(
        None,
        description="Dotted path, or `header NAME`, to the number of all records, against which they are counted",
    )
    params: dict[str, Scalar] = Field({}, description="Query parameters; secret://NAME allowed")
    headers: dict[str, str] = Field({}, description="Request headers; secret://NAME allowed")
    auth: Auth | None = Field(None, description="Credentials")
    paginate: Paginate | None = None
    cursor: FieldCursor | None = None
    refresh: Refresh | None = Field(
        None,
        description="Without a cursor: how old what was loaded may be, such as 6h; by default all is read to see",
    )
    parent: Name | None = Field(
        None,
        description="Table with a row for each request, such as raw.orders; those that changed are asked for",
    )
    parent_name: Name | None = Field(
        None, description="What columns with the parent's fields call it; by default the table's name"
    )
    include: list[Name] = Field([], description="Fields of the parent that become columns `_PARENT_FIELD`")
    at_once: int = Field(4, description="Requests for rows of the parent at the same time", ge=1, le=32)
    ignore: list[int] = Field([], description="HTTP statuses, such as 404, that mean no records")
    max_requests_per_minute: int | None = Field(None, description="Requests are spread evenly", ge=1)
    max_page_mb: int = Field(256, description="The most megabytes one answer may have, unpacked", ge=1)
    timeout: float = Field(30.0, description="Seconds to wait for one answer", gt=0)

    @model_validator(mode="after")
    def _cursor_goes_somewhere(self) -> Self:
        if self.cursor is None:
            return self
        if self.parent is not None:
            raise ValueError("with a parent, its changed rows are asked for: cursor is not needed")
        is_written = START in str([self.params, self.json_body])
        if self.cursor.param is None and not is_written:
            raise ValueError(
                f"cursor: key 'param' is missing: where does the value go? ({START} may stand in params)"
            )
        if self.refresh is not None:
            raise ValueError("refresh is for sources without a cursor: with one, the API is asked for news")
        return self

    @model_validator(mode="after")
    def _children_have_parents(self) -> Self:
        takes = "{parent." in str([self.url, self.params, self.json_body])
        if takes and self.parent is None:
            raise ValueError("{parent.FIELD} needs a parent: the table whose rows are asked for")
        if self.parent is not None and not takes:
            raise ValueError("parent: no {parent.FIELD} stands in url, params or json")
        return self

    @model_validator(mode="after")
    def _body_is_posted(self) -> Self:
        where = getattr(self.paginate, "where", "query")
        if self.method == "GET" and (self.json_body or where == "body"):
            raise ValueError("json and where: body need method: POST")
        return self
