"""A kind that is loaded when it is used says what the kind itself says."""

from __future__ import annotations

import pytest

from ropewalk.pipeline import NodeKind
from ropewalk.pipeline.deferred import DeferredKind

PORT = [name for name in vars(NodeKind) if not name.startswith("_")]


@pytest.mark.parametrize("name", PORT)
def test_everything_is_passed_on(name):
    """No answer of a kind is hidden by the port's default."""
    assert name in vars(DeferredKind)


def test_what_a_kind_is_told_without_loading_more():
    """Facts about a kind are the kind's own."""
    kind = DeferredKind("step", "ropewalk.mlops.training:StepKind", lambda _project: False)

    assert (kind.name, kind.replays, kind.observes, kind.is_released) == ("step", True, True, True)
