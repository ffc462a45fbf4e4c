"""Where results are shared: a folder, or storage that speaks S3, through one library that knows both.

Nothing is ever overwritten: a name is written once, by a conditional put, and whoever comes second finds it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, S3Store

from ropewalk.pipeline.object_errors import CacheRefused, CacheUnreachable, InvalidCacheAddress

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Remote

# Up to here an object travels in one request, which can be conditional; S3 itself would allow 5 GiB.
ONE_REQUEST = 64 << 20
# Larger objects come in pieces, each with its own time-out, so that a slow line is no broken one.
PIECE = 16 << 20
# As many names as S3 tells in one answer.
LISTED = 1000
TIMEOUT = "60s"
CONNECT_TIMEOUT = "5s"
_PLACES = {
    "cache": "the shared cache",
    "artifact_storage": "the storage of artifacts",
    "storage": "the storage of artifacts",
}
_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^?#]*))?")
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_S3_CODE = re.compile(r"<Code>(\w+)</Code>")


class SharedStorage:
    """Named bytes that several machines see; the methods' names are relative to the address.

    Every method raises `CacheUnreachable` when the storage does not answer, and `CacheRefused` when it refuses.
    Once it did not answer it is not asked again: a thousand nodes would otherwise wait a thousand times.
    """

    def __init__(self, remote: Remote, address: str, setting: str = "cache") -> None:
        self._remote = remote
        self.address = address
        self._setting = setting
        self._down: str | None = None

    def read(self, name: str) -> bytes | None:
        """Return the bytes of that name, or None."""
        with self._said_clearly():
            try:
                return bytes(obstore.get(self._remote, name).bytes())
            except (NotFoundError, FileNotFoundError):
                return None
        raise AssertionError  # either branch above returns or raises

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of that name piece by piece; nothing when there is none."""
        size = self.size(name) or 0
        for start in range(0, size, PIECE):
            with self._said_clearly():
                length = min(PIECE, size - start)
                yield bytes(obstore.get_range(self._remote, name, start=start, length=length))

    def size(self, name: str) -> int | None:
        """Return how many bytes that name has, or None when there is none."""
        with self._said_clearly():
            try:
                return int(obstore.head(self._remote, name)["size"])
            except (NotFoundError, FileNotFoundError):
                return None
        raise AssertionError  # either branch above returns or raises

    def readable_address(self, name: str, lasting: timedelta) -> str:
        """Return a URL at which anyone can read the bytes of that name for that long."""
        if not isinstance(self._remote, S3Store):
            raise CacheRefused(f"{self.address} has no addresses that others could read")
        with self._said_clearly():
            return obstore.sign(self._remote, "GET", name, lasting)
        raise AssertionError  # either branch above returns or raises

    def create(self, name: str, content: bytes | Path) -> bool:
        """Write the bytes unless the name is taken; False when it is."""
        large = isinstance(content, Path) and content.stat().st_size > ONE_REQUEST
        with self._said_clearly():
            # No storage takes several requests under one condition. A large object is named by its digest, so two
            # that write it at once write the same, and each appears as a whole or not at all.
            mode: Literal["create", "overwrite"] = "overwrite" if large else "create"
            try:
                obstore.put(self._remote, name, content, mode=mode, use_multipart=large, chunk_size=PIECE)
            except AlreadyExistsError:
                return False
        return True

    def names(self) -> Iterator[tuple[str, int, float]]:
        """Yield every name there is with its size and the time (UTC seconds) at which it was written."""
        with self._said_clearly():
            for page in obstore.list(self._remote, chunk_size=LISTED):
                for one in page:
                    yield one["path"], one["size"], one["last_modified"].timestamp()

    def remove(self, names: Sequence[str]) -> None:
        """Remove what has these names; one that is gone already is no error."""
        with self._said_clearly(), suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._remote, names)

    def replace(self, name: str, content: Path) -> None:
        """Write the bytes in place of what has the name."""
        with self._said_clearly():
            obstore.put(self._remote, name, content, chunk_size=PIECE)

    @contextmanager
    def _said_clearly(self) -> Iterator[None]:
        if self._down is not None:
            raise self._unreachable(self._down)
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise CacheRefused(
                f"{_PLACES[self._setting]} {self.address} refuses: {_told(error)}",
                hint="check the credentials (AWS_ACCESS_KEY_ID, ...) and that they may read, list and write there",
            ) from error
        except (NotFoundError, FileNotFoundError) as error:
            raise CacheRefused(
                f"{_PLACES[self._setting]} {self.address} does not exist: {_told(error)}",
                hint=f"make the bucket, or correct the setting `{self._setting}`",
            ) from error
        except (BaseError, OSError) as error:
            self._down = _told(error)
            raise self._unreachable(self._down) from error

    def _unreachable(self, told: str) -> CacheUnreachable:
        return CacheUnreachable(
            f"{_PLACES[self._setting]} {self.address} cannot be used: {told}",
            hint=f"check the setting `{self._setting}` and the network (AWS_ENDPOINT_URL, AWS_REGION)",
        )


def open_storage(address: str, root: Path, setting: str = "cache") -> SharedStorage:
    """Return the storage at `address`: `s3://BUCKET/PREFIX`, or a folder, relative to `root`.

    `setting` is the setting that says so, which errors name.

    Nothing is sent before something is asked for. Credentials, region and endpoint come from the environment names
    that all S3 clients use, such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL.

    Raises:
        InvalidCacheAddress: it is neither.
        CacheRefused: the folder cannot be made.
    """
    if "://" in address:
        return SharedStorage(_open_bucket(address, setting), address, setting)
    return SharedStorage(_open_folder(root / Path(address).expanduser()), address)


def _open_bucket(address: str, setting: str) -> Remote:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        # The address is not repeated: people write credentials into addresses.
        raise InvalidCacheAddress(
            f"the setting `{setting}` is neither a folder nor s3://BUCKET/PREFIX",
            hint="credentials and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL",
        )
    return S3Store(
        found["bucket"],
        prefix=(found["prefix"] or "").strip("/") or None,
        # Plain HTTP only where the endpoint says so, as it does on a test machine; requests carry no secret.
        client_options={"timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, "allow_http": True},
        # The library's own patience of three minutes would hold up every run on a train.
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def _open_folder(folder: Path) -> Remote:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheRefused(
            f"the folder {folder} of the shared cache cannot be made: {error.strerror}",
            hint="make it, or correct the setting `cache`",
        ) from error
    return LocalStore(folder)


def _told(error: Exception) -> str:
    """Return what a person needs of the library's page of text, which repeats whole requests."""
    text = str(error)
    known = [match[1].strip() for pattern in (_STATUS, _S3_CODE) if (match := pattern.search(text))]
    return ", ".join(known) or text.partition("\n")[0][:300]
