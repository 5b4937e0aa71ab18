"""Several devices at once: each draws a share of the jobs in a process of its own."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from eliq_bench.eliq.generate.index import INDEX_FILE
from eliq_bench.eliq.generate.job import Job
from eliq_bench.eliq.generate.locate import Located
from eliq_bench.eliq.pairs.crew import run_crew
from eliq_bench.errors import EliqBenchError

LOOK = 1.0
"""Seconds between two looks at how far the processes are."""

Report = Callable[[str, int, int], None]


def draw_shares(
    jobs: Sequence[Job],
    pipelines: Sequence[Located],
    out: Path,
    devices: Sequence[str],
    offload: bool,
    report: Report,
) -> int:
    """Draw jobs on several devices; returns how many were drawn. The arguments are those of `run.draw_jobs`."""
    tasks = [
        (share, list(pipelines), out, device, offload, os.getpid())
        for share, device in zip(shares(jobs, len(devices)), devices, strict=True)
        if share
    ]
    with _watched(out, len(jobs), report):
        return sum(made for _, made in run_crew(f"{__name__}:work", tasks, len(tasks))) if tasks else 0


def shares(jobs: Sequence[Job], number: int) -> list[list[Job]]:
    """The jobs in parts of like size, each in the order of the jobs; a negative stays with its positive.

    >>> [len(share) for share in shares([], 2)]
    [0, 0]
    """
    places: dict[str, int] = {}
    parts: list[list[Job]] = [[] for _ in range(number)]
    for job in jobs:
        place = places.setdefault(job.negative_of or job.name, len(places) % number)
        parts[place].append(job)
    return parts


def work(
    jobs: list[Job], pipelines: list[Located], out: Path, device: str, offload: bool, parent: int
) -> int:
    """Draw the share of one device; runs in a process of its own, which ends when its parent has."""
    from eliq_bench.eliq.generate.run import draw_share

    def orphaned(*_: object) -> None:
        if os.getppid() != parent:
            raise EliqBenchError("The command that asked for these images has ended.")

    return draw_share(jobs, pipelines, out, device, offload, orphaned)


@contextmanager
def _watched(out: Path, total: int, report: Report) -> Iterator[None]:
    """Tell the progress from the rows of the index, which the processes add to."""
    before, ended = _rows(out), threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            report("drawing", _rows(out) - before, total)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _rows(out: Path) -> int:
    return (out / INDEX_FILE).read_bytes().count(b"\n")
