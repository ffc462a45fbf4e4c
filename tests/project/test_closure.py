"""The code of a step: what must change its facts, and what must never change them."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.project import Closure, ClosureReader, InvalidPython, PythonFiles

Facts = Callable[[Mapping[str, str]], dict[str, str]]
TRAIN = "steps/train.py"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root / TRAIN


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """Return a function that writes files and returns the facts of the step `train`."""

    def found(files: Mapping[str, str]) -> dict[str, str]:
        write(tmp_path, files)
        return dict(read(tmp_path).facts)

    return found


def read(root: Path, path: str = TRAIN) -> Closure:
    return ClosureReader(PythonFiles(root)).closure(path, "train")


def packages(root: Path, text: str) -> list[str]:
    write(root, {TRAIN: text})
    return list(read(root).packages)


STEP = '''
"""A module docstring."""
from __future__ import annotations
import math
from lib.features import clean
from ropewalk import step

RATE = 0.1
UNUSED = 1

def scale(x):
    """Scale it."""
    return x * RATE

def train(table):
    """Train it."""
    return math.sqrt(scale(clean(table)))
'''
LIB = {
    "lib/__init__.py": "",
    "lib/features.py": "from lib import limits\n\ndef clean(x):\n    return min(x, limits.MOST)\n",
}
LIMITS = {"lib/limits.py": "MOST = 5\nLEAST = 1\n"}
PROJECT = {TRAIN: STEP, **LIB, **LIMITS}


def test_what_is_reached(facts: Facts) -> None:
    """The function, and every name that it reaches in its file and in others: nothing else."""
    assert sorted(facts(PROJECT)) == [
        "lib/features.py:clean",
        "lib/features.py:limits",
        "lib/limits.py:MOST",
        "steps/train.py:RATE",
        "steps/train.py:clean",
        "steps/train.py:math",
        "steps/train.py:scale",
        "steps/train.py:train",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.1", "RATE = 0.1  # a comment"),
        ("RATE = 0.1", "# a comment\n\n\nRATE   =   (0.1)"),
        ("Scale it.", "Scale it differently."),
        ('    """Train it."""\n', ""),
        ("A module docstring.", "Another."),
        ("UNUSED = 1", "UNUSED = 2"),
        ("UNUSED = 1", "UNUSED = 1\ndef another(): return UNUSED"),
        ("UNUSED = 1", "UNUSED = 1\n@functools.cache\ndef another(): return UNUSED\nimport functools"),
        ("RATE = 0.1", "RATE: float = 0.1"),
        ("def scale(x):", "def scale(x: float) -> 'float':"),
        ("    return x * RATE", "    pass\n    'a remark'\n    return x * RATE"),
        ("import math\n", "import math\nimport os, json\n"),
        ("import math\nfrom lib.features import clean\n", "from lib.features import clean\nimport math\n"),
        ("import math\n", "import math\nfrom lib.limits import LEAST\n"),
        ("import math\n", "import math\nif TYPE_CHECKING:\n    import pandas\n"),
        ("UNUSED = 1", "if __name__ == '__main__':\n    train(1)"),
        ("UNUSED = 1", "__all__ = ['train']\n__version__ = '2'"),
        ("def train(table):", "@step(timeout='10m', cpu=2)\ndef train(table):"),
        ("return x * RATE", "return (\n        x\n        * RATE\n    )"),
    ],
)
def test_what_does_not_count(facts: Facts, old: str, new: str) -> None:
    """Comments, formatting, docstrings and symbols that nothing reaches leave every fact alone."""
    before = facts(PROJECT)

    assert facts({TRAIN: STEP.replace(old, new)}) == before


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("RATE = 0.1", "RATE = 0.2", "steps/train.py:RATE"),
        ("RATE = 0.1", "RATE = 0.1\nRATE += 1", "steps/train.py:RATE"),
        ("RATE = 0.1", "RATE: float = 0.2", "steps/train.py:RATE"),
        ("x * RATE", "x + RATE", "steps/train.py:scale"),
        ("math.sqrt(", "math.exp(", "steps/train.py:train"),
        ("import math", "import cmath as math", "steps/train.py:math"),
        ("(table)", "(table, *, rounds=3)", "steps/train.py:train"),
        ("return math", "print('so far')\n    return math", "steps/train.py:train"),
    ],
)
def test_what_counts_in_the_file(facts: Facts, old: str, new: str, changed: str) -> None:
    """A change of anything that the step reaches in its file changes that symbol's fact and no other."""
    before = facts(PROJECT)

    after = facts({TRAIN: STEP.replace(old, new, 1)})

    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == {changed}


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("lib/limits.py", "MOST = 6\nLEAST = 1\n", {"lib/limits.py:MOST"}),
        (
            "lib/limits.py",
            "MOST = 5\nLEAST = 2\nprint(MOST)\n",
            {"lib/limits.py:statement 1", "lib/limits.py:order"},
        ),
        (
            "lib/features.py",
            "def clean(x):\n    return x\n",
            {"lib/features.py:clean", "lib/features.py:limits", "lib/limits.py:MOST"},
        ),
        (
            "lib/__init__.py",
            "import os\nos.umask(7)\n",
            {"lib/__init__.py:statement 1", "lib/__init__.py:os"},
        ),
        ("lib/__init__.py", "import os\nOTHER = 1\n", set()),
        ("lib/limits.py", "MOST = 5\nLEAST = 1\ndef spare(): return MOST\n", set()),
    ],
)
def test_what_counts_in_modules(facts: Facts, name: str, text: str, changed: set[str]) -> None:
    """Of an imported module counts what is reached, and what importing it does."""
    before = facts(PROJECT)

    after = facts({name: text})

    assert {key for key in {*before, *after} if before.get(key) != after.get(key)} == changed


