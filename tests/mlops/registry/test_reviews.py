"""Where a review stands, read from its history, and the rules that a project may write."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ropewalk.mlops.registry.policy import ApprovalRule, RegistryEntry
from ropewalk.mlops.registry.reviews import Review, _counted, read_review
from ropewalk.store.registry_history import RegistryEvent


def _review(*said: tuple[str, str]) -> Review:
    """Return the review of a history of (who, what)."""
    events = [RegistryEvent("late", what, who, "1", id=place) for place, (who, what) in enumerate(said, 1)]
    return read_review(events)


ASKED = (("ana", "registered"), ("ana", "approval asked"))


@pytest.mark.parametrize(
    ("said", "state", "approvers"),
    [
        ((), "not asked", ()),
        ((("ana", "registered"),), "not asked", ()),
        (ASKED, "open", ()),
        ((*ASKED, ("bo", "approved")), "approved", ("bo",)),
        ((*ASKED, ("bo", "approved"), ("cy", "approved")), "approved", ("bo", "cy")),
        ((*ASKED, ("bo", "approved"), ("cy", "rejected")), "rejected", ("bo",)),
        ((*ASKED, ("bo", "rejected"), ("bo", "approved")), "approved", ("bo",)),
        ((*ASKED, ("bo", "approved"), ("bo", "rejected")), "rejected", ()),
        ((*ASKED, ("bo", "approved"), ("ana", "approval asked")), "open", ()),
        ((*ASKED, ("bo", "rejected"), ("ana", "approval asked"), ("bo", "approved")), "approved", ("bo",)),
        ((*ASKED, ("bo", "commented")), "open", ()),
        ((*ASKED, ("bo", "approved"), ("dee", "registered")), "not asked", ()),
    ],
)
def test_where_a_review_stands(
    said: tuple[tuple[str, str], ...], state: str, approvers: tuple[str, ...]
) -> None:
    """The last verdict of each since it was asked for; one rejection rejects; a new version begins anew."""
    review = _review(*said)

    assert (review.state, review.approvers) == (state, approvers)


@pytest.mark.parametrize(
    ("said", "asked_by", "authors"),
    [
        ((("ana", "registered"),), None, ("ana",)),
        (ASKED, "ana", ("ana",)),
        ((("ana", "registered"), ("bo", "approval asked")), "bo", ("ana", "bo")),
        ((*ASKED, ("bo", "approval asked")), "bo", ("ana", "bo")),
        ((("ana", "registered"), ("bo", "registered")), None, ("bo",)),
        ((("ana", "approval asked"),), "ana", ("ana",)),
    ],
)
def test_who_is_an_author(
    said: tuple[tuple[str, str], ...], asked_by: str | None, authors: tuple[str, ...]
) -> None:
    """Who registered it and who asked last, each once."""
    review = _review(*said)

    assert (review.asked_by, review.authors) == (asked_by, authors)


def test_comments_stay() -> None:
    """Also those of before it was asked for; oldest first."""
    review = _review(
        ("ana", "registered"), ("bo", "commented"), ("ana", "approval asked"), ("cy", "commented")
    )

    assert [event.actor for event in review.comments] == ["bo", "cy"]


@pytest.mark.parametrize(
    ("rule", "counted"),
    [
        ({}, ["bo", "cy"]),
        ({"by": ["cy", "dee"]}, ["cy"]),
        ({"by": ["ana"]}, []),
        ({"count": 2, "by": ["bo", "cy"]}, ["bo", "cy"]),
    ],
)
def test_whose_approval_counts(rule: dict[str, object], counted: list[str]) -> None:
    """An author's own never does, also where the rule names them."""
    review = _review(*ASKED, ("bo", "approved"), ("cy", "approved"), ("ana", "approved"))

    assert _counted(review, ApprovalRule.model_validate(rule)) == counted


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"count": 0}, "greater than or equal to 1"),
        ({"count": 21}, "less than or equal to 20"),
        ({"count": "2"}, "valid integer"),
        ({"count": 2, "by": ["ana"]}, "2 people must approve, and only 1 may"),
        ({"count": 2, "by": ["ana", "ana"]}, "2 people must approve, and only 1 may"),
        ({"by": []}, "1 people must approve, and only 0 may"),
        ({"by": [""]}, "at least 1 character"),
        ({"who": "ana"}, "Extra inputs"),
    ],
)
def test_rules_that_cannot_be_met(rule: dict[str, object], said: str) -> None:
    """They are refused where they are written."""
    with pytest.raises(ValidationError, match=said):
        ApprovalRule.model_validate(rule)


@pytest.mark.parametrize(
    "entry",
    [
        {"pickles": "allow"},
        {"pickles": "allow", "allowed_by": "ana"},
        {"pickles": "allow", "reason": "ours"},
        {"pickles": "refuse", "allowed_by": "ana", "reason": "ours"},
        {"pickles": "allow", "allowed_by": "", "reason": "ours"},
        {"pickles": "always"},
    ],
)
def test_nobody_answers_for_it(entry: dict[str, str]) -> None:
    """What is not known is allowed by somebody, and for a reason."""
    with pytest.raises(ValidationError):
        RegistryEntry.model_validate(entry)


def test_somebody_answers_for_it() -> None:
    """Then it is allowed; without a word it is refused."""
    given = {"pickles": "allow", "allowed_by": "ana", "reason": "ours"}

    assert RegistryEntry.model_validate(given).pickles == "allow"
    assert RegistryEntry().pickles == "refuse"
