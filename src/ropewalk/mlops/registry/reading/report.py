"""What was read of a model's files, without executing any: its flavours, what its pickles import, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from ropewalk.mlops.registry.errors import InvalidMLmodel
from ropewalk.mlops.registry.reading.contents import Contents
from ropewalk.mlops.registry.reading.mlmodel import MLMODEL, MLmodel, read_mlmodel
from ropewalk.mlops.registry.reading.views import map_file

# So many names or problems are told; the rest is counted.
_TOLD = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is unknown or wrong: in which file, and what."""

    path: str
    what: str


@dataclass(frozen=True)
class FilesReport:
    """What the files of a model hold.

    Attributes:
        flavours: the names of its flavours.
        pickles: how many pickles are in it.
        imports: what they would import, known and unknown.
        findings: what is unknown or wrong; empty for a model that can be trusted to be data.
    """

    flavours: tuple[str, ...] = ()
    pickles: int = 0
    imports: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether nothing is unknown."""
        return not self.findings


def read_files(files: Mapping[str, Path]) -> FilesReport:
    """Return what the files of a model hold; none is executed, imported or unpickled.

    Args:
        files: where each file is, by its path below the model.
    """
    contents, findings, model = Contents(), [], MLmodel()
    for path, place in sorted(files.items()):
        contents.read(path, map_file(place) if place.stat().st_size else BytesIO())
    if MLMODEL in files:
        try:
            model = read_mlmodel(files[MLMODEL].read_bytes())
        except InvalidMLmodel as error:
            findings.append(Finding(MLMODEL, error.message))
    findings += [Finding(MLMODEL, sentence) for sentence in model.code]
    findings += [Finding(contents.names[name], f"imports {name}") for name in contents.unknown]
    findings += [Finding(path, problem) for path, problem in contents.problems]
    imports = tuple(list(contents.names)[:_TOLD])
    return FilesReport(tuple(model.flavours), contents.pickles, imports, tuple(_first(findings)))


def _first(findings: Iterable[Finding]) -> list[Finding]:
    told = list(dict.fromkeys(findings))
    rest = len(told) - _TOLD
    return [*told[:_TOLD], Finding("", f"and {rest} more")] if rest > 0 else told
