"""Worker processes for pure functions: tasks in, results out in the order of completion.

A worker is an own Python process, started as the workers of a run are, so that nobody's main script needs a
guard and a killed parent leaves nobody behind: the end of the pipe ends the worker.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, Self

from eliq_bench.errors import EliqBenchError

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class _Member(NamedTuple):
    connection: Connection
    process: "subprocess.Popen[bytes]"


class Crew:
    """Worker processes that are started for the first tasks and stay for later ones; a context manager."""

    def __init__(self, workers: int) -> None:
        """A crew of at most so many processes."""
        self._workers = workers
        self._idle: list[_Member] = []
        self._busy: dict[Connection, tuple[_Member, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_busy()
        for member in self._idle:
            member.connection.close()
        for member in self._idle:
            member.process.wait()
        self._idle = []

    def run(self, target: str, tasks: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Position and result of each task, in the order of completion.

        Args:
            target: `module:function`, called with the values of a task; must be importable in a new process.
            tasks: picklable arguments, taken from the iterable when a worker is free.

        Raises:
            EliqBenchError: the function raised, or a worker died.
        """
        waiting = enumerate(tasks)
        try:
            for position, task in islice(waiting, self._workers):
                self._give(self._idle.pop() if self._idle else _start(), target, position, task)
            while self._busy:
                ready = set(wait(list(self._busy)))
                for connection in [one for one in self._busy if one in ready]:
                    member, position = self._busy[connection]
                    result = _receive(member)
                    del self._busy[connection]
                    following = next(waiting, None)
                    if following is None:
                        self._idle.append(member)
                    else:
                        self._give(member, target, *following)
                    yield position, result
        finally:
            self._kill_busy()

    def _give(self, member: _Member, target: str, position: int, task: tuple[Any, ...]) -> None:
        self._busy[member.connection] = (member, position)
        with suppress(BrokenPipeError, ConnectionResetError):  # the death is told where the answer is awaited
            member.connection.send((target, task))

    def _kill_busy(self) -> None:
        for member, _ in self._busy.values():
            member.connection.close()
            member.process.kill()
            member.process.wait()
        self._busy = {}


def run_crew(target: str, tasks: Iterable[tuple[Any, ...]], workers: int) -> Iterator[tuple[int, Any]]:
    """The same by a crew for these tasks alone, see `Crew.run`."""
    with Crew(workers) as crew:
        yield from crew.run(target, tasks)


def _start() -> _Member:
    ours, theirs = Pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the caller, who then hangs up
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    theirs.close()
    return _Member(ours, process)


def _receive(member: _Member) -> Any:
    try:
        failed, result = member.connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise EliqBenchError(
            f"A worker process died with code {member.process.wait()}, probably for want of memory; finished parts "
            "are kept, and the same command with fewer --workers goes on from there."
        ) from error
    if failed:
        raise EliqBenchError(result)
    return result


def _work(connection: Connection) -> None:
    while True:
        try:
            target, task = connection.recv()
        except (EOFError, ConnectionResetError):  # the parent has ended, perhaps with an answer unread
            return
        try:
            module, _, name = target.partition(":")
            answer = (False, getattr(import_module(module), name)(*task))
        except Exception as error:  # told to the parent, which ends the work
            answer = (True, str(error) or type(error).__name__)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return


if __name__ == "__main__":
    _work(Connection(int(sys.argv[1])))
