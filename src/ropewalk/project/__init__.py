"""The user's repository: finding it, reading its files without running them, and saying what is wrong in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.project.authors import OwnersRule, file_authors, owners_of, read_owners
    from ropewalk.project.branches import (
        Branches,
        all_branches,
        ancestors,
        default_branch,
        dirty_patch,
        merge_base,
    )
    from ropewalk.project.closure import Closure, ClosureReader
    from ropewalk.project.commits import commit_to_branch, commit_with
    from ropewalk.project.declarations import StepDeclaration, read_source_functions, read_steps
    from ropewalk.project.errors import (
        AlreadyThere,
        BranchExists,
        CommitMissing,
        GitRefused,
        InvalidParameter,
        InvalidProjectFile,
        InvalidPython,
        InvalidYAML,
        NoProject,
        NoRelease,
        NotWritten,
        UnknownKey,
        UnknownParameter,
    )
    from ropewalk.project.git import (
        GitState,
        commits_between,
        current_branch,
        export_commit,
        git_state,
        main_author,
        user_name,
    )
    from ropewalk.project.init import init_project
    from ropewalk.project.layout import PROJECT_FILE, files_below, find_root
    from ropewalk.project.load import Address, Entry, Project, Section, load_project, project_schema
    from ropewalk.project.parameters import Parameter
    from ropewalk.project.parse_cache import STATE_FOLDER, ParseCache, content_digest
    from ropewalk.project.python_files import PythonFiles
    from ropewalk.project.released import released_keys
    from ropewalk.project.releases import (
        Release,
        ReleasedNode,
        read_release,
        release_file,
        release_text,
        write_release,
    )
    from ropewalk.project.validation import validate
    from ropewalk.project.yaml import Document, parse_yaml

__all__ = [
    "PROJECT_FILE",
    "STATE_FOLDER",
    "Address",
    "AlreadyThere",
    "BranchExists",
    "Branches",
    "Closure",
    "ClosureReader",
    "CommitMissing",
    "Document",
    "Entry",
    "GitRefused",
    "GitState",
    "InvalidParameter",
    "InvalidProjectFile",
    "InvalidPython",
    "InvalidYAML",
    "NoProject",
    "NoRelease",
    "NotWritten",
    "OwnersRule",
    "Parameter",
    "ParseCache",
    "Project",
    "PythonFiles",
    "Release",
    "ReleasedNode",
    "Section",
    "StepDeclaration",
    "UnknownKey",
    "UnknownParameter",
    "all_branches",
    "ancestors",
    "commit_to_branch",
    "commit_with",
    "commits_between",
    "content_digest",
    "current_branch",
    "default_branch",
    "dirty_patch",
    "export_commit",
    "file_authors",
    "files_below",
    "find_root",
    "git_state",
    "init_project",
    "load_project",
    "main_author",
    "merge_base",
    "owners_of",
    "parse_yaml",
    "project_schema",
    "read_owners",
    "read_release",
    "read_source_functions",
    "read_steps",
    "release_file",
    "release_text",
    "released_keys",
    "user_name",
    "validate",
    "write_release",
]

__getattr__ = lazy_names(__name__, __file__)