@pytest.mark.parametrize(
    "line",
    [
        "import lib.features",
        "import lib.features as f",
        "from lib import features",
        "from lib.features import clean",
        "from lib.features import *",
        "def train(table):\n    import lib.features",
        "try:\n    import lib.features\nexcept ImportError:\n    pass",
    ],
)
def test_ways_to_import(facts: Facts, line: str) -> None:
    """However a module of the project is imported, it and its package are found."""
    use = "" if "def train" in line else "def train(table):\n    "
    call = {"features": "features.clean", "clean": "clean", "*": "clean", "f": "f.clean"}
    called = (
        "lib.features.clean"
        if line.split(maxsplit=1)[0] != "from" and " as " not in line
        else call[line.rsplit(maxsplit=1)[-1]]
    )
    step = f"{line}\n{use}" + ("    " if "def train" in line else "") + f"return {called}(table)\n"

    found = facts({**PROJECT, TRAIN: step})

    assert {"lib/features.py:clean", "lib/limits.py:MOST"} <= set(found)
    assert facts({"lib/limits.py": "MOST = 7\n"}) != found


def test_two_imports_of_one_package(facts: Facts) -> None:
    """`import a.b` and `import a.c` bind one name and load two modules: both count."""
    step = "import lib.features\nimport lib.limits\ndef train(): return lib.features.A + lib.limits.MOST\n"

    found = facts({**PROJECT, TRAIN: step, "lib/features.py": "A = 1"})

    assert {"lib/features.py:A", "lib/limits.py:MOST"} <= set(found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from . import near", "steps/deep/near.py"),
        ("from .near import x", "steps/deep/near.py"),
        ("from .. import far", "steps/far.py"),
        ("from ..far import x", "steps/far.py"),
        ("from ... import top", "top.py"),
    ],
)
def test_relative_imports(tmp_path: Path, line: str, expected: str) -> None:
    """Leading dots climb from the importing file, one folder for each dot after the first."""
    modules = {"steps/deep/near.py": "", "steps/far.py": "", "top.py": "", "far.py": "", "near.py": ""}
    write(tmp_path, {**modules, "steps/deep/train.py": f"{line}\ndef train(): return near, far, x, top\n"})

    found = read(tmp_path, "steps/deep/train.py")

    assert [name for name in found.places if ":" not in name and "train" not in name] == [expected]


@pytest.mark.parametrize("line", ["from .nowhere import x", "from .......... import x"])
def test_relative_import_of_nothing(tmp_path: Path, line: str) -> None:
    """A relative import that finds nothing is no package: running it will say so."""
    write(tmp_path, {TRAIN: f"{line}\ndef train(): return x\n"})

    found = read(tmp_path)

    assert set(found.facts) >= {"steps/train.py:train", "steps/train.py:x"}
    assert found.packages == ()


def test_module_beside_the_step_wins(facts: Facts) -> None:
    """As for Python, a module in the step's folder hides one of that name in the root."""
    files = {TRAIN: "import near\ndef train(): return near\n", "near.py": "", "steps/near.py": ""}

    assert "steps/near.py" in facts(files)
    assert "near.py" not in facts(files)


