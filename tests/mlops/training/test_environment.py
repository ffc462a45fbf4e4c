"""A step's environment is told by the packages it imports."""

from __future__ import annotations

import importlib.metadata
import sys

from ropewalk.mlops.training.environment import environment_facts


def test_python_minor_version_counts():
    """Every step depends on the Python minor version."""
    assert environment_facts([]) == {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def test_packages_have_versions_and_the_standard_library_none():
    """Third-party packages are named with their versions; what Python ships is in its own version."""
    facts = environment_facts(["numpy", "json", "ropewalk"])

    assert facts["package numpy"] == importlib.metadata.version("numpy")
    assert set(facts) == {"python", "package numpy"}


def test_import_name_differs_from_the_distribution():
    """`sklearn` is found although its distribution is called scikit-learn."""
    assert environment_facts(["sklearn"])["package sklearn"] == importlib.metadata.version("scikit-learn")


def test_missing_package_is_said():
    """A package that is not installed is a fact too: installing it makes the step stale."""
    assert environment_facts(["no_such_package_here"])["package no_such_package_here"] == "not installed"
