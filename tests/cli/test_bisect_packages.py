"""`bisect` between two runs whose packages differ: real wheels, a real `uv`, and no network."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

STEP = """
    import aa_offset
    import bb_scale
    from ropewalk import Metrics, Table, step

    @step
    def score(orders: Table) -> Metrics:
        total = sum(row[1] for row in orders.relation().fetchall())
        return Metrics(total=total * bb_scale.FACTOR + aa_offset.OFFSET)
    """
FILES = {
    ".gitignore": ".ropewalk\n",
    "ropewalk.yaml": "project: shop\nsources:\n  orders: {kind: files, path: 'drops/*.csv'}\n",
    "drops/a.csv": "id,amount\n1,10\n2,20\n",
    "tables/staging/orders.sql": "SELECT id, amount FROM raw.orders\n",
    "steps/score.py": STEP,
}
# Only the second one's new version turns the total.
PACKAGES = {
    ("aa_offset", "1.0"): "OFFSET = 0",
    ("aa_offset", "2.0"): "OFFSET = 1",
    ("bb_scale", "1.0"): "FACTOR = 1",
    ("bb_scale", "2.0"): "FACTOR = -1",
}


def make_wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """Write a package of one module as a wheel."""
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"{code}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Return a folder of all wheels, beside folders in which those of one version are installed."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for (name, version), code in PACKAGES.items():
        with zipfile.ZipFile(make_wheel(folder, name, version, code)) as wheel:
            wheel.extractall(tmp_path / version)
    return folder


@pytest.fixture
def root(write_project, wheels, ropewalk_process) -> Path:
    """Return a project that was run on the packages of version 1.0 and then on those of 2.0."""
    root: Path = write_project(FILES)
    person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", root, "init", "-q"], check=True)
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)
    subprocess.run(["git", "-C", root, *person, "commit", "-qm", "One"], check=True)
    for version in ("1.0", "2.0"):
        assert ropewalk_process("run", cwd=root, PYTHONPATH=str(wheels.parent / version)).code == 0
    return root


def bisect(root, wheels, ropewalk_process, *arguments: str, **environment: str):
    """Search between the two runs, with the newer packages installed."""
    path = str(wheels.parent / "2.0")
    runs = ropewalk_process("runs", "--json", cwd=root, PYTHONPATH=path).json["runs"]
    # Replays are runs too.
    newest, oldest = (run["id"] for run in runs if run["cause"] == "person")
    ends = ("--good", oldest, "--bad", newest)
    return ropewalk_process(
        "bisect", "score.total", *ends, *arguments, cwd=root, PYTHONPATH=path, UV_NO_INDEX="1", **environment
    )


def test_package_is_found(root, wheels, ropewalk_process):
    """Of two packages that changed, the one that turned the metric is named with its versions."""
    found = bisect(root, wheels, ropewalk_process, "--json", UV_FIND_LINKS=str(wheels)).json
    again = bisect(root, wheels, ropewalk_process, "--json").json

    assert found["culprit"] == {"axis": "environment", "what": "bb_scale", "description": "1.0 -> 2.0"}
    assert found["changed_packages"] == {"aa_offset": ["1.0", "2.0"], "bb_scale": ["1.0", "2.0"]}
    # The ends are the recorded executions, and every replay is kept: without an index the same is found again.
    assert sum(trial["executed"] for trial in found["trials"]) == 1
    assert sum(trial["executed"] for trial in again["trials"]) == 0
    assert again["culprit"] == found["culprit"]


def test_index_out_of_reach(root, wheels, ropewalk_process):
    """What cannot be installed is an error of its own, and no verdict about the metric."""
    said = bisect(root, wheels, ropewalk_process)

    assert said.code != 0
    assert "RW449" in said.err
    assert "must reach a package index" in said.err


def test_table_of_trials(root, wheels, ropewalk_process):
    """People see which packages differ and what was tried."""
    said = bisect(root, wheels, ropewalk_process, UV_FIND_LINKS=str(wheels))

    assert "package bb_scale: 1.0 -> 2.0" in said.out
    assert said.out.rstrip().endswith("environment: bb_scale  1.0 -> 2.0")
