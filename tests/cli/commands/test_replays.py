"""`--sweep`, `reproduce` and `bisect` on a project of one source, one table and one step, in Git."""

from __future__ import annotations

import contextlib
import re
import subprocess

import pytest

from ropewalk.cli.main import run

STEP = """
    from ropewalk import Metrics, Table, step

    @step
    def score(orders: Table, *, weight: int = 2) -> Metrics:
        return Metrics(total=sum(row[1] for row in orders.relation().fetchall()) * weight)
    """
FILES = {
    ".gitignore": ".ropewalk\n",
    "ropewalk.yaml": """
        project: shop
        sources:
          orders: {kind: files, path: "drops/*.csv"}
        """,
    "drops/a.csv": "id,amount\n1,10\n2,20\n",
    "tables/staging/orders.sql": "SELECT id, amount FROM raw.orders\n",
    "steps/score.py": STEP,
}


def commit(root, subject):
    """Commit everything."""
    person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", root, "add", "-A"], check=True)
    subprocess.run(["git", "-C", root, *person, "commit", "-qm", subject], check=True)


def edit(root, path, before, after):
    """Change one text in a file."""
    file = root / path
    file.write_text(file.read_text().replace(before, after))


@pytest.fixture(scope="module")
def history(make_project):
    """Return a project with a good run and, four commits later, a bad one; only the third changes the metric."""
    root = make_project(FILES, ran=False)
    subprocess.run(["git", "init", "-q", root], check=True)
    commit(root, "Begin")
    with contextlib.chdir(root):
        assert run(["run"]) == 0
        edit(root, "steps/score.py", "@step", "# A comment.\n@step")
        commit(root, "Comment")
        edit(root, "tables/staging/orders.sql", "SELECT id, amount", "SELECT id, amount, 1 AS one")
        commit(root, "Add a column")
        edit(root, "steps/score.py", "* weight", "* -weight")
        commit(root, "Turn the sign")
        (root / "drops/b.csv").write_text("id,amount\n3,1\n")
        commit(root, "More data")
        assert run(["run"]) == 0
    return root


@pytest.fixture
def runs(history, ropewalk):
    """Return the ids of the good and the bad run."""
    found = [
        r["id"]
        for r in ropewalk("runs", "--json", "--limit", "500", cwd=history).json["runs"]
        if r["cause"] == "person"
    ]
    return found[-1], found[-2]


def test_run_comes_out_again(history, runs, ropewalk):
    """Table and step of the first run come out equal from its commit, whatever the files are now."""
    said = ropewalk("reproduce", runs[0], "--json", cwd=history)

    assert (said.code, said.json["equal"]) == (0, True)
    assert [node["id"] for node in said.json["nodes"]] == ["table:staging.orders", "step:score"]
    assert said.json["left_out"] == ["source:orders"]


def test_reproducing_changes_nothing(history, runs, ropewalk):
    """Afterwards everything is as fresh as before, and the checkout is the same."""
    ropewalk("reproduce", runs[0][:12], cwd=history)

    assert ropewalk("plan", "--json", cwd=history).json["fresh"] == 3


def test_step_without_a_seed_is_found_out(make_project, ropewalk):
    """Content that differs from equal code, data and packages is called what it is."""
    chance = STEP.replace("from ropewalk", "import random\n    from ropewalk").replace(
        "* weight", "* random.random()"
    )
    root = make_project({**FILES, "steps/score.py": chance}, ran=False)
    subprocess.run(["git", "init", "-q", root], check=True)
    commit(root, "Begin")
    run_id = ropewalk("run", "--json", cwd=root).json["run_id"]

    said = ropewalk("reproduce", run_id, cwd=root)

    assert said.code == 1
    assert re.search(
        r"! step:score\n    metric total: [\d.]+ -> [\d.]+\n    .* is a seed missing\?", said.out
    )


def test_table_without_a_seed(make_project, ropewalk):
    """Rows that came out differently can be looked at with the command that is told; and `last` stays the same run."""
    chance = "SELECT id, amount, random() AS x FROM raw.orders\n"
    root = make_project({**FILES, "tables/staging/orders.sql": chance}, ran=False)
    subprocess.run(["git", "init", "-q", root], check=True)
    commit(root, "Begin")
    ropewalk("run", "staging.orders", cwd=root)
    ropewalk("reproduce", "last", cwd=root)

    said = ropewalk("reproduce", "last", cwd=root)

    told = re.search(r"`ropewalk (diff -t staging\.orders --from \d+ --to \d+)` shows the rows", said.out)
    assert told, said.out + said.err
    assert "2 added, 2 removed" in ropewalk(*told[1].split(), cwd=root).out


