"""The demo's own machinery: processes that end with it, the product's answers, and what is shown."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import register
from pg8000.native import Connection
from replay import summary
from replay.processes import DemoFailed, answering, listening, serving, started
from replay.product import Product, free_port
from weather_api import SERVICE

from .conftest import FLIGHTS

SLEEP = "import time; print('here', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port on which something that is not ours listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        yield listener.getsockname()[1]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("error", [KeyboardInterrupt, DemoFailed])
def test_a_process_ends_with_its_context(tmp_path: Path, error: type[BaseException]) -> None:
    """Whether the work fails or is interrupted, nothing stays behind."""
    with pytest.raises(error), started([sys.executable, "-c", SLEEP], tmp_path) as process:
        raise error

    assert not is_alive(process.popen.pid)


def test_a_process_that_does_not_listen_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ignores the request to stop is killed after a while."""
    monkeypatch.setattr("replay.processes.STOP_S", 0.2)

    with started([sys.executable, "-c", STUBBORN], tmp_path) as process:
        assert process.popen.stdout
        assert process.popen.stdout.readline() == "here\n"

    assert not is_alive(process.popen.pid)


def test_its_lines_are_heard_and_kept(tmp_path: Path) -> None:
    """What a process says on stderr is passed on as it comes, and its stdout is the result."""
    heard: list[str] = []
    script = "import sys; print('one\\ntwo', file=sys.stderr); print('result')"

    with started([sys.executable, "-c", script], tmp_path, heard.append) as process:
        output = process.output()

    assert output == "result\n"
    assert heard == ["one", "two"]
    assert process.tail == "one\ntwo"


def test_serving_waits_for_the_address(tmp_path: Path) -> None:
    """The address comes from the line that `ropewalk up` says, whatever it says before."""
    script = "import sys, time; print('log\\nopen http://127.0.0.1:9  (Ctrl-C stops)', file=sys.stderr, flush=True); time.sleep(60)"

    with serving([sys.executable, "-c", script], tmp_path) as address:
        assert address == "http://127.0.0.1:9"


