"""Opening the way to a web API: its headers, credentials and limits as a declaration gives them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx
import msgspec

from ropewalk.dataops.sources.errors import SourceRefused
from ropewalk.dataops.sources.fetch import ATTEMPTS, Asking, Question, fetch
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.rest_auth import (
    NO_AUTH,
    Authorizer,
    ClientCredentials,
    api_key,
    basic,
    bearer,
)
from ropewalk.dataops.sources.rest_declarations import (
    APIKeyAuth,
    Asked,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCredentialsAuth,
)
from ropewalk.dataops.sources.rest_pace import Pace
from ropewalk.dataops.sources.secrets import SCHEME, resolve_secrets
from ropewalk.errors import Place

_SECRET = re.compile(rf"{SCHEME}\w+")
FORM = "application/x-www-form-urlencoded"
# One pace for all tables of an API, as the limit is the API's; by origin and by what is declared.
_paces: dict[tuple[str, int], Pace] = {}
_lock = threading.Lock()


@contextmanager
def open_api(
    source: Asked, place: Place, stopping: threading.Event, attempts: int = ATTEMPTS
) -> Iterator[Asking]:
    """Yield the way to ask the API of `source`, closed after the block; nothing is asked yet.

    Args:
        source: the declaration.
        place: where it stands, for errors.
        stopping: ends pauses early when the run is to stop.
        attempts: how often a request is made that fails in a way that may pass.

    Raises:
        SecretMissing: a secret that it names is not there.
    """
    headers = resolve_secrets({"Accept": "application/json", **source.headers})
    # Only what the client always can unpack is accepted.
    headers = {"Accept-Encoding": "gzip, deflate", **headers}
    with httpx.Client(headers=headers, timeout=source.timeout) as client:
        plain = Asking(client, stopping, place, attempts)
        yield Asking(
            client,
            stopping,
            place,
            attempts,
            auth=make_authorizer(source.auth, plain),
            pace=_pace(source),
            largest=source.max_page_mb << 20,
            secrets=_other_secrets(source),
        )


def _other_secrets(source: Asked) -> tuple[str, ...]:
    """Return the secrets that are sent in headers, parameters and bodies."""
    names = set(_SECRET.findall(str([source.headers, source.params, source.json_body])))
    return tuple(_secret(name) for name in sorted(names))


def make_authorizer(auth: Auth | None, asking: Asking) -> Authorizer:
    """Return what adds the declared credentials to requests; a token is asked for with `asking` when it is needed.

    Raises:
        SecretMissing: a secret is not there.
    """
    match auth:
        case BearerAuth():
            return bearer(_secret(auth.token))
        case BasicAuth():
            return basic(_secret(auth.username), _secret(auth.password))
        case APIKeyAuth():
            location = "query" if auth.location == "param" else auth.location
            return api_key(auth.name, _secret(auth.api_key), location)
        case ClientCredentialsAuth():
            return _client_credentials(auth, asking)
        case _:
            return NO_AUTH


def _client_credentials(auth: ClientCredentialsAuth, asking: Asking) -> ClientCredentials:
    form = {
        "grant_type": "client_credentials",
        "client_id": _secret(auth.client_id),
        "client_secret": _secret(auth.client_secret),
        **{key: str(value) for key, value in auth.access_token_request_data.items()},
    }
    request = _token_request(auth.access_token_url, asking)
    return ClientCredentials(request, form, auth.default_token_expiration, auth.access_token_url)


def _token_request(address: str, asking: Asking) -> Callable[[Mapping[str, str]], Mapping[str, object]]:
    def request(form: Mapping[str, str]) -> Mapping[str, object]:
        packed = str(httpx.QueryParams(dict(form))).encode()
        # Headers of the API are no business of the server that gives tokens.
        with httpx.Client(headers={"Accept": "application/json"}, timeout=asking.client.timeout) as client:
            own = Asking(client, asking.stopping, asking.place, asking.attempts)
            answer = fetch(own, Question(httpx.URL(address), "POST", packed, FORM))
        try:
            told = msgspec.json.decode(answer.content, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            told = {}
        if not told.get("access_token"):
            raise SourceRefused(
                f"{redact_url(address)} gives no access_token",
                place=asking.place,
                hint="check access_token_url and access_token_request_data",
            )
        return told

    return request


def _secret(text: str) -> str:
    return resolve_secrets({"": text})[""]


def _pace(source: Asked) -> Pace:
    url = httpx.URL(source.url or "")
    key = (f"{url.scheme}://{url.host}:{url.port}", source.max_requests_per_minute or 0)
    with _lock:
        return _paces.setdefault(key, Pace(source.max_requests_per_minute))
