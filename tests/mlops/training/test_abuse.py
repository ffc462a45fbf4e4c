"""Steps that behave badly, and machines that do: a clear error, nothing left running, nothing lost."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ropewalk.errors import RopewalkError
from ropewalk.mlops.tracking import get_run, search_runs
from ropewalk.mlops.training.errors import (
    StepFailed,
    StepKilled,
    StepObstructed,
    StepOutOfMemory,
    StepStopped,
    StepTimedOut,
)
from ropewalk.mlops.training.execution import run_step
from ropewalk.pipeline import Limits, Node, Task
from ropewalk.project import read_steps

MAKE = "import os, sys, time\nfrom ropewalk import Metrics, step\n\ndef make() -> Metrics:\n"
GOOD = "return {'a': 1}"
# Detaches a process in the way of daemons; its id is in the file `pid`.
DAEMON = """
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open('pid', 'w').write(str(os.getpid()))
            time.sleep(60)
        os._exit(0)

"""


def body(*lines: str) -> str:
    """Return the source of a step with these lines."""
    return MAKE + "".join(f"    {line}\n" for line in (*lines, GOOD))


def failing(task: Task) -> RopewalkError:
    """Run a step that must fail and return its error."""
    with pytest.raises(RopewalkError) as caught:
        run_step(task)
    return caught.value


def log_of(task: Task) -> Path:
    """Return where the step's only attempt logged."""
    return task.workspace.state / "logs/run/make.log"


def only_run(task: Task):
    """Return the one tracked run that the step left."""
    (found,) = search_runs(task.workspace)
    return get_run(task.workspace, found.id)


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("os._exit(0)", StepFailed, "ended with exit code 0 before the step returned"),
        ("os._exit(7)", StepFailed, "ended with exit code 7"),
        ("sys.exit(0)", StepFailed, "failed: SystemExit: 0"),
        ("raise KeyboardInterrupt", StepFailed, "failed: KeyboardInterrupt"),
        ("make()", StepFailed, "failed: RecursionError: maximum recursion depth exceeded"),
        ("import ctypes; ctypes.string_at(0)", StepKilled, "ended with signal 11 (SIGSEGV)"),
        ("os.abort()", StepKilled, "ended with signal 6 (SIGABRT)"),
        ("os.kill(os.getpid(), 9)", StepKilled, "was killed, most likely by the system"),
        ("os.kill(os.getppid(), 9); time.sleep(60)", StepKilled, "was killed"),
        ("os.kill(os.getppid(), 15); time.sleep(60)", StepKilled, "ended with signal 15"),
        ("os.closerange(0, 1024); raise ValueError('heard')", StepFailed, "failed: ValueError: heard"),
    ],
)
def test_ways_to_die(make_task, line, kind, message):
    """Each way has its sentence, and the tracked run does not stay open."""
    task = make_task(body(line))

    error = failing(task)

    assert type(error) is kind
    assert message in error.message
    assert only_run(task).status == "FAILED"


@pytest.mark.parametrize(
    "line",
    [
        "sys.stdout.close(); sys.stderr.close()",
        "os.close(1); os.close(2)",
        "sys.stdout = None",
        "sys.stdout.buffer.write(bytes(range(256)) * 100)",
        "os.environ.clear()",
        "os.chdir('/')",
        "import atexit; atexit.register(os.abort)",
        "import atexit; atexit.register(os._exit, 3)",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "sys.modules.clear()",
        "time.time = lambda: 0.0",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))",
    ],
)
def test_what_takes_nothing_back(run_source, line):
    """A step may do odd things to its own process; what it returned counts."""
    assert run_source(body(line)).summary["metrics"] == {"a": 1.0}


def test_working_folder_and_log_are_deleted(make_task):
    """A step that deletes the folder it works in and its own log loses neither its result nor its log."""
    task = make_task(
        body("print('before')", "import shutil", "os.makedirs('w'); os.chdir('w'); os.rmdir('../w')")
    )
    path = task.workspace.root / "steps/work.py"
    path.write_text(
        path.read_text().replace(
            "import shutil\n", f"import shutil; shutil.rmtree('{log_of(task).parent}')\n"
        )
    )

    output = run_step(task)

    assert output.summary["metrics"] == {"a": 1.0}
    assert log_of(task).read_text() == "before\n"


def test_step_that_deletes_the_project(make_task):
    """A step whose files are gone when it returns has made what it made, and the next error says what is missing."""
    task = make_task(body("import shutil; shutil.rmtree('steps')"))

    assert run_step(task).summary["metrics"] == {"a": 1.0}
    assert "No such file" in failing(dataclasses.replace(task, run_id="later")).message


