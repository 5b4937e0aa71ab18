"""Drawing the images of a plan that are not there yet, one pipeline in memory at a time."""

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
from eliq_bench.eliq.generate.jobs import FOLDER, INDEX_FILE, Job, add, add_story, listed, repair, whole_lines
from eliq_bench.eliq.generate.locate import Located
from eliq_bench.io.workers import map_in_processes
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.types import Progress

LOOK = 1.0
"""Seconds between two looks at how far the processes are."""


def draw_shares(
    jobs: Sequence[Job],
    pipelines: Sequence[Located],
    out: Path,
    devices: Sequence[str],
    offload: bool,
    report: Progress,
) -> int:
    """Draw jobs on several devices; returns how many were drawn. The arguments are those of `run.draw_jobs`."""
    tasks = [
        (share, pipelines, out, device, offload)
        for share, device in zip(shares(jobs, len(devices)), devices, strict=True)
        if share
    ]
    with _watched(out, len(jobs), report):
        return sum(map_in_processes(draw_share, tasks, len(tasks)))


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


@contextmanager
def _watched(out: Path, total: int, report: Progress) -> Iterator[None]:
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


AGAIN = "the same command goes on from the images that are drawn"

"""Called with (pipeline, images done, images in all)."""


class Drawn(NamedTuple):
    """What a run has made."""

    made: int
    kept: int
    """Images that were there before."""
    refused: int
    """Images that a safety checker refused, and negatives of those."""
    seconds: float


def check_place(out: Path) -> None:
    """Create the folder and see that images can be written there, before a pipeline is fetched.

    Raises:
        InputError: it cannot be written, is a file, or holds something else.
    """
    check_writable(out)
    whole_lines(out)


def draw_jobs(
    jobs: Sequence[Job],
    pipelines: Sequence[Located],
    out: Path,
    devices: Sequence[str],
    offload: bool = False,
    report: Progress | None = None,
) -> Drawn:
    """Draw what is missing into `out/images` and list it in `out/index.csv`.

    Args:
        jobs: positives before their negatives.
        pipelines: all that the jobs name.
        out: folder, created if it is not there.
        devices: torch devices; several share the jobs, each in a process of its own.
        offload: see `drawer.Drawer`.
        report: told about the progress.

    Raises:
        InputError: the folder holds something else, or a pipeline cannot be loaded or called as wanted.
        EliqBenchError: a pipeline failed, or the disk is full; what is drawn is kept.
    """
    started = time.monotonic()
    report = report or (lambda *_: None)
    check_place(out)
    (out / FOLDER).mkdir(exist_ok=True)
    repair(out)
    known = listed(out)
    for job in jobs:
        if job.name not in known and (out / job.name).is_file():
            add(out, job)  # killed between the image and its row
    missing = [job for job in jobs if not (out / job.name).is_file()]
    if len(devices) == 1:
        made = draw_share(missing, pipelines, out, devices[0], offload, report)
    else:
        made = draw_shares(missing, pipelines, out, devices, offload, report)
    return Drawn(made, len(jobs) - len(missing), len(missing) - made, time.monotonic() - started)


def draw_share(
    jobs: Sequence[Job],
    pipelines: Sequence[Located],
    out: Path,
    device: str,
    offload: bool,
    report: Progress | None = None,
) -> int:
    """Draw jobs on one device, one pipeline in memory at a time; returns how many were drawn."""
    report = report or (lambda *_: None)
    named = {(one.name, one.revision): one for one in pipelines}
    made = 0
    for key, group in groupby(jobs, key=lambda job: (job.pipeline, job.revision, job.dtype)):
        made += _draw_with(named[key[:2]], list(group), out, device, offload, report)
    return made


def _draw_with(
    found: Located, jobs: Sequence[Job], out: Path, device: str, offload: bool, report: Progress
) -> int:
    """Draw the jobs of one pipeline; returns how many were drawn."""
    _reset_peak(device)
    started = time.monotonic()
    drawer = Drawer(found, device, jobs[0].dtype, offload)
    loaded = time.monotonic() - started
    took: list[float] = []
    try:
        for number, job in enumerate(jobs, start=1):
            before = time.monotonic()
            if _draw_one(drawer, job, out):
                took.append(time.monotonic() - before)
            report(found.name, number, len(jobs))
    finally:
        add_story(out, _figures(found, jobs[0].dtype, device, loaded, took))
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


def _figures(found: Located, dtype: str, device: str, loaded: float, took: list[float]) -> dict[str, Any]:
    import torch

    gpu = device.startswith("cuda")
    return {
        "pipeline": found.name,
        "revision": found.revision,
        "device": torch.cuda.get_device_name(device) if gpu else platform.processor() or "cpu",
        "dtype": dtype,
        "images": len(took),
        "load_seconds": round(loaded, 2),
        "seconds_per_image": round(sum(took) / len(took), 3) if took else None,
        "first_image_seconds": round(took[0], 3) if took else None,
        "peak_gpu_bytes": torch.cuda.max_memory_allocated(device) if gpu else None,
        "versions": {name: version(name) for name in ("diffusers", "transformers", "torch")},
    }
