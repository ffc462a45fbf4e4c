"""The glossary's file: what a term says, and everything that is refused with its place."""

from __future__ import annotations

import pytest

from ropewalk.dataops.definitions import Glossary, read_glossary
from ropewalk.errors import RopewalkError
from ropewalk.project import InvalidProjectFile, InvalidYAML, UnknownKey


def test_project_without_glossary_has_no_terms(tmp_path):
    """A project need not define its words."""
    assert read_glossary(tmp_path) == Glossary()


def test_term_says_all_of_it(read_terms):
    """Each key of a term is kept, values as the texts that the engine casts."""
    glossary = read_terms(
        """
        origin:
          meaning: Airport of departure
          type: string
          values: [EWR, JFK]
          owner: schedule desk
          unit: IATA code
          synonyms: [from_airport]
        """
    )

    term = glossary.terms["origin"]
    assert (term.meaning, term.type, term.values) == ("Airport of departure", "string", ("EWR", "JFK"))
    assert (term.owner, term.unit, term.names) == ("schedule desk", "IATA code", ("origin", "from_airport"))
    assert str(term.place) == "contracts/glossary.yaml:3:3"


@pytest.mark.parametrize(
    ("pii", "mask"),
    [("identifier", "hash"), ("contact", "partial"), ("quasi", "partial"), ("sensitive", "null")],
)
def test_class_decides_about_the_mask(read_terms, pii, mask):
    """What class of personal data it is says how it is masked; a term may choose another mask."""
    term = read_terms(f"a: {{meaning: x, pii: {pii}}}").terms["a"]
    chosen = read_terms(f"a: {{meaning: x, pii: {pii}, mask: 'null'}}").terms["a"]

    assert (term.mask, chosen.mask) == (mask, "null")


def test_dates_are_bounds(read_terms):
    """Bounds of dates and moments are kept as the engine reads them."""
    glossary = read_terms(
        "day: {meaning: x, type: date, minimum: 2013-01-01, maximum: 2013-12-31}\n"
        "seen: {meaning: x, type: timestamp, minimum: 2013-01-01T05:00:00}"
    )

    assert (glossary.terms["day"].minimum, glossary.terms["day"].maximum) == ("2013-01-01", "2013-12-31")
    assert glossary.terms["seen"].minimum == "2013-01-01 05:00:00"


def test_term_is_found_by_its_synonyms(read_terms):
    """People call one thing by several names, in any case."""
    glossary = read_terms("email: {meaning: x, synonyms: [mail, e_mail]}")

    assert [glossary.called(name) for name in ("EMAIL", "Mail")] == [glossary.terms["email"]] * 2
    assert glossary.called("letter") is None


@pytest.mark.parametrize(
    ("term", "message", "place"),
    [
        ("{}", "terms.a: key 'meaning' is missing", "2:3"),
        ("{meaning: ''}", "terms.a.meaning: String should have at least 1 character", "2:7"),
        ("{meaning: x, type: text}", "terms.a.type: Input should be 'string', 'integer'", "2:19"),
        ("{meaning: x, pii: secret}", "terms.a.pii: Input should be 'identifier', 'contact'", "2:19"),
        ("{meaning: x, mask: hash}", "mask needs pii", "2:3"),
        ("{meaning: x, pattern: '['}", "'[' is not a regular expression", "2:19"),
        ("{meaning: x, type: date, pattern: 'a'}", "pattern needs type: string", "2:3"),
        ("{meaning: x, minimum: 1}", "minimum and maximum need a type that has an order", "2:3"),
        ("{meaning: x, type: string, maximum: 1}", "need a type that has an order", "2:3"),
        ("{meaning: x, type: integer, minimum: a}", "a bound of 'a' is not of its type integer", "2:33"),
        ("{meaning: x, type: integer, minimum: true}", "a bound of 'a' is not of its type integer", "2:33"),
        ("{meaning: x, type: date, maximum: 3}", "a bound of 'a' is not of its type date", "2:30"),
        ("{meaning: x, type: integer, minimum: 9, maximum: 1}", "no value of 'a' lies between", "2:33"),
        ("{meaning: x, values: []}", "terms.a.values: List should have at least 1 item", "2:19"),
    ],
)
def test_term_that_cannot_be(read_terms, term, message, place):
    """A term that says nothing, or what cannot be, is refused at its place."""
    with pytest.raises(InvalidProjectFile) as caught:
        read_terms(f"a: {term}")

    assert message in caught.value.message
    assert str(caught.value.place).startswith(f"contracts/glossary.yaml:{place.split(':')[0]}")


def test_unknown_key_has_the_nearest(read_terms):
    """A misspelt key is an error with the right one."""
    with pytest.raises(UnknownKey) as caught:
        read_terms("a: {meaning: x, synonims: [b]}")

    assert caught.value.nearest == "synonyms"


@pytest.mark.parametrize(
    ("terms", "name"),
    [
        ("a: {meaning: x, synonyms: [b]}\nb: {meaning: y}", "b"),
        ("a: {meaning: x}\nA: {meaning: y}", "a"),
        ("a: {meaning: x, synonyms: [c]}\nb: {meaning: y, synonyms: [C]}", "c"),
    ],
)
def test_name_stands_for_one_term(read_terms, terms, name):
    """A name of two terms would leave a column of that name with two meanings."""
    with pytest.raises(InvalidProjectFile, match=f"'{name}' already stands for the term 'a'"):
        read_terms(terms)


@pytest.mark.parametrize("name", ["'two words'", "'1st'", "'a/b'", "''"])
def test_name_fits_into_a_link(read_terms, name):
    """Columns refer to a term by `glossary:NAME`."""
    with pytest.raises(InvalidProjectFile, match="cannot be the name of a term"):
        read_terms(f"{name}: {{meaning: x}}")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- a\n", InvalidProjectFile),
        ("term: {}\n", UnknownKey),
        ("terms: [\n", InvalidYAML),
        ("", InvalidProjectFile),
    ],
)
def test_file_that_is_no_glossary(read_text, text, error):
    """A file that defines no terms is refused, and never taken for an empty one."""
    with pytest.raises(error):
        read_text(text)


def test_bytes_that_are_no_text(tmp_path):
    """A glossary in another encoding is told of, with its place."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/glossary.yaml").write_bytes(b"terms:\n  a: {meaning: \xe4}\n")

    with pytest.raises(RopewalkError, match="not UTF-8 text"):
        read_glossary(tmp_path)
