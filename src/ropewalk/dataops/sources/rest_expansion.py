"""From the resources of one API to one source for each: with its own table, and its parent's table as an input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ropewalk.dataops.sources.errors import InvalidResource
from ropewalk.dataops.sources.redact import origin
from ropewalk.dataops.sources.rest_declarations import START
from ropewalk.dataops.sources.rest_resources import (
    Client,
    CursorPages,
    Endpoint,
    HeaderCursorPages,
    HeaderLink,
    Incremental,
    IncrementalParam,
    JSONLink,
    OffsetPages,
    PageNumberPages,
    ResolvedParam,
    Resource,
    ResourceDefaults,
    RESTSource,
)
from ropewalk.errors import Place, nearest

Fields: TypeAlias = dict[str, Any]
_FROM_RESOURCE = re.compile(r"\{resources\.(?P<resource>\w+)\.(?P<field>[\w.]+)\}")
# dlt knows the value by three names, which are the same where only newer records are asked for.
_STARTS = re.compile(r"\{incremental\.(start_value|last_value|initial_value)\}")
_DISPOSITIONS = {"append": "append", "replace": "replace", "merge": "merge"}


def expand_resources(name: str, source: RESTSource, place: Place) -> Iterator[tuple[str, RESTSource]]:
    """Yield the table's name without its schema, and the source, of each resource that is selected.

    A source with a single url is yielded as it is.

    Raises:
        InvalidResource: two resources have one name, or a parent is not there.
    """
    if source.client is None:
        yield name, source
        return
    resources = [Resource(name=item) if isinstance(item, str) else item for item in source.resources]
    known = [resource.name for resource in resources]
    for resource in resources:
        if known.count(resource.name) > 1:
            raise InvalidResource(f"source {name!r} has two resources {resource.name!r}", place=place)
    expansion = _Expansion(name, source, source.client, known, place)
    for resource in resources:
        if resource.selected:
            yield f"{name}_{resource.name}", expansion.source_of(resource)


class _Expansion:
    """The resources of one source on their way to sources of their own."""

    def __init__(self, name: str, source: RESTSource, client: Client, known: list[str], place: Place) -> None:
        self.name = name
        self.source = source
        self.client = client
        self.known = known
        self.place = place
        self.defaults = source.resource_defaults or ResourceDefaults()

    def source_of(self, resource: Resource) -> RESTSource:
        """Return one resource as a source with a url."""
        endpoint = self._endpoint(resource)
        parents: set[str] = set()
        params, incremental = self._params(resource, endpoint, parents)
        path = self._parented(endpoint.path if endpoint.path is not None else resource.name, parents)
        for key, value in endpoint.params.items():
            if isinstance(value, ResolvedParam):
                parents.add(value.resource)
                path = path.replace(f"{{{key}}}", f"{{parent.{value.field}}}")
        fields: Fields = {
            "kind": "rest",
            "url": _joined(self.client.base_url, path),
            "method": endpoint.method,
            "json": _each_text(endpoint.json_body, lambda text: _started(self._parented(text, parents))),
            "headers": {**self.client.headers, **endpoint.headers},
            "auth": endpoint.auth or self.client.auth,
            "records": endpoint.data_selector,
            "params": params,
            "ignore": [action.status_code for action in endpoint.response_actions],
            **self._paging(endpoint),
            **self._landing(resource),
            **self._shared(resource),
            **(_cursor(incremental) if incremental else {}),
            **self._family(resource, parents),
        }
        if origin(fields["url"]) != origin(self.client.base_url):
            # Whoever shares credentials between resources did not mean to give them to another host.
            raise self._refusal(resource, f"leads to another host than base_url, {origin(fields['url'])}")
        return self._made(resource, fields)

    def _endpoint(self, resource: Resource) -> Endpoint:
        """Return the endpoint with what the defaults add to it."""
        own = Endpoint(path=resource.endpoint) if isinstance(resource.endpoint, str) else resource.endpoint
        own, shared = own or Endpoint(), self.defaults.endpoint or Endpoint()
        given = {key: getattr(own, key) for key in own.model_fields_set}
        merged = {key: getattr(shared, key) for key in shared.model_fields_set} | given
        merged["params"] = {**shared.params, **own.params}
        merged["headers"] = {**shared.headers, **own.headers}
        return Endpoint.model_construct(**{**Endpoint().__dict__, **merged})

    def _params(
        self, resource: Resource, endpoint: Endpoint, parents: set[str]
    ) -> tuple[Fields, Incremental | None]:
        """Return the query parameters, and the incremental that one of them or the endpoint declares."""
        found, incremental = Fields(), endpoint.incremental
        for key, value in endpoint.params.items():
            match value:
                case ResolvedParam():
                    # It fills a gap in the path; without one it is an ordinary parameter.
                    if f"{{{key}}}" not in (endpoint.path or resource.name):
                        parents.add(value.resource)
                        found[key] = f"{{parent.{value.field}}}"
                case IncrementalParam():
                    incremental = Incremental(
                        cursor_path=value.cursor_path,
                        start_param=key,
                        initial_value=value.initial_value,
                        lag=value.lag,
                    )
                case str():
                    found[key] = _started(self._parented(value, parents))
                case _:
                    found[key] = value
        return found, incremental

    def _parented(self, text: str, parents: set[str]) -> str:
        """Return `text` with `{resources.NAME.FIELD}` as `{parent.FIELD}`, and note whose fields it takes."""
        parents |= {found["resource"] for found in _FROM_RESOURCE.finditer(text)}
        return _FROM_RESOURCE.sub(r"{parent.\g<field>}", text)

    def _paging(self, endpoint: Endpoint) -> Fields:
        given = endpoint.paginator or self.client.paginator
        if given is None:
            return {}
        return _paginate(_default_paginator(given) if isinstance(given, str) else given)

    def _landing(self, resource: Resource) -> Fields:
        key = resource.primary_key or self.defaults.primary_key or []
        write = resource.write_disposition or self.defaults.write_disposition
        told = write if isinstance(write, str) or write is None else write.strategy
        found: Fields = {"key": [key] if isinstance(key, str) else key}
        if told is not None:
            found["write"] = {"scd2": "history", "upsert": "merge"}.get(told, told)
        found["types"] = {**self.defaults.types, **resource.types}
        return found | self._policies(resource)

    def _policies(self, resource: Resource) -> Fields:
        found: Fields = {}
        for alias, name in (("schema", "schema_policy"), ("max_quarantined",) * 2, ("refresh",) * 2):
            own = getattr(resource, name)
            # A limit of 0 is declared, not left out.
            value = getattr(self.defaults, name) if own is None else own
            if value is not None:
                found[alias] = value
        return found

    def _shared(self, resource: Resource) -> Fields:
        names = ("on_unreachable", "timeout", "max_requests_per_minute", "max_page_mb")
        at_once = self.source.at_once if resource.parallelized and self.defaults.parallelized else 1
        return {name: getattr(self.source, name) for name in names} | {"at_once": at_once}

    def _family(self, resource: Resource, parents: set[str]) -> Fields:
        if not parents:
            return {}
        if len(parents) > 1:
            raise self._refusal(
                resource, f"takes fields of {' and '.join(sorted(parents))}; one parent is possible"
            )
        parent = next(iter(parents))
        if parent not in self.known or parent == resource.name:
            raise self._refusal(
                resource,
                f"takes a field of {parent!r}, which is no other resource",
                nearest(parent, self.known),
            )
        include = [*self.defaults.include_from_parent, *resource.include_from_parent]
        return {"parent": f"raw.{self.name}_{parent}", "parent_name": parent, "include": include}

    def _made(self, resource: Resource, fields: Fields) -> RESTSource:
        from pydantic import ValidationError

        try:
            # Without the defaults, so that facts tell what was declared and nothing else.
            return RESTSource(**{key: value for key, value in fields.items() if value not in (None, [], {})})
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise self._refusal(resource, f"cannot be asked for: {said}") from error

    def _refusal(self, resource: Resource, what: str, near: str | None = None) -> InvalidResource:
        return InvalidResource(
            f"source {self.name!r}: resource {resource.name!r} {what}", place=self.place, nearest=near
        )


def _paginate(paginator: object) -> Fields:
    """Return a paginator in our words, with the number of records that it tells of."""
    found: Fields = {"kind": "single"}
    match paginator:
        case JSONLink():
            found = {"kind": "next_url", "path": paginator.next_url_path}
        case HeaderLink():
            found = {"kind": "link_header", "rel": paginator.links_next_key}
        case HeaderCursorPages():
            found = {
                "kind": "header_cursor",
                "header": paginator.cursor_key,
                "param": paginator.cursor_param,
            }
        case CursorPages():
            found = _cursor_pages(paginator)
        case OffsetPages():
            return {"paginate": _offset_pages(paginator), "total": paginator.total_path}
        case PageNumberPages():
            found = _numbered_pages(paginator)
    return {"paginate": found}


def _cursor_pages(paginator: CursorPages) -> Fields:
    body = paginator.cursor_body_path
    return {
        "kind": "cursor",
        "path": paginator.cursor_path,
        "param": body or paginator.cursor_param or "cursor",
        "where": "body" if body else "query",
        "has_more": paginator.has_more_path,
    }


def _offset_pages(paginator: OffsetPages) -> Fields:
    body = paginator.offset_body_path
    return {
        "kind": "offset",
        "start": paginator.offset,
        "limit": paginator.limit,
        "param": body or paginator.offset_param,
        "limit_param": paginator.limit_body_path or paginator.limit_param,
        "where": "body" if body else "query",
        "has_more": paginator.has_more_path,
        "maximum": paginator.maximum_offset,
    }


def _numbered_pages(paginator: PageNumberPages) -> Fields:
    body = paginator.page_body_path
    return {
        "kind": "page",
        "start": paginator.base_page if paginator.page is None else paginator.page,
        "param": body or paginator.page_param,
        "where": "body" if body else "query",
        "pages": paginator.total_path,
        "stop_after_empty": paginator.stop_after_empty_page,
        "has_more": paginator.has_more_path,
        "maximum": paginator.maximum_page,
    }


def _default_paginator(kind: str) -> object:
    made = {
        "json_link": JSONLink,
        "header_link": HeaderLink,
        "cursor": CursorPages,
        "page_number": PageNumberPages,
    }
    return (
        made[kind](type=kind)
        if kind in made
        else HeaderCursorPages(type="header_cursor")
        if kind == "header_cursor"
        else None
    )


def _cursor(incremental: Incremental) -> Fields:
    lag = incremental.lag
    # A lag is a number of seconds where the cursor is a time, which only its value tells; whole ones keep the unit.
    is_time = isinstance(incremental.initial_value, str) and "-" in incremental.initial_value
    overlap = f"{lag:.0f}s" if lag and is_time else lag
    found = {
        "field": incremental.cursor_path,
        "param": incremental.start_param,
        "initial": incremental.initial_value,
    }
    return {
        "cursor": {
            **{key: value for key, value in found.items() if value is not None},
            **({"overlap": overlap} if overlap else {}),
        }
    }


def _each_text(value: Any, change: Any) -> Any:  # JSON of whatever shape
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    return [_each_text(inner, change) for inner in value] if isinstance(value, list) else value


def _started(text: str) -> str:
    return _STARTS.sub(START, text)


def _joined(base: str, path: str) -> str:
    if path.startswith(("http://", "https://")):
        return path
    return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
