"""What the Pythons that a step starts read: each records like the step's own process, and imports as that does.

That is workers that are started anew (`spawn`, `forkserver`, joblib's) and programs (`subprocess.run([python, "x.py"])`). They
are reached the way that Python offers for it: a module `sitecustomize` on their path, which each loads before anything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, MutableMapping
from pathlib import Path

from ropewalk.mlops.training import audit
from ropewalk.processes import import_from_source

FOLDER = "python"
# Workers run functions of code that is loaded in the step's own process as well, and counts there.
_PROGRAM = """\
def _load(name, file):
    import importlib.util, sys

    spec = importlib.util.spec_from_file_location(name, file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _begin():
    import pathlib, sys

    folder = {folder!r}
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    started = " ".join(sys.orig_argv)
    paths = [pathlib.Path(path) for path in {paths!r}]
    is_worker = "multiprocessing" in started or "loky" in started
    reads = _load("_ropewalk_reads", {audit!r})
    reads.record_reads(paths[0], paths[1], paths[2:], own_program=not is_worker)
    _load("_ropewalk_imports", {imports!r}).import_from_source(paths[0])


def _go_on():
    import importlib, sys

    # The machine's own module of this name is hidden by this one.
    own = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ImportError:
        pass
    if own is not None:
        sys.modules.setdefault("sitecustomize", own)


try:
    _begin()
except Exception:
    # Whatever Python this is: the step's program matters more than what is known of it.
    pass
_go_on()
"""


def record_in_children(
    root: Path, log: Path, excluded: Iterable[Path], environ: MutableMapping[str, str] = os.environ
) -> None:
    """Have each Python that this process starts from now on record what it reads into `log`.

    Raises:
        OSError: the module that does it cannot be written beside the log.
    """
    folder = log.parent / FOLDER
    folder.mkdir(exist_ok=True)
    paths = [str(path) for path in (root, log, *excluded, folder)]
    imports = import_from_source.__code__.co_filename
    program = _PROGRAM.format(folder=str(folder), imports=imports, audit=audit.__file__, paths=paths)
    (folder / "sitecustomize.py").write_text(program, encoding="utf-8")
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), environ.get("PYTHONPATH", "")]))
