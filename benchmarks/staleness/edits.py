"""The edits of the corpus: what a person changes in a project, and how often it must make something run again.

An edit is made of the shop's text and of nothing that the planner computed. Its truth is one of:

- `executed`: the steps whose outcome differs when they are run before and after (`oracle.py`) must run again, all
  other steps must stay fresh. Where a piece is changed that no step reaches, none differs.
- `neutral`: nothing may run again: comments, formatting, docstrings, type hints, code that is only for the shell. The
  oracle has to agree.
- a set of nodes: they must run again by definition, although outcomes may be equal: a new package version, another
  SQL expression, `version=`. All others must stay fresh.
- `either`: rewritten code with the same meaning; running again and staying fresh are both right.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import shop

EXECUTED, NEUTRAL, EITHER = "executed", "neutral", "either"
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*", ast.Mod: "+"}
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        group: the class of edits it belongs to.
        name: what is changed, for the report.
        files: path -> new text, or None for a file that is removed.
        truth: `executed`, `neutral`, `either`, or the ids of the nodes that must run again.
        packages: package -> (version, code) of what is installed otherwise.
        parameters: what the command sets, `STEP.NAME` -> text.
        touch: whether only the times of the files change.
        keeps_time: whether a changed file gets its old time back, as a careless copy does.
    """

    group: str
    name: str
    files: Mapping[str, str | None] = field(default_factory=dict)
    truth: str | frozenset[str] = EXECUTED
    packages: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    touch: bool = False
    keeps_time: bool = False


def corpus() -> list[Edit]:
    """Return all edits."""
    code = itertools.chain.from_iterable(_edits_of(path, text) for path, text in shop.PYTHON.items())
    return [*code, *_module_edits(), *_option_edits(), *_sql_edits(), *_data_edits(), *_package_edits()]


def _edits_of(path: str, text: str) -> Iterator[Edit]:
    tree = ast.parse(text)
    yield from _constants(path, text, tree)
    yield from _operators(path, text, tree)
    yield from _functions(path, text, tree)
    yield from _whole_file(path, text, tree)


