"""What no file of the repository may hold: paths of somebody's machine, addresses of a package index, secrets."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file does not hold them either.
FOLDERS = "|".join(("work", "ro" + "ot", "farm", "home/[a-z]+", "Users/[A-Za-z]+"))
INDEXES = "|".join(("pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "yarn" + r"pkg\.com"))
MACHINE_PATH = re.compile(rf"(?<![\w.$}}/-])/(?:{FOLDERS})/\w")
INDEX_ADDRESS = re.compile(rf"https?://[\w.-]*(?:{INDEXES})")
SECRET = re.compile("-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----|\bgl" + r"pat-[\w-]{20}|\bgh" + r"p_\w{36}")


def offences(pattern: re.Pattern[str]) -> list[str]:
    """Return the places of tracked text that match."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = []
    for path in (ROOT / name for name in names):
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content:
            lines = content.decode("utf-8", "replace").splitlines()
            found += [
                f"{path.relative_to(ROOT)}:{n}" for n, line in enumerate(lines, 1) if pattern.search(line)
            ]
    return found


def test_no_path_of_a_machine() -> None:
    """No file names a folder that only one machine has."""
    assert offences(MACHINE_PATH) == []


def test_no_address_of_a_package_index() -> None:
    """Where packages come from is the installer's configuration, not the repository's."""
    assert offences(INDEX_ADDRESS) == []


def test_no_secret() -> None:
    """No file holds something that looks like a key or a token."""
    assert offences(SECRET) == []


def test_no_large_file() -> None:
    """Data and built things stay out: no tracked file is larger than a picture needs."""
    command = ["git", "-C", str(ROOT), "ls-files"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    sizes = {name: (ROOT / name).stat().st_size for name in names if (ROOT / name).is_file()}

    assert {name: size for name, size in sizes.items() if size > 800_000} == {}
