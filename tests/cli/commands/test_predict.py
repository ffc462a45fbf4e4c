"""`ropewalk predict` takes rows of a table or a file, and refuses clearly what it cannot take."""

from __future__ import annotations

import json

import pytest

FILES = {
    "ropewalk.yaml": """
        project: small
        sources:
          rows: {kind: files, path: "rows.csv"}
        deploy:
          small: {model: small, key: id}
        """,
    "rows.csv": "id,x,y\n" + "".join(f"{i},{i % 17},{int(i % 17 > 8)}\n" for i in range(200)),
    "tables/mart/examples.sql": "SELECT id, x, y FROM raw.rows",
    "steps/train.py": """
        import lightgbm
        import mlflow
        from mlflow.models import infer_signature

        from ropewalk import Model, Table, step


        @step(model="small")
        def train(examples: Table) -> Model:
            frame = examples.df()
            known = frame[["x"]].astype("float64")
            options = {"objective": "binary", "verbose": -1, "num_threads": 1}
            booster = lightgbm.train(options, lightgbm.Dataset(known, frame.y), 3)
            signature = infer_signature(known, booster.predict(known))
            packages = ["lightgbm"]
            return Model(
                mlflow.lightgbm.log_model(
                    booster, name="model", signature=signature, pip_requirements=packages
                )
            )
        """,
}


@pytest.fixture(scope="module")
def small(make_project):
    """Return the root of a project with a deployment."""
    return make_project(FILES)


@pytest.fixture
def predict(small, ropewalk):
    """Return a function that calls `ropewalk predict small` in that project."""

    def call(*options, deployment="small"):
        return ropewalk("predict", deployment, *options, cwd=small)

    return call


def test_rows_of_a_table(predict):
    """The first predictions are shown; how many there are, and of which version, is told beside them."""
    said = predict("--table", "raw.rows", "--where", "id < 30")

    assert len(said.out.splitlines()) == 11
    assert said.err.splitlines()[-1] == "30 predictions by version 1, the first 10 shown"


@pytest.mark.parametrize("name", ["some.csv", "some.json", "SOME.CSV"])
def test_rows_of_a_file(predict, small, name):
    """A file of any known format stands in for a table, whatever the case of its suffix."""
    rows = [{"id": 1, "x": 1.0}, {"id": 2, "x": 16.0}]
    text = json.dumps(rows) if name.endswith("json") else "id,x\n1,1.0\n2,16.0\n"
    (small / name).write_text(text)

    said = predict("--data", name, "--json").json

    low, high = (row["prediction"] for row in said["predictions"])
    assert low < 0.5 < high
    assert (said["rows"], said["versions"]) == (2, [1])


def test_no_rows(predict):
    """A condition that no row meets is told rather than answered with nothing."""
    said = predict("--table", "raw.rows", "--where", "id < 0")

    assert said.code == 2
    assert "there are no rows to predict" in said.err


@pytest.mark.parametrize(
    "options", [(), ("--table", "raw.rows", "--data", "rows.csv"), ("--data", "rows.csv", "--where", "true")]
)
def test_neither_or_both(predict, options):
    """Which rows are meant must be clear."""
    said = predict(*options)

    assert said.code == 2
    assert "error[RW189]: give either --table or --data" in said.err
    assert "hint: such as" in said.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "there is no file none.csv"),
        ("rows.txt", "id\n1\n", "rows.txt ends in .txt"),
        ("rows", "id\n1\n", "rows ends in nothing"),
        ("bad.parquet", "no parquet", "bad.parquet cannot be read: "),
        ("bad.json", "[{", "bad.json cannot be read: "),
    ],
)
def test_file_that_cannot_be_read(predict, small, name, content, message):
    """A file that is missing, of no known format or broken is told in one line."""
    if content is not None:
        (small / name).write_text(content)

    said = predict("--data", name)

    assert said.code == 2
    assert said.err.startswith(f"error[RW189]: {message}")


@pytest.mark.parametrize(
    ("options", "code", "exit_code"),
    [
        (("--table", "raw.rosw"), "RW220", 3),
        (("--table", "a.b.c.d"), "RW122", 2),
        (("--table", "raw.rows", "--where", "nope = 1"), "RW12", 2),
        (("--table", "raw.rows", "--where", "true); DROP TABLE raw.rows; --"), "RW12", 2),
    ],
)
def test_table_or_condition_that_is_wrong(predict, options, code, exit_code):
    """What does not fit the lake is refused by it, with its code."""
    said = predict(*options)

    assert said.code == exit_code
    assert f"error[{code}" in said.err


def test_unknown_deployment(predict):
    """A misspelt deployment is not found, and the nearest one is named."""
    said = predict("--table", "raw.rows", deployment="smal")

    assert said.code == 3
    assert "did you mean: small" in said.err


def test_server_that_is_not_there(predict):
    """With --url nothing is started; a server that does not answer is the outside's fault."""
    said = predict("--table", "raw.rows", "--url", "http://127.0.0.1:9")

    assert said.code == 5
    assert "error[RW" in said.err
