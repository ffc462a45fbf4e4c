"""REST APIs: all ways of paging, incremental loads by cursor, retries, and every kind of wrong answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.pipeline import State, Status

from .conftest import APIServer, Reply, Request, SourceProject

ALL = [{"id": n, "time": f"2013-01-01T{n:02}:00:00Z", "temp": n + 0.5} for n in range(1, 8)]
CURSOR = "records: items, cursor: {field: time, param: since}"


def page(request: Request, records: list[dict[str, object]], size: int = 3) -> Reply:
    """Answer with one page of the records after `since`, and the address of the next."""
    newer = [record for record in records if str(record.get("time", "")) > request.query.get("since", "")]
    start = int(request.query.get("start", "0"))
    rest = f"{request.path}?start={start + size}&since={request.query.get('since', '')}"
    return Reply({"items": newer[start : start + size], "next": rest if start + size < len(newer) else None})


def declare(project: SourceProject, server: APIServer, options: str, path: str = "/observations") -> None:
    project.declare(f"{{kind: rest, url: '{server.url}{path}', {options}}}")


@pytest.fixture
def weather(project, serve):
    """Return a project with a cursor and a key over a paged API, and the API's records, which may grow."""
    records = [dict(record) for record in ALL]
    server = serve(lambda request: page(request, records))
    declare(project, server, f"{CURSOR}, paginate: {{kind: next_url}}, key: [id]")
    return project, records, server


def by_link(request: Request) -> Reply:
    reply = page(request, ALL)
    link = reply.body.pop("next")
    return Reply(reply.body, headers={"Link": f'<{link}>; rel="next"'} if link else {})


def by_token(request: Request) -> Reply:
    start = int(request.query.get("after", "0"))
    following = start + 3 if start + 3 < len(ALL) else None
    return Reply({"items": ALL[start : start + 3], "meta": {"token": following}})


def by_number(request: Request) -> Reply:
    number, size = int(request.query["p"]), int(request.query.get("n", "3"))
    return Reply({"items": ALL[(number - 1) * size : number * size]})


def by_offset(request: Request) -> Reply:
    start = int(request.query["offset"])
    # The server caps the limit, as many do.
    return Reply({"items": ALL[start : start + min(2, int(request.query["limit"]))]})


@pytest.mark.parametrize(
    ("answer", "paginate", "requests"),
    [
        (lambda request: page(request, ALL), "{kind: next_url}", 3),
        (by_link, "{kind: link_header}", 3),
        (by_token, "{kind: cursor, path: meta.token, param: after}", 3),
        (by_number, "{kind: page, param: p}", 4),
        (by_number, "{kind: page, param: p, size: 5, size_param: n}", 3),
        (by_offset, "{kind: offset, limit: 100}", 5),
    ],
)
def test_ways_of_paging(
    project, serve, answer: Callable[[Request], Reply], paginate: str, requests: int
) -> None:
    """Every way brings all records, whatever page size the server chooses."""
    server = serve(answer)
    declare(project, server, f"records: items, paginate: {paginate}")

    project.load()

    assert project.rows("SELECT id") == [(n,) for n in range(1, 8)]
    assert len(server.requests) == requests


def test_one_page_without_paging(project, serve) -> None:
    """The body may be the list itself."""
    declare(project, serve(lambda _: Reply(ALL)), "timeout: 5")

    output = project.load()

    assert output.summary == {"rows": 7, "added": 7, "pages": 1, "watermark": None}
    assert project.types() == {"id": "BIGINT", "time": "TIMESTAMP WITH TIME ZONE", "temp": "DOUBLE"}


def test_what_is_said_of_a_load(weather) -> None:
    """Watermark, origin without a query, and progress by page."""
    project, _, server = weather

    output = project.load()

    assert output.summary == {"rows": 7, "added": 7, "pages": 3, "watermark": "2013-01-01T07:00:00Z"}
    assert output.observed == {"watermark": "2013-01-01T07:00:00Z", "pending": "no"}
    assert output.origins == (f"rest:{server.url}/observations",)
    assert project.watcher.texts[0] == "page 1, 3 records"


