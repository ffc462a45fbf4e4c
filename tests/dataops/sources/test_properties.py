"""Whatever lands in which order: the table holds exactly the rows of the files that are there."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import SourceProject

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
ROWS = st.lists(st.tuples(st.integers(-(2**62), 2**62), TEXTS), min_size=1, max_size=4)
FOLDERS = st.lists(
    st.dictionaries(st.sampled_from("abc"), ROWS, min_size=1, max_size=3), min_size=1, max_size=3
)
SLOW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def land(project: SourceProject, folder: dict[str, list[tuple[int, str]]]) -> None:
    """Make the landing folder hold exactly these files."""
    shutil.rmtree(project.root / "landing", ignore_errors=True)
    for name, rows in folder.items():
        lines = (json.dumps({"n": number, "s": text}) for number, text in rows)
        project.write(f"landing/{name}.ndjson", "".join(f"{line}\n" for line in lines))


@SLOW
@given(folders=FOLDERS)
def test_the_table_follows_the_folder(tmp_path_factory, folders) -> None:
    """After each load the rows are those of the files, and the digest is that of loading them at once."""
    project = SourceProject(tmp_path_factory.mktemp("follows"))
    project.declare('{kind: files, path: "landing/*.ndjson", types: {n: BIGINT, s: VARCHAR}}')
    try:
        for folder in folders:
            land(project, folder)
            digest = project.load().digest
            expected = Counter(
                (n, s, f"landing/{name}.ndjson") for name, rows in folder.items() for n, s in rows
            )
            assert Counter(project.rows("SELECT n, s, _file")) == expected

        with project.lake.transaction("start again") as transaction:
            transaction.drop("raw.things")
            transaction.rewrite_book("builds", "source:things", [])
        assert project.load().digest == digest
    finally:
        project.close()


@SLOW
@given(rows=st.lists(st.tuples(st.none() | st.integers(-(2**62), 2**62), TEXTS), min_size=1, max_size=6))
def test_csv_comes_out_as_it_went_in(tmp_path: Path, rows) -> None:
    """Quotes, line breaks and odd characters survive; an empty text is no value."""
    import csv

    import duckdb

    from ropewalk.dataops.sources.declarations import FilesSource
    from ropewalk.dataops.sources.file_formats import CSVFiles
    from ropewalk.dataops.sources.local_files import LocalFiles

    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([("n", "s"), *rows])

    files = CSVFiles(FilesSource(kind="files", path="a.csv", delimiter=","), LocalFiles(tmp_path))
    with duckdb.connect() as connection:
        relation, _ = files.relation(connection, ["a.csv"], {"n": "BIGINT", "s": "VARCHAR"}, is_trusting=True)
        found = connection.execute(f"SELECT n, s FROM ({relation.sql})").fetchall()

    assert found == [(number, text or None) for number, text in rows]
