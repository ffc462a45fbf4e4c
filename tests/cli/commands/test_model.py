"""`ropewalk model`, `ropewalk import mlflow` and `ropewalk export project`, as people type them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.cli.main import run

META = "artifact_location: ''\ncreation_time: 1\nexperiment_id: '7'\nlast_update_time: 2\nlifecycle_stage: active\nname: flights\n"
RUN = "run_id: 0a1b\nrun_name: one\nstart_time: 1\nend_time: 2\nstatus: 3\nlifecycle_stage: active\nuser_id: ann\nartifact_uri: /gone/7/0a1b/artifacts\n"
VERSION = "creation_timestamp: 1\nlast_updated_timestamp: 2\ncurrent_stage: None\nname: late\nrun_id: 0a1b\nsource: /gone/7/0a1b/artifacts/model\nversion: 1\n"
MLMODEL = 'flavors: {lightgbm: {}}\nsignature: {inputs: \'[{"name": "hour", "type": "long"}]\'}\n'
FILES = {
    "mlruns/7/meta.yaml": META,
    "mlruns/7/0a1b/meta.yaml": RUN,
    "mlruns/7/0a1b/metrics/auc": "1 0.5 0\n2 0.75 1\n",
    "mlruns/7/0a1b/artifacts/model/MLmodel": MLMODEL,
    "mlruns/7/0a1b/artifacts/model/model.lgb": "tree\nversion=v4\n\nfeature_importances:\nhour=3\nday=1\n\nparameters:\n",
    "mlruns/models/late/meta.yaml": "creation_timestamp: 1\nlast_updated_timestamp: 2\nname: late\naliases: {champion: 1}\n",
    "mlruns/models/late/version-1/meta.yaml": VERSION,
    "models/late.md": "For planning only.\n",
    "ropewalk.yaml": "project: moved\nregistry: {all: {approvals: {production: {}}}}\n",
}


@pytest.fixture(scope="module")
def moved(make_project: Callable[..., Path]) -> Path:
    """Return the root of a project that a folder `mlruns` was imported into."""
    root = make_project(FILES, ran=False)
    with contextlib.chdir(root):
        assert run(["import", "mlflow", "mlruns"]) == 0
    return root


@pytest.fixture
def ask(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return a function that runs `ropewalk model …` there and returns what it prints."""
    monkeypatch.chdir(moved)

    def call(*arguments: str, author: str = "Ann", code: int = 0) -> str:
        monkeypatch.setenv("ROPEWALK_AUTHOR", author)
        assert run(["model", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    return call


def test_show(ask: Callable[..., str]) -> None:
    """A version is shown by number, alias or as the newest, with what a release of it needs."""
    shown = [json.loads(ask("show", named, "--json")) for named in ("late", "late/1", "late@champion")]

    assert shown[0] == shown[1] == shown[2]
    assert (shown[0]["files"], shown[0]["flavours"], shown[0]["files_are"]) == (2, ["lightgbm"], "known")
    assert isinstance(shown[0]["releases_need"], dict)
    assert "content: " in ask("show", "late")


def test_list_files_verify(ask: Callable[..., str]) -> None:
    """Models, their files and whether these are whole."""
    assert "champion: 1" in ask("list")
    assert json.loads(ask("list", "--json"))[0]["versions"] == 1
    assert "0 pickles; known" in ask("files", "late")
    assert [file["path"] for file in json.loads(ask("files", "late", "--json"))["files"]] == [
        "MLmodel",
        "model.lgb",
    ]
    assert "2 files as registered" in ask("verify", "late@champion")


def test_review(ask: Callable[..., str]) -> None:
    """Asking, refusing, approving and commenting, each by a person."""
    assert "late version 1: open" in ask("request", "late/1", "-m", "look")
    assert "does not approve it" in ask("approve", "late/1", code=4)
    assert "Bo rejected: no" in ask("reject", "late/1", "-m", "no", author="Bo")
    assert json.loads(ask("approve", "late/1", "--json", author="Bo"))["state"] == "approved"
    assert "Cy commented: why?" in ask("comment", "late/1", "why?", author="Cy")

    told = ask("history", "late/1")

    assert all(word in told for word in ("registered", "approval asked", "approved", "imported from"))
    assert {event["who"] for event in json.loads(ask("history", "late@champion", "--json"))} >= {"Bo", "Cy"}


def test_card(ask: Callable[..., str], moved: Path) -> None:
    """A card has front matter, the project's own words, the signature and what the trees look at; twice the same."""
    card = ask("card", "late/1")

    assert "wrote CARD.md" in ask("card", "late/1", "-o", "CARD.md")
    assert (moved / "CARD.md").read_text(encoding="utf-8") == card
    assert card.startswith("---\nlibrary_name: lightgbm\ntags:\n- lightgbm\n- ropewalk\n")
    assert all(
        part in card
        for part in ("For planning only.", "| hour | long | yes |", "| hour | 75.0% |", "| auc | 0.75 |")
    )


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("show", "lat"), "Registered Model with name=lat not found", 3),
        (("show", "late/9"), "not found", 3),
        (("history", "nothing"), "not found", 3),
        (("comment", "late", " "), "the comment is empty", 2),
        (("allow", "late", "--reason", "x"), "is not in quarantine", 2),
    ],
)
def test_wrong(arguments: tuple[str, ...], said: str, code: int, ask: Callable[..., str]) -> None:
    """What is not there, or makes no sense, is said."""
    assert said in ask(*arguments, code=code)


def test_export_and_import(moved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project goes out and comes in elsewhere; a difference ends with the exit code 5."""
    (tmp_path / "ropewalk.yaml").write_text("project: other\n", encoding="utf-8")
    with contextlib.chdir(moved):
        assert run(["export", "project", str(tmp_path / "out.zip")]) == 0
        assert run(["export", "project", str(tmp_path / "out"), "--json"]) == 0
    with contextlib.chdir(tmp_path):
        assert run(["import", "project", "out.zip", "--json"]) == 0
        capsys.readouterr()
        metric = moved / "mlruns/7/0a1b/metrics/auc"
        metric.write_text(metric.read_text(encoding="utf-8") + "3 0.9 2\n", encoding="utf-8")
        assert run(["import", "mlflow", str(moved / "mlruns")]) == 5

    assert "run 0a1b" in capsys.readouterr().err
