"""Drawing the missing images of a plan, one pipeline in memory at a time."""

import platform
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from eliq_bench.eliq.generate.drawer import Drawer
from eliq_bench.eliq.generate.jobs import FOLDER, INDEX_FILE, Job, add, append_to_run_log, listed, repair
from eliq_bench.eliq.generate.locate import Pipeline
from eliq_bench.io.workers import map_in_processes
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.types import Progress

AGAIN = "the same command goes on from the images that are drawn"
POLL_SECONDS = 1.0
"""Between two readings of the progress of the processes."""


class Drawn(NamedTuple):
    """The result of a run."""

    drawn: int
    kept: int
    """Images that existed before."""
    refused: int
    """Images that a safety checker refused, and negatives of those."""
    seconds: float


def draw_jobs(
    jobs: Sequence[Job],
    pipelines: Sequence[Pipeline],
    out: Path,
    devices: Sequence[str],
    offload: bool = False,
    report: Progress | None = None,
) -> Drawn:
    """Draw what is missing into `out/images` and list it in `out/index.csv`.

    Args:
        jobs: positives before their negatives.
        pipelines: all that the jobs name.
        out: folder, created if it does not exist.
        devices: torch devices; several share the jobs, each in a process of its own.
        offload: see `drawer.Drawer`.
        report: receives the progress.

    Raises:
        InputError: the folder holds something else, or a pipeline cannot be loaded or called as wanted.
        EliqBenchError: a pipeline failed, or the disk is full; what is drawn is kept.
    """
    started = time.monotonic()
    report = report or (lambda *_: None)
    check_writable(out)
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    repair(out)
    known = listed(out)
    for job in jobs:
        if job.name not in known and (out / job.name).is_file():
            add(out, job)  # killed between the image and its row
    missing = [job for job in jobs if not (out / job.name).is_file()]
    if len(devices) == 1:
        drawn = draw_share(missing, pipelines, out, devices[0], offload, report)
    else:
        drawn = draw_shares(missing, pipelines, out, devices, offload, report)
    return Drawn(drawn, len(jobs) - len(missing), len(missing) - drawn, time.monotonic() - started)


def draw_share(
    jobs: Sequence[Job],
    pipelines: Sequence[Pipeline],
    out: Path,
    device: str,
    offload: bool,
    report: Progress | None = None,
) -> int:
    """Draw jobs on one device, one pipeline in memory at a time; returns how many were drawn."""
    report = report or (lambda *_: None)
    named = {(one.name, one.revision): one for one in pipelines}
    drawn = 0
    for key, group in groupby(jobs, key=lambda job: (job.pipeline, job.revision, job.dtype)):
        drawn += _draw_with(named[key[:2]], list(group), out, device, offload, report)
    return drawn


def draw_shares(
    jobs: Sequence[Job],
    pipelines: Sequence[Pipeline],
    out: Path,
    devices: Sequence[str],
    offload: bool,
    report: Progress,
) -> int:
    """Draw jobs on several devices; returns how many were drawn. Arguments as of `draw_jobs`."""
    tasks = [
        (share, pipelines, out, device, offload)
        for share, device in zip(shares(jobs, len(devices)), devices, strict=True)
        if share
    ]
    with _watched(out, len(jobs), report):
        return sum(map_in_processes(draw_share, tasks, len(tasks)))


def shares(jobs: Sequence[Job], number: int) -> list[list[Job]]:
    """The jobs in parts of about equal size, each in the order of the jobs; a negative stays with its positive.

    >>> [len(share) for share in shares([], 2)]
    [0, 0]
    """
    places: dict[str, int] = {}
    parts: list[list[Job]] = [[] for _ in range(number)]
    for job in jobs:
        place = places.setdefault(job.negative_of or job.name, len(places) % number)
        parts[place].append(job)
    return parts


@contextmanager
def _watched(out: Path, total: int, report: Progress) -> Iterator[None]:
    """Report the progress by the rows of the index, which the processes add to."""
    before, ended = _rows(out), threading.Event()

    def poll() -> None:
        while not ended.wait(POLL_SECONDS):
            report("drawing", _rows(out) - before, total)

    watcher = threading.Thread(target=poll, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _rows(out: Path) -> int:
    return (out / INDEX_FILE).read_bytes().count(b"\n")


def _draw_with(
    pipeline: Pipeline, jobs: Sequence[Job], out: Path, device: str, offload: bool, report: Progress
) -> int:
    """Draw the jobs of one pipeline; returns how many were drawn."""
    _reset_peak(device)
    started = time.monotonic()
    drawer = Drawer(pipeline, device, jobs[0].dtype, offload)
    loaded = time.monotonic() - started
    took: list[float] = []
    try:
        for number, job in enumerate(jobs, start=1):
            before = time.monotonic()
            if _draw_one(drawer, job, out):
                took.append(time.monotonic() - before)
            report(pipeline.name, number, len(jobs))
    finally:
        append_to_run_log(out, _figures(pipeline, jobs[0].dtype, device, loaded, took))
        drawer.close()
    return len(took)


def _draw_one(drawer: Drawer, job: Job, out: Path) -> bool:
    if job.negative_of and not (out / job.negative_of).is_file():
        return False
    image = drawer.draw(job, out)
    if image is None:
        return False
    _save(image, out / job.name)
    add(out, job)
    return True


def _save(image: Image.Image, path: Path) -> None:
    write_whole(path, lambda target: image.save(target, format="PNG"), AGAIN)


def _reset_peak(device: str) -> None:
    """Let the peak memory of a GPU count from here."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def _figures(pipeline: Pipeline, dtype: str, device: str, loaded: float, took: list[float]) -> dict[str, Any]:
    import torch

    gpu = device.startswith("cuda")
    return {
        "pipeline": pipeline.name,
        "revision": pipeline.revision,
        "device": torch.cuda.get_device_name(device) if gpu else platform.processor() or "cpu",
        "dtype": dtype,
        "images": len(took),
        "load_seconds": round(loaded, 2),
        "seconds_per_image": round(sum(took) / len(took), 3) if took else None,
        "first_image_seconds": round(took[0], 3) if took else None,
        "peak_gpu_bytes": torch.cuda.max_memory_allocated(device) if gpu else None,
        "versions": {name: version(name) for name in ("diffusers", "transformers", "torch")},
    }
