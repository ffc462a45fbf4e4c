"""The shared cache: in a folder and in a real S3 server, whole or not at all, and trusted only where it may be."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from object_server import ObjectServer

from ropewalk.errors import Place
from ropewalk.pipeline import (
    CacheRefused,
    CacheUnreachable,
    InvalidCacheAddress,
    Node,
    NoSharedCache,
    ObjectDamaged,
    ObjectMissing,
    Output,
    Packed,
    Record,
    SharedCache,
    Workspace,
    open_shared_cache,
    require_shared_cache,
)
from ropewalk.pipeline.keys import action_key
from ropewalk.pipeline.shared_cache import Manifest, Published, _read_manifest, _write_manifest
from ropewalk.pipeline.shared_storage import open_storage
from ropewalk.project import load_project
from ropewalk.settings import load_settings

NODE = Node("file:a", Place("ropewalk.yaml", 1), facts={"code": "1"})
PROJECT = "project: test\nenvironments:\n  production: {protected: true}\n"


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of an empty shared cache of either kind."""
    if request.param == "folder":
        return str(tmp_path / "shared")
    request.getfixturevalue("object_server").use(monkeypatch)
    return f"s3://bucket/{tmp_path.name}"


Open = Callable[..., Workspace]


@pytest.fixture
def open_at(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens one project as another machine would: with a state of its own."""
    with ExitStack() as stack:

        def open_it(cache: str, machine: str = "one", **settings: str) -> Workspace:
            root = tmp_path / machine
            root.mkdir(exist_ok=True)
            (root / "ropewalk.yaml").write_text(PROJECT)
            from ropewalk import plugins

            project = load_project(root, plugins.sections())
            return stack.enter_context(Workspace(project, load_settings({}, cache=cache, **settings)))

        yield open_it


def cache_of(workspace: Workspace) -> SharedCache:
    return require_shared_cache(workspace)


def record(facts: dict[str, str] | None = None, task_key: str | None = None) -> Record:
    node = dataclasses.replace(NODE, facts=facts or NODE.facts)
    key = action_key(node, {"file": "x"}, {"in": "d"})
    output = Output("digest", "file:a", {"rows": 3, "deep": [1, {"a": None}]}, origins=("disk:a",))
    return Record(
        key, task_key or key, node.facts, {"file": "x"}, {"in": "d"}, output, "run", 1, {"in": "snapshot:1"}
    )


def pack(workspace: Workspace, *contents: bytes, made: Record | None = None) -> Packed:
    objects = {f"part{n}": workspace.objects.put_bytes(content).digest for n, content in enumerate(contents)}
    return Packed((made or record()).output, objects)


def publish(workspace: Workspace, *contents: bytes, made: Record | None = None) -> Published:
    made = made or record()
    return cache_of(workspace).publish(made, pack(workspace, *contents, made=made), workspace, NODE.id)


def test_from_one_machine_to_another(address: str, open_at: Open) -> None:
    """What one machine published another finds by its key, with all it was made from, and gets byte by byte."""
    one, two = open_at(address, "one"), open_at(address, "two")
    made = record()

    done = publish(one, b"first", b"second" * 1000, b"")
    found = cache_of(two).find(made.key)
    assert found is not None
    packed = cache_of(two).fetch(found, two)

    assert done == Published(3, 6005, True)
    assert (found.node, found.facts, found.outside) == (NODE.id, made.facts, made.outside)
    assert (found.inputs, found.input_references) == (made.inputs, made.input_references)
    assert packed.output == made.output
    contents = [two.objects.path(digest).read_bytes() for digest in packed.objects.values()]
    assert contents == [b"first", b"second" * 1000, b""]


def test_nothing_there(address: str, open_at: Open) -> None:
    """A key nobody published is not found, and neither is what is no key."""
    cache = cache_of(open_at(address))

    assert cache.find("0" * 32) is None
    assert cache.find("../../secret") is None


def test_published_twice(address: str, open_at: Open) -> None:
    """The second time nothing travels, and what stood there first stays."""
    one = open_at(address)
    publish(one, b"content")
    first = cache_of(one).find(record().key)

    assert publish(one, b"content") == Published()
    assert publish(one, b"other content") == Published()
    assert cache_of(one).find(record().key) == first


def test_objects_are_shared(address: str, open_at: Open) -> None:
    """Bytes that another result brought are not sent again."""
    one = open_at(address)
    publish(one, b"same", b"one")

    assert publish(one, b"same", b"two", made=record({"code": "2"})) == Published(1, 3, True)


def test_by_the_key_to_start_under(address: str, open_at: Open) -> None:
    """An execution that observed more than was known before is found by either key."""
    one = open_at(address)
    made = record(task_key="5" * 32)
    publish(one, b"content", made=made)
    cache = cache_of(one)

    found = cache.find("5" * 32)

    assert found is not None
    assert found == cache.find(made.key)
    assert found.key == made.key


def test_two_push_at_once(address: str, open_at: Open) -> None:
    """Of many that publish one result at the same time exactly one makes the entry, and all are content."""
    machines = [open_at(address, f"m{n}") for n in range(6)]
    barrier = threading.Barrier(len(machines))

    def push(number: int) -> Published:
        barrier.wait()
        return publish(machines[number], b"same" * 1000, b"own")

    with ThreadPoolExecutor(len(machines)) as pool:
        done = list(pool.map(push, range(len(machines))))

    assert sum(one.is_new for one in done) == 1
    last = open_at(address, "last")
    found = cache_of(last).find(record().key)
    assert found is not None
    assert len(cache_of(last).fetch(found, last).objects) == 2


def test_killed_while_pushing(address: str, open_at: Open, tmp_path: Path) -> None:
    """Whoever is killed before the end leaves no entry; the next push ends what was begun."""
    one = open_at(address)
    made = record()
    packed = pack(one, b"first", b"second")
    cache = cache_of(one)
    # The state in which a kill between the objects and the manifest leaves things.
    cache._send(packed.objects["part0"], one)
    assert cache.find(made.key) is None

    assert publish(one, b"first", b"second") == Published(1, 6, True)


def test_a_missing_object_here(address: str, open_at: Open) -> None:
    """What is not in the store cannot be published, and no manifest says that it was."""
    one = open_at(address)

    with pytest.raises(ObjectMissing):
        cache_of(one).publish(record(), Packed(record().output, {"part": "0" * 64}), one, NODE.id)

    assert cache_of(one).find(record().key) is None


def test_a_damaged_object_here(address: str, open_at: Open) -> None:
    """Damage is not handed on."""
    one = open_at(address)
    packed = pack(one, b"content")
    place = one.objects.path(packed.objects["part0"])
    place.chmod(0o644)
    place.write_bytes(b"contEnt")

    with pytest.raises(ObjectDamaged):
        cache_of(one).publish(record(), packed, one, NODE.id)

    assert cache_of(one).find(record().key) is None


def overwrite(workspace: Workspace, name: str, content: bytes) -> None:
    """Change what the shared cache holds, as only somebody with other tools can."""
    path = workspace.state / "damage"
    path.write_bytes(content)
    open_storage(workspace.settings.cache, workspace.root).replace(name, path)


@pytest.mark.parametrize("damage", [b"", b"cont", b"contEnt", b"content and more"])
def test_a_damaged_object_there(address: str, open_at: Open, damage: bytes) -> None:
    """What is truncated or changed on its way is refused by its digest, and nothing of it is kept."""
    one, two = open_at(address, "one"), open_at(address, "two")
    publish(one, b"content")
    digest = pack(one, b"content").objects["part0"]
    overwrite(one, f"cas/{digest[:2]}/{digest}", damage)
    found = cache_of(two).find(record().key)
    assert found is not None

    with pytest.raises(ObjectDamaged, match=f"{digest} in the shared cache"):
        cache_of(two).fetch(found, two)

    assert list(two.objects.objects()) == []


def test_a_truncated_object_is_mended(address: str, open_at: Open) -> None:
    """Another result that needs the object puts it right: its size proves that it is damaged."""
    one, two = open_at(address, "one"), open_at(address, "two")
    publish(one, b"content")
    digest = pack(one, b"content").objects["part0"]
    overwrite(one, f"cas/{digest[:2]}/{digest}", b"con")

    assert publish(one, b"content", made=record({"code": "2"})).objects == 1

    found = cache_of(two).find(record().key)
    assert found is not None
    assert cache_of(two).fetch(found, two).objects == {"part0": digest}


def forged(**changes: object) -> bytes:
    made = record()
    manifest = Manifest(
        made.key, made.task_key, NODE.id, made.facts, made.outside, made.inputs, {}, made.output, {}, {}, 1
    )
    return json.dumps({**json.loads(_write_manifest(manifest)), **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        forged(key="1" * 32),
        forged(facts={"code": "2"}),
        forged(node="file:b"),
        forged(inputs={"in": "other"}),
        forged(objects={"part": 1}),
        forged(objects=[]),
        forged(created="now"),
        forged(output={}),
        forged(more=1),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, open_at: Open, content: bytes) -> None:
    """An entry that cannot be read, or whose key is not that of what it says was used, is not there."""
    one = open_at(str(tmp_path / "shared"))
    overwrite(one, f"trusted/ac/{record().key}.json", content)

    assert cache_of(one).find(record().key) is None


@given(content=st.binary(max_size=300))
def test_any_bytes_as_a_manifest(content: bytes) -> None:
    """Whatever stands in an entry, reading it raises nothing."""
    assert _read_manifest(content) is None


@settings(max_examples=25)
@given(
    data=st.dictionaries(st.text(), st.text()),
    summary=st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
    ),
)
def test_manifests_survive_writing(data: dict[str, str], summary: dict[str, object]) -> None:
    """What is written is read again as it was."""
    output = Output("d", "r", summary, data, ("a",), ("b", "c"))  # type: ignore[arg-type]  # any JSON
    manifest = Manifest("k", "t", "n", data, data, data, data, output, data, data, 5)

    assert _read_manifest(_write_manifest(manifest)) == manifest


def test_untrusted_results_do_not_reach_production(address: str, open_at: Open) -> None:
    """What a laptop made is of no use to a protected environment, a trusted builder, or another branch."""
    publish(open_at(address, environment="branch-a"), b"content")
    key = record().key

    assert cache_of(open_at(address, "two", environment="branch-a")).find(key) is not None
    assert cache_of(open_at(address, "three", environment="branch-b")).find(key) is None
    assert cache_of(open_at(address, "four", environment="production")).find(key) is None
    assert cache_of(open_at(address, "five", environment="branch-a", cache_role="trusted")).find(key) is None


@pytest.mark.parametrize("environment", ["branch-b", "production"])
def test_trusted_results_count_everywhere(address: str, open_at: Open, environment: str) -> None:
    """What a trusted builder made counts in every environment, and says so."""
    publish(open_at(address, cache_role="trusted"), b"content")

    found = cache_of(open_at(address, "two", environment=environment)).find(record().key)

    assert found is not None
    assert found.is_trusted


def test_trusted_goes_first(address: str, open_at: Open) -> None:
    """Where both have an entry, the trusted one counts."""
    publish(open_at(address, "one"), b"mine")
    trusted = open_at(address, "two", cache_role="trusted")
    publish(trusted, b"theirs")
    one = open_at(address, "one")

    found = cache_of(one).find(record().key)

    assert found is not None
    assert found.is_trusted
    assert one.objects.path(cache_of(one).fetch(found, one).objects["part0"]).read_bytes() == b"theirs"


def test_claiming_to_be_trusted(address: str, open_at: Open) -> None:
    """An entry in an untrusted place that says it is trusted is not."""
    one = open_at(address, environment="dev")
    overwrite(one, f"untrusted/test/dev/ac/{record().key}.json", forged(builder={"role": "trusted"}))

    found = cache_of(one).find(record().key)

    assert found is not None
    assert not found.is_trusted


def test_names_become_one_folder_each(tmp_path: Path, open_at: Open) -> None:
    """An environment's name cannot lead into another's results."""
    one = open_at(str(tmp_path / "shared"))
    # No setting is read with such a name; whoever makes a workspace by hand may try.
    one.settings = dataclasses.replace(one.settings, environment="../../trusted")

    publish(one, b"content")

    assert not (tmp_path / "shared/trusted").exists()
    assert not (tmp_path / "trusted").exists()


def test_large_objects(address: str, open_at: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for one request travels in pieces, both ways."""
    monkeypatch.setattr("ropewalk.pipeline.shared_storage.ONE_REQUEST", 1 << 20)
    monkeypatch.setattr("ropewalk.pipeline.shared_storage.PIECE", 5 << 20)
    one, two = open_at(address, "one"), open_at(address, "two")
    content = bytes(range(256)) * 50_000

    publish(one, content)
    found = cache_of(two).find(record().key)

    assert found is not None
    (digest,) = cache_of(two).fetch(found, two).objects.values()
    assert two.objects.path(digest).read_bytes() == content


def test_nothing_is_shared_by_default(open_at: Open, tmp_path: Path) -> None:
    """Without the setting there is no shared cache, and whoever needs one is told how to get it."""
    with Workspace(open_at("x").project, load_settings({})) as workspace:
        assert open_shared_cache(workspace) is None
        with pytest.raises(NoSharedCache) as caught:
            require_shared_cache(workspace)

    assert "ROPEWALK_CACHE" in str(caught.value.hint)


@pytest.mark.parametrize(
    "address",
    [
        "gs://bucket/x",
        "s3://",
        "s3://key:hunter2@bucket/x",
        "s3://Bucket",
        "https://hunter2@host/b",
        "s3://b?x=hunter2",
    ],
)
def test_wrong_addresses(open_at: Open, address: str) -> None:
    """What is no address is refused without repeating it: it may hold a secret."""
    with pytest.raises(InvalidCacheAddress) as caught:
        open_shared_cache(open_at(address))

    assert "hunter2" not in str(caught.value.as_json())


def test_a_folder_that_cannot_be_made(open_at: Open, tmp_path: Path) -> None:
    """A file in the folder's place is said."""
    (tmp_path / "file").touch()

    with pytest.raises(CacheRefused, match="cannot be made"):
        open_shared_cache(open_at(str(tmp_path / "file/shared")))


def test_a_relative_folder(open_at: Open, tmp_path: Path) -> None:
    """A relative folder is one beside the project's file."""
    publish(open_at("../team cache"), b"content")

    assert (tmp_path / "team cache/cas").is_dir()


class Sick(BaseHTTPRequestHandler):
    """A server that answers every request as it is told; 0 means that it never does."""

    status: ClassVar[int] = 500
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.status == 0:
            time.sleep(1.5)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_HEAD = do_GET  # noqa: N815  # the names that the library calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Sick]]:
    """Let S3 be a server that does not work."""
    Sick.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sick)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ObjectServer(f"http://127.0.0.1:{server.server_port}").use(monkeypatch)
    monkeypatch.setattr("ropewalk.pipeline.shared_storage.TIMEOUT", "300ms")
    yield Sick
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, CacheRefused),
        (401, CacheRefused),
        (500, CacheUnreachable),
        (503, CacheUnreachable),
        (0, CacheUnreachable),
    ],
)
def test_a_sick_server(sick: type[Sick], open_at: Open, status: int, error: type[Exception]) -> None:
    """Each way of not working is an error that says what to do, in seconds, and shows no secret."""
    sick.status = status
    one = open_at("s3://bucket/x")
    started = time.monotonic()

    for act in (lambda: cache_of(one).find(record().key), lambda: publish(one, b"content")):
        with pytest.raises(error) as caught:
            act()
        assert caught.value.hint
        assert "hidden-key" not in str(caught.value.as_json())

    assert time.monotonic() - started < 15


