"""Asking `git` about a repository that somebody else may have made: nothing in it is ever executed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ropewalk.dataops.sources.errors import InvalidSource, ProgramMissing, SourceTableMissing
from ropewalk.errors import Place

# A repository's own configuration can name programs for most of what git does. What could be reached from the
# commands used here is switched off; the rest of the configuration, the machine's and the user's, is not read.
VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_SWITCHED_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.bare=true",
    "log.showSignature=false",
    "diff.external=",
    "i18n.logOutputEncoding=UTF-8",
    "protocol.allow=never",
    # In a container the repository often belongs to somebody else; nothing of it is executed.
    "safe.directory=*",
)
PROBE_S = 30


def switches() -> list[str]:
    """Return the options that switch off whatever would run a program."""
    return [part for option in _SWITCHED_OFF for part in ("-c", option)]


class GitRepository:
    """One repository as it is read.

    Attributes:
        folder: its `.git` folder, or the bare repository.
        shown: how it is named in messages.
        place: where the source is declared.
    """

    def __init__(self, folder: Path, shown: str, place: Place) -> None:
        self.folder = folder
        self.shown = shown
        self.place = place

    @classmethod
    def find(cls, path: Path, shown: str, place: Place) -> GitRepository:
        """Return the repository that the folder `path` is, or is in.

        Raises:
            SourceTableMissing: there is none.
            ProgramMissing: git is not installed.
        """
        if shutil.which("git") is None:
            raise ProgramMissing("git is not installed", place=place, hint="install it, such as by apt-get")
        for folder in (path, *path.parents):
            for found in (folder / ".git", folder):
                if (found / "HEAD").is_file() and (found / "objects").is_dir():
                    return cls(found, shown, place)
            if (folder / ".git").is_file():
                return cls(_linked(folder), shown, place)
        raise SourceTableMissing(f"there is no Git repository at {shown}", place=place)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that asks the repository."""
        mailmap = ["-c", "mailmap.file=/dev/null", "-c", "mailmap.blob=HEAD:.mailmap"]
        return ["git", "--no-pager", f"--git-dir={self.folder}", *switches(), *mailmap, *arguments]

    def ask(self, *arguments: str) -> str | None:
        """Return what git answers to a small question, or None when it knows no answer."""
        done = self._run(arguments)
        return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None

    def state(self, ref: str) -> dict[str, str]:
        """Return all that decides what the tables hold: the commit, the tags, the mailmap, where history is cut off.

        Raises:
            InvalidSource: `ref` is the name of nothing.
        """
        # The name cannot be taken for an option, whatever it looks like.
        commit = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if commit is None and not (ref == "HEAD" and self._is_empty()):
            raise InvalidSource(
                f"ref: {self.shown} has no branch, tag or commit {ref!r}",
                place=self.place,
                hint="`git branch --all` and `git tag` list them",
            )
        cut_off = self.folder / "shallow"
        return {
            "commit": commit or "",
            "tags": self._digest(
                self.ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags") or ""
            ),
            "mailmap": self.ask("rev-parse", "--verify", "--quiet", "HEAD:.mailmap") or "",
            "shallow": self._digest(cut_off.read_text()) if cut_off.is_file() else "",
        }

    def is_ancestor(self, commit: str, tip: str) -> bool:
        """Return whether all of the history of `commit` is also that of `tip`."""
        return self._run(("merge-base", "--is-ancestor", commit, tip)).returncode == 0

    def _is_empty(self) -> bool:
        return not self.ask("for-each-ref", "--count=1")

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments),
            env={"PATH": _search_path(), **VARIABLES},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_S,
            check=False,
        )

    @staticmethod
    def _digest(text: str) -> str:
        from blake3 import blake3

        return blake3(text.encode()).hexdigest()[:32] if text else ""


def _linked(folder: Path) -> Path:
    """Return the folder that the file `.git` of another work tree or a submodule names."""
    target = (folder / ".git").read_text(errors="replace").partition("gitdir:")[2].strip()
    return (folder / target).resolve()


def _search_path() -> str:
    found = shutil.which("git")
    assert found is not None  # asked for before
    return f"{Path(found).parent}:/usr/bin:/bin"
