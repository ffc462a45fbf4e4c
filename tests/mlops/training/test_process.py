"""A step's process is ended with all it started, whatever happens, and what it cost is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ropewalk.mlops.training.job import Answer, Job, read_answer, write_job
from ropewalk.processes.masking import Mask
from ropewalk.processes.process import Command, Ended, Watch, run_process
from ropewalk.processes.process_log import ProcessLog

HARNESS = "ropewalk.mlops.training.harness"
# Starts a sleeping child that leaves its session and its parent, as daemons do; its id is written to a file.
DAEMON = """
import os, sys, time

def daemon(name, ignore=False):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            if ignore:
                import signal
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for stream in (0, 1, 2):
                os.close(stream)
            with open(name + '.tmp', 'w') as file:
                file.write(str(os.getpid()))
            os.rename(name + '.tmp', name)
            time.sleep(60)
        os._exit(0)
    while not os.path.exists(name):
        time.sleep(0.01)

"""


@dataclass(frozen=True)
class Done:
    """What became of a step's process."""

    ended: Ended
    answer: Answer | None
    log: str


class Runner:
    """Runs the function `make` of a source in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pid = root / "pid"
        self.stopping = threading.Event()

    def command(self, body: str) -> Command:
        """Write the step and its job; return what to run."""
        source = DAEMON + "def make():\n" + "".join(f"    {line}\n" for line in body.splitlines())
        (self.root / "steps").mkdir(exist_ok=True)
        (self.root / "steps/work.py").write_text(source, encoding="utf-8")
        folder = self.root / "staging"
        folder.mkdir(exist_ok=True)
        job = Job(str(self.root), "state", "steps/work.py", "make", None, [], {}, "run", str(folder))
        write_job(job, folder / "job.json")
        return Command(HARNESS, (str(folder / "job.json"), str(folder / "answer.json")), {}, self.root)

    def __call__(self, body: str, timeout_s: float = 60, **watch: object) -> Done:
        """Run the step's lines to the end."""
        log = ProcessLog(self.root / "logs/make.log", 1_000_000, Mask(()))
        ended = run_process(self.command(body), log, Watch(timeout_s, self.stopping, **watch))
        answer = read_answer(self.root / "staging/answer.json")
        return Done(ended, answer, log.path.read_text(encoding="utf-8"))

    def is_daemon_alive(self) -> bool:
        """Return whether the process that the step wrote down is still at work."""
        return is_alive(int(self.pid.read_text()))


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """Return what runs a step's lines."""
    return Runner(tmp_path)


def is_alive(process: int) -> bool:
    """Return whether a process exists and is no mere entry that its parent has not read yet."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for(is_so: Callable[[], bool]) -> bool:
    """Return whether it became so within some seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def test_output_goes_to_the_log(run):
    """What the step prints, on both streams, is in its log, and it ends well."""
    done = run("print('out', flush=True); sys.stderr.write('err')")

    assert done.ended.code == 0
    assert done.log == "out\nerr"


def test_working_folder_is_the_projects(run):
    """A step opens files relative to the project, wherever the command was given."""
    assert run("print(os.getcwd(), sys.argv)").log == f"{run.root} ['{run.root}/steps/work.py']\n"


