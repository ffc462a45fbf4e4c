"""Due times: what a cron line means in a time zone, above all where its clocks change."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.pipeline.schedule_times import ALIASES, Rule, check_cron, is_zone, nearest_zone

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
CRONS = ("0 3 * * *", "30 2 * * *", "*/15 * * * *", "0 * * * *", "5,35 1-3 * * *", "0 0 * * 0", "0 2 l * *")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
# Either side of every change of clocks in those zones in 2026.
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
]


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def due_times(rule: Rule, start: int, count: int) -> list[int]:
    found = [start]
    for _ in range(count):
        due = rule.next_after(found[-1])
        assert due is not None
        found.append(due)
    return found[1:]


def due_on(rule: Rule, *day: int) -> list[str]:
    """Return the due times of a day and the next, as its zone's clock shows them."""
    zone = ZoneInfo(rule.timezone)
    start = int(datetime(*day, tzinfo=zone).timestamp() * 1000)
    times = (datetime.fromtimestamp(due / 1000, zone) for due in due_times(rule, start - 1, 30))
    return [f"{t:%H:%M%z}" for t in times if t.date() == date(*day)]


moments = st.builds(
    lambda change, offset: int(change.timestamp() * 1000) + offset,
    st.sampled_from(CHANGES),
    st.integers(-2 * DAY, 2 * DAY),
)
rules = st.builds(Rule, st.sampled_from(CRONS), st.sampled_from(ZONES))


def test_utc() -> None:
    """In UTC a wall-clock time is a moment."""
    assert Rule("0 3 * * *").next_after(ms(2026, 11, 23, 3)) == ms(2026, 11, 24, 3)


def test_a_fraction_of_a_second_does_not_count() -> None:
    """A moment just past a due time is after it, and one just before it is not."""
    rule = Rule("0 3 * * *")

    assert rule.next_after(ms(2026, 11, 23, 3) - 1) == ms(2026, 11, 23, 3)
    assert rule.next_after(ms(2026, 11, 23, 3) + 1) == ms(2026, 11, 24, 3)
    assert rule.latest_at(ms(2026, 11, 23, 3) + 1) == ms(2026, 11, 23, 3)
    assert rule.latest_at(ms(2026, 11, 23, 3) - 1) == ms(2026, 11, 22, 3)


@pytest.mark.parametrize(
    ("zone", "day", "due"),
    [("Europe/Berlin", (2026, 3, 29), "03:00+0200"), ("America/New_York", (2026, 3, 8), "03:00-0400")],
)
def test_a_time_that_is_skipped(zone: str, day: tuple[int, int, int], due: str) -> None:
    """A local time that does not exist is due at the first moment that does."""
    assert due_on(Rule("30 2 * * *", zone), *day) == [due]


@pytest.mark.parametrize(
    ("zone", "day", "due"),
    [
        ("Europe/Berlin", (2026, 10, 25), "02:30+0200"),
        ("America/New_York", (2026, 11, 1), "01:30-0400"),
    ],
)
def test_a_time_that_comes_twice(zone: str, day: tuple[int, int, int], due: str) -> None:
    """A local time that exists twice is due once, at its first coming."""
    cron = "30 2 * * *" if zone == "Europe/Berlin" else "30 1 * * *"

    assert due_on(Rule(cron, zone), *day) == [due]


def test_a_gap_swallows_several() -> None:
    """Several times inside a gap are due once together, and the one at its end with them."""
    times = due_on(Rule("0,15,30,45 1-3 * * *", "Europe/Berlin"), 2026, 3, 29)

    assert times == [f"01:{m}+0100" for m in ("00", "15", "30", "45")] + [
        f"03:{m}+0200" for m in ("00", "15", "30", "45")
    ]


def test_a_repeated_hour_is_quiet() -> None:
    """In the hour that comes again nothing is due: each of its times had its turn."""
    times = due_on(Rule("30 * * * *", "Europe/Berlin"), 2026, 10, 25)

    assert times[:4] == ["00:30+0200", "01:30+0200", "02:30+0200", "03:30+0100"]


def test_a_gap_of_half_an_hour() -> None:
    """Lord Howe's clocks jump by thirty minutes, and the same holds there."""
    times = due_on(Rule("0 * * * *", "Australia/Lord_Howe"), 2026, 10, 4)

    assert times[:4] == ["00:00+1030", "01:00+1030", "02:30+1100", "03:00+1100"]


def test_a_day_that_never_was() -> None:
    """Samoa left out the 30th of December 2011; what was due then is due as the next day begins."""
    zone = ZoneInfo("Pacific/Apia")
    due = Rule("0 12 30 12 *", "Pacific/Apia").next_after(ms(2011, 12, 1))

    assert datetime.fromtimestamp((due or 0) / 1000, zone).isoformat() == "2011-12-31T00:00:00+14:00"


@settings(max_examples=60)
@given(rules, moments)
def test_due_times_rise(rule: Rule, start: int) -> None:
    """Due times rise strictly, and no local time is due twice."""
    times = due_times(rule, start, 12)
    zone = ZoneInfo(rule.timezone)

    assert all(one < other for one, other in pairwise([start, *times]))
    local = [datetime.fromtimestamp(due / 1000, zone).replace(tzinfo=None, fold=0) for due in times]
    assert len(set(local)) == len(local)


@settings(max_examples=60)
@given(rules, moments)
def test_looking_back_and_ahead_agree(rule: Rule, now: int) -> None:
    """The latest due time up to a moment is the one whose next lies after it."""
    latest = rule.latest_at(now)
    assert latest is not None
    after = rule.next_after(latest)

    assert latest <= now < (after or 0)
    assert after == rule.next_after(now)
    assert rule.latest_at(latest) == latest


