"""Worker processes: results of every task, the same processes for several rounds, and what happens when one fails."""

import functools
import math
import operator
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path

import numpy
import psutil
import pytest
import scipy
from support.workers import give_lambda, refuse, sleep, some_results, start, upper, variables, what_started

from eliq_bench.errors import EliqBenchError, InputError, did_you_mean
from eliq_bench.io.workers import Failure, WorkerDiedError, WorkerPool, map_in_processes

PARENT = """
from support.workers import sleep
from eliq_bench.io.workers import map_in_processes
for _ in map_in_processes(sleep, [(0,), (0,), (600,), (600,)], 2):
    print("began", flush=True)
"""

HOSTILE = """
import sys
from pathlib import Path
import numpy, scipy, types
from support.workers import file_of
from eliq_bench.io.workers import map_in_processes
for name in sys.argv[1:]:
    Path(name).with_suffix(".py").write_text("open('executed', 'w')")
print(*map_in_processes(file_of, [(name,) for name in sys.argv[1:]], 1), sep="\\n")
"""
"""A parent whose working folder fills with files of these names once it has its own modules."""


def test_every_task_has_its_result_in_the_order_of_the_tasks() -> None:
    assert list(map_in_processes(operator.pow, [(number, 3) for number in range(20)], 2)) == [
        number**3 for number in range(20)
    ]
    slow_first = [(0.5,), (0.0,), (0.1,)]
    assert list(map_in_processes(sleep, slow_first, 2)) == [0.5, 0.0, 0.1]
    assert list(map_in_processes(operator.pow, [], 2)) == []


def test_tasks_are_taken_when_a_worker_is_free() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[tuple[int]]:
        for number in range(10):
            taken.append(number)
            yield (number,)

    with WorkerPool(1) as pool:
        results = pool.map(operator.neg, tasks())
        assert next(results) == 0
        assert len(taken) <= 2


def test_processes_stay_for_later_rounds_and_end_with_the_pool() -> None:
    with WorkerPool(2) as pool:
        first = set(pool.map(os.getpid, [()] * 8))
        assert list(pool.map(operator.neg, [(5,)])) == [-5]
        second = set(pool.map(os.getpid, [()] * 8))
        assert len(first) == 2
        assert second <= first
        assert os.getpid() not in first
        assert all(map(psutil.pid_exists, first))
    assert not any(map(psutil.pid_exists, first))


def test_what_a_worker_cannot_import_is_refused_in_a_sentence() -> None:
    def inner() -> None:
        """Of a function."""

    for wrong in (lambda: None, inner, functools.partial(inner)):
        with pytest.raises(TypeError, match="is no function that a worker process can import"):
            next(map_in_processes(wrong, [()], 1))


def test_a_function_of_the_script_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from eliq_bench.io.workers import map_in_processes\n\ndef own():\n    pass\n\n"
        "if __name__ == '__main__':\n    list(map_in_processes(own, [()], 1))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "belongs to the script that is run" in done.stderr


def test_a_failed_task_names_the_reason_and_ends_the_busy_workers() -> None:
    with WorkerPool(2) as pool:
        own = set(pool.map(os.getpid, [()] * 4))
        with pytest.raises(EliqBenchError, match=r"ZeroDivisionError: .*division"):
            list(pool.map(divmod, [(1, 0), (1, 0)]))
        assert sum(map(psutil.pid_exists, own)) <= 1


def test_an_error_for_a_person_arrives_as_it_was() -> None:
    with pytest.raises(InputError, match=r"^the image is blue$"):
        list(map_in_processes(refuse, [()], 1))
    with pytest.raises(EliqBenchError, match=r"[Pp]ickle"):
        list(map_in_processes(give_lambda, [()], 1))


def test_a_dead_worker_is_an_error() -> None:
    with pytest.raises(WorkerDiedError, match="The worker process ended with code 7; finished parts are kept"):
        list(map_in_processes(os._exit, [(7,)], 1))


def test_a_worker_that_died_between_two_rounds_is_an_error() -> None:
    with WorkerPool(1) as pool:
        (process,) = pool.map(os.getpid, [()])
        os.kill(process, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="killed by signal 9, probably out of memory"):
            list(pool.map(os.getpid, [()]))


def test_tasks_left_behind_do_not_hold_up_the_end() -> None:
    with WorkerPool(2) as pool:
        own = set(pool.map(os.getpid, [()] * 4))
        results = pool.map(time.sleep, [(0,), (600,), (600,)])
        assert next(results) is None
    assert not any(map(psutil.pid_exists, own))


