"""Approvals: asked for, given or refused by named people, and what a release needs of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ropewalk.mlops.registry.errors import InvalidReview, NotApproved, OwnApproval
from ropewalk.mlops.registry.history import acting_person, note
from ropewalk.mlops.registry.policy import ApprovalRule, policy_of
from ropewalk.pipeline import Workspace
from ropewalk.store.registry import ModelVersion
from ropewalk.store.registry_history import NewEvent, RegistryEvent, list_events

Verdict = Literal["approved", "rejected"]
ASKED, COMMENTED = "approval asked", "commented"
_MOST = 10_000


@dataclass(frozen=True)
class Review:
    """Where the review of a version stands.

    Attributes:
        asked_by: who asked for it last; None: nobody did.
        authors: who registered the version or asked for its approval, and therefore does not approve it.
        verdicts: the last verdict of each person since it was asked for.
        comments: what was said, oldest first.
    """

    asked_by: str | None
    authors: tuple[str, ...]
    verdicts: tuple[RegistryEvent, ...]
    comments: tuple[RegistryEvent, ...]

    @property
    def state(self) -> Literal["not asked", "open", "approved", "rejected"]:
        """What it comes to: one rejection rejects."""
        given = {event.what for event in self.verdicts}
        if "rejected" in given:
            return "rejected"
        return "approved" if given else "open" if self.asked_by else "not asked"

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who approved."""
        return tuple(event.actor for event in self.verdicts if event.what == "approved")


def review_of(workspace: Workspace, version: ModelVersion) -> Review:
    """Return where the review of a version stands."""
    with workspace.database.read() as connection:
        events = list_events(connection, version.name, version.version)
    return read_review([event for event in events if event.version == version.version])


def read_review(events: Sequence[RegistryEvent]) -> Review:
    """Return where a review stands that has this history, oldest first."""
    made = [event for event in events if event.what == "registered"]
    # A number is given again only when its whole model was deleted: what was said of the old one is not of the new.
    events = [event for event in events if not made or event.id >= made[-1].id]
    asked = [event for event in events if event.what == ASKED]
    since = asked[-1].id if asked else 0
    # A later verdict of the same person replaces the earlier one.
    verdicts = {
        event.actor: event for event in events if event.what in ("approved", "rejected") and event.id > since
    }
    return Review(
        asked_by=asked[-1].actor if asked else None,
        authors=tuple(
            dict.fromkeys([*(event.actor for event in made[-1:]), *(event.actor for event in asked[-1:])])
        ),
        verdicts=tuple(verdicts.values()),
        comments=tuple(event for event in events if event.what == COMMENTED),
    )


def ask_approval(workspace: Workspace, version: ModelVersion, comment: str) -> Review:
    """Ask for the approval of a version; verdicts that were given before do not count any more.

    Raises:
        InvalidReview: the comment is too long.
    """
    return _say(workspace, version, ASKED, comment)


def comment_on(workspace: Workspace, version: ModelVersion, comment: str) -> Review:
    """Say something about a version.

    Raises:
        InvalidReview: there is no comment, or it is too long.
    """
    if not comment.strip():
        raise InvalidReview("the comment is empty")
    return _say(workspace, version, COMMENTED, comment)


def give_verdict(workspace: Workspace, version: ModelVersion, verdict: Verdict, comment: str) -> Review:
    """Approve or reject a version, in the name of whoever asks.

    Raises:
        InvalidReview: nobody asked for it, or a rejection does not say why.
        OwnApproval: it is their own.
    """
    review, person = review_of(workspace, version), acting_person(workspace)
    named = f"model {version.name} version {version.version}"
    if review.asked_by is None:
        raise InvalidReview(
            f"nobody asked for the approval of {named}",
            hint=f"`ropewalk model request {version.name}/{version.version}` asks for it",
        )
    if verdict == "approved" and person in review.authors:
        raise OwnApproval(
            f"{person} registered {named} or asked for its approval, and does not approve it",
            hint="somebody else has to look at it",
        )
    if verdict == "rejected" and not comment.strip():
        raise InvalidReview("a rejection says why", hint="--comment says it")
    return _say(workspace, version, verdict, comment)


def _say(workspace: Workspace, version: ModelVersion, what: str, comment: str) -> Review:
    if len(comment) > _MOST:
        raise InvalidReview(f"a comment has at most {_MOST} characters")
    actor = acting_person(workspace)
    with workspace.database.write() as connection:
        note(
            connection,
            NewEvent(version.name, what, actor, version.version, reason=comment.strip() or None),
        )
    return review_of(workspace, version)


def missing_approvals(workspace: Workspace, version: ModelVersion, environment: str) -> str | None:
    """Return what a release of the version into the environment still lacks, as a sentence; None: nothing."""
    rule = policy_of(workspace, version.name).approvals.get(environment)
    if rule is None:
        return None
    review = review_of(workspace, version)
    if review.state == "rejected":
        last = next(event for event in review.verdicts if event.what == "rejected")
        return f"{last.actor} rejected it: {last.reason}"
    counted = _counted(review, rule)
    if len(counted) >= rule.count:
        return None
    who = f" of {', '.join(rule.by)}" if rule.by is not None else ""
    given = f" ({', '.join(counted)} did)" if counted else ""
    return f"it needs the approval of {rule.count}{who or ' other than its author'}{given}"


def _counted(review: Review, rule: ApprovalRule) -> list[str]:
    # The author by the whole history: who asks again for what another approved is an author as well.
    allowed: Iterable[str] = review.approvers if rule.by is None else set(rule.by) & set(review.approvers)
    return sorted(set(allowed) - set(review.authors))


def require_approved(workspace: Workspace, version: ModelVersion, environment: str) -> None:
    """Refuse a release of a version that not enough people approved.

    Raises:
        NotApproved: it lacks an approval, or was rejected.
    """
    missing = missing_approvals(workspace, version, environment)
    if missing is not None:
        named = f"{version.name}/{version.version}"
        raise NotApproved(
            f"model {version.name} version {version.version} cannot be released to {environment}: {missing}",
            hint=f"`ropewalk model request {named}` asks for it, `ropewalk model approve {named}` gives it",
        )
