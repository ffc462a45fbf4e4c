"""Promises of a table as a whole: keys of other tables, ages, formats, a volume like the past's, notes for people."""

from __future__ import annotations

import datetime as dt

import pytest

from ropewalk.dataops.contracts import CheckNotRun, InvalidContract, check_table
from ropewalk.dataops.contracts.volume import usual_rows
from ropewalk.project import UnknownKey

NOON = dt.datetime(2013, 6, 2, 12, tzinfo=dt.UTC).timestamp()


@pytest.fixture
def flights(connection):
    """Return a function that makes mart.flights from a SELECT and holds it against a contract."""

    def check(contract, select, **options):
        connection.execute(f"CREATE OR REPLACE TABLE mart.flights AS {select}")
        return check_table(connection, "mart.flights", contract, **options).results[-1]

    return check


@pytest.fixture
def read_sla(read_text):
    """Return a function that reads a contract with one promise, given in YAML's flow style."""
    header = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nschema: [{name: flights}]\n"
    return lambda promise: read_text(f"{header}slaProperties: [{promise}]")


@pytest.mark.parametrize(
    ("rows", "failing"),
    [("('EWR'), ('JFK')", 0), ("('EWR'), (NULL)", 0), ("('XXX'), ('EWR'), ('XXX')", 2)],
)
def test_key_leads_to_a_row(read_column, flights, connection, rows, failing):
    """A relationship holds when the other table has every key; a missing value is no key."""
    connection.execute("CREATE TABLE mart.airports AS SELECT unnest(['EWR', 'JFK', NULL]) AS code")
    contract = read_column("{name: a, relationships: [{to: mart.airports.code}]}")

    result = flights(contract, f"SELECT * FROM (VALUES {rows}) AS t (a)")

    assert (result.kind, result.failing, result.passed) == ("foreignKey", failing, failing == 0)
    assert [row["a"] for row in result.sample] == ["XXX"] * failing
    assert failing == 0 or result.message == "2 of 3 rows lead to no row of mart.airports"


def test_key_of_several_columns(read_table, flights, connection):
    """A relationship of the table leads from several columns to as many."""
    connection.execute("CREATE TABLE mart.weather AS SELECT 'EWR' AS place, 1 AS hour")
    contract = read_table(
        "relationships: [{from: [flights.o, flights.h], to: [mart.weather.place, mart.weather.hour]}]\n"
        "properties: [{name: o}, {name: h}]"
    )

    result = flights(contract, "SELECT * FROM (VALUES ('EWR', 1), ('EWR', 2), (NULL, 2)) AS t (o, h)")

    assert (result.failing, result.column) == (1, "o, h")


def test_relationship_may_only_warn(read_column, flights, connection):
    """Its severity stands among its custom properties, as the standard has no other place for it."""
    connection.execute("CREATE TABLE mart.airports AS SELECT 'EWR' AS code")
    custom = "customProperties: [{property: severity, value: warning}]"
    contract = read_column(f"{{name: a, relationships: [{{to: mart.airports.code, {custom}}}]}}")

    assert flights(contract, "SELECT 'XXX' AS a").severity == "warning"


@pytest.mark.parametrize(
    "to",
    [
        "code",
        "''",
        "[mart.airports.code, mart.airports.name]",
        "schema/airports/properties/code",
    ],
)
def test_relationship_names_a_column_of_a_table(read_column, to):
    """Where a key leads must be one column for each, of one table."""
    with pytest.raises(InvalidContract, match="leads to as many columns of one table"):
        read_column(f"{{name: a, relationships: [{{to: {to}}}]}}")


@pytest.mark.parametrize(
    "to",
    [
        "mart.airports.code",
        "Mart.Airports.code",
        "airports.code",
        "mart.airports.odcs.yaml#/schema/airports/properties/code",
        "contracts/mart.airports.odcs.yaml#schema/airports_obj/properties/code",
    ],
)
def test_ways_to_name_a_column(read_column, to):
    """By names, with or without the schema, or by the file of the other contract, as the standard has it."""
    check = read_column(f"{{name: a, relationships: [{{to: '{to}'}}]}}").checks[-1]

    assert (check.target, check.values) == ("mart.airports", ("code",))


