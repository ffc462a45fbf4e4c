"""Files at an address: a bucket that speaks S3, listed, or one file of a web server.

What an address shows of a file (its tag, or else its size and when it changed) stands for its content: nothing is
fetched to find out that nothing changed. No secret is part of what is known: names, tags and sizes are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from blake3 import blake3

from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import (
    FilesMissing,
    InvalidSource,
    SourceBroken,
    SourceMoved,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.file_digests import LENGTH
from ropewalk.dataops.sources.found_files import FoundFile
from ropewalk.dataops.sources.redact import redact_url
from ropewalk.dataops.sources.secrets import resolve_secrets
from ropewalk.errors import Place

if TYPE_CHECKING:
    from httpx import Client, Response
    from obstore.store import S3Store as ObjectStore

TIMEOUT_S = 60
PIECE = 4 << 20
_GLOB = re.compile(r"[*?\[]")
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)|<Code>(\w+)</Code>|(\d{3} [A-Z][a-z]+)")
_REFUSALS = {
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "403 Forbidden",
    "401 Unauthorized",
}
_HINT = "check the address, the network and options (endpoint, region, access_key_id, secret_access_key)"


class Remote(Protocol):
    """Where the files of a source lie."""

    def list(self) -> list[FoundFile]:
        """Return what is there, by its address.

        Raises:
            FilesMissing: there is none.
            SourceUnreachable, SourceRefused: it cannot be asked.
        """

    def fetch(self, file: FoundFile, to: Path) -> None:
        """Write a file that was listed to `to`.

        Raises:
            SourceMoved: it is another by now.
            SourceUnreachable, SourceRefused: it cannot be fetched.
        """


def open_remote(source: FilesSource, place: Place) -> Remote:
    """Return where the files of `source` lie; nothing is asked yet."""
    return Bucket(source, place) if source.path.lower().startswith("s3://") else WebFile(source, place)


class Bucket:
    """Files in a bucket whose names match a pattern."""

    def __init__(self, source: FilesSource, place: Place) -> None:
        parts = urlsplit(source.path)
        self.place = place
        self.name, self.pattern = parts.netloc, source.path.partition("://")[2].partition("/")[2]
        if "@" in self.name or not self.name or not self.pattern:
            # The address is not repeated: people write credentials into addresses.
            raise InvalidSource(
                "path: the address is not s3://BUCKET/NAMES",
                place=place,
                hint="give credentials as options: {access_key_id: secret://..., secret_access_key: secret://...}",
            )
        self._options = source.options

    def list(self) -> list[FoundFile]:
        """Return the objects that match, sorted by name."""
        import obstore

        fixed = _GLOB.split(self.pattern)[0]
        prefix = fixed.rpartition("/")[0] or None
        matches = re.compile(_glob(self.pattern)).fullmatch
        with self._said_clearly():
            remote = self._open()
            found = [
                item
                for batch in obstore.list(remote, prefix=prefix)
                for item in batch
                if matches(item["path"])
            ]
        if not found:
            raise FilesMissing(f"no object matches s3://{self.name}/{self.pattern}", place=self.place)
        return sorted((self._found(dict(item)) for item in found), key=lambda file: file.path)

    def fetch(self, file: FoundFile, to: Path) -> None:
        """Write the object's bytes to `to`."""
        import obstore

        with self._said_clearly():
            got = obstore.get(self._open(), file.path.removeprefix(f"s3://{self.name}/"))
            if self._found(dict(got.meta)) != file:
                raise _moved(file, self.place)
            with to.open("wb") as stream:
                for block in got.stream(min_chunk_size=PIECE):
                    stream.write(block)

    def _found(self, item: Mapping[str, object]) -> FoundFile:
        size = int(str(item["size"]))
        state = item.get("e_tag") or item.get("last_modified")
        return FoundFile(f"s3://{self.name}/{item['path']}", _state_digest(state, size), size)

    def _open(self) -> ObjectStore:
        from obstore.store import S3Store

        options = resolve_secrets(self._options)
        return S3Store(
            self.name,
            config=options,  # type: ignore[arg-type]  # whatever keys obstore knows
            # Plain HTTP only where the endpoint says so, as it does on a test machine.
            client_options={"timeout": f"{TIMEOUT_S}s", "connect_timeout": "5s", "allow_http": True},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    @contextmanager
    def _said_clearly(self) -> Iterator[None]:
        from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

        where = f"s3://{self.name}"
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise SourceRefused(f"{where} refuses: {_told(error)}", place=self.place, hint=_HINT) from None
        except (NotFoundError, FileNotFoundError) as error:
            raise FilesMissing(f"{where}: {_told(error)}", place=self.place, hint=_HINT) from None
        except (BaseError, OSError) as error:
            if _told(error) in _REFUSALS:
                raise SourceRefused(
                    f"{where} refuses: {_told(error)}", place=self.place, hint=_HINT
                ) from None
            # The library's text repeats requests, which may hold credentials.
            raise SourceUnreachable(
                f"{where} cannot be used: {_told(error)}", place=self.place, hint=_HINT
            ) from None
        except (TypeError, ValueError):
            known = "access_key_id, secret_access_key, session_token, region, endpoint, skip_signature"
            raise InvalidSource(
                "options: one of them is none of S3's", place=self.place, hint=f"such as {known}"
            ) from None


class WebFile:
    """One file of a web server."""

    def __init__(self, source: FilesSource, place: Place) -> None:
        self.place = place
        self.url = source.path
        self.shown = redact_url(source.path)
        self._headers = source.options
        if _GLOB.search(self.shown.partition("?")[0]):
            raise InvalidSource(
                "path: a web server cannot be asked which files it has",
                place=place,
                hint="name one file, or declare a source for each",
            )

    def list(self) -> list[FoundFile]:
        """Return the file as the server describes it; one that tells nothing is fetched and looked at."""
        import httpx

        with self._client() as client, self._said_clearly():
            answer = client.head(self.url)
            size = int(answer.headers.get("Content-Length") or -1)
            state = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            if answer.status_code == httpx.codes.OK and state:
                return [FoundFile(self.shown, _state_digest(state, size), size)]
            with client.stream("GET", self.url) as got:
                self._require(got)
                return [self._looked_at(got)]

    def fetch(self, file: FoundFile, to: Path) -> None:
        """Write the file's bytes to `to`."""
        with self._client() as client, self._said_clearly(), client.stream("GET", self.url) as got:
            self._require(got)
            with to.open("wb") as stream:
                for block in got.iter_bytes(PIECE):
                    stream.write(block)

    def _looked_at(self, got: Response) -> FoundFile:
        digest, size = blake3(), 0
        for block in got.iter_bytes(PIECE):
            digest.update(block)
            size += len(block)
        return FoundFile(self.shown, digest.hexdigest()[:LENGTH], size)

    def _client(self) -> Client:
        import httpx

        # No redirects: they would carry the headers, which may hold credentials, to another host.
        return httpx.Client(headers=resolve_secrets(self._headers), timeout=TIMEOUT_S)

    def _require(self, got: Response) -> None:
        status = f"{self.shown} answered {got.status_code} {got.reason_phrase}".strip()
        if got.status_code in {401, 403}:
            raise SourceRefused(status, place=self.place, hint="options: {Authorization: secret://NAME}")
        if got.status_code == 404:
            raise FilesMissing(status, place=self.place)
        if got.status_code in {408, 425, 429, 500, 502, 503, 504}:
            raise SourceUnreachable(status, place=self.place, hint="run again later")
        if got.status_code != 200:
            raise SourceBroken(status, place=self.place, hint="check the address; redirects are not followed")

    @contextmanager
    def _said_clearly(self) -> Iterator[None]:
        import httpx

        try:
            yield
        except (httpx.TransportError, httpx.InvalidURL):
            # httpx's own words may hold the whole address.
            raise SourceUnreachable(
                f"{self.shown} cannot be reached", place=self.place, hint="run again later"
            ) from None


def _glob(pattern: str) -> str:
    """Return a pattern of names as a regular expression: * stays within a folder, ** goes below."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        known.get(part) or translate(part).removeprefix("(?s:").removesuffix(r")\Z") for part in parts
    )


def _state_digest(state: object, size: int) -> str:
    return blake3(f"{state}|{size}".encode()).hexdigest()[:LENGTH]


def _moved(file: FoundFile, place: Place) -> SourceMoved:
    return SourceMoved(f"{file.path} changed while it was fetched", place=place, hint="run again")


def _told(error: Exception) -> str:
    """Return what a person needs of the library's page of text."""
    known = _STATUS.search(str(error))
    return next(part for part in known.groups() if part).strip() if known else type(error).__name__
