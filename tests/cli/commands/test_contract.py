"""`ropewalk contract` and `ropewalk glossary`: what a person meets, and with which exit code."""

from __future__ import annotations

import subprocess

import pytest
import yaml

HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: people\nversion: 1.0.0\nschema:\n  - name: people\n"
FILES = {
    "ropewalk.yaml": "project: people\n",
    "tables/mart/people.sql": (
        "SELECT range AS person_id, 'p' || range || '@example.org' AS email, ['DE', 'FR'][1 + range % 2] AS country"
        " FROM range(100)\n"
    ),
    "tables/mart/loose.sql": "SELECT person_id AS number, country AS land FROM mart.people\n",
    "contracts/glossary.yaml": (
        "terms:\n"
        "  person_id: {meaning: Number of a person, type: integer, minimum: 0, owner: people desk}\n"
        "  country: {meaning: Where somebody lives, type: string, values: [DE, FR], synonyms: [land]}\n"
        "  email: {meaning: Where to write to, type: string, pii: contact}\n"
    ),
    "contracts/mart.people.odcs.yaml": HEADER
    + "    quality: [{metric: rowCount, mustBeLessThan: 50, severity: warning}, {type: text, name: plausible}]\n"
    "    properties:\n"
    "      - {name: person_id, primaryKey: true, authoritativeDefinitions: [{type: glossary, url: 'glossary:person_id'}]}\n"
    "      - {name: email, authoritativeDefinitions: [{type: glossary, url: 'glossary:email'}]}\n",
}


@pytest.fixture(scope="module")
def people(make_project):
    """Return the root of a project that has run, in Git; tests only ask."""
    return commit(make_project(FILES))


@pytest.fixture
def own_people(make_project):
    """Return the same for one test alone."""
    return commit(make_project(FILES))


def commit(root):
    (root / ".gitignore").write_text(".ropewalk/\n")
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=Ann", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def test_check_tells_each_check(people, ropewalk):
    """Every check is listed, what needs attention last; a warning does not fail, a note for people is told."""
    said = ropewalk("contract", "check", "people", cwd=people)

    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["check", "found"]
    assert lines[-1].split()[:2] == ["warning", "rowCount"]
    assert "for people, not checked: plausible (the table)" in said.err
    assert "7 of 8 checks hold for 100 rows" in said.err


def test_check_as_json(people, ropewalk):
    """A program gets each check with its verdict."""
    (found,) = ropewalk("contract", "check", "mart.people", "--json", cwd=people).json["tables"]

    assert (found["table"], found["rows"], found["passed"]) == ("mart.people", 100, True)
    assert {item["name"] for item in found["checks"] if not item["passed"]} == {"rowCount"}


def test_check_of_all_contracts(people, shop, ropewalk):
    """Without a name all tables with a contract are checked."""
    assert "mart.people: 7 of 8 checks hold" in ropewalk("contract", "check", cwd=people).err
    found = ropewalk("contract", "check", "--json", cwd=shop).json["tables"]
    assert [item["table"] for item in found] == ["mart.totals"]


def test_broken_check_ends_with_1(own_people, ropewalk):
    """The contract of today is held against the rows there are, with masked samples."""
    path = own_people / "contracts/mart.people.odcs.yaml"
    path.write_text(path.read_text() + "      - {name: country, enum: [{value: DE}]}\n")
    path.write_text(
        path.read_text().replace(
            "{name: email,", "{name: email, logicalType: string, logicalTypeOptions: {maxLength: 3},"
        )
    )

    said = ropewalk("contract", "check", "mart.people", cwd=own_people)

    assert said.code == 1
    assert "error[RW530]" in said.err
    assert "email = 'p***'" in said.err
    assert "@example.org" not in said.err + said.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["check", "nothing"], 3, "no contract is about 'nothing'"),
        (["check", "mart.loose"], 3, "`ropewalk contract infer mart.loose --write` drafts one"),
        (["infer", "mart.nothing"], 3, "has no table 'mart.nothing'"),
        (["infer", "people"], 2, "'people' is not the name of a table"),
        (["infer", "mart.people", "--write"], 4, "mart.people has a contract"),
        (["diff", "nope"], 3, "'nope' is neither a revision"),
        (["diff", "main", "--table", "mart.nothing"], 3, "no contract is about 'mart.nothing'"),
        (["diff", "main", "--for", "everyone"], 2, "everyone"),
    ],
)
def test_bad_input(people, ropewalk, arguments, code, told):
    """What is not there or does not fit is told, and what to do next."""
    said = ropewalk("contract", *arguments, cwd=people)

    assert (said.code, told in said.err) == (code, True), said.err


