"""Where a version's files come from, and which sources are believed.

A source is text that a client sends. It is never opened: it either resolves to files in the store's own manifest, or
is kept as the address of a remote store that clients read themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from blake3 import blake3

from ropewalk.mlops.registry.errors import InvalidSource
from ropewalk.store import Connection
from ropewalk.store.artifacts import Artifact, artifacts_below
from ropewalk.store.registry import find_version, version_files
from ropewalk.store.tracking.logged_models import find_logged_model
from ropewalk.store.tracking.runs import find_run_row

# One slash: with two the next part would be a host, and `check_text` refuses that.
PROXIED = "mlflow-artifacts:/"
# Sources that this server resolves itself; every other scheme is the address of a store that it never opens.
_OWN_SCHEMES = ("models", "runs", "mlflow-artifacts")
# MLflow's tests and its users' programs look for these words.
_LOCAL = "To use a local path as a model version's source is not possible: no server opens it"
# Remote stores whose addresses may leave out the host: the workspace's or cluster's own.
_HOSTLESS = ("dbfs", "hdfs", "viewfs")
# What MLflow's clients send for a prompt, which is a version without files. Exactly this text, whatever the tags say.
PROMPT = "dummy-source"


@dataclass(frozen=True)
class Source:
    """A source that was believed.

    Attributes:
        location: where clients download it.
        files: what this server has of it, with paths relative to the model.
        run_id: the run it belongs to, where that is known.
        model_id: the logged model it is, where it is one.
    """

    location: str
    files: tuple[Artifact, ...] = ()
    run_id: str | None = None
    model_id: str | None = None

    @property
    def digest(self) -> str:
        """Digest of the content; of the location where this server has no files."""
        return content_digest(self.files) if self.files else blake3(self.location.encode()).hexdigest()


def content_digest(files: Sequence[Artifact]) -> str:
    """Return one digest for files at paths, whatever their order."""
    # A NUL is in no path, so that no path and digest can be shifted into another pair.
    lines = sorted(f"{file.path}\0{file.digest}" for file in files)
    return blake3("\n".join(lines).encode()).hexdigest()


def resolve(connection: Connection, source: str, run_id: str | None, model_id: str | None) -> Source:
    """Return what `source` stands for.

    Raises:
        InvalidSource: it is a path of some machine, leads upwards, or does not belong to that run or model.
    """
    # MLflow once skipped this check for whatever called itself a prompt (CVE-2026-2614): only one exact text
    # passes.
    if source == PROMPT:
        return Source(source, run_id=run_id, model_id=model_id)
    if _is_in_own_folder(connection, source, run_id):
        return Source(source, run_id=run_id, model_id=model_id)
    scheme = check_text(source)
    if scheme == "models":
        return _from_models(connection, source, model_id)
    if scheme == "runs":
        return _from_run(connection, source, run_id)
    if scheme == "mlflow-artifacts" and not urlsplit(source).netloc:
        return _from_artifacts(connection, source, run_id, model_id)
    if _needs_owner(source, scheme) and not _owners(connection, run_id, model_id):
        raise _invalid(source, _LOCAL)
    return Source(source, run_id=run_id, model_id=model_id)


def check_text(source: str) -> str:
    """Return the scheme of a source whose text has one harmless reading.

    Raises:
        InvalidSource: it is a path of some machine, leads upwards, or is read differently by different readers.
    """
    # Once for all schemes and before any look-up, so that no branch below can forget a part of it.
    try:
        parts = urlsplit(source)
    except ValueError:
        # A broken host such as `[x` has no reading at all, which a remote store's client would find out too late.
        raise _invalid(source, "it is no URI") from None
    if _is_local(source, parts.scheme):
        raise _invalid(source, _LOCAL)
    if parts.scheme in ("models", "runs") and parts.netloc:
        raise _invalid(source, "it names another host")
    # Decoded more often than any reader does: each of these tricks worked on some tracking server once.
    if ".." in unquote(unquote(unquote(parts.path))).split("/") or "%00" in source:
        # MLflow's tests and its users' programs look for these words.
        upwards = (
            "If supplying a source as an http, https, ftp or other URI, its path must lead nowhere upwards"
        )
        raise _invalid(source, upwards)
    # Readers disagree on where a path with these ends, and a check on one reading says nothing about another.
    if parts.query or parts.fragment:
        raise _invalid(source, "it has a query or fragment")
    # Every reader of the version would see them; Azure's `container@account` has a user that is no secret.
    if parts.password or (parts.username and parts.scheme in {"http", "https"}):
        # Not shown in the error either, which ends up in clients' logs.
        raise _invalid(f"{parts.scheme}://…", "it has credentials")
    return parts.scheme


def _is_in_own_folder(connection: Connection, source: str, run_id: str | None) -> bool:
    """Return whether a path lies in a local folder that this server itself named as the place of that run's artifacts."""
    run = find_run_row(connection, run_id) if run_id and source.startswith("/") else None
    if run is None or not source.startswith(f"{run.artifact_uri}/"):
        return False
    # Only what follows is the client's. The server has put the folder itself together, in a place of any name.
    rest = source.removeprefix(f"{run.artifact_uri}/")
    forms = (rest, unquote(rest), unquote(unquote(rest)), unquote(unquote(unquote(rest))))
    # An answer of "yes" opens nothing: the clients of such an experiment read the folder themselves.
    return not any(_is_ambiguous(form) for form in forms)