def test_modules_that_import_each_other(facts: Facts) -> None:
    """A ring of imports is walked once."""
    files = {
        TRAIN: "import a\ndef train(): return a.x\n",
        "a.py": "from b import x\n",
        "b.py": "from a import x\n",
    }

    assert {"a.py:x", "b.py:x"} < set(facts(files))


@pytest.mark.parametrize(
    ("statement", "helper"),
    [
        ("configure(LEVEL)", "LEVEL = 1"),
        ("for key in KEYS: REGISTRY[key] = 1", "KEYS = ['a']"),
        ("REGISTRY['a'] = LEVEL", "LEVEL = 1"),
        ("settings.level = LEVEL", "LEVEL = 1"),
        ("x, REGISTRY['a'] = LEVEL", "LEVEL = 1, 2"),
        ("if LEVEL:\n    REGISTRY = {}", "LEVEL = 1"),
        ("with opened() as REGISTRY: use(LEVEL)", "LEVEL = 1"),
    ],
)
def test_statements_that_do_something(facts: Facts, statement: str, helper: str) -> None:
    """A statement that does more than bind names counts for every step, with all it names."""
    step = f"REGISTRY = {{}}\n{helper}\n{statement}\ndef train(): return 1\n"
    before = facts({TRAIN: step})

    assert facts({TRAIN: step.replace("1", "2").replace("'a'", "'b'")}) != before
    assert {
        "steps/train.py:statement 1",
        "steps/train.py:x",
        "steps/train.py:key",
        "steps/train.py:REGISTRY",
    } & {*before}
    assert f"steps/train.py:{helper.partition(' ')[0]}" in before


