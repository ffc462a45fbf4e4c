"""What a version's files hold, and whether they may be loaded: decided by reading them, never by loading them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ropewalk.mlops.registry.errors import InvalidReview, Quarantined, UnknownPickle
from ropewalk.mlops.registry.history import acting_person, note
from ropewalk.mlops.registry.policy import policy_of
from ropewalk.mlops.registry.reading.report import FilesReport, read_files
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store import registry as table
from ropewalk.store.artifacts import Artifact
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry_history import NewEvent, Reading, ReadingState, find_reading, set_reading

_SHOWN = 10


def inspect_files(workspace: Workspace, files: Sequence[Artifact]) -> FilesReport:
    """Return what these files hold; nothing of them is executed."""
    return read_files({file.path: workspace.objects.path(file.digest) for file in files})


def judge(workspace: Workspace, name: str, report: FilesReport) -> ReadingState:
    """Return in which state a version with these files is registered.

    Raises:
        UnknownPickle: they import what is not known, and the policy refuses that.
    """
    if report.is_known:
        return "known"
    policy = policy_of(workspace, name).pickles
    if policy == "refuse":
        raise UnknownPickle(
            f"the files of this model would import or run what is not known: {_told(report)}",
            hint="what was logged is kept. Log it in a format that is data (skops, ONNX, the booster's own), or, for code"
            f" of your own such as a PythonModel, let ropewalk.yaml say `registry: {{{name}: {{pickles: quarantine}}}}`,"
            " register it again, and ask a maintainer to allow that version by name:"
            f" `ropewalk model allow {name}/VERSION --reason ...`",
            detail="\n".join(f"{finding.path}: {finding.what}" for finding in report.findings),
        )
    return "allowed" if policy == "allow" else "quarantined"


def keep_reading(
    connection: Connection,
    workspace: Workspace,
    version: ModelVersion,
    report: FilesReport,
    state: ReadingState,
) -> None:
    """Keep what was read of a version, and who answers for it where the policy allows what is not known."""
    text = msgspec.json.encode(report).decode()
    set_reading(connection, version.name, version.version, state, text)
    policy = policy_of(workspace, version.name)
    if state == "known":
        return
    actor = policy.allowed_by if state == "allowed" and policy.allowed_by else acting_person(workspace)
    reason = policy.reason if state == "allowed" else _told(report)
    note(
        connection,
        NewEvent(version.name, _WORD[state], actor, version.version, after=_told(report), reason=reason),
    )


_WORD = {"quarantined": "quarantined", "allowed": "files allowed", "known": "files read"}


def reading_of(workspace: Workspace, version: ModelVersion) -> tuple[ReadingState, FilesReport]:
    """Return what was read of a version's files and its state; they are read now when nobody did before."""
    with workspace.database.read() as connection:
        found = find_reading(connection, version.name, version.version)
        files = table.version_files(connection, version.name, version.version)
    if found is not None:
        return found.state, _report(found)
    report = inspect_files(workspace, files)
    state = _state_unasked(workspace, version, report)
    with workspace.database.write() as connection:
        # Somebody may have deleted it meanwhile, or read it.
        if table.find_version(connection, version.name, version.version) and not find_reading(
            connection, version.name, version.version
        ):
            keep_reading(connection, workspace, version, report, state)
    return state, report


def _state_unasked(workspace: Workspace, version: ModelVersion, report: FilesReport) -> ReadingState:
    """Return the state of a version that is registered already: it cannot be refused any more."""
    # What a step of the project made was made by code that was reviewed and that this machine ran itself.
    if report.is_known or version.node_key is not None:
        return "known"
    return "allowed" if policy_of(workspace, version.name).pickles == "allow" else "quarantined"


def _report(found: Reading) -> FilesReport:
    return msgspec.json.decode(found.report, type=FilesReport)


def require_loadable(workspace: Workspace, version: ModelVersion) -> None:
    """Refuse a version whose files nobody may load here.

    Raises:
        Quarantined: they import what is not known, and nobody has allowed it.
    """
    if version.node_key is not None:
        return
    state, report = reading_of(workspace, version)
    if state == "quarantined":
        raise Quarantined(
            f"model {version.name} version {version.version} is in quarantine: {_told(report)}",
            hint=f"`ropewalk model files {version.name}/{version.version}` lists what it would import;"
            f" `ropewalk model allow {version.name}/{version.version} --reason …` answers for it",
        )


def allow_version(workspace: Workspace, version: ModelVersion, reason: str) -> None:
    """Let a version be loaded whose files import what is not known; the history names who allowed it.

    Raises:
        InvalidReview: there is no reason, or nothing to allow.
    """
    state, report = reading_of(workspace, version)
    if not reason.strip():
        raise InvalidReview(
            "allowing a model needs a reason", hint="--reason says why its files can be trusted"
        )
    if state != "quarantined":
        raise InvalidReview(f"model {version.name} version {version.version} is not in quarantine")
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        set_reading(
            connection, version.name, version.version, "allowed", msgspec.json.encode(report).decode()
        )
        event = NewEvent(version.name, _WORD["allowed"], actor, version.version, reason=reason)
        note(connection, NewEvent(**{**event.__dict__, "after": _told(report)}))


def _told(report: FilesReport) -> str:
    first = [f"{finding.path} {finding.what}".strip() for finding in report.findings[:_SHOWN]]
    more = len(report.findings) - len(first)
    return "; ".join(first) + (f"; and {more} more" if more > 0 else "")
