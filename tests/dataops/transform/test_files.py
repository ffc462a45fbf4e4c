"""Where a table's file may stand, and what it may be called."""

from __future__ import annotations

import pytest

from ropewalk.dataops.transform import InvalidSQL, InvalidTableFile, TableDeclaredTwice, table_files
from ropewalk.dataops.transform.files import read_text
from ropewalk.project import InvalidProjectFile


def test_path_is_the_name(write_project):
    """One folder is the schema, the file the table; other files and hidden ones are none."""
    root = write_project(
        {
            "tables/staging/flights.sql": "",
            "tables/mart/Late_2013.sql": "",
            "tables/mart/notes.md": "",
            "tables/.cache/old.sql": "",
            "tables/mart/.draft.sql": "",
        }
    )

    assert list(table_files(root)) == ["mart.late_2013", "staging.flights"]


def test_project_without_tables_has_none(write_project):
    """No folder is no tables."""
    assert table_files(write_project({})) == {}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tables/flights.sql", "exactly one folder below tables/"),
        ("tables/mart/eu/flights.sql", "exactly one folder below tables/"),
        ("tables/mart/2013.sql", "'2013' is not a name of SQL"),
        ("tables/mart/late-flights.sql", "'late-flights' is not a name of SQL"),
        ("tables/my mart/flights.sql", "'my mart' is not a name of SQL"),
        ("tables/mart/flights.v2.sql", "'flights.v2' is not a name of SQL"),
        ("tables/mart/x';drop.sql", "is not a name of SQL"),
        ("tables/raw/flights.sql", "the schema raw is the one which sources fill"),
        ("tables/RopeWalk/builds.sql", "the schema ropewalk is the one in which the lake keeps its books"),
    ],
)
def test_file_that_gives_no_name_is_refused(write_project, path, message):
    """A file at another depth, with another name or in a reserved schema is an error that names it."""
    root = write_project({path: "SELECT 1"})

    with pytest.raises(InvalidTableFile) as caught:
        table_files(root)

    assert message in caught.value.message
    assert str(caught.value.place) == path


def test_two_files_of_one_table_are_refused(write_project):
    """Names that differ only by case are one name to the engine."""
    root = write_project({"tables/mart/Flights.sql": "SELECT 1", "tables/mart/flights.sql": "SELECT 2"})

    with pytest.raises(
        TableDeclaredTwice, match=r"mart\.flights has two files, here and tables/mart/Flights\.sql"
    ):
        table_files(root)


def test_text_is_read_without_a_byte_order_mark(write_project):
    """What an editor on Windows writes first is not part of the SQL."""
    root = write_project({})
    path = root / "a.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT 1")

    assert read_text(path, root) == "SELECT 1"


def test_text_that_is_not_utf8_is_refused(write_project):
    """Another encoding is named as the cause, with the byte."""
    root = write_project({})
    (root / "a.sql").write_bytes("SELECT 'Größe'".encode("latin-1"))

    with pytest.raises(InvalidSQL, match=r"not UTF-8 text: .* at byte 10") as caught:
        read_text(root / "a.sql", root)

    assert str(caught.value.place) == "a.sql"


def test_file_that_cannot_be_read_is_refused(write_project):
    """A file that goes away between listing and reading is an error of the project, not a crash."""
    root = write_project({})

    with pytest.raises(InvalidSQL, match="cannot be read: No such file"):
        read_text(root / "gone.sql", root)


@pytest.mark.parametrize("schema", ["information_schema", "pg_catalog", "temp", "system", "lake", "Memory"])
def test_schemas_of_the_engine_are_refused(write_project, schema):
    """A table there could be declared and never made, so a plan says so."""
    root = write_project({f"tables/{schema}/a.sql": "SELECT 1"})

    with pytest.raises(InvalidTableFile, match="that the engine needs for itself") as caught:
        table_files(root)

    assert str(caught.value.place) == f"tables/{schema}/a.sql"
    assert "another name" in caught.value.hint


def test_file_in_the_place_of_the_folder_is_refused(write_project):
    """A project whose tables cannot be listed has not simply none."""
    with pytest.raises(InvalidProjectFile, match="cannot be listed"):
        table_files(write_project({"tables": "x"}))