def test_a_second_run_does_nothing(weather) -> None:
    """One request after the watermark finds nothing, so the node is fresh and there is no snapshot."""
    project, _, server = weather
    project.load()
    before, requests = project.lake.snapshot(), len(server.requests)

    assert project.plan().status is Status.FRESH
    assert project.is_hit()
    assert project.lake.snapshot() == before
    assert [request.query["since"] for request in server.requests[requests:]] == ["2013-01-01T07:00:00Z"] * 2


def test_later_records_come_through_the_cursor(weather) -> None:
    """Only they are asked for and added; the plan says that something is pending."""
    project, records, server = weather
    project.load()
    requests = len(server.requests)
    records.append({"id": 8, "time": "2013-01-01T08:00:00Z", "temp": 1.0})

    assert [str(reason) for reason in project.plan().reasons] == ["outside pending: no -> yes"]
    output = project.load()

    assert (output.summary["added"], output.summary["rows"]) == (1, 8)
    assert all("since" in request.query for request in server.requests[requests:])
    assert project.is_hit()


def test_a_record_with_a_known_key_replaces(weather) -> None:
    """A correction that comes later replaces the old record."""
    project, records, _ = weather
    project.load()
    records.append({"id": 3, "time": "2013-01-01T09:00:00Z", "temp": -1.0})

    project.load()

    assert project.rows("SELECT count(*), min(temp)") == [(7, -1.0)]


def test_of_several_records_with_one_key_the_last_counts(project, serve) -> None:
    """Within one load too."""
    records = [{"id": 1, "v": "old"}, {"id": 1, "v": "new"}]
    declare(project, serve(lambda _: Reply(records)), "key: [id]")

    project.load()

    assert project.rows("SELECT *") == [(1, "new")]


def test_a_server_that_repeats_the_watermark(project, serve) -> None:
    """One that answers `since` with records at that time too makes nothing pending."""
    inclusive = lambda r: Reply([x for x in ALL if x["time"] >= r.query.get("since", "")])  # noqa: E731
    declare(project, serve(inclusive), "cursor: {field: time, param: since}, key: [id]")

    project.load()

    assert project.is_hit()


def test_without_a_key_records_are_appended_once(project, serve) -> None:
    """Records at the watermark are taken for known, newer ones are appended."""
    records = list(ALL)
    inclusive = lambda r: Reply([x for x in records if x["time"] >= r.query.get("since", "")])  # noqa: E731
    declare(project, serve(inclusive), "cursor: {field: time, param: since}")
    project.load()
    assert project.is_hit()

    records.append({"id": 1, "time": "2013-01-02T00:00:00Z", "temp": 0.0})
    project.load()

    assert project.rows("SELECT count(*)") == [(8,)]


def test_a_cursor_of_numbers_is_compared_as_numbers(project, serve) -> None:
    """10 is after 9."""
    records = [{"id": n} for n in (9, 10, 8)]
    answer = lambda r: Reply([x for x in records if x["id"] > int(r.query.get("after", "0"))])  # noqa: E731
    declare(project, serve(answer), "cursor: {field: id, param: after}")

    assert project.load().summary["watermark"] == "10"
    assert project.is_hit()


def test_without_a_cursor_the_table_is_replaced(project, serve) -> None:
    """What the API no longer has is gone; an unchanged answer is fresh."""
    records = list(ALL)
    declare(project, serve(lambda _: Reply(records)), "key: [id]")
    project.load()
    assert project.is_hit()

    records.pop()
    project.load()

    assert len(project.rows("SELECT *")) == 6


def test_new_fields_and_missing_ones(weather) -> None:
    """A new field becomes a column, a missing one is NULL."""
    project, records, _ = weather
    project.load()
    records.append({"id": 8, "time": "2013-01-01T08:00:00Z", "gust": 2.5})

    project.load()

    assert project.rows("SELECT id, temp, gust")[6:] == [(7, 7.5, None), (8, None, 2.5)]


def test_nested_values_stay_json(project, serve) -> None:
    """They may change their shape."""
    declare(
        project, serve(lambda _: Reply([{"id": 1, "main": {"t": 1}}, {"id": 2, "main": [1]}])), "key: [id]"
    )

    project.load()

    assert project.rows("SELECT main") == [("[1]",), ('{"t":1}',)]


def test_another_declaration_loads_all_anew(weather) -> None:
    """A changed key or type starts from the beginning."""
    project, _, server = weather
    project.load()
    declare(project, server, f"{CURSOR}, paginate: {{kind: next_url}}, key: [id], types: {{temp: VARCHAR}}")

    output = project.load()

    assert output.summary["added"] == 7
    assert project.types()["temp"] == "VARCHAR"


