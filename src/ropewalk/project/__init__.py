"""The user's repository: finding it, reading its files without running them, and saying what is wrong in them."""

from ropewalk.project.closure import code_facts, imported_packages
from ropewalk.project.declarations import Parameter, StepDeclaration, read_steps
from ropewalk.project.errors import (
    AlreadyThere,
    InvalidProjectFile,
    InvalidPython,
    InvalidYAML,
    NoProject,
    NotWritten,
    UnknownKey,
)
from ropewalk.project.git import GitState, current_branch, git_state
from ropewalk.project.init import init_project
from ropewalk.project.layout import PROJECT_FILE, files_below, find_root
from ropewalk.project.load import Entry, Project, Section, load_project, project_schema
from ropewalk.project.validation import validate
from ropewalk.project.yaml import Document, parse_yaml

__all__ = [
    "PROJECT_FILE",
    "AlreadyThere",
    "Document",
    "Entry",
    "GitState",
    "InvalidProjectFile",
    "InvalidPython",
    "InvalidYAML",
    "NoProject",
    "NotWritten",
    "Parameter",
    "Project",
    "Section",
    "StepDeclaration",
    "UnknownKey",
    "code_facts",
    "current_branch",
    "files_below",
    "find_root",
    "git_state",
    "imported_packages",
    "init_project",
    "load_project",
    "parse_yaml",
    "project_schema",
    "read_steps",
    "validate",
]