def _constants(path: str, text: str, tree: ast.Module) -> Iterator[Edit]:
    skipped = _not_values(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skipped:
            continue
        if isinstance(node.value, bool) or not isinstance(node.value, int | float | str):
            continue
        new = repr(node.value + 1) if not isinstance(node.value, str) else repr(node.value + "x")
        is_default = any(
            node in function.args.kw_defaults
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
        )
        group = "parameter's default" if is_default else "constant"
        yield Edit(group, f"{path}:{node.lineno} {node.value!r} -> {new}", {path: _put(text, node, new)})


def _not_values(tree: ast.Module) -> set[int]:
    """Return the constants that are no values: docstrings, hints, and the options of steps."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Expr):
            parts.append(node.value)
        if isinstance(node, ast.arg):
            parts.append(node.annotation)
        if isinstance(node, ast.FunctionDef):
            steps = [d for d in node.decorator_list if isinstance(d, ast.Call) and _is_step(d)]
            parts += [node.returns, *steps]
        if isinstance(node, ast.If):
            parts.append(node.test)
        for part in filter(None, parts):
            if isinstance(node, ast.Expr) and not isinstance(part, ast.Constant):
                continue
            found |= {id(child) for child in ast.walk(part)}
    return found


def _is_step(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "step"


def _operators(path: str, text: str, tree: ast.Module) -> Iterator[Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            left, right = ast.get_source_segment(text, node.left), ast.get_source_segment(text, node.right)
            old, new = SIGNS[type(node.op)], OPERATORS[type(node.op)]
            if left is not None and right is not None:
                changed = _put(text, node, f"({left}) {new} ({right})")
                yield Edit("operator", f"{path}:{node.lineno} {old} -> {new}", {path: changed})


def _functions(path: str, text: str, tree: ast.Module) -> Iterator[Edit]:
    lines = text.splitlines(keepends=True)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        where = f"{path}:{node.lineno} {node.name}"
        first = node.body[0]
        indent = " " * first.col_offset
        is_documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)

        def insert(line: str, at: int, indent: str = indent) -> dict[str, str | None]:
            return {path: "".join([*lines[:at], f"{indent}{line}\n", *lines[at:]])}

        start = first.lineno - 1
        yield Edit("comment", where, insert("# Why it is so.", start), NEUTRAL)
        if is_documented:
            yield Edit("docstring", where, {path: _put(text, first, '"""Said better."""')}, NEUTRAL)
            start = first.end_lineno or start
        else:
            yield Edit("docstring", where, insert('"""Said."""', start), NEUTRAL)
        yield Edit("print", where, insert('print("here")', start))
        yield Edit("exception", where, insert('raise ValueError("no")', start))
        if node.returns is None:
            hinted = text.splitlines()
            line = hinted[node.lineno - 1]
            hinted[node.lineno - 1] = line.removesuffix(":") + " -> object:"
            if line.endswith("):"):
                yield Edit("type hint", where, {path: "\n".join(hinted) + "\n"}, NEUTRAL)


def _whole_file(path: str, text: str, tree: ast.Module) -> Iterator[Edit]:
    yield Edit("format", f"{path} written anew", {path: ast.unparse(tree) + "\n"}, NEUTRAL)
    spaced = text.replace("\n\n\n", "\n\n\n\n").replace(", ", ",  ") if '", "' not in text else f"\n{text}"
    yield Edit("format", f"{path} more space", {path: spaced}, NEUTRAL)
    yield Edit("comment", f"{path} at the end", {path: f"{text}# The end.\n"}, NEUTRAL)
    yield Edit(
        "unreached code", f"{path} function", {path: f"{text}\n\ndef newcomer(a):\n    return a + 1\n"}
    )
    yield Edit("unreached code", f"{path} constant", {path: f"{text}\nNEWCOMER = [1, 2, 3]\n"})
    yield Edit("unreached code", f"{path} class", {path: f"{text}\n\nclass Newcomer:\n    size = 1\n"})
    yield Edit("unused import", f"{path} json", {path: _after_future(text, "import json")})
    yield Edit("unused import", f"{path} lib.unused", {path: _after_future(text, "import lib.unused")})
    yield Edit("loading does more", path, {path: f'{text}\nprint("loaded")\n'})
    main = '\nif __name__ == "__main__":\n    print("by hand")\n'
    yield Edit("for the shell only", path, {path: text + main}, NEUTRAL)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    if len(functions) > 1:
        yield Edit("functions in another order", path, {path: _swapped(text, functions[0], functions[-1])})
    yield (
        Edit("module removed", path, {path: None})
        if not path.startswith("steps/")
        else Edit("file touched", path, {path: text}, NEUTRAL, touch=True)
    )


def _module_edits() -> Iterator[Edit]:
    """Yield edits of how the modules hang together."""
    pricing, judging, texts = (shop.STEPS[f"steps/{name}.py"] for name in ("pricing", "judging", "texts"))
    yield Edit(
        "imported from elsewhere",
        "another name under the same one",
        {"steps/pricing.py": pricing.replace("import MARGIN,", "import OTHER_MARGIN as MARGIN,")},
    )
    swapped = pricing.replace("import clean, label", "import label as clean, clean as label")
    yield Edit("imported from elsewhere", "two names for each other", {"steps/pricing.py": swapped})
    shadow = "def half(value):\n    return value\n"
    yield Edit("imported from elsewhere", "beside the step, before a package", {"steps/fastmath.py": shadow})
    yield Edit("imported from elsewhere", "in the root, before a package", {"fastmath/__init__.py": shadow})
    nearer = {"steps/lib/__init__.py": "", "steps/lib/counting.py": "def count(rows):\n    return 0\n"}
    yield Edit("imported from elsewhere", "a package beside the step", nearer)
    words = {"steps/plain/__init__.py": "", "steps/plain/words.py": "def shout(w):\n    return w\n"}
    yield Edit("imported from elsewhere", "a package before a bare folder", words)
    many = shop.HELPERS["lib/many.py"]
    yield Edit(
        "star import",
        "a new name hides one",
        {"lib/many.py": f'{many}\nTITLE = "hidden"\n'.replace("__all__ =", "__all__ = ['TITLE', 'few'] +")},
    )
    yield Edit("star import", "a name is shown no more", {"lib/many.py": many.replace('"FIRST", ', "")})
    yield Edit("statements in another order", "a constant after its use", {
        "lib/stats.py": shop.HELPERS["lib/stats.py"] + "\nDIGITS = 1\n",
    })  # fmt: skip
    patched = judging.replace("CACHE = {}", "CACHE = {}\nshapes.SIDES = 5")
    yield Edit("statements in another order", "a patch of another module", {"steps/judging.py": patched})
    filled = judging.replace("scale_of =", 'CACHE["before"] = 1\nscale_of =')
    yield Edit("statements in another order", "a dictionary filled early", {"steps/judging.py": filled})
    renamed = texts.replace("words = [", "those = [").replace("frame(words)),", "frame(those)),")
    yield Edit("rewritten, same meaning", "local renamed", {"steps/texts.py": renamed}, EITHER)
    inlined = shop.HELPERS["lib/text.py"].replace("return PREFIX + name", 'return f"{PREFIX}{name}"')
    yield Edit("rewritten, same meaning", "f-string", {"lib/text.py": inlined}, EITHER)
    early = shop.HELPERS["lib/stats.py"].replace("return max(values)", "top = max(values)\n    return top")
    yield Edit("rewritten, same meaning", "a name for a value", {"lib/stats.py": early}, EITHER)
    sorted_imports = pricing.replace("import logging\nimport math\n", "import math\nimport logging\n")
    yield Edit("imports sorted", "steps/pricing.py", {"steps/pricing.py": sorted_imports}, NEUTRAL)
    split = pricing.replace(
        "from lib.text import clean, label", "from lib.text import label\nfrom lib.text import clean"
    )
    yield Edit("imports sorted", "one line as two", {"steps/pricing.py": split}, NEUTRAL)
    checked = texts.replace("import Sequence", "import Sequence, Mapping")
    yield Edit("for type checkers only", "steps/texts.py", {"steps/texts.py": checked}, NEUTRAL)
    for path, text in shop.NOISE.items():
        yield Edit(
            "file that is no input",
            path,
            {path: f"{text}More.\n" if path.endswith("md") else f"{text}\n#\n"},
            NEUTRAL,
        )
    yield Edit("file that is no input", "a new module", {"lib/fresh.py": "A = 1\n"}, NEUTRAL)
    yield Edit(
        "file that is no input", "a notebook's output", {"notebooks/a.ipynb": '{"cells": []}'}, NEUTRAL
    )


def _option_edits() -> Iterator[Edit]:
    """Yield edits of the options of steps, and parameters that a command sets."""
    pricing, judging = shop.STEPS["steps/pricing.py"], shop.STEPS["steps/judging.py"]
    for old, new in (
        ('timeout="10m"', 'timeout="20m"'),
        ('@step(timeout="10m")', "@step"),
        ('timeout="10m"', 'timeout="10m", cpu=2, memory="1GB"'),
        ('timeout="10m"', 'timeout="10m", retries=2, backoff="3s", retry_on="OSError"'),
    ):
        yield Edit("how a step runs", new, {"steps/pricing.py": pricing.replace(old, new)}, NEUTRAL)
    for old, new in (("retries=1", "retries=3"), (', pool="till"', ""), ("retries=1, ", "")):
        yield Edit(
            "how a step runs", f"{old} -> {new}", {"steps/judging.py": judging.replace(old, new)}, NEUTRAL
        )
    version = judging.replace('version="1"', 'version="2"')
    yield Edit("version=", "1 -> 2", {"steps/judging.py": version}, frozenset({"step:judge"}))
    for name, text in (("quote.discount", "0.25"), ("quote.floor", "900"), ("texts.times", "5")):
        node = frozenset({f"step:{name.partition('.')[0]}"})
        yield Edit("-p", f"{name}={text}", truth=node, parameters={name: text})
    for name, text in (("quote.discount", "0.1"), ("ceiling.factor", "4")):
        yield Edit("-p", f"{name}={text}, its default", truth=NEUTRAL, parameters={name: text})


def _sql_edits() -> Iterator[Edit]:
    """Yield edits of tables and their contract."""
    for path in (path for path in shop.TABLES if path.endswith(".sql")):
        text, node = shop.TABLES[path], f"table:{path[7:-4].replace('/', '.')}"
        yield Edit("SQL comment", path, {path: f"-- Said.\n{text}"}, NEUTRAL)
        yield Edit("SQL comment", f"{path} inside", {path: text.replace("FROM", "/* from */ FROM")}, NEUTRAL)
        yield Edit("SQL format", f"{path} one line", {path: _one_line(text)}, NEUTRAL)
        lower = text.replace("SELECT", "select").replace("FROM", "from").replace("WHERE", "where")
        yield Edit("SQL format", f"{path} small letters", {path: lower}, NEUTRAL)
        yield Edit("SQL format", f"{path} semicolon", {path: text.rstrip() + " ;\n"}, NEUTRAL)
        yield Edit(
            "SQL",
            f"{path} column",
            {path: text.replace("SELECT ", "SELECT 1 AS one, ", 1)},
            frozenset({node}),
        )
        yield Edit("SQL", f"{path} limit", {path: f"{text.rstrip()} LIMIT 3\n"}, frozenset({node}))
        yield Edit(
            "SQL",
            f"{path} alias",
            {
                path: text.replace("amount", "quantity", 1)
                if "o.amount" not in text
                else text.replace("sum(o.amount)", "max(o.amount)")
            },
            frozenset({node}),
        )
    path = "contracts/mart.by_store.odcs.yaml"
    text, node = shop.TABLES[path], frozenset({"table:mart.by_store"})
    yield Edit("contract's words", "description", {path: text.replace("The store.", "Its key.")}, NEUTRAL)
    yield Edit("contract's words", "purpose", {path: text.replace("What each", "How much each")}, NEUTRAL)
    yield Edit("contract's words", "comment", {path: f"# Ours.\n{text}"}, NEUTRAL)
    yield Edit("contract's checks", "not unique", {path: text.replace("unique: true", "unique: false")}, node)
    yield Edit(
        "contract's checks", "not required", {path: text.replace("required: true", "required: false")}, node
    )
    yield Edit("project file", "comment", {"ropewalk.yaml": f"# Ours.\n{shop.ROPEWALK}"}, NEUTRAL)
    larger = shop.ROPEWALK.replace("till: 2", "till: 5")
    yield Edit("project file", "pool", {"ropewalk.yaml": larger}, NEUTRAL)
    spread = shop.ROPEWALK.replace(
        "{kind: files, path: landing/stores.csv}", "\n    kind: files\n    path: landing/stores.csv"
    )
    yield Edit("project file", "format", {"ropewalk.yaml": spread}, NEUTRAL)
    nulls = shop.ROPEWALK.replace("path: landing/stores.csv", "path: landing/stores.csv, nulls: [NA]")
    yield Edit("project file", "source's option", {"ropewalk.yaml": nulls}, frozenset({"source:stores"}))


def _data_edits() -> Iterator[Edit]:
    path, source = "landing/orders/2026-01.csv", frozenset({"source:orders"})
    text = shop.LANDING[path]
    yield Edit("data", "a value", {path: text.replace("12,", "13,", 1)}, source)
    yield Edit("data", "more rows", {path: shop.orders(13)}, source)
    yield Edit("data", "one more file", {"landing/orders/2026-02.csv": shop.orders(3, 9)}, source)
    yield Edit("data", "same size", {path: text.replace("19", "91", 1)}, source)
    yield Edit("data", "same size and time", {path: text.replace("19", "91", 1)}, source, keeps_time=True)
    yield Edit(
        "data",
        "another source",
        {"landing/stores.csv": "store,city\ns0,Aachen\n"},
        frozenset({"source:stores"}),
    )
    for name, content in shop.LANDING.items():
        yield Edit("file touched", name, {name: content}, NEUTRAL, touch=True)
    yield Edit("file that is no input", "landing/readme.txt", {"landing/readme.txt": "Hands off.\n"}, NEUTRAL)


def _package_edits() -> Iterator[Edit]:
    """Yield changes of what is installed."""
    fast, deep = shop.PACKAGES["fastmath"][1], shop.PACKAGES["deepmath"][1]
    quote = frozenset({"step:quote"})
    yield Edit("package imported", "fastmath 1.1", truth=quote, packages={"fastmath": ("1.1", fast)})
    yield Edit(
        "package imported",
        "fastmath 2.0",
        packages={"fastmath": ("2.0", fast.replace("value /", "9 + value /"))},
    )
    yield Edit("package needed", "deepmath 2.1", truth=quote, packages={"deepmath": ("2.1", deep)})
    yield Edit("package needed", "deepmath 3.0", packages={"deepmath": ("3.0", "TWO = 4\n")})
    yield Edit("package imported", "fastmath removed", packages={"fastmath": None})
    yield Edit("package needed", "deepmath removed", packages={"deepmath": None})
    quick = "def triple(value):\n    return value * 30\n"
    yield Edit("package imported", "quickmath installed", packages={"quickmath": ("1.0", quick)})
    for name, version in (("unrelated", "3.1"), ("elsewhere", "4.1"), ("newcomer", "1.0")):
        yield Edit(
            "package not needed", f"{name} {version}", truth=NEUTRAL, packages={name: (version, "A = 1\n")}
        )
    yield Edit("package not needed", "unrelated removed", truth=NEUTRAL, packages={"unrelated": None})


def _put(text: str, node: ast.expr | ast.stmt, new: str) -> str:
    """Return `text` with `node` replaced."""
    lines = text.splitlines(keepends=True)
    starts = list(itertools.accumulate(map(len, lines), initial=0))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    return text[:begin] + new + text[end:]


def _after_future(text: str, line: str) -> str:
    future = "from __future__ import annotations\n"
    if future in text:
        return text.replace(future, f"{future}\n{line}\n")
    # A docstring has to stay the first thing in its file.
    if text.startswith('"""'):
        head, _, rest = text.partition("\n")
        return f"{head}\n{line}\n{rest}"
    return f"{line}\n{text}"


def _swapped(text: str, one: ast.FunctionDef, other: ast.FunctionDef) -> str:
    first, second = ast.get_source_segment(text, one), ast.get_source_segment(text, other)
    assert first
    assert second
    return text.replace(second, "@@").replace(first, second).replace("@@", first)


def _one_line(text: str) -> str:
    kept = [line.strip() for line in text.splitlines() if not line.startswith("--")]
    return " ".join(kept) + "\n"
