"""What a contract's columns ask for, and what they cannot ask for."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import InvalidContract
from ropewalk.project import InvalidProjectFile, UnknownKey


def lines(contract):
    return contract.text().splitlines()


def test_column_asks_for_one_check_per_key(read_column):
    """Each key that can be checked becomes one check, in a fixed order."""
    contract = read_column(
        "{name: origin, logicalType: string, required: true, unique: true, enum: [{value: EWR}, {value: 7}],"
        " logicalTypeOptions: {minLength: 3, maxLength: 3, pattern: '^[A-Z]+$'}}"
    )

    assert lines(contract) == [
        "error present('origin')",
        "error logicalType('origin') 'string'",
        "error required('origin')",
        "error unique('origin')",
        "error enum('origin') 'EWR' '7'",
        "error minLength('origin') '3'",
        "error maxLength('origin') '3'",
        "error pattern('origin') pattern '^[A-Z]+$'",
    ]


def test_primary_key_is_required_and_unique_over_its_columns_in_order(read_table):
    """The columns of a key take the order that primaryKeyPosition gives."""
    contract = read_table(
        """\
        properties:
          - {name: day, primaryKey: true, primaryKeyPosition: 2}
          - {name: origin, primaryKey: true, primaryKeyPosition: 1}
        """
    )

    assert "error required('day')" in lines(contract)
    assert lines(contract)[-1] == "error primaryKey('origin', 'day')"


@pytest.mark.parametrize(
    ("logical_type", "option", "expected"),
    [
        ("integer", "minimum: -5", "error minimum('a') '-5'"),
        ("number", "exclusiveMaximum: 1.5", "error exclusiveMaximum('a') '1.5'"),
        ("number", "multipleOf: 0.25", "error multipleOf('a') '0.25'"),
        ("date", "minimum: 2013-01-01", "error minimum('a') '2013-01-01'"),
        ("date", "maximum: '2013-12-31'", "error maximum('a') '2013-12-31'"),
        ("timestamp", "minimum: 2013-01-01 05:00:00", "error minimum('a') '2013-01-01 05:00:00'"),
        ("array", "uniqueItems: true", "error uniqueItems('a')"),
        ("array", "minItems: 1", "error minItems('a') '1'"),
    ],
)
def test_option_becomes_a_check(read_column, logical_type, option, expected):
    """The options of each logical type are read with their operand as text."""
    contract = read_column(f"{{name: a, logicalType: {logical_type}, logicalTypeOptions: {{{option}}}}}")

    assert lines(contract)[-1] == expected


@pytest.mark.parametrize(
    "column",
    [
        "{name: a, logicalType: date, logicalTypeOptions: {format: yyyy-MM-dd}}",
        "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: true, defaultTimezone: Etc/UTC}}",
        "{name: a, logicalType: array, logicalTypeOptions: {uniqueItems: false}}",
        "{name: a, logicalType: string, description: x, classification: pii, examples: [1], unique: false}",
    ],
)
def test_what_only_describes_asks_for_no_check(read_column, column):
    """Descriptions, formats and switched-off options add nothing to what decides."""
    contract = read_column(column)

    assert [check.kind for check in contract.checks] == ["present", "logicalType"]


@pytest.mark.parametrize(
    ("column", "message", "nearest"),
    [
        ("{name: a, logicalType: interger}", "'interger' is not a logical type", "integer"),
        ("{name: a, logicalTypeOptions: {minimum: 1}}", "needs a logicalType", None),
        ("{name: a, logicalType: integer, logicalTypeOptions: {minimum: low}}", "must be a number", None),
        ("{name: a, logicalType: string, logicalTypeOptions: {minLength: x}}", "must be a number", None),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: true}}",
            "must be a bound",
            None,
        ),
        ("{name: a, logicalType: array, logicalTypeOptions: {minItems: [1]}}", "must be a number", None),
    ],
)
def test_rule_that_cannot_be_checked_is_refused(read_column, column, message, nearest):
    """What would never hold, or never be checked, is an error of the file."""
    with pytest.raises(InvalidContract, match=message) as caught:
        read_column(column)

    assert caught.value.nearest == nearest
    assert caught.value.place.line == 8


@pytest.mark.parametrize(
    ("logical_type", "option", "nearest"),
    [
        ("string", "minLenght: 1", "minLength"),
        ("integer", "minLength: 1", None),
        ("boolean", "minimum: 1", None),
    ],
)
def test_option_of_another_type_is_unknown(read_column, logical_type, option, nearest):
    """An option that the logical type does not have names those that it has."""
    with pytest.raises(UnknownKey) as caught:
        read_column(f"{{name: a, logicalType: {logical_type}, logicalTypeOptions: {{{option}}}}}")

    assert caught.value.nearest == nearest
    assert logical_type in caught.value.hint


@pytest.mark.parametrize("rule", ["required: true", "unique: true", "enum: [{value: 1}]", "primaryKey: true"])
def test_check_inside_a_nested_value_is_refused(read_column, rule):
    """A check on a part of a structure would not be run, so it is not accepted."""
    with pytest.raises(InvalidContract, match="on a part of 'place' cannot be checked"):
        read_column(f"{{name: place, logicalType: object, properties: [{{name: city, {rule}}}]}}")


def test_nested_description_is_fine(read_column):
    """The parts of a structure may be described."""
    contract = read_column(
        "{name: place, logicalType: object, properties: [{name: city, description: Where it is}]}"
    )

    assert [check.kind for check in contract.checks] == ["present", "logicalType"]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ("{minLength: 1}", "add logicalType: string"),
        ("{minItems: 1, uniqueItems: true}", "add logicalType: array"),
        ("{minimum: 1}", "add logicalType: date or timestamp or time or number or integer"),
        ("{minLength: 1, minimum: 1}", "one of string, date,"),
    ],
)
def test_options_without_a_type_say_which_would_fit(read_column, options, hint):
    """Whoever wrote bounds is told of which types they are."""
    with pytest.raises(InvalidContract, match="needs a logicalType") as caught:
        read_column(f"{{name: a, logicalTypeOptions: {options}}}")

    assert caught.value.hint.startswith(hint)


RULE = "{name: a, quality: [{%s}]}"


@pytest.mark.parametrize(
    "column",
    [
        "{physicalType: text}",
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: true}}",
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: x}}",
        "{name: a, classification: public, customProperties: [{property: pii, value: identifier}]}",
        "{name: a, classification: pii, customProperties: [{property: mask, value: 7}]}",
        RULE % "type: sql, mustBe: 0",
        RULE % "metric: invalidValues, mustBe: 0",
        RULE % "metric: invalidValues, mustBe: 0, arguments: {validValues: x}",
        RULE % "metric: nullValues, mustBeBetween: [9, 1]",
    ],
)
def test_every_refusal_says_what_to_write(read_column, column):
    """No way in which a column can be wrong is without a hint."""
    with pytest.raises(InvalidProjectFile) as caught:
        read_column(column)

    assert caught.value.hint or caught.value.nearest
