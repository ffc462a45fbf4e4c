"""A step's environment is told by the packages it imports and all that these need."""

from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.training.environment import Environment, environment_of, environment_place
from ropewalk.mlops.training.errors import InvalidStep
from ropewalk.mlops.training.installed import read_installed
from ropewalk.mlops.training.options import CheckedOptions
from ropewalk.project import Closure, StepDeclaration

STEP = StepDeclaration("train", "steps/train.py", (), (), "Model", {}, Place("steps/train.py", 4, 1))

CODE = Closure({}, {}, ("numpy",))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Return the environment that these tests run in."""
    return Environment.of(tmp_path_factory.mktemp("state"))


@pytest.fixture
def site(tmp_path):
    """Return a function that installs a distribution into a folder of its own, and the facts of importing names."""
    folder = tmp_path / "site"

    def install(name, version, requires=(), files=None, origin=None):
        for old in folder.glob(f"{name}-*.dist-info"):
            old.rename(tmp_path / f"{old.name} was here")
        metadata = folder / f"{name}-{version}.dist-info"
        metadata.mkdir(parents=True)
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {item}" for item in requires)]
        (metadata / "METADATA").write_text("\n".join(lines) + "\n\nRequires-Dist: nothing; this is prose\n")
        (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files or [f"{name}/__init__.py"]))
        if origin:
            (metadata / "direct_url.json").write_text(json.dumps(origin))

    def facts(*names):
        return Environment(read_installed(tmp_path, [str(folder)])).facts(names)

    return install, facts


def test_python_minor_version_counts(real):
    """Every step depends on the Python minor version."""
    assert real.facts([]) == {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def test_packages_have_versions_and_the_standard_library_none(real):
    """Third-party packages are named with their versions; what Python ships is in its own version."""
    facts = real.facts(["numpy", "json", "ropewalk"])

    assert facts["package numpy"] == importlib.metadata.version("numpy")
    assert set(facts) == {"python", "package numpy"}


def test_import_name_differs_from_the_distribution(real):
    """`sklearn` is found although its distribution is called scikit-learn."""
    assert real.facts(["sklearn"])["package sklearn"] == importlib.metadata.version("scikit-learn")


def test_missing_package_is_said(real):
    """A package that is not installed is a fact too: installing it makes the step stale."""
    assert real.facts(["no_such_package_here"])["package no_such_package_here"] == "not installed"


def test_what_a_package_needs_counts(real):
    """Behind scikit-learn stand numpy and scipy, a line each."""
    needed = real.facts(["sklearn"])["packages needed"].splitlines()

    assert f"numpy=={importlib.metadata.version('numpy')}" in needed
    assert not any(line.startswith("pytest") for line in needed)


def test_needs_are_followed_through(site):
    """A change anywhere behind an imported package is a change, one beside it is none."""
    install, facts = site
    install("top", "1", ["middle (>=1)"])
    install("middle", "1", ['deep>=2; python_version > "3"'])
    install("deep", "2")
    install("beside", "1")
    before = facts("top")

    install("beside", "2")
    beside = facts("top")
    install("deep", "3")

    assert before["packages needed"] == "deep==2\nmiddle==1"
    assert beside == before
    assert facts("top")["packages needed"] == "deep==3\nmiddle==1"


def test_extras(site):
    """An extra counts when it is asked for, or when all it needs is there; that of developers never does."""
    install, facts = site
    install("top", "1", ["middle[fast]", "own; extra == 'speed'", "tool; extra == 'test'", "a; extra == 'b'"])
    install("middle", "1", ["quick; extra == 'fast'", "slow; extra == 'other'"])
    for name in ("quick", "slow", "own", "tool"):
        install(name, "1")

    assert facts("top")["packages needed"].split() == ["middle==1", "own==1", "quick==1"]


def test_needs_in_a_circle(site):
    """Two distributions that need each other are both counted, once."""
    install, facts = site
    install("top", "1", ["other"])
    install("other", "1", ["top"])

    assert facts("top")["packages needed"] == "other==1"


def test_one_name_of_several_distributions(site):
    """A shared name counts with everybody who provides it."""
    install, facts = site
    install("one", "1", files=["google/one.py"])
    install("two", "2", files=["google/two.py"])

    assert facts("google")["package google"] == "one 1, two 2"


def test_editable_installation_counts_by_its_code(site, tmp_path):
    """The version of an editable installation stays, so its code counts."""
    install, facts = site
    source = tmp_path / "shared/src/shared"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("RATE = 1\n")
    origin = {"url": f"file://{tmp_path}/shared", "dir_info": {"editable": True}}
    install("shared", "1", files=["__editable__.pth"], origin=origin)
    before = facts("shared")

    (source / "__init__.py").write_text("RATE = 2\n")

    assert before["package shared"].startswith("1 ")
    assert facts("shared") != before


def test_code_on_the_path_counts(site, tmp_path, monkeypatch):
    """What PYTHONPATH brings in was never installed; it counts by its code."""
    _, facts = site
    module = tmp_path / "loose_module_of_a_test.py"
    module.write_text("RATE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = facts("loose_module_of_a_test")

    module.write_text("RATE = 2\n")

    assert before["package loose_module_of_a_test"] != "not installed"
    assert facts("loose_module_of_a_test") != before


def test_package_beside_that_cannot_be_imported(site, tmp_path):
    """What a step's file imports for others does not count, until importing it fails."""
    install, _ = site
    install("beside", "1", ["deep", "colour; sys_platform == 'win32'"])
    install("deep", "1")
    code = Closure({}, {}, (), ("beside",))

    def found():
        shared = Environment(read_installed(tmp_path, [str(tmp_path / "site")]))
        return environment_of(STEP, CheckedOptions(), code, shared, tmp_path)

    assert set(found()) == {"python"}
    (tmp_path / "site/deep-1.dist-info").rename(tmp_path / "gone")
    assert found()["packages missing"] == "deep"


def test_own_environment_counts_by_its_file(real, tmp_path):
    """With `env=` the locked file counts, without its comments, and the shared packages do not."""
    (tmp_path / "train.txt").write_text("numpy==1.0  # via pandas\n")
    options = CheckedOptions(env="train.txt")

    one = environment_of(STEP, options, CODE, real, tmp_path)
    (tmp_path / "train.txt").write_text("# a comment\nnumpy==1.0  # via pandas\n")
    two = environment_of(STEP, options, CODE, real, tmp_path)
    (tmp_path / "train.txt").write_text("numpy==1.1\n")

    assert one == two != environment_of(STEP, options, CODE, real, tmp_path)
    assert set(one) == {"python", "environment train.txt"} == {"python", *environment_place(options)}


def test_missing_environment_file(real, tmp_path):
    """A locked file that is not there is told with the step's place and how to make one."""
    with pytest.raises(InvalidStep) as caught:
        environment_of(STEP, CheckedOptions(env="train.txt"), CODE, real, tmp_path)

    assert caught.value.place == STEP.place
    assert "uv pip compile" in caught.value.hint