def test_step_that_deletes_its_inputs(make_task):
    """A step gets a copy of the files it needs; what another step made stays whole whatever is done to it."""
    source = (
        "import os, shutil\nfrom ropewalk import Files, Metrics\n\n"
        "def pages() -> Files:\n    folder = Files.folder()\n    (folder / 'a.txt').write_text('kept')\n"
        "    return Files(folder)\n\n"
        "def count(pages: Files) -> Metrics:\n    names = os.listdir(pages.path)\n"
        "    os.system(f'chmod -R u+w {pages.path}'); shutil.rmtree(pages.path)\n    return {'n': len(names)}\n"
    )
    task = make_task(source)
    count = read_steps(task.workspace.root)[1]
    made = run_step(task)
    given = {"inputs": {"pages": made}, "input_ids": {"pages": "step:pages"}}
    second = dataclasses.replace(task, node=Node("step:count", count.place, count), **given)

    assert run_step(second).summary["metrics"] == {"n": 1.0}
    assert run_step(second).summary["metrics"] == {"n": 1.0}


def test_killed_run_takes_its_daemons_along(write_project):
    """`ropewalk run` that is killed leaves nothing of a step that detached a process from itself."""
    source = body("daemon()", "time.sleep(60)").replace("def make", DAEMON + "def make")
    root = write_project({"steps/work.py": source})
    command = [sys.executable, "-m", "ropewalk.cli.main", "-C", str(root), "run"]
    engine = subprocess.Popen(command, stderr=subprocess.PIPE)
    has_begun = wait_for(lambda: (root / "pid").exists() and (root / "pid").read_text())

    engine.kill()
    _, told = engine.communicate()

    assert has_begun, told
    daemon = Path("/proc", (root / "pid").read_text(), "stat")
    assert wait_for(lambda: _read(daemon).rpartition(b")")[2].split()[:1] in ([], [b"Z"]))


def wait_for(is_so):
    """Return whether it became so within some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("megabytes", [5, 100])
def test_much_output(make_task, megabytes):
    """Output beyond the limit costs the log its middle and nothing else; both ends are there."""
    line = f"for n in range({megabytes * 1000}): print(n, 'x' * 990)"
    task = make_task(body("print('begin')", line, "print('end')"))
    task.workspace.settings = dataclasses.replace(task.workspace.settings, step_log_limit=2)

    run_step(task)

    log = log_of(task).read_text()
    assert len(log) < 2_000_200
    assert log.startswith("begin\n")
    assert log.endswith("end\n")
    assert "bytes of this log were dropped here" in log


def test_fifty_children(make_task):
    """A step that leaves fifty processes behind, each in a session of its own, leaves none."""
    mark = f"_MARK_{os.getpid()}"
    task = make_task(
        body(
            "import subprocess",
            "for _ in range(50): subprocess.Popen(['sleep', '60'], env={'"
            + mark
            + "': '1'}, start_new_session=True)",
        )
    )

    run_step(task)

    left = [path for path in Path("/proc").glob("[0-9]*/environ") if mark.encode() in _read(path)]
    assert left == []
    assert "ropewalk: ended what the step left running: sleep, sleep" in log_of(task).read_text()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_timeout(make_task):
    """A step that takes too long is ended, and trying again may help."""
    source = body("time.sleep(60)").replace("def make", "@step(timeout='1s')\ndef make")
    task = make_task(source)

    error = failing(task)

    assert isinstance(error, StepTimedOut)
    assert error.may_pass
    assert "did not end within 1 s" in error.message
    assert only_run(task).status == "FAILED"


def test_thread_that_goes_on(make_task):
    """A step that returned and whose threads go on is ended in the end, and the error says which it was."""
    source = body("import threading; threading.Thread(target=time.sleep, args=(60,)).start()")
    task = make_task(source.replace("def make", "@step(timeout='1s')\ndef make"))

    assert "returned but did not end within 1 s" in failing(task).message


def test_workers_end_by_themselves(make_task):
    """A pool of worker processes is nothing to complain of."""
    line = "from concurrent.futures import ProcessPoolExecutor as Pool; pool = Pool(2); print(list(pool.map(abs, [-1, -2])))"
    # Not left to the garbage collector: Python 3.11 may then wake the pool's thread by a pipe that is closed.
    task = make_task(body(line + "; pool.shutdown()"))

    run_step(task)

    assert log_of(task).read_text() == "[1, 2]\n"


def test_memory(make_task):
    """A step over its limit is ended with peak and limit named."""
    task = make_task(body("x = bytearray(300_000_000); time.sleep(60)"), Limits(memory=150_000_000))

    error = failing(task)

    assert isinstance(error, StepOutOfMemory)
    assert "MB of memory, more than its 150 MB" in error.message


def test_cancel(make_task):
    """A run that is stopped ends its step soon; the tracked run says it was killed."""
    task = make_task(body("time.sleep(60)"))
    threading.Timer(0.5, task.workspace.stopping.set).start()
    started = time.monotonic()

    error = failing(task)

    assert isinstance(error, StepStopped)
    assert not error.may_pass
    assert time.monotonic() - started < 10
    assert only_run(task).status == "KILLED"


def test_secret_is_nowhere(make_task, monkeypatch):
    """A secret that a step prints and raises is neither in its log nor in its error."""
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2hunter2")
    task = make_task(
        body("secret = os.environ['SHOP_PASSWORD']", "print(secret)", "raise ValueError(secret)")
    )

    error = failing(task)

    assert "hunter2" not in f"{error.message} {error.detail} {log_of(task).read_text()}"
    assert "ValueError: ***" in error.message


def test_failure_says_all(make_task):
    """An error has the user's line, the last 20 lines, the command to run it again and where the log is."""
    task = make_task(body("for n in range(50): print('line', n)", "raise OSError('gone')"))

    error = failing(task)

    assert str(error.place) == "steps/work.py:6"
    assert len(error.detail.splitlines()) == 20
    assert error.detail.splitlines()[-1] == "OSError: gone"
    assert "`ropewalk run step:make` runs it again" in error.hint
    assert str(log_of(task)) in error.hint