def test_relationship_of_a_table_says_from_where(read_table):
    """Without its columns nothing could be followed."""
    with pytest.raises(InvalidContract, match="needs `from`"):
        read_table("relationships: [{to: mart.a.b}]\nproperties: [{name: a}]")


def test_missing_other_table_is_told(read_column, flights):
    """A relationship to a table that is not there cannot be checked, and does not hold by that."""
    contract = read_column("{name: a, relationships: [{to: mart.nowhere.code}]}")

    with pytest.raises(CheckNotRun, match="nowhere"):
        flights(contract, "SELECT 1 AS a")


@pytest.mark.parametrize(
    ("promise", "newest", "passed", "message"),
    [
        (
            "value: 1, unit: d",
            "TIMESTAMP '2013-06-01 13:00'",
            True,
            "the newest at is 2013-06-01 13:00 UTC, 23 hours old; at most 1 days",
        ),
        (
            "value: 1, unit: d",
            "DATE '2013-06-01'",
            False,
            "the newest at is 2013-06-01 00:00 UTC, 1.5 days old",
        ),
        ("value: 36, unit: hours", "DATE '2013-06-01'", True, "at most 1.5 days are promised"),
        ("value: 2, unit: h", "TIMESTAMPTZ '2013-06-02 12:30:00+02'", True, "1.5 hours old"),
        ("value: 10, unit: min", "'2013-06-02T11:55:00'", True, "5 minutes old"),
        ("value: 1, unit: d", "TIMESTAMP '2013-06-03 12:00'", True, "1 days ahead"),
        ("value: 1, unit: d", "CAST(NULL AS DATE)", False, "no row has a value of at"),
        ("value: 1, unit: d", "'soon'", False, "no row has a value of at"),
    ],
)
def test_freshness(read_sla, flights, promise, newest, passed, message):
    """The newest row is no older than promised, by the clock of the check."""
    contract = read_sla(f"{{property: latency, {promise}, element: flights.at}}")

    result = flights(contract, f"SELECT {newest} AS at", now=NOON)

    assert (result.passed, result.severity, result.kind) == (passed, "warning", "freshness")
    assert message in result.message


def test_retention(read_sla, flights):
    """The oldest row is no older than promised; a custom property makes it an error."""
    custom = "customProperties: [{property: severity, value: error}]"
    contract = read_sla(f"{{property: retention, value: 1, unit: y, element: at, {custom}}}")

    result = flights(contract, "SELECT DATE '2011-01-01' AS at", now=NOON)

    assert (result.passed, result.severity) == (False, "error")
    assert "the oldest at is 2011-01-01" in result.message


@pytest.mark.parametrize(
    ("promise", "message"),
    [
        ("{property: latency, value: 1, unit: d}", "latency needs an element"),
        ("{property: latency, value: 1, element: a}", "latency needs a unit"),
        ("{property: latency, value: 1, unit: fortnights, element: a}", "'fortnights' is no length of time"),
        ("{property: latency, value: soon, unit: d, element: a}", "'soon' is no length of time"),
        ("{property: latency, value: -1, unit: d, element: a}", "-1 is no length of time"),
        ("{property: latency, value: true, unit: d, element: a}", "True is no length of time"),
        (
            "{property: latency, value: 1, unit: d, element: a, customProperties: [{property: severity, value: bad}]}",
            "severity 'bad' is none",
        ),
    ],
)
def test_promise_of_age_that_cannot_be_kept(read_sla, promise, message):
    """A promise without a column or a length of time is refused where it stands."""
    with pytest.raises(InvalidContract, match=message):
        read_sla(promise)


def test_other_promises_are_for_people(read_sla):
    """What no row can show is not checked: availability, support, retention of the whole."""
    promises = (
        "{property: availability, value: 99.9, unit: percent}, {property: retention, value: 3, unit: y}"
    )

    assert read_sla(promises).checks == ()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", "ann@example.org", "ann at example.org"),
        ("uuid", "0190b5f4-6c3e-7d2a-8f00-1234567890ab", "0190b5f4-6c3e"),
        ("uri", "https://example.org/a?b=c", "example.org"),
        ("hostname", "db-1.example.org", "-db.example.org"),
        ("ipv4", "192.168.0.255", "192.168.0.256"),
        ("ipv6", "2001:db8::1", "2001.db8"),
    ],
)
def test_format_of_texts(read_column, flights, name, good, bad):
    """A text has the look of its format."""
    contract = read_column(f"{{name: a, logicalType: string, logicalTypeOptions: {{format: {name}}}}}")

    result = flights(contract, f"SELECT * FROM (VALUES ('{good}'), ('{bad}'), (NULL)) AS t (a)")

    assert [row["a"] for row in result.sample] == [bad]
    assert result.message == f"1 of 3 rows are no {name}"


