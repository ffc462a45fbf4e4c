"""Holding a window's figures against the limits of its monitor."""

from __future__ import annotations

from collections.abc import Iterator

from ropewalk.devops.monitoring.section import Limits, Monitor, Range
from ropewalk.store.monitoring import Breach, WindowRow


def find_breaches(window: WindowRow, limits: Limits, min_rows: int) -> tuple[Breach, ...]:
    """Return the limits that `window` breaks; a figure from fewer than `min_rows` rows breaks none."""
    found = [*_drift(window, limits, min_rows)]
    # With few outcomes an AUC is noise, and the first to arrive are not like the rest.
    if window.quality == "measured":
        found += [*_ranking(window, limits.auc), *_shift(window, limits.rate_shift)]
    return tuple(found)


def is_judged(window: WindowRow, limit: str, monitor: Monitor) -> bool:
    """Return whether `window` has what the limit is held against, and enough rows for it."""
    if getattr(monitor.limits, limit, None) is None:
        return False
    if limit == "psi":
        return window.worst_psi is not None and window.predictions >= monitor.min_rows
    figure = window.auc if limit == "auc" else window.reference_rate
    return window.quality == "measured" and figure is not None


def _drift(window: WindowRow, limits: Limits, min_rows: int) -> Iterator[Breach]:
    if limits.psi is None or window.worst_psi is None or window.predictions < min_rows:
        return
    if window.worst_psi > limits.psi:
        message = (
            f"column {window.worst_column} drifted from the training data: PSI {window.worst_psi:.3f},"
            f" limit {limits.psi:g}"
        )
        yield Breach("psi", window.worst_psi, limits.psi, message)


def _ranking(window: WindowRow, allowed: Range | None) -> Iterator[Breach]:
    if allowed is None or window.auc is None:
        return
    if allowed.min is not None and window.auc < allowed.min:
        yield Breach("auc", window.auc, allowed.min, f"AUC {window.auc:.3f} is below {allowed.min:g}")
    if allowed.max is not None and window.auc > allowed.max:
        # Better than can be true is a label that leaked into the request.
        yield Breach("auc", window.auc, allowed.max, f"AUC {window.auc:.3f} is above {allowed.max:g}")


def _shift(window: WindowRow, most: float | None) -> Iterator[Breach]:
    if most is None or window.positive_rate is None or window.reference_rate is None:
        return
    # Both ways: fewer positives than learned make a model just as wrong as more.
    shift = abs(window.positive_rate - window.reference_rate)
    if shift > most:
        message = (
            f"the share of positives is {window.positive_rate:.3f}, {window.reference_rate:.3f} in the training"
            f" data: moved by {shift:.3f}, limit {most:g}"
        )
        yield Breach("rate_shift", shift, most, message)