def test_a_server_that_is_down_is_not_asked_again(sick: type[Sick], open_at: Open) -> None:
    """After the first silence all else fails at once: a thousand nodes wait once, not a thousand times."""
    sick.status = 503
    cache = cache_of(open_at("s3://bucket/x"))
    with pytest.raises(CacheUnreachable):
        cache.find(record().key)
    asked = len(sick.asked)

    for _ in range(100):
        with pytest.raises(CacheUnreachable):
            cache.find(record().key)

    assert len(sick.asked) == asked


def test_wrong_credentials(
    object_server: ObjectServer, open_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real server's refusal is said with its own word for it."""
    object_server.use(monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")

    with pytest.raises(CacheRefused, match="403 Forbidden") as caught:
        publish(open_at("s3://bucket/wrong"), b"content")

    assert "hunter2" not in str(caught.value.as_json())


def test_nobody_listens(open_at: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without network gets an answer soon."""
    ObjectServer("http://127.0.0.1:9").use(monkeypatch)
    started = time.monotonic()

    with pytest.raises(CacheUnreachable):
        cache_of(open_at("s3://bucket/x")).find(record().key)

    assert time.monotonic() - started < 10


def test_nothing_is_asked_before_it_is_needed(sick: type[Sick], open_at: Open) -> None:
    """Opening the cache sends nothing."""
    cache_of(open_at("s3://bucket/x"))

    assert sick.asked == []


def test_the_library_is_not_imported_for_nothing() -> None:
    """A project without a shared cache does not pay for the storage library."""
    code = "import sys, ropewalk.pipeline; print('obstore' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_folder_that_vanishes(open_at: Open, tmp_path: Path) -> None:
    """A folder on a disk that is taken away is empty, not an error."""
    one = open_at(str(tmp_path / "shared"))
    cache = cache_of(one)
    publish(one, b"content")
    shutil.rmtree(tmp_path / "shared")

    assert cache.find(record().key) is None
