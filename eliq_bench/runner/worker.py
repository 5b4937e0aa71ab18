"""A worker process: receives chunks of tasks, sends back rows; `python -m eliq_bench.runner.worker`.

A fresh interpreter, not a fork and not multiprocessing's spawn: it inherits no locked state, never imports
the caller's script again, and can be given an environment that only holds for workers.
"""

import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from eliq_bench.errors import EliqBenchError
from eliq_bench.runner.plan import ModelSpec, Task


@dataclass(frozen=True)
class Setup:
    """First message to a worker."""

    specs: list[ModelSpec]
    batch_size: int
    offline: bool


def environment(threads: int, offline: bool) -> dict[str, str]:
    """Environment of a worker: a share of the cores, and memory that is kept rather than returned.

    By default glibc maps every tensor of some megabytes afresh and the kernel clears its pages; keeping the
    memory makes pyiqa's NIQE more than twice as fast (`benchmarks/README.md`).
    """
    variables = dict(os.environ, PYTHONPATH=os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path))
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    variables["OMP_WAIT_POLICY"] = "PASSIVE"  # an idle thread that spins takes the core of another worker
    variables |= {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31)}
    if offline:
        variables |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return variables


def forbid_network() -> None:
    """Make every attempt to reach another machine fail with a sentence."""
    import socket

    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            raise EliqBenchError(f"offline: a connection to {address} was refused")
        connect(self, address)  # to a process on this machine

    # mypy forbids to replace a method; that no library can go around it is the point here
    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]


def serve(connection: Connection) -> None:
    """Answer chunks until the caller hangs up: Progress objects, then None for each chunk."""
    from eliq_bench.runner.scoring import ChunkScorer

    setup: Setup = connection.recv()
    if setup.offline:
        forbid_network()
    scorer = ChunkScorer(setup.specs, setup.batch_size)
    while True:
        tasks: list[Task] = connection.recv()
        for progress in scorer.score(tasks):
            connection.send(progress)
        connection.send(None)


def main() -> None:
    """Serve on the file descriptor named on the command line; leave quietly when the caller is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who then hangs up
    try:
        serve(Connection(int(sys.argv[1])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # skips destructors of libraries, which can take seconds


if __name__ == "__main__":
    main()