@settings(max_examples=40)
@given(st.sampled_from(ZONES), moments)
def test_every_day_has_its_time(zone: str, start: int) -> None:
    """A daily rule is due once for each day, whatever the clocks do."""
    days = [
        datetime.fromtimestamp(t / 1000, ZoneInfo(zone)).date()
        for t in due_times(Rule("30 2 * * *", zone), start, 6)
    ]

    assert [b - a for a, b in pairwise(days)] == [timedelta(days=1)] * 5


@pytest.mark.parametrize(
    ("cron", "complaint"),
    [
        ("61 * * * *", "the minute '61' is not valid cron"),
        ("* 24 * * *", "the hour '24' is not valid cron"),
        ("0 3 0 * *", "the day of month '0' is not valid cron"),
        ("0 3 * 13 *", "the month '13' is not valid cron"),
        ("0 3 * * mox", "the day of week 'mox' is not valid cron, did you mean mon?"),
        ("0 3 * jam *", "the month 'jam' is not valid cron, did you mean jan?"),
        ("*/0 * * * *", "the minute '*/0' is not valid cron"),
        ("R * * * *", "the minute 'R' is not valid cron"),
        ("H * * * *", "the minute 'H' is not valid cron"),
        ("٣ * * * *", "the minute '٣' is not valid cron"),
        ("0 3 * *", "has 4 fields, and needs five"),
        ("0 0 3 * * *", "has 6 fields, and needs five"),
        ("", "has 0 fields"),
        ("@dayly", "did you mean @daily?"),
        ("@reboot", "is not one of @hourly"),
        ("0 0 31 2 *", "'0 0 31 2 *' is never due"),
        ("0 3 ? * *", "the day of month '?' is not valid cron"),
    ],
)
def test_wrong_lines(cron: str, complaint: str) -> None:
    """A line that is no cron names the field that is wrong."""
    with pytest.raises(ValueError, match=r".") as caught:
        check_cron(cron)

    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "cron", ["0 3 * * *", "0 0 29 2 *", "*/5 8-18 * * mon-fri", "0 0 * * 1#2", "0 0 l * *", *ALIASES]
)
def test_right_lines(cron: str) -> None:
    """Lists, ranges, steps, names and aliases are taken."""
    assert check_cron(cron) == cron
    assert Rule(cron).next_after(ms(2026, 1, 1)) is not None


def test_spaces_do_not_count() -> None:
    """A line is kept with single spaces, so that lining it up is no other rule."""
    assert check_cron(" 0   3 * * * ") == "0 3 * * *"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("xxxxxx", None),
    ],
)
def test_nearest_zone(written: str, meant: str | None) -> None:
    """A zone that does not exist has a nearest, also by its city alone."""
    assert not is_zone(written)
    assert nearest_zone(written) == meant


def test_never_due() -> None:
    """A rule that no day fits has no due time on either side, however long one looks."""
    assert Rule("0 0 31 2 *").next_after(ms(2026, 1, 1)) is None
    assert Rule("0 0 31 2 *").latest_at(ms(2026, 1, 1)) is None


def test_without_a_database_of_zones() -> None:
    """On a machine without time zones UTC works all the same, and any other is one that it does not know."""
    code = (
        "import zoneinfo; zoneinfo.reset_tzpath(to=()); import sys; sys.modules['tzdata'] = None\n"
        "from ropewalk.pipeline.schedule_times import Rule, is_zone, nearest_zone\n"
        "print(Rule('@daily').next_after(0), is_zone('UTC'), is_zone('Europe/Berlin'), nearest_zone('berlin'))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.split() == [str(DAY), "True", "False", "None"]


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 3 * * fir", "the day of week 'fir' is not valid cron, did you mean fri?"),
        ("0 3 * sep-okt *", "the month 'sep-okt' is not valid cron, did you mean oct?"),
        ("0 mon * * *", "the hour 'mon' is not valid cron"),
        ("0 3 1#2 * *", "the day of month '1#2' is not valid cron"),
        ("h 3 * * *", "the minute 'h' is not valid cron"),
        ("0 3 * * \u0663", "the day of week '\u0663' is not valid cron"),
        ("0 24 * * *", "the hour '24' is not valid cron"),
        ("0;3 1 * * *", "the minute '0;3' is not valid cron"),
        ("*/0 * * * *", "the minute '*/0' is not valid cron"),
        ("@dayly", "'@dayly' is not one of @hourly, "),
        ("", "'' has 0 fields, and needs five: minute, "),
        ("0 3 31 2 *", "'0 3 31 2 *' is never due"),
    ],
)
def test_field_that_is_wrong_is_named(cron: str, message: str) -> None:
    """Whoever mistypes a rule reads which part of it is wrong, and what is nearest."""
    with pytest.raises(ValueError, match=r".") as caught:
        check_cron(cron)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "cron", ["0 3 * * fri#2", "0 3 l * *", "0 3 * JAN-mar Mon", "  0   3 * * *  ", "@midnight"]
)
def test_rules_that_are_right(cron: str) -> None:
    """Names in any case, the last day and the second Friday are what people write."""
    assert check_cron(cron) == " ".join(cron.split())


@pytest.mark.parametrize(
    ("zone", "told"),
    [("UTC", "2026-10-25T00:30:00+00:00"), ("Europe/Berlin", "2026-10-25T02:30:00+02:00")],
)
def test_wall_clock(zone: str, told: str) -> None:
    """A moment is told as people read it where the rule holds."""
    assert Rule("@daily", zone).wall_clock(1_792_888_200_000) == told