@pytest.mark.parametrize("targets", ["A, B", "[A, B]", "*A, B", "A = B", "(A, (B, C))"])
def test_bindings_of_several_names(facts: Facts, targets: str) -> None:
    """Every name of an unpacked assignment leads to its statement; unused, it counts for nothing."""
    used = facts({TRAIN: f"{targets} = tuple([1])\ndef train(): return B\n"})
    unused = facts({TRAIN: f"{targets} = tuple([1])\ndef train(): return 0\n"})

    assert "steps/train.py:B" in used
    assert list(unused) == ["steps/train.py:train"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy.linalg as la\ndef train(): return la\n", ["numpy"]),
        ("from sklearn.metrics import auc\ndef train(): return auc\n", ["sklearn"]),
        ("import numpy\nimport pandas\ndef train(): return numpy\ndef o(): return pandas\n", ["numpy"]),
        # What nothing in the file uses stands there for what it does.
        ("import numpy\nimport sklearnex\ndef train(): return numpy\n", ["numpy", "sklearnex"]),
        ("def train():\n    import mlflow.lightgbm, json\n", ["json", "mlflow"]),
        ("from pylab import *\ndef train(): return plot\n", ["pylab"]),
    ],
)
def test_packages(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Packages that the step's code imports are listed by their top-level name, unused ones are not."""
    assert packages(tmp_path, text) == expected


def test_packages_of_modules(tmp_path: Path) -> None:
    """What a module of the project imports counts among the step's packages."""
    write(tmp_path, {"near.py": "import scipy.stats\n"})

    assert packages(tmp_path, "import near\ndef train(): return near\n") == ["scipy"]


def test_unknown_symbol(facts: Facts) -> None:
    """A name that the file does not bind reaches nothing."""
    assert facts({TRAIN: "def other(): return 1\n"}) == {}


def test_broken_module(facts: Facts) -> None:
    """A module of the project that does not parse is named, wherever it was reached from."""
    with pytest.raises(InvalidPython) as caught:
        facts({TRAIN: "import near\ndef train(): return near\n", "near.py": "def (:\n"})

    assert str(caught.value.place) == "near.py:1:5"


def test_deep_code(facts: Facts) -> None:
    """Generated code may nest deeply without breaking the reader."""
    deep = f"def train(): return {' + '.join(['1'] * 2000)}\n"

    assert facts({TRAIN: deep}) != facts({TRAIN: deep.replace("1\n", "2\n")})


@given(seed=st.integers(0, 2**32), rate=st.integers(0, 9))
def test_only_meaning_counts(seed: int, rate: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any mixture of comments, blank lines, docstrings and reformatting is fresh; any new constant is not."""
    root = tmp_path_factory.mktemp("closure")
    write(root, LIB | LIMITS)
    write(root, {TRAIN: STEP})
    before = read(root).facts

    for name, text in {TRAIN: STEP, **LIB, **LIMITS}.items():
        write(root, {name: _scribble(text, random.Random(seed))})
    cosmetic = read(root).facts
    write(root, {TRAIN: STEP.replace("0.1", f"0.1{rate}1")})

    assert cosmetic == before
    assert read(root).facts != before


def _scribble(text: str, chance: random.Random) -> str:
    """Change everything about a file that a reader of its meaning would not notice."""
    if chance.random() < 0.3:
        text = ast.unparse(ast.parse(text))
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += [f"{indent}# {chance.random()}"] if chance.random() < 0.3 else []
        lines.append(line + "   # said" * (chance.random() < 0.3 and not line.endswith('"')))
        lines += [""] * chance.randrange(3)
    return "\n".join(lines).replace("Scale it.", f"Scale {chance.random()}") + "\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A registration by decorator, the dispatching function itself being harmless.
        ("def f(x): return x\n@f.register\ndef g(x): return 1\n", "return 1\n->return 2\n"),
        (
            "from functools import singledispatch\n@singledispatch\ndef f(x): return x\n@f.register\ndef g(x): return 1\n",
            "return 1\n->return 2\n",
        ),
        (
            "REG = {}\ndef reg(f):\n    REG[1] = f\n    return f\n@reg\ndef g(): return 1\n",
            "return 1->return 2",
        ),
        (
            "class Base:\n    def __init_subclass__(cls): print(cls)\nclass One(Base):\n    x = 1\n",
            "x = 1->x = 2",
        ),
        # Loading the file fails.
        ("A = 1\nB = A\n", "A = 1\nB = A\n->B = A\nA = 1\n"),
        ("A = 1\n", "A = 1->A = one"),
        ("class One: ...\ndef g(x: One): ...\n", "x: One->x: Two"),
        ("import lib.a\n", "lib.a->lib.b"),
        ("from lib.a import x\n", "import x->import y"),
        # Code that looks at code.
        ("import inspect\ndef helper(x: int): return inspect.signature(helper)\n", "x: int->x: str"),
        ('def helper():\n    """One."""\n    return helper.__doc__\n', "One.->Two."),
        ("def helper(): return globals()['other']()\ndef other(): return 1\n", "return 1->return 2"),
        ("RATE = 1\ndef helper(frame): return frame.query('a > @RATE')\n", "RATE = 1->RATE = 2"),
        ("from lib.a import x\ndef helper(frame): return frame.eval('b = a + @x')\n", "helper->helper"),
        ('def helper():\n    """One."""\n    return getattr(helper, "__doc__")\n', "One.->Two."),
        (
            "class Base: ...\nclass One(Base):\n    x = 1\ndef helper(): return Base.__subclasses__()\n",
            "x = 1->x = 2",
        ),
        # A set of another module's, which everyone there sees grow.
        ("from lib import a\nfrom lib.a import x\nx |= {1}\nhelper = a.f\n", "x |= {1}->x |= {2}"),
        ("def helper(): return __import__('lib.a').a.x\n", "helper->helper"),
        # A class whose fields are its annotations, to somebody elsewhere.
        ("from attrs import define\n@define\nclass helper:\n    x: int\n", "x: int->x: str"),
        ("from attrs import define\n@define\ndef helper(x: int): return x\n", "x: int->x: str"),
        # A value made before, and another made after.
        (
            "D = {}\nD['a'] = 1\nhelper = dict(D)\n",
            "D['a'] = 1\nhelper = dict(D)->helper = dict(D)\nD['a'] = 1",
        ),
        ("A = 1\nhelper = A\nA = 2\n", "helper = A\nA = 2->A = 2\nhelper = A"),
        ("def helper(a=lambda: other()): return a\ndef other(): return 1\n", "return 1->return 2"),
        ("def helper():\n    global COUNT\n    COUNT += 1\nCOUNT = 1\n", "COUNT = 1->COUNT = 2"),
        ("import lib.a as m\nhelper = vars(m)\n", "helper->helper"),
    ],
)
def test_what_must_not_be_missed(facts: Facts, before: str, after: str) -> None:
    """However roundabout code reaches other code, a change of that is a change."""
    use = "def train(table): return helper(table)\n"
    first = facts({"lib/__init__.py": "", "lib/a.py": "x = 1\n", TRAIN: before + use})

    old, _, new = after.partition("->")
    # Where the step's own file stays, the module that it reaches changes.
    second = facts(
        {TRAIN: before.replace(old, new) + use, "lib/a.py": "x = 2\n" if old == new else "x = 1\n"}
    )

    assert old in before
    assert first != second
