"""Issues as files: their form, their numbers, and what happens to damaged ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from ropewalk.devops.forge import IssueFiles, IssueMissing, IssueUnreadable


@pytest.fixture
def files(tmp_path):
    return IssueFiles(tmp_path / "issues")


def test_issue_is_a_markdown_file_with_a_head(files):
    """The head holds id, state, fingerprint, title and created; the body follows."""
    issue = files.open("late breaks its psi limit of 0.25", "late/psi", "In 2013-09, wind drifted.")

    _, head, body = issue.path.read_text().split("---\n")
    assert issue.path.name == "0001-late-breaks-its-psi-limit-of-0-25.md"
    assert list(yaml.safe_load(head)) == ["id", "state", "fingerprint", "title", "created"]
    assert body == "\nIn 2013-09, wind drifted.\n"


def test_issue_comes_back_as_it_was_opened(files):
    """What is read from the file is what was written."""
    opened = files.open("A title: with 'quotes' and — dashes", "late/psi", "text\n---\nmore")

    assert files.get(1) == opened
    assert files.issues() == [opened]


def test_one_fingerprint_has_one_issue(files):
    """Opening again about the same thing returns the issue there is, with its title and text."""
    first = files.open("one", "late/psi", "body")

    assert files.open("another title", "late/psi", "another body") == first
    assert len(files.issues()) == 1


def test_closed_issue_is_opened_again(files):
    """What happens again opens the same issue again."""
    files.open("one", "late/psi", "body")
    files.close(1)

    assert files.open("one", "late/psi", "").state == "open"
    assert files.get(1).text == "body\n"


def test_issues_are_numbered_in_order(files):
    """Numbers go on after the highest, past 9, and are listed by number."""
    for i in range(11):
        files.open(f"issue {i}", f"late/{i}", "body")

    assert [issue.number for issue in files.issues()] == list(range(1, 12))


def test_many_at_once_get_a_number_each(files):
    """Issues opened at the same time do not share a number, and none is lost."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: files.open("same title", f"late/{i % 10}", "body"), range(40)))

    assert [issue.number for issue in files.issues()] == list(range(1, 11))


def test_comment_is_appended(files):
    """A comment follows the body with its time; the head stays."""
    opened = files.open("one", "late/psi", "body")

    assert files.comment(1, "Again in 2013-12.", "late/psi/2013-12")

    issue = files.get(1)
    assert issue.text.startswith("body\n\n## Comment, ")
    assert issue.text.endswith("<!-- late/psi/2013-12 -->\n\nAgain in 2013-12.\n")
    assert issue.created == opened.created


def test_comment_with_the_same_mark_is_made_once(files):
    """A breach found twice is told once."""
    files.open("one", "late/psi", "body")
    files.comment(1, "Again.", "late/psi/2013-12")
    before = files.get(1)

    assert not files.comment(1, "Again.", "late/psi/2013-12")
    assert files.get(1) == before


def test_issues_are_listed_by_state(files):
    """Closed issues stay as files and are told apart."""
    files.open("one", "a", "body")
    files.open("two", "b", "body")
    files.close(1)

    assert [issue.number for issue in files.issues("open")] == [2]
    assert [issue.number for issue in files.issues("closed")] == [1]


def test_no_folder_has_no_issues(files):
    """Asking makes nothing."""
    assert files.issues() == []
    assert not files.folder.exists()


def test_title_without_letters_has_a_file(files):
    """The file's name is plain, whatever the title is."""
    assert files.open("../../é!", "a", "body").path.parent == files.folder
    assert files.get(1).title == "../../é!"


def test_title_is_one_line(files):
    """A title with a line break cannot break the head."""
    assert files.open("one\n---\nstate: closed", "a", "body").title == "one --- state: closed"
    assert files.get(1).state == "open"


def test_nothing_but_issues_is_left_behind(files):
    """Files appear by a rename: no partial file stays."""
    files.open("one", "a", "body")
    files.comment(1, "text", "mark")

    assert sorted(path.name for path in files.folder.iterdir()) == [".lock", "0001-one.md"]


@pytest.mark.parametrize(
    "act", [lambda files: files.close(2), lambda files: files.comment(2, "text", "mark")]
)
def test_missing_issue_is_an_error(files, act):
    """Closing or commenting what is not there says so."""
    files.open("one", "a", "body")

    with pytest.raises(IssueMissing, match="there is no issue 2"):
        act(files)


@pytest.mark.parametrize(
    "text",
    ["", "no head\n", "---\nid: 1\n", "---\nid: x\nstate: open\n---\n", "---\n- id\n---\n", "---\n{\n---\n"],
)
def test_damaged_head_is_an_error(files, text):
    """A head that a person broke names the file and what it needs, and the file stays as it is."""
    issue = files.open("one", "a", "body")
    issue.path.write_text(text)

    with pytest.raises(IssueUnreadable, match=r"0001-one\.md") as caught:
        files.open("two", "b", "body")
    assert "fingerprint" in caught.value.hint
    assert issue.path.read_text() == text


def test_bytes_that_are_no_text_are_an_error(files):
    """A file saved in another encoding is told of like any other that cannot be read."""
    issue = files.open("one", "a", "body")
    issue.path.write_bytes(issue.path.read_bytes() + b"caf\xe9\n")

    with pytest.raises(IssueUnreadable, match=r"0001-one\.md"):
        files.issues()


def test_folder_in_the_place_of_an_issue_is_an_error(files):
    """What is called like an issue and cannot be opened is not passed over."""
    (files.folder / "0001-one.md").mkdir(parents=True)

    with pytest.raises(IssueUnreadable, match="cannot be read"):
        files.find("a")


def test_line_ends_of_another_system_are_read(files):
    """An editor that saves with carriage returns does not lose the issue."""
    issue = files.open("one", "a", "body")
    issue.path.write_bytes(issue.path.read_bytes().replace(b"\n", b"\r\n"))

    assert files.get(1).fingerprint == "a"
    assert files.comment(1, "text", "mark")


def test_other_files_are_left_alone(files):
    """A note that a person put beside the issues is no issue."""
    files.open("one", "a", "body")
    (files.folder / "README.md").write_text("notes")

    assert [issue.number for issue in files.issues()] == [1]


def test_comments_at_the_same_time_are_all_kept(files):
    """No comment is lost between reading and writing, and each mark is there once."""
    files.open("one", "a", "body")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: files.comment(1, f"text {i % 8}", f"mark {i % 8}"), range(32)))

    assert sum(made) == 8
    assert files.get(1).text.count("## Comment") == 8
