"""The same chains of trivial steps for DVC and ZenML, each run by its own Python environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.rig.cpu import Command

CHAIN = 10
ZENML = """
from zenml import pipeline, step

{steps}

@pipeline(enable_cache=True)
def chain():
{calls}

if __name__ == "__main__":
    chain()
"""


def dvc_project(folder: Path, python: Path, count: int) -> Command:
    """Write `count` stages that copy a file along chains of ten, and return `dvc repro`."""
    dvc = str(python.parent / "dvc")
    folder.mkdir(parents=True)
    stages = []
    for number in range(count):
        source = f"out/{number - 1}.txt" if number % CHAIN else "in.txt"
        stages.append(
            f"  s{number}:\n    cmd: cp {source} out/{number}.txt\n    deps: [{source}]\n    outs: [out/{number}.txt]\n"
        )
    (folder / "in.txt").write_text("1\n")
    (folder / "out").mkdir()
    (folder / "dvc.yaml").write_text("stages:\n" + "".join(stages))
    for command in (["git", "init", "-q"], [dvc, "init", "-q"], [dvc, "config", "core.analytics", "false"]):
        subprocess.run(command, cwd=folder, check=True)
    return Command([dvc, "repro"], folder, {"DVC_NO_ANALYTICS": "true"})


def dvc_file(folder: Path, python: Path, big: Path) -> Command:
    """Track a big file, and return `dvc status`, which hashes it again after a touch."""
    dvc = str(python.parent / "dvc")
    folder.mkdir(parents=True)
    for command in (["git", "init", "-q"], [dvc, "init", "-q"], [dvc, "config", "core.analytics", "false"]):
        subprocess.run(command, cwd=folder, check=True)
    (folder / "big.bin").hardlink_to(big)
    subprocess.run([dvc, "config", "cache.type", "hardlink"], cwd=folder, check=True)
    subprocess.run([dvc, "add", "-q", "big.bin"], cwd=folder, check=True)
    return Command([dvc, "status"], folder, {"DVC_NO_ANALYTICS": "true"})


def zenml_project(folder: Path, python: Path, count: int) -> Command:
    """Write a pipeline of `count` steps in a row, and return the command that runs it."""
    folder.mkdir(parents=True)
    steps = "\n".join(
        f"@step\ndef s{n}({'value: int' if n else ''}) -> int:\n    return {'value + 1' if n else '1'}\n"
        for n in range(count)
    )
    calls = "\n".join(f"    v{n} = s{n}({f'v{n - 1}' if n else ''})" for n in range(count))
    (folder / "chain.py").write_text(ZENML.format(steps=steps, calls=calls))
    environment = {
        "ZENML_CONFIG_PATH": str(folder / "config"),
        "ZENML_LOCAL_STORES_PATH": str(folder / "stores"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_VERBOSITY": "WARN",
    }
    subprocess.run(
        [str(python.parent / "zenml"), "init"],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**_inherited(), **environment},
    )
    return Command([str(python), "chain.py"], folder, environment)


def _inherited() -> dict[str, str]:
    import os

    return dict(os.environ)