def test_cost_counts_all_processes(run):
    """CPU time of children counts, also of those that detached themselves; the memory is that of the step."""
    burn = "import time\nwhile time.process_time() < 0.4: pass"
    done = run(
        f"import subprocess\nx = bytearray(50_000_000)\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    )

    assert 0.4 < done.ended.cpu_s < 5
    assert 50_000_000 < done.ended.max_rss < 500_000_000
    assert done.ended.seconds > 0.4


@pytest.mark.parametrize("ignore", [False, True])
def test_daemon_ends_with_the_step(run, ignore):
    """A process that a step detached does not outlive it, even if it ignores being asked; the log says so."""
    done = run(f"daemon({str(run.pid)!r}, {ignore})")

    assert done.ended.code == 0
    assert not run.is_daemon_alive()
    assert "ropewalk: ended what the step left running: python" in done.log


def test_many_children_end_with_the_step(run):
    """Fifty processes, half of them detached, are all ended."""
    count = "for n in range(25): daemon(f'{n}.pid')\nimport subprocess\n"
    done = run(count + "print(*[subprocess.Popen(['sleep', '60']).pid for _ in range(25)], flush=True)")

    pids = [int(path.read_text()) for path in run.root.glob("*.pid")]
    pids += map(int, done.log.splitlines()[0].split())
    assert len(pids) == 50
    assert not any(map(is_alive, pids))


def test_timeout_ends_the_tree(run):
    """A step that runs too long is ended with what it detached."""
    done = run(f"daemon({str(run.pid)!r})\ntime.sleep(60)", timeout_s=3.0)

    assert done.ended.timed_out
    assert done.ended.code == -signal.SIGTERM
    assert not run.is_daemon_alive()


def test_stop_ends_the_tree(run):
    """Ctrl-C in the engine ends the step soon, and is told from a time-out."""

    def stop() -> None:
        wait_for(run.pid.exists)
        run.stopping.set()

    threading.Thread(target=stop).start()

    done = run(f"daemon({str(run.pid)!r})\ntime.sleep(60)")

    assert done.ended.was_stopped
    assert not done.ended.timed_out
    assert done.ended.seconds < 50
    assert not run.is_daemon_alive()


def test_step_that_ignores_sigterm_is_killed(run):
    """A process that refuses to end is killed after the grace time."""
    body = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"

    assert run(body, timeout_s=0.8, grace_s=0.3).ended.code == -signal.SIGKILL


def test_memory_of_the_tree_is_limited(run):
    """Processes that together hold more than allowed are ended, with the peak known."""
    hold = "import time\nx = bytearray(60_000_000)\ntime.sleep(60)"
    body = f"import subprocess\nfor _ in range(3): subprocess.Popen([sys.executable, '-c', {hold!r}])\ntime.sleep(60)"

    done = run(body, memory=120_000_000)

    assert done.ended.over_memory
    assert done.ended.max_rss > 120_000_000


def test_memory_that_forks_share_counts_once(run):
    """Workers that were forked after loading the data do not count it again each."""
    fork = "x = bytearray(b'1' * 60_000_000)\nfor _ in range(4):\n    if os.fork() == 0: time.sleep(1); os._exit(0)\n"

    done = run(fork + "for _ in range(4): os.wait()", memory=150_000_000)

    assert (done.ended.code, done.ended.over_memory) == (0, False)


def test_killed_warden_takes_the_tree_along(run):
    """Somebody who kills the warden itself ends the step and what it detached all the same."""
    done = run(
        f"daemon({str(run.pid)!r})\nimport signal\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    )

    assert done.ended.code == -signal.SIGKILL
    assert done.ended.seconds < 50
    assert not run.is_daemon_alive()


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.3, 1.0])
def test_killed_engine_leaves_nothing(run, delay):
    """An engine that is killed at any moment, also while the step starts, leaves no process behind."""
    command = run.command(f"daemon({str(run.pid)!r})\ntime.sleep(60)")
    program = (
        "import threading; from pathlib import Path\n"
        "from ropewalk.processes.process import *\n"
        "from ropewalk.processes.process_log import ProcessLog; from ropewalk.processes.masking import Mask\n"
        "print(flush=True)\n"
        f"run_process(Command({HARNESS!r}, {command.arguments!r}, {{'TREE': {str(run.root)!r}}}, Path({str(run.root)!r})),"
        f" ProcessLog(Path('{run.root}/x.log'), 1000, Mask(())), Watch(60, threading.Event()))"
    )
    engine = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    engine.stdout.readline()
    time.sleep(delay)
    engine.kill()
    engine.communicate()
    # Long enough for a process that was just being made to get its environment.
    time.sleep(0.1)

    assert wait_for(lambda: not _with_variable(f"TREE={run.root}"))


def _with_variable(text: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if text.encode() in path.read_bytes() and is_alive(int(path.parent.name)):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_last_line_is_told(run):
    """Whoever watches hears what the step printed last, a few times a second."""
    told = []

    run("for n in range(10): print('line', n, flush=True); time.sleep(0.1)", tell=told.append)

    assert 1 <= len(told) <= 6
    assert told[-1].startswith("line ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("os._exit(0)", 0),
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), 9)", -9),
        ("import ctypes; ctypes.string_at(0)", -11),
        ("os.killpg(0, 15)", -15),
    ],
)
def test_end_without_an_answer(run, body, code):
    """A process that dies in whatever way leaves its exit code and no answer."""
    done = run(body)

    assert (done.ended.code, done.answer) == (code, None)


def test_crash_names_its_lines(run):
    """A crash in native code leaves the Python lines it came from in the log."""
    assert "in make" in run("import ctypes; ctypes.string_at(0)").log


def test_streams_that_the_step_closes(run):
    """A step may close its streams and still fail with an error that is told."""
    done = run("os.close(1); os.close(2); sys.stderr.close()\nraise ValueError('told')")

    assert done.answer.error == "ValueError: told"


def test_own_process_is_not_signalled(run):
    """Ending a step leaves the engine alive."""
    run("pass")

    assert is_alive(os.getpid())


def test_clock_that_goes_backwards(run, monkeypatch):
    """A clock that is set back while a step runs neither ends it nor makes its time negative."""
    now = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))

    done = run("print(1); time.sleep(0.3)", timeout_s=60)

    assert done.ended.code == 0
    # Each look at the clock would make it an hour more or less.
    assert 0.3 < done.ended.seconds < 60


def test_steps_side_by_side(tmp_path):
    """Steps that run at once share nothing: each has its own end, log and tree."""
    runners = [Runner(tmp_path / str(number)) for number in range(4)]
    for runner in runners:
        runner.root.mkdir()
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda n: runners[n](f"print({n}); os._exit({n})").ended.code, range(4)))

    assert ended == [0, 1, 2, 3]


def test_program_that_does_not_exist(run):
    """An interpreter that is not there is an error of the system that names it."""
    command = run.command("pass")
    broken = Command(HARNESS, command.arguments, {}, command.folder, "/nowhere/python")

    with (
        pytest.raises(FileNotFoundError, match="/nowhere/python"),
        ProcessLog(run.root / "x.log", 1000, Mask(())) as log,
    ):
        run_process(broken, log, Watch(5, run.stopping))