def test_an_empty_api_has_no_columns(project, serve) -> None:
    """The first load needs a record; later ones do not."""
    records: list[dict[str, object]] = []
    declare(project, serve(lambda _: Reply(records)), "cursor: {field: id, param: after}, key: [id]")

    assert project.fail().code == "RW622"
    records.append({"id": 1})
    project.load()
    records.clear()

    assert project.is_hit()


def test_500_half_way_writes_nothing(weather) -> None:
    """Neither rows nor watermark, neither at first nor later; when the API is mended all comes in."""
    project, records, server = weather
    good = server.answer
    broken = lambda r: Reply({"error": "disk"}, 500) if "start" in r.query else good(r)  # noqa: E731
    server.answer = broken

    error = project.fail()
    assert (error.code, error.detail) == ("RW621", '{"error": "disk"}')
    assert "answered 500 Internal Server Error" in error.message
    assert project.lake.table_names() == ()

    server.answer = good
    project.load()
    before = project.lake.snapshot()
    records.extend({"id": n, "time": f"2013-01-02T{n:02}:00:00Z", "temp": 0.0} for n in range(10, 15))
    server.answer = broken
    assert project.run().state is State.FAILED
    assert project.lake.snapshot() == before

    server.answer = good
    assert project.load().summary["rows"] == 12


def test_the_digest_after_a_failure_is_that_of_an_undisturbed_load(weather, tmp_path: Path) -> None:
    """A resumed load ends at the same content."""
    project, _, server = weather
    good = server.answer
    server.answer = lambda r: Reply(b"", 503) if "start" in r.query else good(r)
    project.run()
    server.answer = good
    resumed = project.load().digest

    other = SourceProject(tmp_path / "other")
    declare(other, server, f"{CURSOR}, paginate: {{kind: next_url}}, key: [id]")
    undisturbed = other.load().digest
    other.close()

    assert resumed == undisturbed


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504])
def test_passing_failures_are_retried(project, serve, status: int) -> None:
    """Two failures before an answer go unnoticed."""
    failures = [Reply(b"", status), Reply(b"", status)]
    server = serve(lambda _: failures.pop() if failures else Reply(ALL))
    declare(project, server, "key: [id]")

    project.load()

    assert len(server.requests) == 3


def test_what_is_young_enough_is_not_asked_for(project, serve) -> None:
    """With `refresh` a plan and a run leave the API alone; without, they read it to see."""
    server = serve(lambda _: Reply(ALL))
    declare(project, server, "key: [id], refresh: 6h")
    project.load()

    assert project.plan().status is Status.FRESH
    assert project.is_hit()
    assert len(server.requests) == 1


def test_an_api_that_is_emptied(project, serve) -> None:
    """The table keeps its columns and loses its rows; one that never had a record needs types."""
    records = list(ALL)
    declare(project, serve(lambda _: Reply(records)), "key: [id]")
    project.load()
    records.clear()
    assert project.load().summary["rows"] == 0
    assert set(project.types()) == {"id", "time", "temp"}

    declare(project, serve(lambda _: Reply([])), "types: {id: BIGINT, at: DATE}", path="/other")
    project.load()

    assert project.types() == {"id": "BIGINT", "at": "DATE"}


def test_retry_after_is_respected(project, serve) -> None:
    """The pause is as long as the server asks for."""
    import time

    replies = [Reply(b"", 429, {"Retry-After": "1"})]
    declare(project, serve(lambda _: replies.pop() if replies else Reply(ALL)), "key: [id]")

    started = time.monotonic()
    project.load()

    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_pause_that_is_too_long_is_an_error(project, serve, wait: str) -> None:
    """Nobody waits for an hour without a word."""
    server = serve(lambda _: Reply(b"", 429, {"Retry-After": wait}))
    declare(project, server, "key: [id]")

    assert project.fail().code == "RW621"
    assert len(server.requests) == 1