def test_streamed_results_and_failures_are_data() -> None:
    tasks = [(2, ""), (1, "kill"), (3, "raise"), (0, "exit"), (1, "")]
    given: dict[int, list[int]] = {position: [] for position in range(5)}
    failed: dict[int, Failure[int]] = {}
    with WorkerPool(2) as pool:
        for position, found in pool.stream(some_results, tasks):
            if isinstance(found, Failure):
                failed[position] = found
            else:
                given[position].append(found)
    assert given == {0: [0, 1], 1: [0], 2: [0, 1, 2], 3: [], 4: [0]}
    assert {position: one.results for position, one in failed.items()} == {1: (0,), 2: (0, 1, 2), 3: ()}
    assert isinstance(failed[1].error, WorkerDiedError)
    assert str(failed[1].error) == "the worker process was killed by signal 9, probably out of memory"
    assert str(failed[2].error) == "the image is blue"
    assert str(failed[3].error) == "the worker process ended with code 3 (no more paper)"


def test_long_tasks_and_long_answers_do_not_wait_for_each_other() -> None:
    chunk = ["a long prompt " * 40] * 5000
    with WorkerPool(1) as pool:
        found = [word for _, word in pool.stream(upper, [(chunk,)] * 4, ahead=3)]
    assert len(found) == 20_000
    assert set(found) == {"A LONG PROMPT " * 40}


def test_control_c_is_for_the_caller_alone() -> None:
    """A terminal sends it to the workers too, each of which would print where it was."""
    assert list(map_in_processes(signal.raise_signal, [(signal.SIGINT,)] * 2, 1)) == [None, None]


def test_a_worker_ends_with_its_caller_in_the_middle_of_a_task() -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert caller.stdout
    assert caller.stdout.readline() == b"began\n"
    workers = psutil.Process(caller.pid).children(recursive=True)
    assert workers
    caller.kill()
    caller.communicate()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


IMPORTING_PARENT = """
from eliq_bench.io.workers import WorkerPool
from support.workers import load_a_library, sleep
import threading
def wait():
    import psutil, time
    while not psutil.Process().children():
        time.sleep(0.01)
    time.sleep(1)
    print("began", flush=True)
threading.Thread(target=wait).start()
with WorkerPool(1, initializer=load_a_library) as pool:
    list(pool.map(sleep, [(60,)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends when its library is loaded")
def test_a_worker_that_is_loading_a_library_ends_with_its_caller() -> None:
    path = os.pathsep.join(sys.path)
    words = [sys.executable, "-c", IMPORTING_PARENT]
    caller = subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})
    assert caller.stdout
    assert caller.stdout.readline() == b"began\n"
    workers = psutil.Process(caller.pid).children(recursive=True)
    assert workers
    caller.kill()
    caller.communicate()
    _, alive = psutil.wait_procs(workers, timeout=2)
    assert not alive


def test_threads_and_variables_are_the_callers_choice() -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "COLOUR", "PATH")
    with WorkerPool(1, threads=3, environment={"COLOUR": "red"}) as pool:
        assert list(pool.map(variables, [names])) == [["3", "3", "red", os.environ["PATH"]]]
    assert list(map_in_processes(variables, [names[:1]], 1)) == [["1"]]


def test_the_initializer_comes_first_in_each_process() -> None:
    with WorkerPool(2, initializer=functools.partial(start, "ready")) as pool:
        assert list(pool.map(what_started, [()] * 4)) == [["ready"]] * 4
    reason = r"ended with code 1 \(ValueError: "
    with (
        WorkerPool(1, initializer=functools.partial(math.sqrt, -1)) as pool,
        pytest.raises(WorkerDiedError, match=reason),
    ):
        list(pool.map(os.getpid, [()]))


def test_modules_of_the_current_folder_hide_none_of_pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('a module of the user')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert list(map_in_processes(did_you_mean, [("clipiq", ["clipiqa"])], 1)) == [" Did you mean clipiqa?"]


def test_what_workers_leave_in_the_temporary_folder_is_removed() -> None:
    with WorkerPool(1) as pool:
        ((folder,),) = pool.map(variables, [("TMPDIR",)])
        assert Path(str(folder)).is_dir()
    assert not Path(str(folder)).exists()


@pytest.mark.parametrize(
    ("start", "first"),
    [(["-m", "parent"], []), (["-c", HOSTILE], []), (["-P", "-c", HOSTILE], [""])],
    ids=["-m", "-c", "empty part of PYTHONPATH"],
)
def test_modules_in_the_working_folder_are_not_executed(tmp_path: Path, start: list[str], first: list[str]) -> None:
    (tmp_path / "parent.py").write_text(HOSTILE)
    path = os.pathsep.join([*first, *filter(None, sys.path)])
    words = [sys.executable, *start, "numpy", "types", "scipy"]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout.split() == [module.__file__ for module in (numpy, types, scipy)], done.stderr
    assert not (tmp_path / "executed").exists()


def test_a_working_folder_that_pythonpath_names_is_searched(tmp_path: Path) -> None:
    path = os.pathsep.join([*filter(None, sys.path), str(tmp_path)])
    words = [sys.executable, "-c", HOSTILE, "my_plug_in"]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / "my_plug_in.py")], done.stderr
