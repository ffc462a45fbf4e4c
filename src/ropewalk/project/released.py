"""The keys that release files name, for whoever must not lose what they stand for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ropewalk.project.releases import FOLDER

# Wherever it stands: a file that cannot be read as a release must not lose anybody's content either.
_KEY = re.compile(r"\b[0-9a-f]{32}\b")


def released_keys(root: Path) -> set[str]:
    """Return the keys of executions that the release files below `root` name, as they stand and as committed."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (root / FOLDER).glob("*.yaml")]
    return {key for text in (*texts, _committed(root)) for key in _KEY.findall(text)}


def _committed(root: Path) -> str:
    """Return what the checked-out commit has of release files; nothing where there is no Git or no commit."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "grep", "-h", "-o", "-E", "[0-9a-f]{32}", "HEAD", "--", FOLDER],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout
