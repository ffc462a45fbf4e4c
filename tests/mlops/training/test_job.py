"""The two files between the engine and a step's process."""

from __future__ import annotations

import math

import pytest

from ropewalk.mlops.training.job import (
    Answer,
    FilesInput,
    Job,
    MetricsInput,
    ModelInput,
    TableInput,
    read_answer,
    read_job,
    write_answer,
    write_job,
)

INPUTS = [
    TableInput("a", "mart.a", 3, "x"),
    ModelInput("b", "models:/m-1"),
    MetricsInput("c", {"auc": 0.5}),
    FilesInput("d", "/staging/d"),
]


def test_job_survives_the_way(tmp_path):
    """Inputs of every kind and parameters of every literal type arrive as they left."""
    parameters = {"depth": 6, "rate": 0.1, "name": "ä", "flag": True, "none": None, "many": [1, "x"]}
    parameters |= {"pair": (1, 2), "set": {1}, "bytes": b"x", "most": math.inf}
    job = Job("/root", "/state", "steps/a.py", "make", "Model", INPUTS, parameters, "run")

    write_job(job, tmp_path / "job.json")

    assert read_job(tmp_path / "job.json") == job


@pytest.mark.parametrize(
    "answer",
    [
        Answer(),
        Answer(model_uri="models:/m-1"),
        Answer(metrics={"auc": 0.5}),
        Answer(table="/staging/table.parquet"),
        Answer(files="/staging/files"),
        Answer(error="ValueError: x", place=("steps/a.py", 3), wrong_product=True),
    ],
)
def test_answer_survives_the_way(tmp_path, answer):
    """Each kind of answer arrives as it left."""
    write_answer(answer, tmp_path / "answer.json")

    assert read_answer(tmp_path / "answer.json") == answer
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


def test_process_that_did_not_answer(tmp_path):
    """No file is no answer, also when the process died while it wrote one."""
    (tmp_path / "answer.partial").write_text('{"metr')

    assert read_answer(tmp_path / "answer.json") is None


def test_job_that_is_none(tmp_path):
    """A file that something else wrote is not taken for a job."""
    (tmp_path / "job.json").write_text('{"root": 1}')

    with pytest.raises(KeyError):
        read_job(tmp_path / "job.json")
