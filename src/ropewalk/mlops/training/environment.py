"""What a step's code runs on: Python's minor version, and the packages it imports with all that those need.

What is installed counts, not what a lock file of the project says: a step runs with the packages that are there. A step
with an environment of its own (`env=`) runs on what its locked file says, so there the file counts.
"""

from __future__ import annotations

import importlib.machinery
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from blake3 import blake3

from ropewalk.errors import Place
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.installed import Distribution, Installed, normal_name, read_installed
from ropewalk.mlops.training.options import CheckedOptions
from ropewalk.project import Closure, StepDeclaration

NOT_INSTALLED = "not installed"
# Extras with which a package is developed; what they install is not used by those who import it.
# How a fact ends that is about code of no version; see `_source_digest` and `_loose`.
_CODE = re.compile(r"(^| )[0-9a-f]{16}($|[ ,\n])")
DEVELOPMENT = re.compile(r"bench|check|ci|dev|doc|example|lint|test|tutorial|typ")


class Environment:
    """The environment that steps share, read once for all steps of a plan.

    Args:
        installed: the distributions in it.
    """

    def __init__(self, installed: Installed) -> None:
        self._all = installed.distributions
        self._known: dict[tuple[str, ...], dict[str, str]] = {}
        self._providers: dict[str, list[Distribution]] = {}
        for distribution in self._all.values():
            for name in distribution.imports:
                self._providers.setdefault(name, []).append(distribution)

    @classmethod
    def of(cls, state_folder: Path) -> Environment:
        """Return the environment that this process runs in; what was read of it is kept in `state_folder`."""
        return cls(read_installed(state_folder))

    def facts(self, packages: Iterable[str]) -> dict[str, str]:
        """Return what code that imports `packages` runs on.

        That is `python`, `package NAME` with the version of each imported package that Python does not ship, and
        `packages needed` with a line for each other distribution that these need, directly or through others.
        """
        names = tuple(sorted({n for n in packages if n not in sys.stdlib_module_names and n != "ropewalk"}))
        if names not in self._known:
            self._known[names] = self._read(names)
        return self._known[names]

    def _read(self, names: tuple[str, ...]) -> dict[str, str]:
        facts = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
        direct: dict[str, Distribution] = {}
        for name in names:
            providers = sorted(self._providers.get(name, []), key=lambda found: found.name)
            direct |= {found.name: found for found in providers}
            facts[f"package {name}"] = _versions(providers) or _loose(name)
        needed = {found.name: found for found in self._needed(direct) if found.name not in direct}
        if needed:
            lines = [
                f"{name}=={found.version}{_source_digest(found)}" for name, found in sorted(needed.items())
            ]
            facts["packages needed"] = "\n".join(lines)
        return facts

    def distribution_of(self, name: str) -> str:
        """Return the distribution that installs what is imported as `name`, or is called so."""
        providers = self._providers.get(name, [])
        return providers[0].name if len(providers) == 1 and name not in self._all else normal_name(name)

    def version_of(self, name: str) -> str | None:
        """Return the version of a package that is installed, by what it is imported as or called."""
        if name in self._providers:
            return _versions(self._providers[name])
        found = self._all.get(name)
        return found.version + _source_digest(found) if found else None

    def broken(self, packages: Iterable[str]) -> dict[str, str]:
        """Return `packages missing`: what packages that are only imported need and do not find; nothing as a rule."""
        pending = [found.name for name in packages for found in self._providers.get(name, ())]
        missing, seen = set[str](), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._all:
                # What is needed under a condition may be missing with good reason.
                pending += [item.name for item in self._all[name].requires if not item.only_if]
            else:
                missing.add(name)
        return {"packages missing": ", ".join(sorted(missing))} if missing else {}

    def _needed(self, direct: dict[str, Distribution]) -> Iterator[Distribution]:
        pending: list[tuple[str, tuple[str, ...]]] = [
            (name, self._extras_in_effect(found)) for name, found in direct.items()
        ]
        seen: set[tuple[str, tuple[str, ...]]] = set()
        while pending:
            name, extras = pending.pop()
            found = self._all.get(name)
            # Markers for other systems and Pythons need no reading: what they exclude is not installed.
            if found is None or (name, extras) in seen:
                continue
            seen.add((name, extras))
            yield found
            pending += [
                (requirement.name, requirement.extras)
                for requirement in found.requires
                if requirement.only_for is None or requirement.only_for in extras
            ]

    def _extras_in_effect(self, distribution: Distribution) -> tuple[str, ...]:
        """Return the extras of an imported package whose requirements are there: pandas counts in other ways with numexpr."""
        asked: dict[str, list[str]] = {}
        for requirement in distribution.requires:
            if requirement.only_for and not DEVELOPMENT.search(requirement.only_for):
                asked.setdefault(requirement.only_for, []).append(requirement.name)
        return tuple(sorted(extra for extra, names in asked.items() if self._all.keys() >= set(names)))


def environment_of(
    step: StepDeclaration, options: CheckedOptions, code: Closure, shared: Environment, root: Path
) -> dict[str, str]:
    """Return what `step` runs on: the environment it names, or else the part of the `shared` one that it imports.

    Raises:
        InvalidStep: the file of its environment cannot be read.
    """
    if options.env is None:
        return {**shared.facts(code.packages), **shared.broken(code.beside)}
    try:
        lines = (root / options.env).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidStep(
            f"the environment of step {step.name!r} cannot be read from {options.env}",
            place=step.place,
            hint="`uv pip compile --generate-hashes` writes such a file",
            detail=str(error),
        ) from error
    # Comments say where a line comes from, and nothing of what is installed.
    said = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    digest = blake3("\n".join(said).encode()).hexdigest()[:32]
    return {**shared.facts(()), f"environment {options.env}": digest}


def runs_installed(facts: Mapping[str, str]) -> bool:
    """Return whether all that a step with these facts runs on was installed, and none of it is a checkout somewhere."""
    packages = (value for name, value in facts.items() if name.startswith("package"))
    return not any(_CODE.search(value) for value in packages)


def environment_place(options: CheckedOptions) -> dict[str, Place]:
    """Return where the environment of a step stands, if it has one of its own."""
    return {f"environment {options.env}": Place(options.env)} if options.env else {}


def _versions(providers: list[Distribution]) -> str:
    if len(providers) == 1:
        return providers[0].version + _source_digest(providers[0])
    # One name may be shared by several distributions, as `google` is.
    return ", ".join(f"{found.name} {found.version}{_source_digest(found)}" for found in providers)


def _source_digest(distribution: Distribution) -> str:
    """Return what tells apart two states of an editable installation, whose version stays the same."""
    if distribution.source is None or distribution.name == "ropewalk":
        return ""
    return f" {_code_digest(Path(distribution.source))}"


def _loose(name: str) -> str:
    """Return what tells apart two states of code that is importable and was not installed, by PYTHONPATH or so."""
    spec = importlib.machinery.PathFinder.find_spec(name)
    if spec is None:
        return NOT_INSTALLED
    places = list(spec.submodule_search_locations or ()) or ([spec.origin] if spec.origin else [])
    return " ".join(_code_digest(Path(place)) for place in places) or NOT_INSTALLED


def _code_digest(path: Path) -> str:
    hasher = blake3()
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        # Environments and hidden folders beside the code are no part of it.
        if not any(part.startswith(".") or part == "site-packages" for part in file.relative_to(path).parts):
            hasher.update(f"{file.relative_to(path)}\n{blake3(file.read_bytes()).hexdigest()}\n".encode())
    return hasher.hexdigest()[:16]
