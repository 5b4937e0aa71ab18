"""The pool of worker processes: it takes functions, and a worker that dies costs one task.

Own code, since `concurrent.futures` gives up the whole pool when one process is killed, which is what happens when
an image is too large for the memory.

A worker is a fresh interpreter (`python -P -m eliq_bench.io.workers`), neither a fork nor multiprocessing's spawn: it
inherits no locked state, does not import the caller's script again, and has an environment of its own. It reads its
pipe in a thread. So the caller never waits for a worker that waits for the caller, and a worker ends as soon as its
caller does, in the middle of a task too. While a library is loaded no thread runs: there Linux ends it.
"""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Generic, Literal, NamedTuple, Self, TypeVar, TypeVarTuple

from eliq_bench.errors import EliqBenchError, describe
from eliq_bench.io.write import scratch_folder

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")
Answer = tuple[Literal["result", "end", "error"], Any]

GRACE = 5.0
"""Seconds that a worker has to end after SIGTERM before it is killed."""


class WorkerDiedError(EliqBenchError):
    """A worker process ended before its task did."""


@dataclass(frozen=True)
class Failure(Generic[Result]):
    """A task that did not end well."""

    error: EliqBenchError
    """What the function raised, or `WorkerDiedError`."""
    results: tuple[Result, ...]
    """What the task gave before."""


class _Task(NamedTuple):
    position: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    streams: bool
    """Whether the function returns an iterable whose elements are sent one by one."""


@dataclass(eq=False)
class _Worker:
    process: "subprocess.Popen[bytes]"
    connection: Connection
    log: IO[bytes]
    """What it writes on stderr."""
    tasks: deque[_Task] = field(default_factory=deque)
    """Sent and not ended, the first one begun."""
    results: list[Any] = field(default_factory=list)
    """Of the first task."""

    def send(self, message: object) -> None:
        """Send, unless it is dead, which the next read of its answers notices."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def exit_reason(self) -> str:
        """How the process ended, with the last line it wrote unless a signal ended it."""
        code = self.process.wait()
        if code < 0:
            memory = ", probably out of memory" if code == -signal.SIGKILL else ""
            return f"the worker process was killed by signal {-code}{memory}"
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return f"the worker process ended with code {code}" + (f" ({lines[-1]})" if lines else "")


class WorkerPool:
    """Worker processes that are started for the first tasks and stay for later ones; a context manager."""

    def __init__(
        self,
        workers: int | None = None,
        threads: int = 1,
        environment: Mapping[str, str] | None = None,
        initializer: Callable[[], object] | None = None,
    ) -> None:
        """A pool without processes yet.

        Args:
            workers: number of processes; None takes one per core.
            threads: for numerical libraries, in each process.
            environment: variables of the processes, in addition to those of this one.
            initializer: called first in each process; a process in which it raises dies.
        """
        self._size = workers or os.cpu_count() or 1
        self._environment = _environment(threads) | dict(environment or {})
        self._initializer = initializer
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        # Workers are ended in the middle of what they do; what they leave behind is removed with this folder.
        self._open = ExitStack()
        self._scratch = self._open.enter_context(scratch_folder())
        return self

    def __exit__(self, *_: object) -> None:
        self._end(list(self._workers))
        self._open.close()

    def map(self, function: Callable[[*Arguments], Result], tasks: Iterable[tuple[*Arguments]]) -> Iterator[Result]:
        """The result of each task, in the order of the tasks.

        Args:
            function: of a module that a new process can import.
            tasks: arguments, taken from the iterable when a worker is free.

        Raises:
            EliqBenchError: the function raised, or a worker died; the other tasks in work are ended.
        """
        early: dict[int, Result] = {}
        following = 0
        with closing(self._run(function, tasks, streams=False, ahead=1)) as answers:
            for position, result in answers:
                if isinstance(result, Failure):
                    raise _advised(result.error)
                early[position] = result
                while following in early:
                    yield early.pop(following)
                    following += 1

    def stream(
        self,
        function: Callable[[*Arguments], Iterable[Result]],
        tasks: Iterable[tuple[*Arguments]],
        ahead: int = 2,
    ) -> Iterator[tuple[int, Result | Failure[Result]]]:
        """Position of a task and one of its results, as they come; a failure is one of them and ends only its task.

        Args:
            function: of a module that a new process can import; the elements of what it returns are sent one by one.
            tasks: arguments, taken from the iterable when a worker has room.
            ahead: tasks sent to a worker before it has ended the first of them.
        """
        return self._run(function, tasks, streams=True, ahead=ahead)

    def _run(
        self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], streams: bool, ahead: int
    ) -> Generator[tuple[int, Any], None, None]:
        _check_importable(function)
        waiting = (_Task(position, function, task, streams) for position, task in enumerate(tasks))
        returned: deque[_Task] = deque()
        try:
            while True:
                self._feed(returned, waiting, ahead)
                busy = [worker for worker in self._workers if worker.tasks]
                if not busy:
                    return
                ready = wait([worker.connection for worker in busy])
                for worker in busy:
                    if worker.connection in ready:
                        yield from self._read(worker, returned)
        finally:
            self._end([worker for worker in self._workers if worker.tasks])

    def _feed(self, returned: deque[_Task], waiting: Iterator[_Task], ahead: int) -> None:
        """Give tasks to workers that have room, a new worker before a second task for an old one."""
        while len(self._workers) < self._size or any(len(one.tasks) < ahead for one in self._workers):
            task = returned.popleft() if returned else next(waiting, None)
            if task is None:
                return
            worker = min(self._workers, key=lambda one: len(one.tasks), default=None)
            if worker is None or (worker.tasks and len(self._workers) < self._size):
                worker = self._start()
            worker.tasks.append(task)
            worker.send(task[1:])

    def _read(self, worker: _Worker, returned: deque[_Task]) -> Iterator[tuple[int, Any]]:
        """What the next answer of a worker gives; the tasks that a dead one had not begun go back."""
        try:
            answer: Answer = worker.connection.recv()
        except (EOFError, OSError):  # its end, perhaps in the middle of an answer
            begun = worker.tasks.popleft()
            returned.extendleft(reversed(worker.tasks))
            worker.tasks.clear()
            failure = Failure(WorkerDiedError(worker.exit_reason()), tuple(worker.results))
            self._end([worker])
            yield begun.position, failure
            return
        kind, value = answer
        position = worker.tasks[0].position
        if kind == "result":
            worker.results.append(value)
            yield position, value
            return
        worker.tasks.popleft()
        results, worker.results = tuple(worker.results), []
        if kind == "error":
            yield position, Failure(value, results)

    def _start(self) -> _Worker:
        ours, theirs = Pipe()
        log = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed when the worker has ended)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), str(_caller())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=self._environment | {"TMPDIR": str(self._scratch)},
        )
        theirs.close()
        worker = _Worker(process, ours, log)
        self._workers.append(worker)
        worker.send(self._initializer)
        return worker

    def _end(self, workers: list[_Worker]) -> None:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            try:
                worker.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.connection.close()
            worker.log.close()
            self._workers.remove(worker)


def map_in_processes(
    function: Callable[[*Arguments], Result],
    tasks: Iterable[tuple[*Arguments]],
    workers: int | None = None,
) -> Iterator[Result]:
    """The same as `WorkerPool.map`, by a pool for these tasks alone."""
    with WorkerPool(workers) as pool:
        yield from pool.map(function, tasks)


def _environment(threads: int) -> dict[str, str]:
    """The variables of this process, with a number of threads and the places where it finds modules."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": os.pathsep.join(_module_folders())}


