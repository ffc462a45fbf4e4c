"""Processes that run other people's code: ended with all they start, logged with secrets hidden, their cost counted.

Other rooms import from here and nowhere deeper. Importing this loads nothing: a warden has to start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.processes.frames import TableData, relation_of, write_parquet
    from ropewalk.processes.masking import Mask, find_secrets, names_secret
    from ropewalk.processes.process import Command, Ended, Watch, run_process
    from ropewalk.processes.process_log import ProcessLog, log_path
    from ropewalk.processes.project_imports import (
        SourceOnlyLoader,
        import_from_source,
        import_project,
        is_projects,
        load_function,
        user_place,
    )
    from ropewalk.processes.warden import end_with_parent

__all__ = [
    "Command",
    "Ended",
    "Mask",
    "ProcessLog",
    "SourceOnlyLoader",
    "TableData",
    "Watch",
    "end_with_parent",
    "find_secrets",
    "import_from_source",
    "import_project",
    "is_projects",
    "load_function",
    "log_path",
    "names_secret",
    "relation_of",
    "run_process",
    "user_place",
    "write_parquet",
]

__getattr__ = lazy_names(__name__, __file__)