def _is_ambiguous(path: str) -> bool:
    """Return whether a relative path leads upwards, or is read differently by different readers."""
    steps = any(part in ("", ".", "..") for part in path.split("/"))
    return steps or any(sign in path for sign in "\\?#") or not path.isprintable()


def _is_local(source: str, scheme: str) -> bool:
    """Return whether a source reads as a path of some machine; `c:` is a drive, not a scheme."""
    return scheme in ("", "file") or len(scheme) == 1 or "\\" in source or not source.isprintable()


def _needs_owner(source: str, scheme: str) -> bool:
    """Return whether a source is a path behind a scheme that nobody knows: to some readers, one of their machine."""
    return not urlsplit(source).netloc and scheme not in (*_OWN_SCHEMES, *_HOSTLESS)


def _invalid(source: str, why: str) -> InvalidSource:
    return InvalidSource(
        f"Invalid model version source: '{source[:300]}'. {why}.",
        hint="use models:/MODEL_ID, runs:/RUN_ID/PATH or the model's mlflow-artifacts: URI",
    )


def _from_models(connection: Connection, source: str, model_id: str | None) -> Source:
    """`models:/m-…` is a logged model; `models:/NAME/VERSION` another version, taken over as it is."""
    # A registered model's name has no slash, so what follows one is a version.
    name, _, version = source.removeprefix("models:/").partition("/")
    if not version:
        found = find_logged_model(connection, name)
        if found is None or (model_id and model_id != name):
            raise _invalid(source, "there is no such logged model, or model_id names another")
        files = _below(connection, found.artifact_uri)
        return Source(found.artifact_uri, files, found.source_run_id, found.id)
    known = find_version(connection, name, version)
    if known is None:
        raise _invalid(source, "there is no such model version")
    files = tuple(version_files(connection, name, version))
    return Source(known.location, files, known.run_id, known.model_id)


def _from_run(connection: Connection, source: str, run_id: str | None) -> Source:
    # `runs:/ID` without a path is none of MLflow's URIs: its clients could not load such a version.
    named, _, path = source.removeprefix("runs:/").partition("/")
    run = find_run_row(connection, named)
    if run is None and path:
        # Of a run on another server, or none: an address like any other, of which nothing is here.
        return Source(source, run_id=run_id)
    if run is None or (run_id and run_id != named) or not path:
        raise _invalid(source, "it does not lie in the artifacts of the run that run_id names")
    location = f"{run.artifact_uri}/{path.rstrip('/')}"
    return Source(location, _below(connection, location), named)


def _from_artifacts(connection: Connection, source: str, run_id: str | None, model_id: str | None) -> Source:
    # Compared in one spelling: `mlflow-artifacts:/x//y/` and `mlflow-artifacts:/x/y` are the same place.
    parts = [part for part in source.removeprefix(PROXIED).split("/") if part]
    location = PROXIED + "/".join(parts)
    roots = _owners(connection, run_id, model_id)
    # With the slash, so that a run whose id begins with another's is not taken for it.
    is_theirs = any(location == root or location.startswith(f"{root}/") for root in roots)
    # Below an experiment's number lie the artifacts of runs and models; elsewhere, what clients put there themselves.
    if not is_theirs and (not roots or not parts or parts[0].isdecimal()):
        raise _invalid(
            source, "it does not lie in the artifacts of the run or model that run_id or model_id names"
        )
    return Source(location, _below(connection, location), run_id, model_id)


def _owners(connection: Connection, run_id: str | None, model_id: str | None) -> list[str]:
    """Return where the artifacts of this run and model are, as far as there are such."""
    model = find_logged_model(connection, model_id) if model_id else None
    run = find_run_row(connection, run_id) if run_id else None
    return [owner.artifact_uri for owner in (model, run) if owner]


def _below(connection: Connection, location: str) -> tuple[Artifact, ...]:
    # An experiment may keep its artifacts in a remote store, of which there is no manifest here.
    if not location.startswith(PROXIED):
        return ()
    folder = location.removeprefix(PROXIED).strip("/")
    return tuple(
        Artifact(file.path.removeprefix(f"{folder}/"), file.digest, file.size)
        for file in artifacts_below(connection, folder)
    )
