"""Which module-level statements do nothing but bind names."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from ropewalk.project.effects import Judge
from ropewalk.project.scopes import stored_names

IMPORTS = {
    "np": "numpy",
    "math": "math",
    "re": "re",
    "Path": "pathlib.Path",
    "dataclass": "dataclasses.dataclass",
    "cache": "functools.cache",
    "logging": "logging",
    "helper": "lib.helper",
}


def _judge(text: str):
    tree = ast.parse(dedent(text))
    bound = {name for statement in tree.body for name in stored_names(statement)} | {
        *IMPORTS,
        "make",
        "Known",
    }
    judge = Judge(IMPORTS, bound, own={"A"})
    return judge, tree.body[-1]


@pytest.mark.parametrize(
    "text",
    [
        "A = 1",
        "A, (B, *C) = 1, (2, 3)",
        "A: int = 1",
        "A += 1",
        "A = {'a': [1, 2]}",
        "A = [x * 2 for x in range(9) if x]",
        "A = f'{math.pi:.2f}' + str(4)",
        "A = lambda x: make(x)",
        "A = Path(__file__).parent / 'x'",
        "A = Path('a').resolve()",
        "A = re.compile('x')",
        "A = ' '.join(['a']).upper()",
        "A = np.array([1, 2])",
        "A = logging.getLogger(__name__)",
        "A = B if C else D",
        "def f(x, y=3): make(x)",
        "async def f(): make()",
        "@cache\ndef f(): make()",
        "class A: pass",
        "class A(ValueError):\n    size: int = 3\n    def f(self): make()",
        "@dataclass(frozen=True)\nclass A:\n    items: list = None",
        "class A:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, v): ...",
        "class A(metaclass=abc.ABCMeta): ...",
        "'a remark'",
        "pass",
    ],
)
def test_what_only_binds(text):
    """Literals, known pure calls, functions and plain classes do nothing else."""
    judge, statement = _judge(text)

    assert judge.statement(statement).none


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "open('x')",
        "A = open('x')",
        "A = np.random.rand()",
        "A = np.random.seed(1) or 3",
        "A = (lambda: 1)()",
        "A = [print(x) for x in (1,)]",
        "A = (B := 3)",
        "A['a'] = 1",
        "A.b = 1",
        "A, B.c = 1, 2",
        "del A",
        "for x in y: pass",
        "if A: B = 1",
        "with a as b: pass",
        "import a\nassert A",
        "def f(x=print(1)): ...",
        "@np.vectorize\ndef f(): ...\n@print\ndef g(): ...",
        "class A(metaclass=Meta): ...",
        "class A:\n    print(1)",
        "class A:\n    x = print(1)",
        "@make(3)\ndef f(): ...",
        "raise SystemExit",
    ],
)
def test_what_does_more(text):
    """Whatever may change what others do is not only a binding."""
    judge, statement = _judge(text)

    found = judge.statement(statement)

    assert found.certain or found.calls


@pytest.mark.parametrize(
    ("text", "calls", "bases"),
    [
        ("A = make(1)", {"make"}, set()),
        ("A = helper.load(make())", {"helper.load", "make"}, set()),
        ("@make\ndef f(): ...", {"make"}, set()),
        ("class A(Known): ...", set(), {"Known"}),
        ("class A(helper.Base[int]):\n    x = make()", {"make"}, {"helper.Base"}),
    ],
)
def test_doubts(text, calls, bases):
    """What a function or class of the project does is looked at where all of it is at hand."""
    judge, statement = _judge(text)

    found = judge.statement(statement)

    assert (found.certain, found.calls, found.bases) == (False, calls, bases)


def test_own_name_hides_a_builtin():
    """A function called `sorted` need not be the pure one."""
    judge, statement = _judge("def sorted(x): print(x)\nA = sorted([1])")

    assert judge.statement(statement).calls == {"sorted"}


@pytest.mark.parametrize(
    ("text", "is_quiet"),
    [
        ("def f(x): return x + 1", True),
        ("def f(x):\n    if x: return 1\n    y = [x]\n    return y", True),
        ("def f(g):\n    def inner(): g()\n    return inner", True),
        ("def f(g): return g()", False),
        ("def f():\n    import os\n    return os", False),
        ("def f():\n    global A\n    A = 1", False),
        ("def f(x):\n    x.append(1)\n    return x", False),
        ("def f(x):\n    x['a'] = 1", False),
        ("class A: ...", True),
        ("@dataclass\nclass A: ...", True),
        ("class A:\n    def __init_subclass__(cls): ...", False),
        ("@make\nclass A: ...", False),
        ("A = 1", False),
    ],
)
def test_what_is_quiet_to_use(text, is_quiet):
    """Calling a quiet function, or deriving from a quiet class, does nothing that anybody else could notice."""
    judge, statement = _judge(text)

    assert judge.is_quiet(statement) is is_quiet


@pytest.mark.parametrize(
    ("text", "readers"),
    [
        ("@cache\ndef f(): ...", set()),
        ("@make\ndef f(): ...", {"make"}),
        ("@helper.register('a')\ndef f(): ...", {"helper.register"}),
        ("class A(Known):\n    @make\n    def f(self): ...", {"Known", "make"}),
        ("@(lambda f: f)\ndef f(): ...", {"?"}),
        ("class A(KeyError): ...", set()),
    ],
)
def test_who_may_read_annotations(text, readers):
    """Decorators and bases that are not known may read what the fixed form leaves out."""
    judge, statement = _judge(text)

    assert judge.readers(statement) == readers