@pytest.mark.parametrize("wait", ["soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-1"])
def test_a_pause_that_makes_no_sense_is_our_own(project, serve, wait: str) -> None:
    """Odd or past times do not stop the retries."""
    replies = [Reply(b"", 429, {"Retry-After": wait})]
    declare(project, serve(lambda _: replies.pop() if replies else Reply(ALL)), "key: [id]")

    assert project.load().summary["rows"] == 7


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (Reply({"error": "no"}, 401), "RW623", "answered 401 Unauthorized"),
        (Reply({"error": "no"}, 403), "RW623", "answered 403 Forbidden"),
        (Reply({"error": "no"}, 404), "RW622", "answered 404 Not Found"),
        (Reply(b"", 301, {"Location": "https://else.where/x?key=hunter2"}), "RW622", "answered 301"),
        (Reply(b"<html>", 200), "RW622", "page 1 of .* is not JSON"),
        (Reply(b"", 204), "RW622", "answered 204"),
        (Reply({"itmes": []}), "RW622", "no records at 'items'"),
        (Reply({"items": [1]}), "RW622", "not an object"),
        (Reply({"items": [{"a": 1}]}), "RW227", "cursor.field: the data have no column 'time'"),
        (Reply({"items": [{"time": "x"}, {"a": 2}, {"a": 3}]}), "RW423", "'time': no value for the cursor"),
        (Reply(b"", 0), "RW621", "cannot be reached"),
    ],
)
def test_wrong_answers(project, serve, reply: Reply, code: str, message: str) -> None:
    """Each has its code and one sentence, names the declaration's place, and shows no secret."""
    import re

    declare(project, serve(lambda _: reply), CURSOR, path="/observations?key=hunter2")

    error = project.fail()

    assert error.code == code
    assert re.search(message, error.message)
    assert str(error.place) == "ropewalk.yaml:3:3"
    assert "hunter2" not in str(error.as_json())


def test_a_redirect_to_another_host_is_told_and_not_followed(project, serve) -> None:
    """Headers with credentials go nowhere else."""
    server = serve(lambda _: Reply(b"", 302, {"Location": "http://127.0.0.1:1/x?key=hunter2"}))
    declare(project, server, "headers: {X-Key: k}")

    error = project.fail()

    assert error.hint == "it has moved to http://127.0.0.1:1/x?key=***; declare that url"
    assert [request.path for request in server.requests] == ["/observations"]


def test_a_redirect_within_the_host_is_followed(project, serve) -> None:
    """With the same headers; one that goes round in circles ends as an error."""
    there = Reply(b"", 302, {"Location": "/elsewhere"})
    server = serve(lambda r: there if r.path == "/observations" else Reply(ALL))
    declare(project, server, "headers: {X-Key: k}")
    assert project.load().summary["rows"] == 7

    server.answer = lambda r: there

    assert project.fail().code == "RW622"
    assert {request.headers["X-Key"] for request in server.requests} == {"k"}


def test_a_next_page_on_another_host_is_refused(project, serve) -> None:
    """The declared host alone gets the headers."""
    server = serve(lambda _: Reply({"items": ALL, "next": "http://else.where/x?key=1"}))
    declare(project, server, "records: items, paginate: {kind: next_url}")

    error = project.fail()

    assert (error.code, "leads on to another host" in error.message) == ("RW622", True)


@pytest.mark.parametrize(
    ("paginate", "body"),
    [
        ("{kind: next_url}", {"items": ALL, "next": "/observations"}),
        ("{kind: cursor, path: next, param: after}", {"items": ALL, "next": "same"}),
        ("{kind: page}", {"items": ALL}),
        ("{kind: offset}", {"items": ALL}),
    ],
)
def test_pages_without_an_end(project, serve, paginate: str, body: object) -> None:
    """A page that comes again is an error, not an endless load."""
    server = serve(lambda _: Reply(body))
    declare(project, server, f"records: items, paginate: {paginate}")

    assert project.fail().code == "RW624"
    assert len(server.requests) <= 3


