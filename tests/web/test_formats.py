"""How numbers, sizes, durations and moments read."""

from __future__ import annotations

import pytest

from ropewalk.web import formats

DAY = 86_400_000
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, DASH),
        (0, "0"),
        (336_776, "336,776"),
        (-1_200, MINUS + "1,200"),
        (0.77123, "0.7712"),
        (0.098, "0.0980"),
        (0.0012345, "0.001234"),
        (0.0, "0.000"),
        (1234.5678, "1,235"),
        (12.5, "12.50"),
        (-0.5, MINUS + "0.5000"),
        (1.5e-9, "1.500e-09"),
        (2.5e12, "2.500e+12"),
        (-2.5e12, MINUS + "2.500e+12"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("text", "text"),
        (True, "True"),
    ],
)
def test_number(value: object, said: str) -> None:
    """Whole numbers are grouped, others have four digits that count, and what is missing is a dash."""
    assert formats.number(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.2413, "24.1 %"), (1.0, "100.0 %"), (-0.01, MINUS + "1.0 %"), (None, DASH), (float("nan"), DASH)],
)
def test_percent(share: float | None, said: str) -> None:
    """A share reads as a percentage with one decimal."""
    assert formats.percent(share) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (None, DASH),
        (0, "0 B"),
        (999, "999 B"),
        (1_240, "1.2 kB"),
        (1_240_112, "1.2 MB"),
        (512_000_000, "512 MB"),
    ],
)
def test_size(count: int | None, said: str) -> None:
    """A size is told in the unit that fits."""
    assert formats.size(count) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (1_230, "1.2k"),
        (336_776, "337k"),
        (999_600, "1M"),
        (12_400_000, "12M"),
    ],
)
def test_compact(count: int, said: str) -> None:
    """Where room is short a count has three digits and its unit."""
    assert formats.compact(count) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, DASH),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_500, "1.5 s"),
        (72_000, "1 m 12 s"),
        (3_725_000, "1 h 2 m"),
        (DAY + 7_200_000, "1 d 2 h"),
    ],
)
def test_duration(ms: int | None, said: str) -> None:
    """A length of time is told in its two largest units."""
    assert formats.duration(ms) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (-5, "just now"),
        (59_000, "just now"),
        (60_000, "1 min ago"),
        (3_599_000, "59 min ago"),
        (3_600_000, "1 hour ago"),
        (7_200_000, "2 hours ago"),
        (DAY, "1 day ago"),
        (40 * DAY, "40 days ago"),
    ],
)
def test_ago(passed: int, said: str) -> None:
    """How long ago something was is told in its largest unit."""
    now = 1_795_428_000_000

    assert formats.ago(now - passed, now) == said


def test_ago_counts_from_now() -> None:
    """Without a moment to count from, that is the present."""
    assert formats.ago(0).endswith("days ago")


def test_moments_are_utc() -> None:
    """A moment reads the same on every machine."""
    ms = 1_795_428_271_999

    assert formats.moment(ms) == "2026-11-23 10:04:31 UTC"
    assert formats.iso(ms) == "2026-11-23T10:04:31Z"


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [(1, ("table",), "1 table"), (0, ("table",), "0 tables"), (2_000, ("query", "queries"), "2,000 queries")],
)
def test_plural(count: int, words: tuple[str, ...], said: str) -> None:
    """A count agrees with its noun."""
    assert formats.plural(count, *words) == said


@pytest.mark.parametrize(
    ("text", "most", "said"),
    [("short", 5, "short"), ("flight_features", 9, "flig…ures"), ("abcdef", 4, "ab…f")],
)
def test_short(text: str, most: int, said: str) -> None:
    """A long name keeps its beginning and its end."""
    assert formats.short(text, most) == said
    assert len(formats.short(text, most)) <= most
