"""Saved questions: read strictly, asked with bound values, kept as long as their tables stand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk import plugins
from ropewalk.dataops.lake import Asking, QueryNotAllowed, ask_environment
from ropewalk.dataops.privacy import project_masks
from ropewalk.dataops.questions import (
    InvalidQuestion,
    QuestionMissing,
    ask_question,
    read_questions,
    survey_questions,
)
from ropewalk.pipeline import UnknownName, Workspace, declare_graph, execute
from ropewalk.project import InvalidProjectFile, load_project
from ropewalk.settings import load_settings

SALES = "SELECT * FROM (VALUES ('a', DATE '2024-01-01', 5), ('b', DATE '2024-02-01', 7)) AS v (shop, day, n)"
QUESTION = """\
-- title: Sales by shop
-- owner: finance
-- chart: bar x=shop y=sold
-- parameter: since date = 2024-01-01
-- parameter: name text = a
-- parameter: size text = all [all, big]
-- What was sold,
-- and where.
SELECT shop, sum(n) AS sold, $name AS name, '$name' AS plain -- $other
FROM mart.sales
WHERE day >= $since AND ($size = 'all' OR n > 6)
GROUP BY ALL ORDER BY shop
"""


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Desk:
    """A project with one table and one question."""

    def __init__(self, root, stack):
        self.root, self._stack, self.workspace = root, stack, None
        self.write("ropewalk.yaml", "project: q\n")
        self.write("tables/mart/sales.sql", SALES)
        self.write("questions/sales.sql", QUESTION)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def run(self):
        project = load_project(self.root, plugins.sections())
        if self.workspace is None:
            self.workspace = self._stack.enter_context(
                Workspace(project, load_settings({}, environment="dev", parallel=1))
            )
        self.workspace.project = project
        kinds = plugins.kinds()
        result = execute(declare_graph(project, kinds), kinds, self.workspace, Silent())
        return {node.id: node for node in result.nodes}

    def ask(self, **values):
        return ask_question(self.workspace, "sales", values)


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    """Return a project for one test alone, not run yet."""
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Iterator[Desk]:
    """Return the same project, run; not to be changed."""
    with ExitStack() as stack:
        made = Desk(tmp_path_factory.mktemp("desk"), stack)
        made.run()
        yield made


def test_header_says_what_is_asked(asked):
    """Title, owner, chart and parameters; all other lines are the description."""
    question = read_questions(asked.root)["sales"]

    assert (question.title, question.owner) == ("Sales by shop", "finance")
    assert question.description == "What was sold, and where."
    first = question.parameters[0]
    assert (first.name, first.type, first.default) == ("since", "date", "2024-01-01")
    assert question.parameters[2].choices == ("all", "big")


def test_values_are_bound(asked):
    """A value is a value, whatever it looks like; what stands in quotes or comments is no parameter."""
    text = "x'; DROP TABLE mart.sales; --"

    assert list(asked.ask(name=text).result.rows) == [("a", 5, text, "$name"), ("b", 7, text, "$name")]


def test_values_choose_rows(asked):
    """Dates and choices count."""
    assert [row[0] for row in asked.ask(since="2024-02-01").result.rows] == ["b"]
    assert [row[0] for row in asked.ask(size="big").result.rows] == ["b"]


@pytest.mark.parametrize(
    ("values", "said", "close"),
    [
        ({"since": "yesterday"}, "since is of type date", None),
        ({"size": "bog"}, "size takes all, big", "big"),
        ({"nam": "x"}, "no parameter 'nam'", "name"),
    ],
)
def test_values_that_do_not_fit(asked, values, said, close):
    """A value of another type, none of the choices, or of no parameter is refused before anything is asked."""
    with pytest.raises(InvalidQuestion) as caught:
        asked.ask(**values)

    assert said in caught.value.message
    assert caught.value.nearest == close


@settings(max_examples=25)
@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30))
def test_any_text_comes_back(asked, text):
    """Whatever text is given, it is just that in the answer."""
    assert {row[2] for row in asked.ask(name=text).result.rows} == {text}


def test_answers_are_kept_by_snapshot(desk):
    """The second answer is the first one, until a table has another version or another value is given."""
    desk.run()
    first, second = desk.ask(), desk.ask()
    other = desk.ask(since="2024-02-01")
    desk.write("tables/mart/sales.sql", "SELECT 'c' AS shop, DATE '2024-03-01' AS day, 1 AS n")
    desk.run()

    assert (first.was_kept, second.was_kept, other.was_kept) == (False, True, False)
    assert desk.ask().result.rows[0][0] == "c"


def test_limits(asked):
    """No more rows than asked for, and the answer says that there are more."""
    result = ask_question(asked.workspace, "sales", asking=Asking(1)).result

    assert (len(result.rows), result.is_complete) == (1, False)


def test_unknown_question(asked):
    """The nearest is told."""
    with pytest.raises(QuestionMissing) as caught:
        ask_question(asked.workspace, "sale")

    assert caught.value.nearest == "sales"


@pytest.mark.parametrize(
    ("before", "after", "said", "line"),
    [
        ("-- owner:", "-- ownr:", "no 'ownr'", 2),
        ("bar x=shop y=sold", "pie x=shop y=sold", "no chart 'pie'", 3),
        ("bar x=shop y=sold", "bar x=shop", "needs y=COLUMN", 3),
        ("bar x=shop y=sold", "bar x=shop z=sold", "no part of a chart", 3),
        ("since date = 2024-01-01", "since date", "is no parameter", 4),
        ("since date = 2024-01-01", "since dat = 2024-01-01", "no type 'dat'", 4),
        ("since date = 2024-01-01", "since date = then", "since is of type date", 4),
        ("size text = all [", "size text = some [", "size takes all, big", 6),
        ("$since", "$sinc", "$sinc is no parameter", 11),
        ("day >= $since AND", "", "'since' is used nowhere", 4),
        ("FROM mart.sales", "FROM 'x.csv'", "is a file", 10),
        ("FROM mart.sales", "FROM mart.sales; SELECT 1", "", None),
        ("SELECT shop", "SELEC shop", "", 9),
    ],
)
def test_files_that_are_refused(desk, before, after, said, line):
    """What cannot be read is told of at its line, before anything runs."""
    assert before in QUESTION
    desk.write("questions/sales.sql", QUESTION.replace(before, after))

    with pytest.raises(InvalidProjectFile) as caught:
        read_questions(desk.root)

    assert said in caught.value.message
    assert line in {None, caught.value.place.line}


def test_table_that_nothing_makes(desk):
    """A question about no table is told of at the plan, with the nearest name."""
    desk.write("questions/sales.sql", "SELECT 1 AS a FROM mart.sale")

    with pytest.raises(UnknownName) as caught:
        desk.run()

    assert (caught.value.nearest, str(caught.value.place)) == ("mart.sales", "questions/sales.sql:1:20")


def test_column_that_is_gone(desk):
    """A table that loses a column tells which question that breaks, before somebody asks it."""
    desk.run()
    desk.write("tables/mart/sales.sql", SALES.replace("n)", "amount)"))

    error = desk.run()["question:sales"].error

    assert isinstance(error, InvalidQuestion)
    assert error.place.path == "questions/sales.sql"


def test_chart_of_columns_that_are_not_there(desk):
    """The chart is held against the answer."""
    desk.write("questions/sales.sql", QUESTION.replace("y=sold", "y=solt"))

    error = desk.run()["question:sales"].error

    assert (error.nearest, error.place.line) == ("sold", 3)


def test_names_follow_folders(desk):
    """A file in a folder has the folder in its name, and without a title its name is one."""
    desk.write("questions/shops/best_ones.sql", "SELECT 1 AS a")

    assert read_questions(desk.root)["shops.best_ones"].title == "Shops: best ones"


def test_a_broken_question_breaks_no_other(asked, tmp_path):
    """The others are answered; who asks for it, or lists all, is told why at its place."""
    desk = Path(shutil.copytree(asked.root, tmp_path / "copy"))
    (desk / "questions/broken.sql").write_text("-- title: x\nSELEC 1", encoding="utf-8")
    (desk / "questions/lost.sql").write_text("SELECT a FROM mart.nowhere", encoding="utf-8")

    with Workspace(load_project(desk, plugins.sections()), load_settings({}, environment="dev")) as workspace:
        assert ask_question(workspace, "sales").result.rows
        with pytest.raises(InvalidProjectFile) as caught:
            ask_question(workspace, "broken")

    found = survey_questions(desk)
    assert ([*found.by_name], [*found.broken]) == (["lost", "sales"], ["broken"])
    assert str(caught.value.place).startswith("questions/broken.sql:2")


def test_values_where_something_is_personal(asked, tmp_path):
    """Who sees masks may give values too; what a question did not bind is read by nobody."""
    desk = Path(shutil.copytree(asked.root, tmp_path / "copy"))
    (desk / "contracts").mkdir()
    (desk / "contracts/glossary.yaml").write_text("terms: {shop: {meaning: Whose, pii: sensitive}}", "utf-8")

    with Workspace(load_project(desk, plugins.sections()), load_settings({}, environment="dev")) as workspace:
        answer = ask_question(workspace, "sales", {"since": "2024-02-01", "name": "n"})
        masks = project_masks(workspace)
        with pytest.raises(QueryNotAllowed, match="getvariable"):
            ask_environment(
                workspace, "SELECT getvariable('other')", Asking(values={"one": ("INT", "1")}), masks=masks
            )

    assert answer.result.rows == ((None, 7, "n", "$name"),)
