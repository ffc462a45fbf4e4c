"""Uploads in parts, and addresses that whoever knows them may use for one thing for a while.

A part is an object of the store like any other, so what has arrived stays when a client or the server ends, and only
what is missing is sent again. Such an address carries what it is good for, signed: there is nothing in it to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath

import msgspec

from ropewalk.mlops.tracking.artifacts import place_artifact, safe_path
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownUpload, UnsafePath
from ropewalk.mlops.tracking.wire.tokens import read_token, write_token
from ropewalk.pipeline import Kept, StoredObject, Swept, Workspace
from ropewalk.store import now_ms
from ropewalk.store import uploads as table
from ropewalk.store.uploads import Part, Upload

# What S3 takes too, so that one limit holds wherever artifacts are.
MOST_PARTS = 10_000
LASTING_S = 3600
LONGEST_S = 24 * 3600
_BLOCK = 1 << 20


class Ticket(msgspec.Struct, array_like=True):
    """What an address is good for.

    Attributes:
        verb: `part` to send a part, `put` to send a file, `get` to read one.
        subject: the upload's id, or the path of the file.
        number: of the part; 0 for files.
        ends_at: until when, in UTC milliseconds.
    """

    verb: str
    subject: str
    number: int
    ends_at: int


def write_ticket(
    workspace: Workspace, verb: str, subject: str, *, number: int = 0, lasting_s: int | None = None
) -> str:
    """Return a token that allows one thing.

    Raises:
        InvalidRequest: it is to last for no time, or too long.
    """
    lasting = LASTING_S if lasting_s is None else lasting_s
    if not 1 <= lasting <= LONGEST_S:
        raise InvalidRequest(f"expiration must be between 1 and {LONGEST_S} seconds, not {lasting}")
    return write_token(workspace, Ticket(verb, subject, number, now_ms() + lasting * 1000), "ticket")


def read_ticket(workspace: Workspace, token: str, verb: str) -> Ticket:
    """Return what a token allows.

    Raises:
        UnknownUpload: it was made by somebody else, is for something else, or has ended.
    """
    try:
        ticket = read_token(workspace, token, Ticket, "ticket")
    except InvalidRequest:
        ticket = None
    # One answer for all: whoever guesses learns nothing.
    if ticket is None or ticket.verb != verb or ticket.ends_at < now_ms():
        raise UnknownUpload("this address is not valid, or not any more", hint="ask for a new one")
    return ticket


def begin_upload(workspace: Workspace, folder: str, local_file: str, parts: int) -> Upload:
    """Begin an upload of a file in that many parts, to `folder` under the last name of the client's path.

    Raises:
        InvalidRequest: the number of parts does not fit.
        UnsafePath: the path is not a plain relative one.
    """
    if not 1 <= parts <= MOST_PARTS:
        raise InvalidRequest(f"num_parts must be between 1 and {MOST_PARTS}, not {parts}")
    with workspace.database.write() as connection:
        return table.begin_upload(connection, file_path(folder, local_file), parts)


def file_path(folder: str, local_file: str) -> str:
    """Return where a file of that path on the client's machine is to stand.

    Raises:
        UnsafePath: that is no plain relative path.
    """
    # The client says its whole path, which no server needs; it may be one of Windows.
    name = PureWindowsPath(PurePosixPath(local_file).name).name
    if not name:
        raise UnsafePath("Invalid path", detail=local_file[:200])
    return safe_path(f"{folder.strip('/')}/{name}")


def get_upload(workspace: Workspace, upload_id: str, path: str | None = None) -> Upload:
    """Return an upload with the parts that have arrived.

    Raises:
        UnknownUpload: there is none of that id, or it is one of another path.
    """
    with workspace.database.read() as connection:
        found = table.find_upload(connection, upload_id)
    if found is None or (path is not None and found.path != path):
        raise UnknownUpload(f"there is no upload {upload_id[:64]!r} of that path, or it is over")
    return found


def keep_part(workspace: Workspace, ticket: Ticket, stored: StoredObject) -> None:
    """Keep a part that has arrived.

    Raises:
        UnknownUpload: its upload is over.
    """
    get_upload(workspace, ticket.subject)
    with workspace.database.write() as connection:
        # Looked at again within: a part must not stay behind its upload.
        if table.find_upload(connection, ticket.subject) is None:
            raise UnknownUpload(f"the upload {ticket.subject!r} is over")
        table.add_part(connection, ticket.subject, Part(ticket.number, stored.digest, stored.size))


def finish_upload(workspace: Workspace, upload: Upload, tags: Mapping[int, str]) -> StoredObject:
    """Let the whole file stand at its path.

    Args:
        workspace: the open project.
        upload: the upload.
        tags: the digest of each part as the client was told it.

    Raises:
        InvalidRequest: parts are missing, or are not those that the client means.
        PathTaken: a folder stands there, or a file stands where a folder would be needed.
    """
    arrived = {part.number: part.digest for part in upload.arrived}
    if missing := [number for number in range(1, upload.parts + 1) if number not in arrived]:
        raise InvalidRequest(f"{len(missing)} of {upload.parts} parts have not arrived: {missing[:10]}")
    wrong = [number for number, tag in tags.items() if tag.strip('"') != arrived.get(number)]
    if wrong or len(tags) != upload.parts:
        raise InvalidRequest(f"the parts {wrong[:10]} are not those that arrived", hint="send them again")
    stored = workspace.objects.put_blocks(_blocks(workspace, upload))
    place_artifact(workspace, upload.path, stored)
    abort_upload(workspace, upload)
    return stored


def abort_upload(workspace: Workspace, upload: Upload) -> None:
    """Forget an upload; the objects of its parts go with the next collection of garbage."""
    with workspace.database.write() as connection:
        table.end_upload(connection, upload.id)


def sweep_uploads(workspace: Workspace, kept: Kept) -> Swept:
    """Forget the uploads that nobody went on with, and return how many; their parts are garbage then."""
    if kept.is_dry:
        with workspace.database.read() as connection:
            return Swept("unfinished uploads", table.count_forgotten(connection))
    with workspace.database.write() as connection:
        return Swept("unfinished uploads", table.forget_uploads(connection))


def _blocks(workspace: Workspace, upload: Upload) -> Iterator[bytes]:
    for part in upload.arrived:
        with workspace.objects.path(part.digest).open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
