"""Named bytes in a folder or a bucket, with the one promise that publishing needs: compare, then swap."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, S3Store

from ropewalk.dataops.publish.errors import (
    InvalidPublication,
    PublishFailed,
    TargetRefused,
    TargetUnreachable,
)

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^?#]*))?")
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)|<Code>(\w+)</Code>")
PIECE = 16 << 20
RETRIES = 3


class SwapLost(Exception):
    """Somebody else wrote the name since it was read."""


class Storage:
    """The files below one address; methods raise `TargetRefused`, `TargetUnreachable` and `PublishFailed`."""

    def __init__(self, remote: ObjectStore, address: str, folder: Path | None = None) -> None:
        self._remote = remote
        self._folder = folder
        self.address = address

    def read(self, name: str) -> tuple[bytes, str | None] | None:
        """Return the bytes of that name and what tells this version of them; None when there are none."""
        with self._said_clearly():
            try:
                found = obstore.get(self._remote, name)
            except (NotFoundError, FileNotFoundError):
                return None
            return bytes(found.bytes()), found.meta["e_tag"]
        raise AssertionError  # either branch above returns or raises

    def has(self, name: str, size: int) -> bool:
        """Return whether that name is there with so many bytes."""
        with self._said_clearly():
            try:
                return int(obstore.head(self._remote, name)["size"]) == size
            except (NotFoundError, FileNotFoundError):
                return False
        raise AssertionError  # either branch above returns or raises

    def write(self, name: str, content: Path) -> None:
        """Write a file under that name; it is there as a whole or not at all."""
        with self._said_clearly():
            obstore.put(self._remote, name, content, chunk_size=PIECE)

    def swap(self, name: str, content: bytes, version: str | None) -> None:
        """Write the bytes in place of just the version that was read; None: of nothing.

        Raises:
            SwapLost: it is another version by now.
        """
        with self._said_clearly():
            try:
                self._put(name, content, version)
            except (PreconditionError, AlreadyExistsError):
                raise SwapLost from None

    def remove_below(self, prefix: str) -> None:
        """Remove all that has a name below `prefix`."""
        with self._said_clearly():
            for batch in obstore.list(self._remote, prefix=prefix):
                obstore.delete(self._remote, [item["path"] for item in batch])

    def _put(self, name: str, content: bytes, version: str | None) -> None:
        if self._folder is None:
            mode = "create" if version is None else {"e_tag": version}
            obstore.put(self._remote, name, content, mode=mode, use_multipart=False)  # type: ignore[arg-type]  # a literal or a dict
            return
        # Folders know no conditions, but locks.
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".ropewalk-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self.read(name)
            if (found[1] if found else None) != version:
                raise SwapLost
            obstore.put(self._remote, name, content)

    @contextmanager
    def _said_clearly(self) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise TargetRefused(
                f"{self.address} refuses: {_told(error)}",
                hint="check the credentials (AWS_ACCESS_KEY_ID, ...) and that they may read, list and write there",
            ) from error
        except (NotFoundError, FileNotFoundError) as error:
            raise PublishFailed(
                f"{self.address} does not exist: {_told(error)}", hint="make the bucket"
            ) from error
        except (BaseError, OSError) as error:
            raise TargetUnreachable(
                f"{self.address} cannot be used: {_told(error)}",
                hint="check the address and the network (AWS_ENDPOINT_URL, AWS_REGION)",
            ) from error


def open_storage(address: str, root: Path) -> Storage:
    """Return the storage at `address`: `s3://BUCKET/PREFIX`, or a folder, relative to `root`; nothing is sent yet.

    Raises:
        InvalidPublication: it is neither.
        TargetRefused: the folder cannot be made.
    """
    if "://" not in address:
        folder = root / Path(address).expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TargetRefused(f"the folder {folder} cannot be made: {error.strerror}") from error
        return Storage(LocalStore(folder), address, folder)
    found = _ADDRESS.fullmatch(address)
    if found is None:
        # The address is not repeated: people write credentials into addresses.
        raise InvalidPublication(
            "the path of this publication is neither a folder nor s3://BUCKET/PREFIX",
            hint="credentials and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL",
        )
    remote = S3Store(
        found["bucket"],
        prefix=(found["prefix"] or "").strip("/") or None,
        # Plain HTTP only where the endpoint says so, as it does on a test machine.
        client_options={"timeout": "60s", "connect_timeout": "5s", "allow_http": True},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=20)},
    )
    return Storage(remote, address)


def _told(error: Exception) -> str:
    """Return what a person needs of the library's page of text, which repeats whole requests."""
    text = str(error)
    known = _STATUS.search(text)
    return (known[1] or known[2]).strip() if known else text.partition("\n")[0][:300]
