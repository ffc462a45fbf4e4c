"""Who wrote files, as Git remembers it, and who owns them, as CODEOWNERS says."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Where GitLab and others look for the file, the first one found.
OWNERS_FILES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS", ".github/CODEOWNERS")
# Of a long history the newest part tells who knows a file today.
COMMITS = 500
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](\[\d+\])?(?P<owners>.*)")


@dataclass(frozen=True)
class OwnersRule:
    """One line of CODEOWNERS: what it is about, in which section, and who owns that."""

    pattern: re.Pattern[str]
    section: str
    owners: tuple[str, ...]


def file_authors(root: Path, paths: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return who wrote each of `paths` (relative to `root`), most commits first; nobody where there is no Git."""
    if not paths:
        return {}
    command = [
        "git",
        "--no-optional-locks",
        "-C",
        str(root),
        "log",
        f"-n{COMMITS}",
        "--format=%x00%aN",
        "--name-only",
    ]
    try:
        done = subprocess.run(
            [*command, "--relative", "--", *sorted(paths)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return {}
    found: dict[str, Counter[str]] = {}
    for commit in done.stdout.split("\0")[1:] if done.returncode == 0 else ():
        author, *names = (line for line in commit.splitlines() if line)
        for name in names:
            found.setdefault(name, Counter())[author] += 1
    return {path: tuple(author for author, _ in counts.most_common()) for path, counts in found.items()}


def read_owners(root: Path) -> tuple[OwnersRule, ...]:
    """Return the rules of the project's CODEOWNERS file, in order; none when it has none."""
    path = next((root / name for name in OWNERS_FILES if (root / name).is_file()), None)
    return tuple(_rules(path.read_text(encoding="utf-8", errors="replace"))) if path else ()


def owners_of(rules: Collection[OwnersRule], path: str) -> tuple[str, ...]:
    """Return who owns `path`: of each section, the owners of its last rule that fits."""
    found: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        if rule.pattern.match(path):
            found[rule.section] = rule.owners
    return tuple(dict.fromkeys(owner for owners in found.values() for owner in owners))


def _rules(text: str) -> Iterator[OwnersRule]:
    section, by_default = "", tuple[str, ...]()
    for line in text.splitlines():
        words = _words(line)
        header = _SECTION.fullmatch(line.strip())
        if header:
            section, by_default = header["name"].lower(), tuple(header["owners"].split())
        elif words:
            # A rule without owners takes the section's; in a file without sections it takes them away.
            yield OwnersRule(_pattern(words[0]), section, tuple(words[1:]) or by_default)


def _words(line: str) -> list[str]:
    # A blank in a name is written `\\ `; what follows a # is a comment unless it starts the name as `\\#`.
    bare = re.sub(r"(^|\s)#.*$", "", line).strip()
    return [word.replace("\\ ", " ").replace("\\#", "#") for word in re.split(r"(?<!\\)\s+", bare) if word]


def _pattern(text: str) -> re.Pattern[str]:
    """Return the paths that a pattern of CODEOWNERS means: as in .gitignore, without its exclusions."""
    is_rooted, bare = text.startswith("/"), text.strip("/")
    parts = [_part(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", bare)]
    start = "" if is_rooted else "(?:.*/)?"
    # A folder is everything in it; `*` alone is every file, and behind a slash those of that folder only.
    end = "/.*" if text.endswith("/") else "" if bare.endswith("*") and "/" in text else "(?:/.*)?"
    return re.compile(f"{start}{''.join(parts)}{end}$")


_WILD: Mapping[str, str] = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _part(part: str) -> str:
    return _WILD.get(part) or re.escape(part)