def test_infer_writes_a_contract_that_holds(own_people, ropewalk):
    """The draft is printed, written when asked, and at once a contract like any other."""
    printed = ropewalk("contract", "infer", "mart.loose", cwd=own_people)
    written = ropewalk("contract", "infer", "mart.loose", "--write", cwd=own_people)

    path = own_people / "contracts/mart.loose.odcs.yaml"
    assert path.read_text() == printed.out
    assert yaml.safe_load(printed.out)["team"] == {"name": "Ann"}
    assert "contracts/mart.loose.odcs.yaml is written" in written.out
    assert ropewalk("contract", "check", "mart.loose", cwd=own_people).code == 0
    assert ropewalk("run", cwd=own_people).code == 0


def test_infer_writes_nothing_of_what_comes_from_people(own_people, ropewalk):
    """A column that holds personal values under another name is called personal, and none of them is written."""
    sql = "SELECT person_id, split_part(email, '@', 2) AS place, left(email, 1) AS initial FROM mart.people"
    (own_people / "tables/mart/loose.sql").write_text(sql)
    ropewalk("run", cwd=own_people)

    said = ropewalk("contract", "infer", "mart.loose", cwd=own_people, ROPEWALK_PERSONAL_DATA="clear")

    assert "example.org" not in said.out
    assert said.out.count("classification: pii  # its values come from a personal column") == 2


def test_lint(own_people, ropewalk):
    """All files are read; one that cannot be used ends with 2."""
    good = ropewalk("contract", "lint", cwd=own_people)
    (own_people / "contracts/mart.loose.odcs.yaml").write_text("kind: DataContract\n")
    bad = ropewalk("contract", "lint", cwd=own_people)
    told = ropewalk("contract", "lint", "--json", cwd=own_people)

    assert (good.code, bad.code) == (0, 2)
    assert "contracts/glossary.yaml: fine" in good.out
    assert "3 files, 1 with errors" in bad.err
    assert told.code == 2
    assert [item["path"] for item in told.json["files"] if item["error"]] == [
        "contracts/mart.loose.odcs.yaml"
    ]


def test_diff_tells_breaking_from_compatible(own_people, ropewalk):
    """What is loosened ends with 1, what is tightened only for who fills; a new major version says so itself."""
    path = own_people / "contracts/mart.people.odcs.yaml"
    old = path.read_text()
    path.write_text(old.replace("{name: person_id, primaryKey: true,", "{name: person_id,"))
    loosened = ropewalk("contract", "diff", "main", cwd=own_people)
    path.write_text(path.read_text().replace("version: 1.0.0", "version: 2.0.0"))
    said = ropewalk("contract", "diff", "main", cwd=own_people)
    path.write_text(old + "      - {name: country}\n")
    tightened = ropewalk("contract", "diff", "main", cwd=own_people)

    assert (loosened.code, said.code, tightened.code) == (1, 0, 0)
    assert "error[RW532]: mart.people: not NULL of person_id is gone, which breaks consumers" in loosened.err
    assert "mart.people says so by version 1.0.0 -> 2.0.0" in said.err
    assert ropewalk("contract", "diff", "main", "--for", "producers", cwd=own_people).code == 1


