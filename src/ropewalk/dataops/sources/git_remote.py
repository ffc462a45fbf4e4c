"""Repositories elsewhere: fetched by git into a bare copy below the state folder, which keeps what was fetched before."""

from __future__ import annotations

import base64
import fcntl
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from blake3 import blake3

from ropewalk.dataops.sources.errors import (
    InvalidAddress,
    InvalidSource,
    ProgramMissing,
    SourceRefused,
    SourceTableMissing,
    SourceUnreachable,
)
from ropewalk.dataops.sources.git_declarations import SCHEMES, GitSource
from ropewalk.dataops.sources.git_program import PROBE_S, VARIABLES, GitRepository, switches
from ropewalk.dataops.sources.redact import bare_url, origin
from ropewalk.dataops.sources.rows_process import Running
from ropewalk.dataops.sources.secrets import program_environment, resolve_secrets
from ropewalk.errors import Place, RopewalkError

_HARNESS = "ropewalk.dataops.sources.command_harness"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HEAD = "refs/ropewalk/head"
# Where git looks for a short name, in its order: gitrevisions(7).
_PLACES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}")
# No question is ever asked, of git or of ssh, and nobody is sent on to another address.
_QUIET = {
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=15 -oStrictHostKeyChecking=yes",
    "GIT_SSH_VARIANT": "ssh",
}
_CAREFUL = (
    "http.followRedirects=false",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=60",
    "core.askPass=",
    "credential.helper=",
    "gc.autoDetach=false",
)
_REFUSED = (
    "Authentication failed",
    "could not read",
    "Permission denied",
    "Host key",
    "error: 401",
    "error: 403",
)
_MISSING = ("not found", "does not appear to be a git repository", "does not exist")


@dataclass(frozen=True)
class RemoteRepository:
    """A repository at an address; its text shows no credentials.

    Attributes:
        url: the address without user, password and query.
        header: what the server is told of who asks; nothing for nobody.
        hidden: what must not be shown.
        place: where the source is declared.
    """

    url: str
    place: Place
    header: str = field(default="", repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)

    def refs(self) -> dict[str, str]:
        """Return the commit or tag of each name that the repository shows.

        Raises:
            SourceUnreachable, SourceRefused, SourceTableMissing: it does not answer, or not with names.
            ProgramMissing: git is not installed.
        """
        if shutil.which("git") is None:
            raise ProgramMissing(
                "git is not installed", place=self.place, hint="install it, such as by apt-get"
            )
        command = ["git", "--no-pager", *switches(), *self._options(), "ls-remote", "--", self.url]
        try:
            # Not in the project, whose own configuration might send git elsewhere.
            done = subprocess.run(
                command,
                cwd="/",
                env=program_environment(self._variables()),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceUnreachable(f"{self.url} did not answer in {PROBE_S} s", place=self.place) from None
        if done.returncode:
            raise self.error(done.stderr.decode(errors="replace"))
        lines = done.stdout.decode(errors="replace").splitlines()
        return {name: commit for commit, _, name in (line.partition("\t") for line in lines)}

    def facts(self, ref: str, refs: Mapping[str, str]) -> dict[str, str]:
        """Return what decides what the tables hold, as far as the names tell it.

        Raises:
            InvalidSource: `ref` is the name of nothing.
        """
        tags = sorted(f"{commit} {name}" for name, commit in refs.items() if name.startswith("refs/tags/"))
        commit = _resolve(ref, refs)
        if commit is None and not (ref == "HEAD" and not refs):
            raise InvalidSource(
                f"ref: {self.url} has no branch or tag {ref!r}",
                place=self.place,
                hint="`git ls-remote` lists them; a commit is named by all of its digits",
            )
        shown = blake3("\n".join(tags).encode()).hexdigest()[:32] if tags else ""
        return {"commit": commit or "", "tags": shown, "mailmap": refs.get("HEAD", ""), "shallow": ""}

    @contextmanager
    def fetched(self, state: Path, running: Running, refs: Mapping[str, str]) -> Iterator[GitRepository]:
        """Yield the copy with all that `refs` name; only what it did not have is fetched.

        Nobody else changes it within the block.

        Raises:
            RopewalkError: it cannot be fetched.
        """
        folder = state / "git" / blake3(self.url.encode()).hexdigest()[:32]
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not refs:
                shutil.rmtree(folder, ignore_errors=True)
            copy = GitRepository(folder, self.url, self.place)
            # The first table of a source brings what all of them read.
            if not refs or not _has_all(copy, refs):
                self._fetch_all(running, copy, refs)
            yield copy

    def error(self, said: str) -> RopewalkError:
        """Return what git said as an error of ours, without anything secret."""
        for secret in self.hidden:
            said = said.replace(secret, "***")
        lines = [line.removeprefix("fatal: ") for line in said.strip().splitlines()] or ["git said nothing"]
        reason = lines[0]
        if any(word in said for word in _REFUSED):
            hint = "give user and password: secret://NAME; for ssh, a key that the agent has and a known host"
            return SourceRefused(f"{self.url} refuses: {reason}", place=self.place, hint=hint)
        if any(word in said for word in _MISSING):
            return SourceTableMissing(
                f"there is no Git repository at {self.url}", place=self.place, detail=reason
            )
        return SourceUnreachable(f"{self.url} cannot be reached: {reason}", place=self.place)

    def _fetch_all(self, running: Running, copy: GitRepository, refs: Mapping[str, str]) -> None:
        is_long = any(len(commit) == 64 for commit in refs.values())
        kind = ["--object-format=sha256"] if is_long else []
        # Making what is there changes nothing, and mends what was killed half-way.
        begin = ["git", "init", "--quiet", "--bare", "--template=", *kind, str(copy.folder)]
        self._run(running, copy.folder, begin)
        if refs:
            self._run(running, copy.folder, copy.command(*self._options(), *self._fetch(refs)))
        copy.ask("symbolic-ref", "HEAD", _HEAD)

    def _fetch(self, refs: Mapping[str, str]) -> Sequence[str]:
        names = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        names += [f"+HEAD:{_HEAD}"] if "HEAD" in refs else []
        told = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        return ("fetch", *told, "--", self.url, *names)

    def _run(self, running: Running, folder: Path, command: Sequence[str]) -> None:
        # What it prints is of no interest; what it says to people is in the log.
        printed = folder.with_suffix(".out")
        ended, tail = running.run(_HARNESS, (str(printed), *command), self._variables())
        if ended.code:
            raise self.error(tail)

    def _options(self) -> Sequence[str]:
        allowed = f"protocol.{urlsplit(self.url).scheme}.allow=always"
        return [part for option in (*_CAREFUL, allowed) for part in ("-c", option)]

    def _variables(self) -> dict[str, str]:
        found = {**VARIABLES, **_QUIET}
        if self.header:
            # In the environment, as others may read a command line; for this address and no other.
            found |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{origin(self.url)}/.extraHeader",
                "GIT_CONFIG_VALUE_0": self.header,
            }
        return found


