"""Where the lake's data files are: a folder, or storage that speaks S3.

Credentials, region and endpoint come from the environment variables that all S3 clients read, as for the shared cache.
They go into a secret of the engine, which shows them to nobody, and are part of no message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from ropewalk.dataops.lake.errors import StorageTaken, translate_error
from ropewalk.dataops.lake.extensions import load_extension
from ropewalk.dataops.lake.names import literal
from ropewalk.settings import InvalidSetting

DATA_FOLDER = "data"
_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^?#*\[\]{}'\"\s]*)?")
_SHOWN = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


@dataclass(frozen=True)
class LakeStorage:
    """A place for data files.

    Attributes:
        path: the folder or the address, with a slash at its end.
        is_remote: whether it is an address.
        is_own: whether it is the lake's own folder, which is moved with the catalogue.
    """

    path: str
    is_remote: bool
    is_own: bool

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the engine of `connection` read and write here.

        Raises:
            ExtensionMissing: the extra `storage` is not installed.
        """
        if self.is_remote:
            use_s3(connection, self.path, "lake_storage")

    def require_empty(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Refuse a place that has files: two lakes in one place would remove each other's.

        Raises:
            StorageTaken: there are files.
            StorageUnreachable: it does not answer, or refuses.
        """
        if self.is_own:
            return
        try:
            found = connection.execute(f"FROM glob({literal(f'{self.path}**')}) LIMIT 1").fetchall()
        except duckdb.Error as error:
            raise translate_error(error) from error
        if found:
            raise StorageTaken(
                f"{self.path} holds files already, so no new lake is made there",
                hint="set ROPEWALK_STORAGE to an empty place, one for each project",
            )

    def require_same(self, stored: str) -> None:
        """Refuse to open a lake whose data are `stored` somewhere else.

        Raises:
            InvalidSetting: they are.
        """
        is_moved = not stored.startswith("s3://") and (self.is_own or not Path(stored).is_dir())
        if stored == self.path or (is_moved and not self.is_remote):
            return
        raise InvalidSetting(
            f"the data of this lake are in {stored}, not in {self.path}",
            hint="set ROPEWALK_STORAGE back; `ropewalk lake export` copies tables for another lake",
        )


def use_s3(connection: duckdb.DuckDBPyConnection, scope: str, name: str) -> None:
    """Let the engine of `connection` use what is below the address `scope`, by a secret of that name.

    Raises:
        ExtensionMissing: the extra `storage` is not installed.
    """
    load_extension(connection, "httpfs")
    # The extension has copied the environment's credentials into settings, which anybody's SELECT may show.
    for setting in _SHOWN:
        connection.execute(f"SET GLOBAL {setting} = ''")
    connection.execute(_secret(scope, name, os.environ))


def own_storage(folder: Path) -> LakeStorage:
    """Return the folder for data beside the catalogue in the lake's `folder`."""
    return LakeStorage(f"{folder / DATA_FOLDER}/", is_remote=False, is_own=True)


def read_storage(setting: str, folder: Path, root: Path) -> LakeStorage:
    """Return the place that the setting `storage` names; a folder is relative to the project's `root`.

    Raises:
        InvalidSetting: it is neither a folder nor s3://BUCKET/PREFIX.
    """
    if not setting:
        return own_storage(folder)
    if "://" not in setting:
        return LakeStorage(f"{(root / Path(setting).expanduser()).resolve()}/", is_remote=False, is_own=False)
    if not _ADDRESS.fullmatch(setting):
        # The address is not repeated: people write credentials into addresses.
        raise InvalidSetting(
            "the setting `storage` is neither a folder nor s3://BUCKET/PREFIX",
            hint="credentials and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL",
        )
    return LakeStorage(f"{setting.rstrip('/')}/", is_remote=True, is_own=False)


def _secret(path: str, name: str, environ: Mapping[str, str]) -> str:
    """Return the statement that tells the engine how to log in where `path` is."""
    options = {
        "KEY_ID": environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": environ.get("AWS_SESSION_TOKEN"),
        "REGION": _first(environ, _REGIONS) or "us-east-1",
    }
    address = urlsplit(_first(environ, _ENDPOINTS) or "")
    if address.netloc:
        # Servers of one's own have no name for each bucket, unless it is said that they have.
        is_hosted = environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true"
        options |= {"ENDPOINT": address.netloc, "URL_STYLE": "vhost" if is_hosted else "path"}
    given = [f"{name} {literal(value)}" for name, value in options.items() if value]
    # Plain HTTP only where the endpoint says so, as it does on a test machine; requests carry no secret.
    given += ["USE_SSL false"] if address.scheme == "http" else []
    return f"CREATE OR REPLACE SECRET {name} (TYPE s3, SCOPE {literal(path)}, {', '.join(given)})"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
