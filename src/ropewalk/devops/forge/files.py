"""Issues as Markdown files, `0001-slug.md`, for a project without a forge.

A file starts with a head between two lines of `---` (YAML: id, state, fingerprint, title, created), then
the body, then the comments. Each file is replaced whole, by one rename, so a reader never sees half of one.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import yaml

from ropewalk.devops.forge.errors import IssueMissing, IssueUnreadable
from ropewalk.errors import Place, nearest

State = Literal["open", "closed"]
_FILE = re.compile(r"^(\d{4,})-[a-z0-9-]*\.md$")
_FENCE = "---\n"
# Well below what a file system allows for a name, and enough to recognise the issue by.
_SLUG_LENGTH = 60


@dataclass(frozen=True)
class Issue:
    """One issue as its file says it.

    Attributes:
        number: its number, given once.
        state: open or closed.
        fingerprint: what it is about; at most one issue has it.
        title: one line.
        created: when it was opened, ISO 8601 in UTC.
        text: the body, and below it the comments.
        path: its file.
    """

    number: int
    state: State
    fingerprint: str
    title: str
    created: str
    text: str
    path: Path


class IssueFiles:
    """The issues in one folder; every method is safe against other threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, title: str, fingerprint: str, body: str) -> Issue:
        """Return the issue about `fingerprint`: a new one with `title` and `body`, or the one there is.

        A closed one is opened again; its title and text stay as they are.
        """
        with self._locked():
            known = self.find(fingerprint)
            if known:
                return self._write(replace(known, state="open")) if known.state == "closed" else known
            number = max((issue.number for issue in self.issues()), default=0) + 1
            path = self.folder / f"{number:04d}-{_slug(title)}.md"
            # Only a new issue gets a moment: one that is opened again keeps its first.
            created = datetime.now(UTC).isoformat(timespec="seconds")
            return self._write(
                Issue(number, "open", fingerprint, _one_line(title), created, f"{body.strip()}\n", path)
            )

    def comment(self, number: int, text: str, mark: str) -> bool:
        """Append a comment to an issue; return False when it has one with the same `mark` already.

        Raises:
            IssueMissing: no issue has the number.
        """
        with self._locked():
            issue = self.get(number)
            line = f"<!-- {mark} -->"
            if line in issue.text:
                return False
            moment = datetime.now(UTC).isoformat(timespec="seconds")
            added = f"{issue.text.rstrip()}\n\n## Comment, {moment}\n{line}\n\n{text.strip()}\n"
            self._write(replace(issue, text=added))
            return True

    def close(self, number: int) -> Issue:
        """Close an issue and return it.

        Raises:
            IssueMissing: no issue has the number.
        """
        with self._locked():
            return self._write(replace(self.get(number), state="closed"))

    def issues(self, state: State | None = None) -> list[Issue]:
        """Return the issues, or those in one state, by number.

        Raises:
            IssueUnreadable: a file's head cannot be read.
        """
        paths = sorted(self.folder.glob("*.md")) if self.folder.is_dir() else []
        issues = [_read(path) for path in paths if _FILE.match(path.name)]
        return sorted(
            (issue for issue in issues if state in (None, issue.state)), key=lambda issue: issue.number
        )

    def get(self, number: int) -> Issue:
        """Return one issue.

        Raises:
            IssueMissing: no issue has the number.
        """
        found = {issue.number: issue for issue in self.issues()}
        if number not in found:
            raise IssueMissing(
                f"there is no issue {number}",
                nearest=nearest(str(number), map(str, found)),
                hint=f"the issues are the files in {self.folder.name}/",
            )
        return found[number]

    def find(self, fingerprint: str) -> Issue | None:
        """Return the issue about `fingerprint`, or None."""
        return next((issue for issue in self.issues() if issue.fingerprint == fingerprint), None)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        # A number must not be given twice, nor a comment lost between reading and writing.
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, issue: Issue) -> Issue:
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".issue-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(_render(issue))
                # On disk before it takes the old file's place, or a power cut could leave it empty.
                stream.flush()
                os.fsync(stream.fileno())
            # A temporary file is its owner's alone; issues are for everyone who may read the project.
            Path(name).chmod(0o644)
            Path(name).replace(issue.path)
        finally:
            Path(name).unlink(missing_ok=True)
        return issue


def _render(issue: Issue) -> str:
    head = {
        "id": issue.number,
        "state": issue.state,
        "fingerprint": issue.fingerprint,
        "title": issue.title,
        "created": issue.created,
    }
    # One line per key, however long the title: people search these files with grep.
    shown = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10_000)
    return f"{_FENCE}{shown}{_FENCE}\n{issue.text}"


def _read(path: Path) -> Issue:
    try:
        parts = path.read_text(encoding="utf-8").split(_FENCE, 2)
        head = yaml.safe_load(parts[1])
        return Issue(
            number=int(head["id"]),
            state="closed" if head["state"] == "closed" else "open",
            fingerprint=str(head["fingerprint"]),
            title=str(head["title"]),
            created=str(head["created"]),
            text=parts[2].removeprefix("\n"),
            path=path,
        )
    except (OSError, yaml.YAMLError, IndexError, KeyError, TypeError, ValueError) as error:
        raise IssueUnreadable(
            f"the head of issue file {path.name} cannot be read: {error}",
            place=Place(str(path), 1, 1),
            hint="it needs id, state, fingerprint, title and created between two lines of ---",
        ) from error


def _one_line(title: str) -> str:
    # A line break in the title could end the head early.
    return " ".join(title.split())


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower())[:_SLUG_LENGTH].strip("-")