def test_run_that_made_nothing(history, ropewalk):
    """A run that found everything fresh proves nothing by being done again, and says so."""
    idle = ropewalk("run", "--json", cwd=history).json["run_id"]

    said = ropewalk("reproduce", idle, cwd=history)

    assert said.code == 1
    assert "made nothing: what it found fresh was made by earlier runs" in said.err


def test_run_without_a_commit(make_project, ropewalk):
    """Files that are in no commit cannot be had again."""
    root = make_project(FILES)
    run_id = ropewalk("runs", "--json", cwd=root).json["runs"][0]["id"]

    assert "RW414" in ropewalk("reproduce", run_id, cwd=root).err


def test_unknown_run(history, ropewalk):
    """A run nobody knows is told with the command that lists them."""
    said = ropewalk("reproduce", "ffff", cwd=history)

    assert said.code == 3
    assert "`ropewalk runs` lists them" in said.err


def test_commit_that_turned_the_metric(history, runs, ropewalk):
    """Bisecting names the one commit, though the data changed as well."""
    found = ropewalk("bisect", "score.total", "--good", runs[0], "--bad", runs[1], "--json", cwd=history).json

    assert (found["good"], found["bad"]) == (60, -62)
    assert (found["culprit"]["axis"], found["culprit"]["description"]) == ("code", "Turn the sign")


def test_bisecting_again_executes_nothing(history, runs, ropewalk):
    """Every replay is cached."""
    ropewalk("bisect", "score.total", "--good", runs[0], "--bad", runs[1], cwd=history)

    again = ropewalk("bisect", "score.total", "--good", runs[0], "--bad", runs[1], "--json", cwd=history).json

    assert {trial["executed"] for trial in again["trials"]} == {0}


def test_nothing_turned(history, runs, ropewalk):
    """Equal ends leave nothing to find."""
    said = ropewalk("bisect", "score.total", "--good", runs[0], "--bad", runs[0], cwd=history)

    assert said.code == 2
    assert "score.total is 60 in both runs" in said.err


def test_metric_that_is_not_made(history, runs, ropewalk):
    """A misspelt metric is refused before any search."""
    said = ropewalk("bisect", "score.totl", "--good", runs[0], "--bad", runs[1], cwd=history)

    assert said.code == 2
    assert "do not make score.totl" in said.err


def test_nearest_metric_is_told(history, runs, ropewalk):
    """Who misspells a metric of a step that is there reads how it is called."""
    said = ropewalk("bisect", "score.totl", "--good", runs[0], "--bad", runs[1], cwd=history)

    assert "did you mean: score.total" in said.err


def test_metric_without_its_step(history, runs, ropewalk):
    """A metric's name alone is not looked for: the same name may be made by several steps."""
    said = ropewalk("bisect", "total", "--good", "last", "--bad", runs[1], cwd=history)

    assert said.code == 2
    assert "STEP.METRIC" in said.err


def test_sweep_runs_each_point(history, ropewalk):
    """Every combination has a run, and what does not differ is not executed."""
    said = ropewalk("run", "--sweep", "score.weight=2,3,3,5", "--json", cwd=history)

    points = said.json["points"]
    assert [point["parameters"]["score.weight"] for point in points] == ["2", "3", "5"]
    assert [point["metrics"]["score.total"] for point in points] == [-62, -93, -155]
    assert [point["executed"] for point in points] == [0, 1, 1]


def test_sweep_says_how_far_it_is(history, ropewalk):
    """Whoever waits for many points sees which are done."""
    said = ropewalk("run", "--sweep", "score.weight=7,8", cwd=history)

    assert "point 1 of 2 done: score.weight=7" in said.err


def test_sweep_moves_no_pointer(history, ropewalk):
    """After a sweep the environment is where it was."""
    ropewalk("run", "--sweep", "score.weight=7,9", cwd=history)

    assert ropewalk("run", "--json", cwd=history).json["hits"] == 3