def test_headers_and_parameters_with_secrets(project, serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are sent with every page, and stand neither in the database nor in the lake."""
    monkeypatch.setenv("API_TOKEN", "hunter2")
    server = serve(lambda request: page(request, ALL))
    options = "headers: {Authorization: 'secret://API_TOKEN'}, params: {key: 'secret://API_TOKEN', units: 1}"
    declare(project, server, f"records: items, paginate: {{kind: next_url}}, {options}")

    project.load()

    assert {request.headers["Authorization"] for request in server.requests} == {"hunter2"}
    assert {(request.query["key"], request.query["units"]) for request in server.requests} == {
        ("hunter2", "1")
    }
    project.close()
    stored = b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    assert b"hunter2" not in stored


def test_a_missing_secret_is_an_error(project, serve) -> None:
    """Before anything is asked."""
    server = serve(lambda _: Reply(ALL))
    declare(project, server, "headers: {Authorization: 'secret://NO_SUCH_TOKEN'}")

    error = project.fail()

    assert (error.code, str(error.place)) == ("RW128", "ropewalk.yaml:3:3")
    assert server.requests == []


def test_credentials_in_the_url_are_not_shown(project, serve) -> None:
    """They are sent, and redacted wherever the URL is named."""
    server = serve(lambda _: Reply(b"", 404))
    project.declare(f"{{kind: rest, url: '{server.url.replace('//', '//me:hunter2@')}/x'}}")

    error = project.fail()

    assert "hunter2" not in str(error.as_json())
    assert server.requests[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(("keep", "status"), [("keep", Status.FRESH), ("fail", Status.STALE)])
def test_a_source_that_is_down(project, serve, keep: str, status: Status) -> None:
    """With `keep` the data loaded last stand in, with a warning; else the run fails."""
    server = serve(lambda _: Reply(ALL))
    declare(project, server, f"key: [id], on_unreachable: {keep}")
    project.load()
    server.stop()

    planned = project.plan()

    assert planned.status is status
    assert (project.run().state is State.HIT) == (keep == "keep")
    assert ("cannot be reached" in (planned.warning or "")) == (keep == "keep")


def test_down_from_the_start(project, serve) -> None:
    """Without data of before there is nothing to keep."""
    server = serve(lambda _: Reply(ALL))
    declare(project, server, "key: [id], on_unreachable: keep")
    server.stop()

    assert project.fail().code == "RW621"


def test_refused_credentials_are_not_kept_quiet(project, serve) -> None:
    """`keep` is for sources that are down, not for those that say no."""
    server = serve(lambda _: Reply(ALL))
    declare(project, server, "key: [id], on_unreachable: keep")
    project.load()
    server.answer = lambda _: Reply(b"", 401)

    assert project.fail().code == "RW623"


def test_a_record_that_does_not_fit(weather) -> None:
    """The column, the value and the type stand in the error, and the watermark does not move."""
    project, records, _ = weather
    project.load()
    records.append({"id": 8, "time": "2013-01-01T08:00:00Z", "temp": "cold"})

    error = project.fail()

    assert (error.code, project.plan().status) == ("RW423", Status.STALE)
    assert "column 'temp': 'cold' is not a DOUBLE" in error.message
    assert len(project.rows("SELECT id")) == 7


@pytest.mark.parametrize(
    ("options", "nearest"),
    [("key: [di]", None), ("key: [temp, tme]", "time"), ("types: {tepm: DOUBLE}", "temp"),
     ("cursor: {field: tiem, param: since}", "time")],
)  # fmt: skip
def test_declared_columns_that_are_none(project, serve, options: str, nearest: str | None) -> None:
    """The nearest field is named."""
    declare(project, serve(lambda _: Reply(ALL)), options)

    error = project.fail()

    assert (error.code, error.nearest) == ("RW227", nearest)


def test_nothing_is_left_in_the_state_folder(weather) -> None:
    """Pages on disk go away, also those of a process that was killed."""
    project, _, _ = weather
    left = project.write(".ropewalk/records-999999999-x/records.ndjson", "{}")

    project.load()

    assert not left.parent.exists()
    assert list((project.root / ".ropewalk").glob("records-*")) == []


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import SourceProject
SourceProject(Path({root!r})).run()
"""


def test_killed_while_pages_come_in(weather) -> None:
    """A load killed between two pages leaves nothing, and the next one loads all."""
    project, _, server = weather
    project.close()
    good, processes = server.answer, []

    def kill_at_second_page(request: Request) -> Reply:
        if "start" in request.query:
            processes[0].send_signal(signal.SIGKILL)
        return good(request)

    server.answer = kill_at_second_page
    code = KILLED.format(tests=os.path.dirname(__file__), root=str(project.root))  # noqa: PTH120
    processes.append(subprocess.Popen([sys.executable, "-c", code]))
    processes[0].wait()
    assert project.lake.table_names() == ()

    server.answer = good
    assert project.load().summary["rows"] == 7