def test_a_server_that_ends_is_a_failure_with_its_words(tmp_path: Path) -> None:
    """Instead of waiting, the demo tells what the server said last."""
    script = "import sys; sys.exit('error[RW380]: the port is in use')"

    with pytest.raises(DemoFailed, match=r"RW380"), serving([sys.executable, "-c", script], tmp_path):
        pass


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers fails the demo after a while."""
    monkeypatch.setattr("replay.processes.START_S", 0.2)

    with pytest.raises(DemoFailed, match="did not answer"), serving([sys.executable, "-c", SLEEP], tmp_path):
        pass


def test_the_weather_office_opens_and_closes(tmp_path: Path) -> None:
    """The API answers while the context lasts; a second demo of the same folder uses it and leaves it alone."""
    port = free_port_now()
    script = FLIGHTS / "weather_api.py"

    with answering(script, port, SERVICE):
        with answering(script, port, SERVICE):
            assert free_port(port) == 0
        assert free_port(port) == 0
    assert free_port(port) == port


def test_another_program_on_the_weather_port_is_told(busy_port: int) -> None:
    """What is not our API is never taken for it; the message names the port."""
    with (
        pytest.raises(DemoFailed, match=f"port {busy_port}"),
        answering(FLIGHTS / "weather_api.py", busy_port, SERVICE),
    ):
        pass


def test_the_weather_of_another_folder_is_told(tmp_path: Path) -> None:
    """The API of another copy of the project, with another clock, is not used."""
    port = free_port_now()

    with (
        answering(FLIGHTS / "weather_api.py", port, SERVICE),
        pytest.raises(DemoFailed, match="examples/flights/landing; stop it"),
        answering(tmp_path / "weather_api.py", port, SERVICE),
    ):
        pass


def test_the_register_opens_and_closes() -> None:
    """The register has airports and airlines while the context lasts, and a second demo uses it."""
    port = free_port_now()
    script = FLIGHTS / "register.py"

    with listening(script, port, register.is_open, "the register"):
        with listening(script, port, register.is_open, "the register"):
            connection = Connection("register", host="127.0.0.1", port=port, database="postgres")
            counts = connection.run("SELECT (SELECT count(*) FROM airports), (SELECT count(*) FROM airlines)")
            connection.close()
        assert register.is_open(port)

    assert counts == [[1458, 16]]
    assert not register.is_open(port)


def test_another_program_on_the_registers_port_is_told(busy_port: int) -> None:
    """What is no register is not taken for one."""
    script = FLIGHTS / "register.py"
    with (
        pytest.raises(DemoFailed, match=f"port {busy_port}"),
        listening(script, busy_port, register.is_open, "the register"),
    ):
        pass


def test_a_port_in_use_is_replaced(busy_port: int) -> None:
    """Where the wanted port is taken any other will do."""
    assert free_port(busy_port) == 0


def free_port_now() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def product_that(tmp_path: Path, script: str) -> Product:
    """Return a product whose command is a small script."""
    command = tmp_path / "ropewalk"
    command.write_text(f"#!{sys.executable}\nimport sys\n{script}", encoding="utf-8")
    command.chmod(0o755)
    product = Product(tmp_path, lambda _: None)
    product._ropewalk = command
    return product


def test_failed_nodes_are_told_with_their_hints(tmp_path: Path) -> None:
    """A run that fails names each error by code, sentence and hint."""
    error = {"code": "RW430", "message": "a check cannot be run", "hint": "mend it"}
    product = product_that(
        tmp_path, f"print({repr({'nodes': [{'error': error}]}).replace(chr(39), chr(34))!r}); sys.exit(1)"
    )

    with pytest.raises(
        DemoFailed, match=r"exit code 1\nerror\[RW430\]: a check cannot be run\n  hint: mend it"
    ):
        product.run()


def test_without_a_document_the_last_words_are_told(tmp_path: Path) -> None:
    """A command that dies before it answers is told by its stderr."""
    product = product_that(tmp_path, "sys.exit('no such option')")

    with pytest.raises(DemoFailed, match="no such option"):
        product.run()


def test_predict_passes_what_it_was_asked(tmp_path: Path) -> None:
    """Table, condition and address reach the command, and its count comes back."""
    product = product_that(tmp_path, "import json; print(json.dumps({'rows': len(sys.argv)}))")

    assert product.predict("late", "mart.flight_features", "month = 7", "http://127.0.0.1:9") == 10


WINDOW = {"predictions": 29_425, "labelled": 29_425, "mean_prediction": 0.29, "positive_rate": 0.263}
NODES: Mapping[str, dict[str, Any]] = {
    "source:flights": {"rows": 336_776},
    "table:mart.flight_features": {
        "rows": 336_776,
        "contract": {"checks": 135, "passed": 134, "warnings": ["weather reaches the last day: 776"]},
    },
    "step:evaluate": {"metrics": {"auc": 0.7819}},
    "gate:late": {"verdict": "passed", "results": [{"reason": "evaluate.auc 0.782 is at least 0.76"}]},
    "model:late": {"name": "late", "version": 1},
    "monitor:late": {
        "alerts": 1,
        "windows": [
            WINDOW
            | {
                "name": "2013-07",
                "auc": 0.781,
                "worst_psi": 0.1,
                "worst_column": "temperature",
                "breaches": [],
            },
            WINDOW
            | {
                "name": "2013-12",
                "auc": None,
                "positive_rate": None,
                "worst_psi": 1.2,
                "worst_column": "temperature",
                "breaches": [{"limit": "psi"}],
            },
        ],
    },
}


@pytest.fixture
def page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The demo's last page for a project with one breach."""
    nodes = {node_id: {"summary": made} for node_id, made in NODES.items()}
    issue = tmp_path / ".ropewalk" / "issues" / "0001-late-psi.md"

    summary.print_summary(summary.Summary(nodes, 0, [issue], tmp_path))

    return capsys.readouterr().out


@pytest.mark.parametrize(
    "fact",
    [
        "336,776",
        "134 of 135 checks hold",
        "weather reaches the last day",
        "0.782",
        "passed: evaluate.auc 0.782 is at least 0.76",
        "late version 1",
        "58,850",
        "26.3%",
        "1.200  temperature",
        ".ropewalk/issues/0001-late-psi.md",
        "nothing executed",
        "http://127.0.0.1:8765",
    ],
)
def test_the_last_page_tells(page: str, fact: str) -> None:
    """Each figure that a person asks for is on the page."""
    assert fact in page


def test_what_is_not_known_is_blank(page: str) -> None:
    """A month without outcomes shows no rate and no AUC, rather than zero."""
    [line] = [line for line in page.splitlines() if "2013-12" in line]

    assert line.split() == ["2013-12", "29,425", "29,425", "29.0%", "1.200", "temperature", "psi"]


def test_stages_are_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Each stage is one line on stderr with its time, and stdout stays free."""
    from replay.progress import Stages

    with Stages() as stages:
        stages.expect(2)
        stages.begin("one")
        stages.hear("a line of the product")
        stages.begin("two")
        time.sleep(0.1)

    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("s  ")[1] for line in err.splitlines()] == ["one", "two"]