def find_remote(source: GitSource, place: Place) -> RemoteRepository:
    """Return the repository that the url of `source` names.

    Raises:
        InvalidAddress: it is no address of a repository.
        SecretMissing: a secret that it names is not set.
    """
    names = ("url", "user", "password")
    given = resolve_secrets({name: value for name in names if (value := getattr(source, name)) is not None})
    try:
        parts = urlsplit(given["url"])
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise InvalidAddress("the url is not one: its host or port cannot be read", place=place) from None
    # A host that begins with a dash is an option of ssh.
    if parts.scheme not in SCHEMES or host.startswith("-") or bool(host) == (parts.scheme == "file"):
        hint = "write https://HOST/PATH.git, ssh://USER@HOST/PATH.git or file:///PATH"
        raise InvalidAddress("the url is not that of a repository", place=place, hint=hint)
    user = given.get("user") or unquote(parts.username or "")
    password = given.get("password") or unquote(parts.password or "")
    url = bare_url(given["url"])
    if parts.scheme == "ssh":
        if password:
            raise InvalidAddress("ssh takes no password here: use a key", place=place)
        return RemoteRepository(url.replace("ssh://", f"ssh://{user}@", 1) if user else url, place)
    if not password:
        return RemoteRepository(url, place)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise InvalidAddress("a password is not sent over http://", place=place, hint="use https://")
    packed = base64.b64encode(f"{user or 'git'}:{password}".encode()).decode()
    return RemoteRepository(url, place, f"Authorization: Basic {packed}", (password, packed))


def _has_all(copy: GitRepository, refs: Mapping[str, str]) -> bool:
    """Return whether the copy has the branches and tags of `refs` where they stand, and no others."""
    # Git moves a name only when all that it names has arrived.
    listed = copy.ask("for-each-ref", "--format=%(refname) %(objectname)") if copy.folder.is_dir() else None
    found = dict(line.split(" ", 1) for line in (listed or "").splitlines())
    is_head = copy.ask("symbolic-ref", "HEAD") == _HEAD
    return is_head and found == {
        _HEAD if name == "HEAD" else name: refs[name] for name in refs if _is_kept(name)
    }


def _is_kept(name: str) -> bool:
    # What stands behind a tag with a message is shown too, and is no name of its own.
    return name == "HEAD" or (name.startswith(("refs/heads/", "refs/tags/")) and not name.endswith("^{}"))


def _resolve(ref: str, refs: Mapping[str, str]) -> str | None:
    """Return the commit that `ref` names, as git would find it there."""
    if len(ref) in {40, 64} and set(ref) <= set("0123456789abcdef"):
        return ref
    for pattern in _PLACES:
        name = pattern.format(ref)
        # Of a tag with a message the commit stands behind it.
        if found := refs.get(f"{name}^{{}}") or refs.get(name):
            return found
    return None
