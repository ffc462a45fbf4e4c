"""Files of every format keep the contract of all sources."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence

import pytest
from written_files import avro, workbook

from .suite import Adapter, Row, SourceContract


class Folder(Adapter):
    """A folder of files; the first holds what is put, and each later one what is added."""

    increments = ""
    appends = ""
    suffix = ""

    def entry(self) -> str:
        return f'kind: files, path: "landing/*{self.suffix}"'

    def put(self, rows: Sequence[Row]) -> None:
        shutil.rmtree(self.project.root / "landing", ignore_errors=True)
        self.write(1, rows)

    def add(self, rows: Sequence[Row]) -> None:
        self.write(1 + len(list((self.project.root / "landing").iterdir())), rows)

    def write(self, number: int, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        self.project.write(f"landing/{number}{self.suffix}", self.content(columns, rows))

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        raise NotImplementedError


class CSVFolder(Folder):
    suffix = ".csv"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([columns, *([row.get(name) for name in columns] for row in rows)])
        return text.getvalue().encode()


class NDJSONFolder(Folder):
    suffix = ".ndjson"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


class JSONFolder(Folder):
    """Each file is one array."""

    suffix = ".json"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        return json.dumps(rows).encode()


class ExcelFolder(Folder):
    """Workbooks, whose numbers are all floats."""

    suffix = ".xlsx"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        return workbook({"Things": [list(columns), *([row.get(name) for name in columns] for row in rows)]})

    def quarantined(self, columns: str = "_column, _value") -> list[tuple[object, ...]]:
        return super().quarantined(
            columns.replace("_row ->> 'id'", "printf('%g', CAST(_row ->> 'id' AS DOUBLE))")
        )


class AvroFolder(Folder):
    suffix = ".avro"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        return avro(columns, [[row.get(name) for name in columns] for row in rows])


class ParquetFolder(Folder):
    suffix = ".parquet"

    def content(self, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        made = pa.table({name: [row.get(name) for row in rows] for name in columns})
        sink = io.BytesIO()
        pq.write_table(made, sink)
        return sink.getvalue()


class Bucket(CSVFolder):
    """The same in a bucket of a real server."""

    def __init__(self, project, server) -> None:
        from obstore.store import S3Store

        super().__init__(project)
        server.make_bucket("shelf")
        self.prefix = f"contract-{project.root.parent.name}"
        self.options = ", ".join(f"{name}: '{value}'" for name, value in server.credentials().items())
        options = {"allow_http": True}
        self.store = S3Store("shelf", prefix=self.prefix, **server.credentials(), client_options=options)

    def entry(self) -> str:
        return f'kind: files, path: "s3://shelf/{self.prefix}/*.csv", options: {{{self.options}}}'

    def put(self, rows: Sequence[Row]) -> None:
        self.store.delete([item["path"] for batch in self.store.list() for item in batch])
        self.write(1, rows)

    def add(self, rows: Sequence[Row]) -> None:
        self.write(1 + sum(len(batch) for batch in self.store.list()), rows)

    def write(self, number: int, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        self.store.put(f"{number}.csv", self.content(columns, rows))


SLOW = pytest.mark.slow
OTHERS = (NDJSONFolder, JSONFolder, ExcelFolder, AvroFolder, ParquetFolder, Bucket)
EXTENSIONS = {ExcelFolder: "duckdb_extension_excel", AvroFolder: "duckdb_extension_avro"}


@pytest.fixture(params=[CSVFolder, *(pytest.param(kind, marks=SLOW) for kind in OTHERS)])
def adapter(request: pytest.FixtureRequest, project) -> Folder:
    """Return a folder of each format, and a bucket."""
    if request.param in EXTENSIONS:
        pytest.importorskip(EXTENSIONS[request.param], reason="the extra for this format is not installed")
    if request.param is Bucket:
        return Bucket(project, request.getfixturevalue("object_server"))
    return request.param(project)


class TestFiles(SourceContract):
    """The ledger of files stands for the cursor."""

    def test_an_overlap_takes_late_rows(self, adapter: Adapter) -> None:
        pytest.skip("files are told apart by their content, not by a cursor")

    def test_names_that_look_like_sql(self, adapter: Adapter) -> None:
        if isinstance(adapter, AvroFolder):
            pytest.skip("names in Avro have letters, digits and underscores only")
        super().test_names_that_look_like_sql(adapter)