@pytest.mark.parametrize("axis", ["weight=1,2", "score.weight", "score.weight=", "score.weight=1,,2"])
def test_axis_that_is_none(history, ropewalk, axis):
    """An axis is STEP.NAME=A,B."""
    assert "is not STEP.NAME=A,B" in ropewalk("run", "--sweep", axis, cwd=history).err


def test_wrong_value_costs_no_time(history, ropewalk):
    """All points are checked before the first is executed."""
    before = len(ropewalk("runs", "--json", "--limit", "500", cwd=history).json["runs"])

    said = ropewalk("run", "--sweep", "score.weight=11,many", cwd=history)

    assert said.code == 2
    assert len(ropewalk("runs", "--json", "--limit", "500", cwd=history).json["runs"]) == before


@pytest.fixture
def own(make_project):
    """Return a project in Git, at its first commit, that nobody else changes."""
    root = make_project(FILES, ran=False)
    subprocess.run(["git", "init", "-q", root], check=True)
    commit(root, "Begin")
    return root


def person_runs(ropewalk, root):
    """Return the ids of the runs that people started, oldest first: replays are runs too."""
    found = ropewalk("runs", "--json", cwd=root).json["runs"]
    return [run["id"] for run in reversed(found) if run["cause"] == "person"]


def test_parameter_that_turned_the_metric(own, ropewalk):
    """Between two runs of one commit and the same data, the parameter is named with both its values."""
    ropewalk("run", cwd=own)
    ropewalk("run", "-p", "score.weight=-7", cwd=own)
    good, bad = person_runs(ropewalk, own)

    found = ropewalk("bisect", "score.total", "--good", good, "--bad", bad, "--json", cwd=own).json
    said = ropewalk("bisect", "score.total", "--good", good, "--bad", bad, cwd=own).out

    assert (found["good"], found["bad"]) == (60, -210)
    assert found["culprit"] == {
        "axis": "parameters",
        "what": "score.weight",
        "description": "its default -> -7",
    }
    assert "parameter score.weight: its default -> -7" in said
    assert "score.weight=-7" in said


def test_commit_that_does_not_load(own, ropewalk):
    """A commit whose files do not fit together says nothing: it is passed over, and told beside the culprit."""
    ropewalk("run", cwd=own)
    edit(own, "steps/score.py", "def score(", "def score(:")
    commit(own, "Break it")
    edit(own, "steps/score.py", "def score(:", "def score(")
    edit(own, "steps/score.py", "* weight", "* -weight")
    commit(own, "Mend it the other way round")
    ropewalk("run", cwd=own)
    good, bad = person_runs(ropewalk, own)

    found = ropewalk("bisect", "score.total", "--good", good, "--bad", bad, "--json", cwd=own).json

    told = "Mend it the other way round  (or the one before it, which makes no score.total)"
    assert (found["culprit"]["axis"], found["culprit"]["description"]) == ("code", told)
    assert None in [trial["value"] for trial in found["trials"]]


def test_run_of_uncommitted_files(own, ropewalk):
    """A metric that no commit makes is not blamed on one."""
    ropewalk("run", cwd=own)
    edit(own, "steps/score.py", "* weight", "* weight * 3")
    ropewalk("run", cwd=own)
    good, bad = person_runs(ropewalk, own)

    said = ropewalk("bisect", "score.total", "--good", good, "--bad", bad, cwd=own)

    assert said.code == 2
    assert (
        "made score.total 180 from files that were in no commit; those of its commit make it 60" in said.err
    )


def test_data_that_turned_the_metric(make_project, ropewalk):
    """Of several loads of a source, the one that turned the metric is named."""
    root = make_project(FILES, ran=False)
    subprocess.run(["git", "init", "-q", root], check=True)
    commit(root, "Begin")
    made = []
    for number, amount in enumerate([1, 2, -500, 1]):
        (root / f"drops/{number}.csv").write_text(f"id,amount\n{number + 7},{amount}\n")
        made.append(ropewalk("run", "--json", cwd=root).json)

    found = ropewalk(
        "bisect", "score.total", "--good", made[0]["run_id"], "--bad", made[3]["run_id"], "--json", cwd=root
    ).json

    loads = [next(n["reference"] for n in one["nodes"] if n["id"] == "source:orders") for one in made]
    assert found["culprit"] == {
        "axis": "data",
        "what": "source:orders",
        "description": f"{loads[1]} -> {loads[2]}",
    }
