"""A pool of worker processes that survives the death of any of them and loses no task.

Own code, since `concurrent.futures` gives up the whole pool when one process is killed, which is what happens
when an image is too large for the memory at hand.
"""

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import IO

from eliq_bench.errors import EliqBenchError
from eliq_bench.runner.plan import ModelSpec, Task
from eliq_bench.runner.scoring import Progress, failed_rows
from eliq_bench.runner.store import prompt_key
from eliq_bench.runner.worker import Setup, environment

AHEAD = 2
"""Chunks sent to a worker before it has answered, so that it never waits for the caller."""

MAX_DEATHS = 20
"""Workers that may die in one run before the run gives up: something is wrong with the machine."""


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    connection: Connection
    log: IO[bytes]
    chunks: deque[list[Task]] = field(default_factory=deque)
    done: set[tuple[str, str, str]] = field(default_factory=set)
    """(fingerprint, image, prompt) of the rows that the first chunk has given so far."""

    def last_words(self) -> str:
        """How the process ended, and the last line it wrote."""
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        hint = ", probably for want of memory" if code == -9 else (f" ({lines[-1]})" if lines else "")
        return f"the worker process was {how}{hint}" if code < 0 else f"the worker process {how}{hint}"


class WorkerPool:
    """Workers for one run; use it as a context manager."""

    def __init__(self, specs: list[ModelSpec], workers: int, batch_size: int, offline: bool) -> None:
        self.specs = specs
        self.setup = Setup(specs, batch_size, offline)
        self.threads = max(1, (os.cpu_count() or 1) // workers)
        self.size = workers
        self.batch_size = batch_size
        self.workers: list[_Worker] = []
        self.deaths = 0
        # Workers are ended without ceremony; what they leave behind is removed with this folder.
        self.scratch = tempfile.TemporaryDirectory(prefix="eliq-bench-")

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.connection.close()
            worker.process.kill()
        for worker in self.workers:
            worker.process.wait()
            worker.log.close()
        self.scratch.cleanup()

    def run(self, tasks: list[Task]) -> Iterator[Progress]:
        """Progress in the order of completion, until every want of every task has its rows.

        Raises:
            EliqBenchError: workers keep dying.
        """
        self._chunks = deque(tasks[at : at + self.batch_size] for at in range(0, len(tasks), self.batch_size))
        for _ in range(min(self.size, len(self._chunks))):
            self._start()
        while any(worker.chunks for worker in self.workers):
            for ready in wait([worker.connection for worker in self.workers if worker.chunks]):
                worker = next(worker for worker in self.workers if worker.connection is ready)
                try:
                    progress: Progress | None = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    yield from self._replace(worker)
                    continue
                if progress is None:
                    worker.chunks.popleft()
                    worker.done.clear()
                    self._feed(worker)
                else:
                    worker.done |= {(row.fingerprint, row.image, row.prompt) for row in progress.rows}
                    yield progress

    def _start(self) -> None:
        ours, theirs = Pipe()
        log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the worker)
        process = subprocess.Popen(
            [sys.executable, "-m", "eliq_bench.runner.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment(self.threads, self.setup.offline) | {"TMPDIR": self.scratch.name},
        )
        theirs.close()
        worker = _Worker(process, ours, log)
        self.workers.append(worker)
        ours.send(self.setup)
        self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        while self._chunks and len(worker.chunks) < AHEAD:
            chunk = self._chunks.popleft()
            worker.chunks.append(chunk)
            try:
                worker.connection.send(chunk)
            except (BrokenPipeError, ConnectionResetError):
                return  # its end is noticed, and its chunks are taken back, when we next listen to it

    def _replace(self, dead: _Worker) -> Iterator[Progress]:
        """Start another worker, which repeats image by image what the dead one had begun.

        An image that was alone when its worker died becomes an error row.
        """
        self.deaths += 1
        reason = dead.last_words()
        self.workers.remove(dead)
        dead.connection.close()
        dead.log.close()
        if self.deaths > MAX_DEATHS:
            raise EliqBenchError(
                f"{self.deaths} worker processes died, the last: {reason}. Finished scores are kept."
            )
        begun, *untouched = dead.chunks
        rest = [left for task in begun if (left := self._unfinished(task, dead.done))]
        self._chunks.extendleft(reversed(untouched))
        if len(begun) == 1:
            for task in rest:
                rows = [
                    row
                    for want in task.wants
                    for row in failed_rows(self.specs[want.model], want, task.image, "error", reason)
                ]
                yield Progress(rows)
        else:
            self._chunks.extendleft([task] for task in reversed(rest))
        if self._chunks:
            self._start()

    def _unfinished(self, task: Task, done: set[tuple[str, str, str]]) -> Task | None:
        wants = tuple(
            want
            for want in task.wants
            if (self.specs[want.model].fingerprint.digest, task.image, prompt_key(want.prompt)) not in done
        )
        return Task(task.image, task.path, wants) if wants else None