def test_attempts_have_logs_and_runs_of_their_own(make_task):
    """A second attempt keeps the first one's log and run, and is told from it."""
    task = make_task(body("print('try')"))

    run_step(task)
    run_step(dataclasses.replace(task, attempt=2))

    assert sorted(path.name for path in log_of(task).parent.iterdir()) == ["make.2.log", "make.log"]
    tags = [get_run(task.workspace, run.id).tags["ropewalk.attempt"] for run in search_runs(task.workspace)]
    assert sorted(tags) == ["1", "2"]


def test_cost_is_known(make_task):
    """CPU time and memory of the step's processes are in the tracked run and told to the engine."""
    told = []
    task = make_task(body("while time.process_time() < 0.3: pass"), add_cpu=told.append)

    run_step(task)

    tags = only_run(task).tags
    assert 0.3 < told[0] < 5
    assert float(tags["ropewalk.cpu_s"]) == pytest.approx(told[0], abs=0.001)
    assert int(tags["ropewalk.max_rss"]) > 1_000_000


def test_last_line_is_reported(make_task):
    """Whoever watches the run sees the step's last line."""
    told = []
    task = make_task(
        body("print('epoch 1', flush=True)", "time.sleep(0.8)"),
        report=lambda _done, _total, text: told.append(text),
    )

    run_step(task)

    assert told == ["running", "epoch 1"]


@pytest.fixture
def tiny_disk(tmp_path):
    """Return a folder on a disk of 400 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Write into the folder until its disk is full."""
    with (folder / "filler").open("wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_full_disk_before_the_start(make_task, tiny_disk):
    """A step that has no room for its files is not started, and the error says what to do."""
    task = make_task(body())
    (task.workspace.state / "staging").symlink_to(tiny_disk)
    fill(tiny_disk)

    error = failing(task)

    assert isinstance(error, StepObstructed)
    assert "No space left on device" in error.message
    assert "make room" in error.hint


def test_full_disk_for_the_answer(make_task, tiny_disk):
    """A step that returns when the disk is full fails with just that, and leaves a failed run."""
    task = make_task(body(f"open('{tiny_disk}/filler', 'wb').write(b'x' * 500_000) if 0 else None"))
    source = body(
        "try:",
        f"    open('{tiny_disk}/filler', 'wb', buffering=0).write(b'x' * 500_000)",
        "except OSError: pass",
    ).replace(GOOD, "return {str(n): n for n in range(5000)}")
    (task.workspace.root / "steps/work.py").write_text(source)
    (task.workspace.state / "staging").symlink_to(tiny_disk)

    error = failing(task)

    assert "could not write down what the step returned, as its log says" in error.message
    assert "No space left on device" in error.detail
    assert only_run(task).status == "FAILED"


def test_full_disk_for_the_log(make_task, tiny_disk):
    """A log that finds no room costs nothing but its lines."""
    task = make_task(body("for n in range(1000): print('x' * 1000)"))
    (task.workspace.state / "logs").symlink_to(tiny_disk)

    assert run_step(task).summary["metrics"] == {"a": 1.0}


def test_log_folder_that_is_none(make_task):
    """A state folder in which nothing can be made is told before anything runs."""
    task = make_task(body())
    (task.workspace.state / "logs").write_text("in the way")

    error = failing(task)

    assert isinstance(error, StepObstructed)
    assert only_run(task).status == "FAILED"


def test_read_only_state(make_task):
    """On a disk that became read-only the step is not started, and the error says so."""
    task = make_task(body())
    staging = task.workspace.state / "staging"
    staging.mkdir(exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(staging)]
    if subprocess.run(options, check=False, capture_output=True).returncode:
        pytest.skip("mounting a disk needs root")
    try:
        error = failing(task)
    finally:
        subprocess.run(["umount", str(staging)], check=True)

    assert isinstance(error, StepObstructed)
    assert "Read-only file system" in error.message
