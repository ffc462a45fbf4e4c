"""`ropewalk predict`: rows of a table or a file, through a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ropewalk.cli.errors import NothingToPredict
from ropewalk.cli.output import count, emit_json, emit_table
from ropewalk.cli.session import Session, environment_option, open_session
from ropewalk.dataops.lake import QueryResult, TableName, query_environment
from ropewalk.devops.serving import Predictions, predict

READERS = {".csv": "read_csv", ".json": "read_json", ".ndjson": "read_json", ".parquet": "read_parquet"}
SHOWN = 10
MOST_ROWS = 10_000_000
TIMEOUT_S = 600.0


@click.command("predict")
@click.argument("deployment")
@click.option("--table", help="Table of the lake whose rows to predict.")
@click.option("--where", help="Condition in SQL on the rows of --table.")
@click.option(
    "--data", type=click.Path(path_type=Path, dir_okay=False), help="CSV, JSON or Parquet file of rows."
)
@click.option("--url", help="Address of a running `ropewalk up`; else a worker is started for the occasion.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@environment_option
def command(
    deployment: str,
    *,
    url: str | None,
    environment: str | None,
    as_json: bool,
    **rows_of: Any,
) -> None:
    """Have DEPLOYMENT predict rows; each prediction is recorded like any other request's."""
    with open_session(environment=environment) as session:
        found = _rows(session, **rows_of)
        names = [column.name for column in found.columns]
        rows = (dict(zip(names, row, strict=True)) for row in found.rows)
        predictions = predict(session.workspace, deployment, rows, url=url)
    if as_json:
        emit_json(_document(deployment, predictions))
    else:
        _print(predictions)


def _rows(session: Session, table: str | None, where: str | None, data: Path | None) -> QueryResult:
    if table and not data:
        name = TableName.parse(table).unqualified
        condition = f" WHERE ({where}\n)" if where else ""
        # The condition is the caller's own SQL; the lake lets nothing but one SELECT through.
        query = f"SELECT * FROM {name}{condition}"  # noqa: S608  # see above
        return query_environment(session.workspace, query, MOST_ROWS, TIMEOUT_S)
    if data and not table and not where:
        return _read_file(data)
    raise NothingToPredict(
        "give either --table or --data, and --where only with --table",
        hint="such as `--table mart.features --where 'id < 10'`, or `--data rows.csv`",
    )


def _read_file(path: Path) -> QueryResult:
    import duckdb

    from ropewalk.dataops.lake import Column

    if not path.is_file():
        raise NothingToPredict(f"there is no file {path}", hint="the path is relative to the current folder")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise NothingToPredict(f"{path} ends in {path.suffix or 'nothing'}", hint=f"known are {known}")
    # The file is the caller's own, outside the lake: an engine of its own reads it.
    with duckdb.connect() as connection:
        try:
            found = connection.execute(f"SELECT * FROM {reader}(?)", [str(path)])  # noqa: S608  # from the table above
            columns = tuple(Column(str(item[0]), str(item[1])) for item in found.description or ())
            return QueryResult(columns, tuple(found.fetchall()), is_complete=True)
        except duckdb.Error as error:
            # The engine's first line says what is wrong; the others advise on options of its own.
            reason = str(error).splitlines()[0]
            raise NothingToPredict(f"{path} cannot be read: {reason}") from error


def _document(deployment: str, found: Predictions) -> dict[str, object]:
    pairs = zip(found.ids, found.values, strict=True)
    return {
        "deployment": deployment,
        "rows": len(found.values),
        "versions": found.versions,
        "predictions": [{"id": prediction_id, "prediction": value} for prediction_id, value in pairs],
    }


def _print(found: Predictions) -> None:
    emit_table(("id", "prediction"), list(zip(found.ids, found.values, strict=True))[:SHOWN])
    more = f", the first {SHOWN} shown" if len(found.values) > SHOWN else ""
    versions = ", ".join(map(str, found.versions))
    click.echo(f"{count(len(found.values), 'prediction')} by version {versions}{more}", err=True)