def _module_folders() -> list[str]:
    """Where this process finds modules, without the working folder that nobody asked for.

    `python -m`, `python -c` and an empty part of PYTHONPATH add that folder, and a `numpy.py` beside the user's images
    would be executed. It stays if PYTHONPATH names it, if the script that is run lies in it, or this package itself.
    """
    asked = {_absolute(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part}
    asked.add(_absolute(str(Path(__file__).parents[2])))
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None and getattr(main, "__file__", None):
        asked.add(_absolute(str(Path(str(main.__file__)).parent)))
    folders = dict.fromkeys(_absolute(entry) for entry in sys.path if entry)
    return [folder for folder in folders if folder in asked or folder not in (_STARTED_IN, _absolute(os.curdir))]


def _absolute(folder: str) -> str:
    """With links resolved; as it is if it is relative and the working folder was deleted."""
    try:
        return os.path.realpath(folder)
    except OSError:
        return folder


_STARTED_IN = _absolute(os.curdir)


def _check_importable(function: Callable[..., Any]) -> None:
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"{function!r} is no function that a worker process can import; pass one of a module, not a lambda, an "
            "inner function or a method."
        ) from error
    if getattr(function, "__module__", None) == "__main__":
        raise TypeError(f"{function!r} belongs to the script that is run, which a worker process does not import.")


def _advised(error: EliqBenchError) -> EliqBenchError:
    if not isinstance(error, WorkerDiedError):
        return error
    reason = str(error)
    return WorkerDiedError(
        f"{reason[0].upper()}{reason[1:]}; finished parts are kept, and the same command with fewer --workers goes on "
        "from there."
    )


def _work(connection: Connection) -> None:
    """Call the initializer, then answer tasks until the caller hangs up."""
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, messages), daemon=True).start()
    initializer = pickle.loads(messages.get())
    if initializer is not None:
        initializer()
    while True:
        message = messages.get()
        try:
            function, arguments, streams = pickle.loads(message)
            results = function(*arguments) if streams else [function(*arguments)]
            for result in results:
                connection.send(("result", result))
            connection.send(("end", None))
        except Exception as error:  # it is the caller's to judge
            ours = error if isinstance(error, EliqBenchError) else EliqBenchError(describe(error))
            connection.send(("error", ours))


def _receive(connection: Connection, messages: "SimpleQueue[bytes]") -> None:
    """Queue what the caller sends; end this process when the caller is gone."""
    try:
        while True:
            messages.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)  # skips destructors of libraries, which can take seconds


def _caller() -> int:
    """The process that workers may not outlive; 0 in a thread, with which Linux would end them."""
    return os.getpid() if threading.current_thread() is threading.main_thread() else 0


def _end_with(caller: int) -> None:
    """Have Linux end this process as soon as its caller has ended."""
    if caller and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != caller:  # it has ended before
            os._exit(0)


_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


if __name__ == "__main__":
    _end_with(int(sys.argv[2]))
    for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(_signal, signal.SIG_IGN)  # from a terminal to all its processes: the caller ends this one
    _work(Connection(int(sys.argv[1])))
