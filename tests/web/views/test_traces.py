"""Pages of traces: a list that is searched, and one trace with its spans as text."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ropewalk.mlops.tracking import record_spans
from ropewalk.mlops.tracking.experiments import create_experiment
from ropewalk.mlops.tracking.traces.assessments import create_assessment
from ropewalk.mlops.tracking.traces.errors import UnknownTrace
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.tracking.traces_assessments import Assessment
from ropewalk.web.assets import load_assets
from ropewalk.web.errors import InvalidQuery, NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.render import Renderer
from ropewalk.web.views.traces import trace_page, trace_table

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
MS = 1_000_000
Visited = Callable[..., Visit]


def _content(number: int, parent: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a span's content; ids are base64 of small numbers."""

    def identifier(value: int, size: int) -> str:
        return base64.b64encode(value.to_bytes(size, "big")).decode()

    texts = fields.pop("texts", {})
    return {
        "trace_id": identifier(fields.pop("trace", 1), 16),
        "span_id": identifier(number, 8),
        **({"parent_span_id": identifier(parent, 8)} if parent else {}),
        "name": f"span {number}",
        "start_time_unix_nano": 1000 * MS,
        "end_time_unix_nano": 1100 * MS,
        "attributes": [{"key": key, "value": {"string_value": text}} for key, text in texts.items()],
        "status": {},
        **fields,
    }


@pytest.fixture(scope="module")
def visited(shown: Workspace) -> Visited:
    """Return a function that visits a page of a project with traces."""
    exception = {"name": "exception", "attributes": [{"key": "message", "value": {"string_value": HOSTILE}}]}
    record_spans(
        shown,
        "0",
        [
            _content(1, name="answer", texts={"mlflow.spanInputs": HOSTILE, "mlflow.spanOutputs": "fine"}),
            _content(2, 1, name="ask", start_time_unix_nano=1050 * MS, events=[exception])
            | {"status": {"code": "STATUS_CODE_ERROR", "message": HOSTILE}},
            _content(3, 2, name=HOSTILE, start_time_unix_nano=1060 * MS, end_time_unix_nano=1080 * MS),
        ],
    )
    record_spans(shown, "0", [_content(1, trace=2, name="other", texts={"session.id": HOSTILE})])
    said = Assessment("a-1", _trace(1), "feedback", HOSTILE, "HUMAN", "ada", 1, 1, HOSTILE, rationale=HOSTILE)
    create_assessment(shown, said)

    def visit(names: str, **query: str) -> Visit:
        return Visit(shown, {"id": names}, query)

    return visit


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, module_environ: dict[str, str]) -> Iterator[Workspace]:
    """Return an open project of this module's own."""
    root = tmp_path_factory.mktemp("project")
    (root / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    with Workspace(load_project(root, []), load_settings(module_environ)) as opened:
        yield opened


def _trace(number: int) -> str:
    return f"tr-{number:032x}"


def test_list(visited: Visited) -> None:
    """The list has each trace with its first words and what was said of it."""
    view = trace_table(visited("0"))

    assert (view.total, view.pages, view.status) == (2, 1, 200)
    line = next(one for one in view.traces if one.id == _trace(1))
    assert (line.name, line.state, line.duration_ms) == ("answer", "OK", 100)
    assert (line.request, line.response) == (HOSTILE, "fine")
    assert [said.value for said in line.assessments] == [HOSTILE]


@pytest.mark.parametrize(
    ("preview", "read"),
    [
        (None, None),
        ('"said \\"so\\""', 'said "so"'),
        # A long one is cut, and then is no JSON.
        ('"a long te...', '"a long te...'),
        ('{"q": 1}', '{"q": 1}'),
        ("plain", "plain"),
    ],
)
def test_previews_without_quotes(visited: Visited, preview: str | None, read: str | None) -> None:
    """A text is shown as it was said, though MLflow keeps the preview of one in quotes."""
    # The other trace, whose first words no other test looks at.
    visit = visited("0")
    with visit.workspace.database.write() as connection:
        connection.execute("UPDATE trace SET request_preview = ? WHERE id = ?", (preview, _trace(2)))

    [line] = [one for one in trace_table(visit).traces if one.id == _trace(2)]

    assert line.request == read


def test_filter(visited: Visited) -> None:
    """The list is searched in the protocol's language, and a mistake in it is shown and no page lost."""
    assert [one.name for one in trace_table(visited("Default", filter="span.name = 'ask'")).traces] == [
        "answer"
    ]

    wrong = trace_table(visited("0", filter="stauts = 'OK'"))

    assert (wrong.status, wrong.traces) == (400, ())
    assert wrong.problem
    assert wrong.problem["nearest"] == "status"


def test_what_there_is_not(visited: Visited) -> None:
    """Experiments, traces and pages that there are not are not found."""
    with pytest.raises(NothingCalled):
        trace_table(visited("nothing"))
    with pytest.raises(UnknownTrace):
        trace_page(visited("tr-nothing"))
    with pytest.raises(InvalidQuery):
        trace_table(visited("0", page="-1"))
    assert trace_table(visited("0", page="900")).page == 1


def test_waterfall(visited: Visited) -> None:
    """Spans stand in the order of their tree, with their places in time."""
    spans = trace_page(visited(_trace(1))).spans

    assert [(one.depth, round(one.begins, 2), round(one.share, 2)) for one in spans] == [
        (0, 0.0, 1.0),
        (1, 0.5, 0.5),
        (2, 0.6, 0.2),
    ]
    assert spans[1].status == "ERROR"
    assert spans[1].events[0].attributes == {"message": HOSTILE}
    assert spans[0].duration_ms == 100


@pytest.mark.parametrize("template", ["trace.html", "traces.html"])
def test_what_traces_say_is_text(visited: Visited, template: str) -> None:
    """Nothing of what a client wrote is markup on a page."""
    view = (
        trace_page(visited(_trace(1)))
        if template == "trace.html"
        else trace_table(visited("0", filter=HOSTILE))
    )
    if template == "traces.html":
        listed = trace_table(visited("0"))
    renderer = Renderer("test", "dev", load_assets())

    page = renderer.page(template, view, "/traces")
    if template == "traces.html":
        page += renderer.page(template, listed, "/traces")

    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "<img" not in page


def test_cycles_and_orphans_are_shown(shown: Workspace, visited: Visited) -> None:
    """Spans that are each other's parents, or whose parent never came, are shown once each."""
    pair = [_content(1, 2, trace=3), _content(2, 1, trace=3), _content(3, 9, trace=3)]
    record_spans(shown, create_experiment(shown, "odd"), pair)

    spans = trace_page(visited(_trace(3))).spans

    assert sorted(one.name for one in spans) == ["span 1", "span 2", "span 3"]


def test_deep_and_long_traces(shown: Workspace, visited: Visited) -> None:
    """Deep nesting is no problem, and of many spans the page shows as many as a person can look through."""
    deep = create_experiment(shown, "deep")
    record_spans(shown, deep, [_content(n, n - 1, trace=4, texts={"big": "x" * 100}) for n in range(1, 1502)])

    view = trace_page(visited(_trace(4)))

    assert (len(view.spans), view.hidden) == (1000, 501)
    assert view.spans[-1].depth == 999


def test_json_of_a_page(visited: Visited) -> None:
    """Both views are JSON too."""
    for view in (trace_page(visited(_trace(1))), trace_table(visited("0"))):
        assert json.loads(msgspec.json.encode(view))
