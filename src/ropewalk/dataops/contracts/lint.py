"""Reading everything that a project says of its tables and words, and telling what is wrong file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ropewalk.dataops.contracts.files import contract_files, read_contract
from ropewalk.dataops.contracts.guess import guess_name
from ropewalk.dataops.contracts.values import Contract, ContractColumn
from ropewalk.dataops.definitions import GLOSSARY_FILE, Glossary, glossary_path, read_glossary
from ropewalk.errors import RopewalkError


@dataclass(frozen=True)
class LintedFile:
    """One file: what makes it unusable, if anything, and what is worth a look."""

    path: str
    error: RopewalkError | None = None
    advice: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the file as plain JSON values."""
        return {
            "path": self.path,
            "error": self.error.as_json() if self.error else None,
            "advice": list(self.advice),
        }

    def lines(self) -> Iterator[str]:
        """Yield what to print of the file, a line each."""
        if self.error is not None:
            close = f"; did you mean {self.error.nearest!r}?" if self.error.nearest else ""
            yield f"{self.error.place or self.path}: error {self.error.code}: {self.error.message}{close}"
        for line in self.advice:
            yield f"{self.path}: {line}"
        if self.error is None and not self.advice:
            yield f"{self.path}: fine"


def lint_contracts(root: Path) -> list[LintedFile]:
    """Return what is found of the glossary and of each contract of the project at `root`.

    Raises:
        InvalidContract: a file of the folder is named after no table.
    """
    glossary, found = Glossary(), []
    if glossary_path(root).is_file():
        try:
            glossary = read_glossary(root)
            found.append(LintedFile(GLOSSARY_FILE))
        except RopewalkError as error:
            # The contracts are read all the same: one command tells all there is to mend.
            found.append(LintedFile(GLOSSARY_FILE, error))
    return [*found, *(_lint(path, root, glossary) for path in contract_files(root).values())]


def refuse_unsound(found: Sequence[LintedFile]) -> None:
    """Return when every file can be used.

    Raises:
        RopewalkError: the first error there is.
    """
    for item in found:
        if item.error is not None:
            raise item.error


def _lint(path: Path, root: Path, glossary: Glossary) -> LintedFile:
    shown = path.relative_to(root).as_posix()
    try:
        contract = read_contract(path, root, glossary)
    except RopewalkError as error:
        return LintedFile(shown, error)
    return LintedFile(shown, advice=tuple(_advise(contract, glossary)))


def _advise(contract: Contract, glossary: Glossary) -> Iterator[str]:
    if contract.status is None:
        yield "no status: the standard wants one, such as `status: active`"
    if contract.owner is None:
        yield "nobody answers for it: give it a team"
    if not any(check.kind != "present" for check in contract.checks):
        yield "it describes, and asks for no check"
    blank = [column.name for column in contract.columns if not column.description]
    if blank:
        yield f"no description: {', '.join(blank)}"
    for column in contract.columns:
        yield from _advise_column(column, glossary)
    yield from contract.notes


def _advise_column(column: ContractColumn, glossary: Glossary) -> Iterator[str]:
    seems = guess_name(column.name)
    if seems and column.mask is None and column.classification is None:
        yield f"{column.name} seems to hold personal data ({seems}): classify it, or call it public"
    meant = glossary.called(column.name)
    if meant and column.term is None:
        yield f"{column.name} should map to the term {meant.name!r}"
