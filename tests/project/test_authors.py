"""Who wrote a file, and who owns it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ropewalk.project import file_authors, owners_of, read_owners


def _commit(root: Path, author: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    identity = ["-c", f"user.name={author}", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(root), *identity, "commit", "-qm", "work"], check=True)


def test_authors_by_their_commits(tmp_path):
    """Most commits first, each file by itself, relative to the project's folder."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    root = tmp_path / "inner"
    _commit(tmp_path, "Ada", {"inner/a.sql": "1", "inner/b c.sql": "1"})
    _commit(tmp_path, "Bob", {"inner/a.sql": "2"})
    _commit(tmp_path, "Bob", {"inner/a.sql": "3"})

    assert file_authors(root, ["a.sql", "b c.sql", "none.sql"]) == {
        "a.sql": ("Bob", "Ada"),
        "b c.sql": ("Ada",),
    }


def test_without_git_nobody_wrote_anything(tmp_path):
    """No repository, no question: no error."""
    assert file_authors(tmp_path, ["a.sql"]) == {}
    assert file_authors(tmp_path, []) == {}


OWNERS = """\
# Who answers for what
*               @everyone
/tables/        @data @ada
*.yaml          @ops   # settings
tables/mart/late.sql  @crew
docs/**/*.md    @writers
/my\\ file.txt   @blank

[Models][2] @science
/steps/
/steps/train.py @trainer
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README", ("@everyone",)),
        ("tables/staging/a.sql", ("@data", "@ada")),
        ("other/tables/a.sql", ("@everyone",)),
        ("deep/er/ropewalk.yaml", ("@ops",)),
        ("tables/mart/late.sql", ("@crew",)),
        ("docs/a/b/c.md", ("@writers",)),
        ("docs/c.md", ("@writers",)),
        ("my file.txt", ("@blank",)),
        ("steps/evaluate.py", ("@everyone", "@science")),
        ("steps/train.py", ("@everyone", "@trainer")),
    ],
)
def test_last_rule_that_fits_counts(tmp_path, path, owners):
    """In each section the last one; a rule without owners has those of its section."""
    (tmp_path / ".gitlab").mkdir()
    (tmp_path / ".gitlab/CODEOWNERS").write_text(OWNERS)

    assert owners_of(read_owners(tmp_path), path) == owners


def test_no_owners_file(tmp_path):
    """Nobody is named, and nothing fails."""
    assert owners_of(read_owners(tmp_path), "a.sql") == ()


@pytest.mark.parametrize(
    ("line", "path", "is_owned"),
    [
        ("* @a", "deep/er/file", True),
        ("/* @a", "file", True),
        ("/* @a", "deep/file", False),
        ("docs @a", "docs/x/y", True),
        ("docs @a", "my-docs/x", False),
        ("docs/ @a", "docs", False),
        ("/docs/* @a", "docs/x/y", False),
        ("/docs/** @a", "docs/x/y", True),
        ("file?.py @a", "a/file1.py", True),
        ("file?.py @a", "a/file12.py", False),
        ("a.b @a", "axb", False),
        ("\\#x @a", "#x", True),
        ("# x @a", "x", False),
        ("", "x", False),
    ],
)
def test_patterns(tmp_path, line, path, is_owned):
    """A pattern means what it means in a forge: rooted, a folder, a part of a name."""
    (tmp_path / "CODEOWNERS").write_text(line + "\n")

    assert (owners_of(read_owners(tmp_path), path) == ("@a",)) is is_owned


def test_owners_are_taken_away(tmp_path):
    """A later rule without owners says that nobody has to be asked."""
    (tmp_path / "CODEOWNERS").write_text("* @a\nnotes/\n")

    assert owners_of(read_owners(tmp_path), "notes/x") == ()