def test_diff_of_a_term_is_a_diff_of_its_columns(own_people, ropewalk):
    """A wider term is a wider promise of every column that maps to it."""
    path = own_people / "contracts/glossary.yaml"
    path.write_text(path.read_text().replace("minimum: 0", "minimum: -9"))

    found = ropewalk("contract", "diff", "main", "--json", cwd=own_people).json

    assert found["breaking"] == 1
    assert found["changes"][0]["what"] == "minimum of person_id was 0 and is -9"
    assert found["changes"][0]["is_breaking"] is True


def test_diff_of_files_and_revisions(own_people, ropewalk):
    """Two files are two versions of one contract; two revisions are compared without the checkout."""
    path = own_people / "contracts/mart.people.odcs.yaml"
    other = own_people / "newer.yaml"
    other.write_text(path.read_text().replace("      - {name: email,", "      - {name: mail,"))

    files = ropewalk("contract", "diff", str(path), str(other), cwd=own_people)
    revisions = ropewalk("contract", "diff", "main", "HEAD", cwd=own_people)

    assert files.code == 1
    assert "column email is gone" in files.out
    assert (revisions.code, revisions.out) == (0, "the contracts promise the same\n")


def test_glossary_lists_terms_with_their_use(people, ropewalk):
    """Each term has its owner, class and the number of columns that map to it."""
    said = ropewalk("glossary", "list", cwd=people)
    terms = ropewalk("glossary", "list", "--json", cwd=people).json["terms"]

    assert "person_id  integer" in said.out
    assert {term["name"]: term["columns"] for term in terms} == {
        "person_id": ["mart.people.person_id"],
        "country": [],
        "email": ["mart.people.email"],
    }


def test_glossary_shows_a_term(people, ropewalk):
    """A term is found by its name or a synonym, or told with the nearest."""
    said = ropewalk("glossary", "show", "land", cwd=people)
    lost = ropewalk("glossary", "show", "contry", cwd=people)

    assert "meaning     Where somebody lives" in said.out
    assert "values      DE, FR" in said.out
    assert lost.code == 3
    assert "did you mean: country" in lost.err


def test_glossary_finds_unmapped_columns(people, ropewalk):
    """Columns of contracts and of tables without one are looked at; --strict ends with 1."""
    found = ropewalk("glossary", "unmapped", "--json", cwd=people).json
    strict = ropewalk("glossary", "unmapped", "--strict", cwd=people)

    assert [(item["table"], item["column"], item["term"]) for item in found["unmapped"]] == [
        ("mart.loose", "land", "country"),
        ("mart.loose", "number", "person_id"),
        ("mart.people", "country", "country"),
    ]
    assert found["unmapped"][1]["reason"] == "its values come from mart.people.person_id, which maps to it"
    assert found["columns"] == 5
    assert strict.code == 1
    assert "error[RW533]: 3 columns should map to a term" in strict.err


def test_project_without_a_glossary(shop, ropewalk):
    """There is nothing to list, and nothing wrong with that."""
    said = ropewalk("glossary", "list", cwd=shop)

    assert (said.code, said.out) == (0, "")
    assert ropewalk("glossary", "unmapped", "--strict", cwd=shop).code == 0


def test_sql_masks_unless_told(people, ropewalk):
    """Personal columns are masked in answers, and shown to who has the files and asks for it."""
    asked = ["sql", "SELECT email FROM mart.people ORDER BY person_id LIMIT 1"]

    assert ropewalk(*asked, "--json", cwd=people).json["rows"] == [{"email": "p***"}]
    assert ropewalk(*asked, "--unmask", "--json", cwd=people).json["rows"] == [{"email": "p0@example.org"}]
    clear = ropewalk(*asked, "--json", cwd=people, ROPEWALK_PERSONAL_DATA="clear")
    assert clear.json["rows"] == [{"email": "p0@example.org"}]
