"""What an edit of Python code does to each step, found out by running the steps: nothing here reads the planner's code.

Each step runs in a process of its own, loaded as Ropewalk loads it, with inputs that never change. Two versions of a
project differ for a step when what it returns, what it prints or how it fails differs. The shop is written so that
every change of meaning that a step reaches is to be seen in one of these.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

ROWS = {
    "by_store": [("s0", "Aachen", 40, 3), ("s1", "Bergen  upon Sea", 61, 4), ("s2", "Cadiz", 33, 2)],
    "large": [(4, 66), (7, 108), (9, 136)],
}
# Step -> its file and its inputs, in order.
STEPS = {
    "quote": ("steps/pricing.py", ["by_store"]),
    "ceiling": ("steps/pricing.py", ["by_store"]),
    "judge": ("steps/judging.py", [{"price": 90.0, "names": 3, "half": 4.5}, "large"]),
    "tally": ("steps/judging.py", ["large"]),
    "texts": ("steps/texts.py", ["large"]),
}


class _Relation:
    def __init__(self, name: str) -> None:
        self.name = name

    def fetchall(self) -> list[tuple[object, ...]]:
        return list(ROWS[self.name])


class _Table:
    def __init__(self, name: str) -> None:
        self.name = name

    def relation(self) -> _Relation:
        return _Relation(self.name)


def outcomes(root: Path, packages: Path) -> dict[str, str]:
    """Return what each step of the project at `root` does now, as text that can be compared."""
    done = subprocess.run(
        [sys.executable, __file__, str(root), str(packages)], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _run(root: Path, packages: Path, name: str) -> str:
    path, inputs = STEPS[name]
    sys.dont_write_bytecode = True
    sys.path[:0] = [str((root / path).parent), str(root)]
    sys.path += [str(root / "src"), str(packages)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        logging.basicConfig(level=logging.INFO, stream=printed, format="%(message)s")
        try:
            spec = importlib.util.spec_from_file_location(Path(path).stem, root / path)
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            sys.modules[Path(path).stem] = module
            spec.loader.exec_module(module)
            arguments = [_Table(item) if isinstance(item, str) else item for item in inputs]
            returned = repr(getattr(module, name)(*arguments))
        except Exception as error:  # noqa: BLE001  # however a step fails, it is an outcome
            returned = f"{type(error).__name__}: {error}"
    return f"{returned}\n{printed.getvalue()}"


def _in_child(root: Path, packages: Path, name: str) -> str:
    """Run one step in a fork, so that no step sees the modules of another."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "w") as stream:
            stream.write(_run(root, packages, name))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text.replace(str(root), "")


if __name__ == "__main__":
    project, site = Path(sys.argv[1]), Path(sys.argv[2])
    print(json.dumps({step: _in_child(project, site, step) for step in STEPS}))
