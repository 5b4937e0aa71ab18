"""Worker processes for pure functions: tasks in, results out in the order of completion.

A worker is an own Python process, started as the workers of a run are, so that nobody's main script needs a
guard and a killed parent leaves nobody behind: the end of the pipe ends the worker.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from eliq_bench.errors import EliqBenchError

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run_crew(target: str, tasks: Iterable[tuple[Any, ...]], workers: int) -> Iterator[tuple[int, Any]]:
    """Position and result of each task, in the order of completion.

    Args:
        target: `module:function`, called with the values of a task; must be importable in a new process.
        tasks: picklable arguments, taken from the iterable when a worker is free.
        workers: number of processes.

    Raises:
        EliqBenchError: the function raised, or a worker died.
    """
    waiting = enumerate(tasks)
    busy: dict[Connection, tuple[subprocess.Popen[bytes], int]] = {}
    try:
        for position, task in islice(waiting, workers):
            connection, process = _start(target)
            busy[connection] = (process, position)
            connection.send(task)
        while busy:
            ready = set(wait(list(busy)))
            for connection in [one for one in busy if one in ready]:
                process, position = busy[connection]
                yield position, _receive(connection, process)
                following = next(waiting, None)
                if following is not None:
                    busy[connection] = (process, following[0])
                    connection.send(following[1])
                else:
                    del busy[connection]
                    connection.close()
                    process.wait()
    finally:
        for connection, (process, _) in busy.items():
            connection.close()
            process.kill()
            process.wait()


def _start(target: str) -> tuple[Connection, "subprocess.Popen[bytes]"]:
    ours, theirs = Pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, target, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    theirs.close()
    return ours, process


def _receive(connection: Connection, process: "subprocess.Popen[bytes]") -> Any:
    try:
        failed, result = connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise EliqBenchError(
            f"A worker process died with code {process.wait()}, probably for want of memory; finished parts "
            "are kept, and the same command with fewer --workers goes on from there."
        ) from error
    if failed:
        raise EliqBenchError(result)
    return result


def _work(target: str, connection: Connection) -> None:
    module, _, name = target.partition(":")
    function = getattr(import_module(module), name)
    while True:
        try:
            task = connection.recv()
        except (EOFError, ConnectionResetError):  # the parent has ended, perhaps with an answer unread
            return
        try:
            answer = (False, function(*task))
        except Exception as error:  # told to the parent, which ends the work
            answer = (True, str(error) or type(error).__name__)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return


if __name__ == "__main__":
    _work(sys.argv[1], Connection(int(sys.argv[2])))
