"""What `git` prints about a history, as rows; the formats are those of git-log(1) and git-for-each-ref(1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from ropewalk.dataops.sources.errors import ProgramGarbled

Row = Mapping[str, object]
TIME = "TIMESTAMP WITH TIME ZONE"
COMMIT_COLUMNS = {
    "commit_id": "VARCHAR",
    "parents": "VARCHAR[]",
    "author_name": "VARCHAR",
    "author_email": "VARCHAR",
    "authored_at": TIME,
    "committer_name": "VARCHAR",
    "committer_email": "VARCHAR",
    "committed_at": TIME,
    "subject": "VARCHAR",
    "body": "VARCHAR",
}
FILE_COLUMNS = {
    "commit_id": "VARCHAR",
    "path": "VARCHAR",
    "old_path": "VARCHAR",
    "lines_added": "BIGINT",
    "lines_deleted": "BIGINT",
}
AUTHOR_COLUMNS = {
    "email": "VARCHAR",
    "name": "VARCHAR",
    "commits": "BIGINT",
    "first_at": TIME,
    "last_at": TIME,
}
TAG_COLUMNS = {
    "tag": "VARCHAR",
    "commit_id": "VARCHAR",
    "is_annotated": "BOOLEAN",
    "tagger_name": "VARCHAR",
    "tagger_email": "VARCHAR",
    "tagged_at": TIME,
    "subject": "VARCHAR",
}
_COMMIT_FORMAT = ("%H", "%P", "%aN", "%aE", "%aI", "%cN", "%cE", "%cI", "%s", "%b")
_TAG_FORMAT = (
    "%(refname:strip=2)",
    "%(objectname)",
    "%(*objectname)",
    "%(objecttype)",
    "%(taggername)",
    "%(taggeremail:trim)",
    "%(creatordate:iso-strict)",
    "%(contents:subject)",
)
# `log.showSignature`, external diff programs and converters of a repository's own are programs of its own.
_LOG = ("log", "-z", "--no-show-signature", "--no-ext-diff", "--no-textconv", "--no-color", "--use-mailmap")
_BROKEN_OFF = "git stopped in the middle of a record"
_COUNTS = re.compile(rb"\n?(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
_COMMIT = re.compile(rb"\n?([0-9a-f]{40}|[0-9a-f]{64})")


def commits_command() -> tuple[str, ...]:
    """Return the arguments that list commits."""
    return (*_LOG, "--format=tformat:" + "%x00".join(_COMMIT_FORMAT))


def files_command() -> tuple[str, ...]:
    """Return the arguments that list the files that commits changed, renames found; merges change none by themselves."""
    return (*_LOG, "--numstat", "--find-renames", "--format=tformat:%H")


def tags_command() -> tuple[str, ...]:
    """Return the arguments that list tags."""
    return ("for-each-ref", "--format=" + "%00".join(_TAG_FORMAT) + "%00", "refs/tags")


def read_commits(output: IO[bytes]) -> Iterator[Row]:
    """Yield one row per commit.

    Raises:
        ProgramGarbled: it is not what git prints.
    """
    for fields in _groups(_tokens(output), len(_COMMIT_FORMAT)):
        texts = [_text(field) for field in fields]
        parents: object = texts[1].split()
        body = texts[-1].rstrip("\n")
        yield dict(zip(COMMIT_COLUMNS, [texts[0], parents, *texts[2:-1], body], strict=True))


def read_files(output: IO[bytes]) -> Iterator[Row]:
    """Yield one row per file that a commit changed.

    Raises:
        ProgramGarbled: it is not what git prints.
    """
    tokens = _tokens(output)
    commit = ""
    for token in tokens:
        if found := _COUNTS.fullmatch(token):
            # Of a renamed file the two names follow by themselves.
            old, new = (b"", found[3]) if found[3] else (next(tokens, b""), next(tokens, b""))
            if not new:
                raise ProgramGarbled(_BROKEN_OFF, hint="check the repository: `git fsck`")
            counts = [None if count == b"-" else int(count) for count in (found[1], found[2])]
            yield dict(zip(FILE_COLUMNS, [commit, _path(new), _path(old) or None, *counts], strict=True))
        elif head := _COMMIT.fullmatch(token):
            commit = head[1].decode()
        elif token.strip(b"\n"):
            raise ProgramGarbled(f"git printed something that is no change of a file: {token[:80]!r}")


def read_authors(output: IO[bytes]) -> Iterator[Row]:
    """Yield one row per author of the commits, by their address as the mailmap has it."""
    found: dict[str, dict[str, object]] = {}
    times: dict[str, list[str]] = {}
    # The newest commit comes first, so the name that is kept is the last one used.
    for row in read_commits(output):
        email = str(row["author_email"]).lower()
        author = found.setdefault(email, {"email": email, "name": row["author_name"], "commits": 0})
        author["commits"] = int(str(author["commits"])) + 1
        times.setdefault(email, []).append(str(row["authored_at"]))
    for email, author in sorted(found.items()):
        # As instants: texts in several zones do not sort.
        ordered = sorted(times[email], key=_instant)
        yield {**author, "first_at": ordered[0], "last_at": ordered[-1]}


def read_tags(output: IO[bytes]) -> Iterator[Row]:
    """Yield one row per tag."""
    for fields in _groups(_tokens(output), len(_TAG_FORMAT)):
        name, own, target, kind, tagger, email, when, subject = (_text(field) for field in fields)
        values = (
            name.lstrip("\n"),
            target or own,
            kind == "tag",
            tagger or None,
            email or None,
            when or None,
            subject,
        )
        yield dict(zip(TAG_COLUMNS, values, strict=True))


def write_rows(rows: Iterable[Row], path: Path) -> int:
    """Write rows as newline-delimited JSON; return how many there are."""
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _tokens(output: IO[bytes], size: int = 1 << 20) -> Iterator[bytes]:
    """Yield what stands between NULs."""
    held = b""
    while block := output.read(size):
        *whole, held = (held + block).split(b"\0")
        yield from whole
    if held.strip(b"\n"):
        yield held


def _groups(tokens: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    for token in tokens:
        group.append(token)
        if len(group) == size:
            yield group
            group = []
    if group:
        raise ProgramGarbled(_BROKEN_OFF, hint="check the repository: `git fsck`")


def _text(field: bytes) -> str:
    # Git does not require UTF-8, and DuckDB does.
    return field.decode("utf-8", "replace")


def _path(field: bytes) -> str:
    # Two names must not become one.
    return field.decode("utf-8", "backslashreplace")


def _instant(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


Reader = Callable[[IO[bytes]], Iterator[Row]]
