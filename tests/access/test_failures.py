"""Failures by address: few are let pass, many have to wait, and counting them costs little."""

from __future__ import annotations

import pytest

from ropewalk.access import TooManyFailures
from ropewalk.access.failures import MOST, MOST_ADDRESSES, WINDOW_S, Failures


def test_many_have_to_wait() -> None:
    """From the twentieth failure within a minute on, an address waits; others do not."""
    failures = Failures(lambda: 0.0)
    firsts = [failures.note("a") for _ in range(MOST)]

    assert firsts == [True] * (MOST - 1) + [False]
    with pytest.raises(TooManyFailures):
        failures.check("a")
    failures.check("b")


def test_waiting_ends() -> None:
    """After the window the address may try again."""
    now = [0.0]
    failures = Failures(lambda: now[0])
    for _ in range(MOST):
        failures.note("a")

    now[0] = WINDOW_S
    failures.check("a")


def test_memory_is_bounded() -> None:
    """Made-up addresses push out the oldest, and not the machine."""
    failures = Failures(lambda: 0.0)
    for number in range(MOST_ADDRESSES + 5):
        failures.note(str(number))

    assert len(failures._seen) == MOST_ADDRESSES
