"""Files that no library here writes: Excel workbooks and Avro containers, made byte by byte."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

Value = int | float | str | None


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """Return an Excel file with inline texts and numbers (ECMA-376, SpreadsheetML)."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        parts = [("/xl/workbook.xml", "sheet.main")]
        parts += [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in range(1, len(sheets) + 1)]
        told = "".join(f'<Override PartName="{p}" ContentType="{types}.{kind}+xml"/>' for p, kind in parts)
        rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="{package}/content-types">{rels}{told}</Types>'
        )
        target = f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr(
            "_rels/.rels", f'<Relationships xmlns="{package}/relationships">{target}</Relationships>'
        )
        named, links = "", ""
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            named += f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
            links += f'<Relationship Id="rId{number}" Type="{office}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            cells = "".join(
                f'<row r="{r}">' + "".join(_cell(r, c, value) for c, value in enumerate(row)) + "</row>"
                for r, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
            )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{named}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        )
    return made.getvalue()


def _cell(row: int, column: int, value: object) -> str:
    if value is None:
        return ""
    place = f"{'ABCDEF'[column]}{row}"
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def avro(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    """Return an Avro container file (Avro 1.11, object container files) in which every value may be missing."""
    kinds = [_avro_kind([row[number] for row in rows]) for number in range(len(columns))]
    fields = [{"name": name, "type": ["null", kind]} for name, kind in zip(columns, kinds, strict=True)]
    schema = json.dumps({"type": "record", "name": "thing", "fields": fields}).encode()
    meta = (
        _long(2)
        + _bytes(b"avro.schema")
        + _bytes(schema)
        + _bytes(b"avro.codec")
        + _bytes(b"null")
        + _long(0)
    )
    block = b"".join(_avro_value(value, kind) for row in rows for value, kind in zip(row, kinds, strict=True))
    return b"Obj\x01" + meta + b"0" * 16 + _long(len(rows)) + _bytes(block) + b"0" * 16


def _avro_kind(values: Sequence[Value]) -> str:
    kinds = {type(value) for value in values if value is not None}
    return "long" if kinds == {int} else "double" if kinds and kinds <= {int, float} else "string"


def _avro_value(value: Value, kind: str) -> bytes:
    if value is None:
        return _long(0)
    packed = {
        "long": lambda: _long(int(value)),
        "double": lambda: struct.pack("<d", float(value)),
        "string": lambda: _bytes(str(value).encode()),
    }
    return _long(1) + packed[kind]()


def _long(value: int) -> bytes:
    zigzag, out = (value << 1) ^ (value >> 63), bytearray()
    while zigzag > 0x7F:
        out.append((zigzag & 0x7F) | 0x80)
        zigzag >>= 7
    return bytes([*out, zigzag])


def _bytes(value: bytes) -> bytes:
    return _long(len(value)) + value