def test_formats_without_a_look_are_for_people(read_column):
    """Any text can be a password."""
    contract = read_column("{name: a, logicalType: string, logicalTypeOptions: {format: password}}")

    assert [check.kind for check in contract.checks] == ["present", "logicalType"]


VOLUME = "quality: [{name: as before, type: custom, engine: ropewalk, implementation: {volume: %s}}]"


@pytest.mark.parametrize(
    ("past", "rows", "passed"),
    [
        ([], 5, True),
        ([1000, 1000], 1, True),
        ([1000, 1010, 990, 1005], 1100, True),
        ([1000, 1010, 990, 1005], 400, False),
        ([1000, 1010, 990, 1005], 2000, False),
        # One broken build does not move what is usual.
        ([1000, 1, 1010, 990, 1005], 1, False),
        ([0, 0, 0], 3, True),
        ([0, 0, 0], 30, False),
    ],
)
def test_volume_is_like_before(read_table, flights, past, rows, passed):
    """A table has about as many rows as its last builds; after too few builds nothing is unusual."""
    contract = read_table(VOLUME % "{}")

    result = flights(contract, f"SELECT * FROM range({rows})", past_rows=lambda: past)

    assert (result.passed, result.severity, result.name) == (passed, "warning", "as before")


def test_volume_is_explained(read_table, flights):
    """The message has what was expected, from what, and how far off is usual."""
    contract = read_table(VOLUME % "{builds: 3, tolerance: 2}")

    result = flights(contract, "SELECT * FROM range(10)", past_rows=lambda: [100, 102, 98, 5000])

    assert result.message == (
        "10 rows; the last 3 builds had a median of 100, and 90 to 110 are usual (tolerance 2)"
    )


def test_usual_rows_grow_with_the_noise():
    """A table whose size jumps about may jump on."""
    calm, wild = usual_rows([100, 101, 99, 100], 4), usual_rows([100, 180, 20, 110], 4)

    assert calm.high - calm.low < wild.high - wild.low
    assert wild.low == 0


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("implementation: {volumes: {}}", InvalidContract),
        ("implementation: volume", InvalidContract),
        ("implementation: {volume: {build: 3}}", UnknownKey),
        ("implementation: {volume: {builds: 0}}", InvalidContract),
        ("implementation: {volume: {tolerance: much}}", InvalidContract),
        ("implementation: {volume: {builds: 2.5}}", InvalidContract),
        ("implementation: {volume: {builds: .nan}}", InvalidContract),
        ("implementation: {volume: {builds: true}}", InvalidContract),
        ("implementation: {volume: {tolerance: .inf}}", InvalidContract),
        ("implementation: {volume: {tolerance: -1}}", InvalidContract),
        ("implementation: {volume: 20}", InvalidContract),
    ],
)
def test_volume_is_asked_for_properly(read_table, rule, error):
    """A rule of ours that asks for something else would check nothing."""
    with pytest.raises(error):
        read_table(f"quality: [{{type: custom, engine: ropewalk, {rule}}}]")


def test_rules_of_other_engines_are_refused(read_table):
    """What only another tool can run would be a promise that nothing keeps here."""
    with pytest.raises(InvalidContract, match="type 'custom' are not run here"):
        read_table("quality: [{type: custom, engine: soda, implementation: 'x'}]")


def test_rules_for_people_are_noted(read_table):
    """A rule of type text asks for no check, and is not forgotten either."""
    contract = read_table(
        "quality: [{type: text, name: makes sense, description: to a pilot}]\n"
        "properties: [{name: a, quality: [{type: text, description: plausible}]}]"
    )

    assert contract.notes == (
        "for people, not checked: makes sense (the table)",
        "for people, not checked: plausible (a)",
    )
    assert [check.kind for check in contract.checks] == ["present"]
