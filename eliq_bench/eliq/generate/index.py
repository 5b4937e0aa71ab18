"""The index of drawn images, `index.csv`: a row is added for each image, so that a killed run loses none."""

import csv
import io
import os
import re
from pathlib import Path

from eliq_bench.datasets.tables import read_table
from eliq_bench.eliq.generate.job import Job
from eliq_bench.errors import EliqBenchError, InputError

INDEX_FILE = "index.csv"
SOURCE = "eliq-bench pairs generate"
COLUMNS = (
    "name",
    "prompt",
    "generator",
    "source",
    "seed",
    "steps",
    "guidance",
    "pipeline",
    "revision",
    "dtype",
    "negative_of",
    "mode",
    "severity",
    "drawn_from",
)


def whole_lines(folder: Path) -> bytes:
    """The index without a last line that a kill has cut short; empty if there is none. Nothing is written.

    Raises:
        InputError: the folder has an index that is not of images drawn here.
    """
    path = folder / INDEX_FILE
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    head = _line(COLUMNS)
    if not whole and not head.startswith(content):
        raise InputError(f"{path} is not an index of drawn images; choose another --out.")
    if whole and not whole.startswith(head):
        raise InputError(f"{path} has other columns than an index of drawn images; choose another --out.")
    return whole


def repair(folder: Path) -> None:
    """Create the index, or drop a last line that a kill has cut short.

    Raises:
        InputError: the folder has an index that is not of images drawn here.
    """
    path = folder / INDEX_FILE
    whole = whole_lines(folder)
    if not whole:
        path.write_bytes(_line(COLUMNS))
    elif len(whole) < path.stat().st_size:
        os.truncate(path, len(whole))


def listed(folder: Path) -> frozenset[str]:
    """Names of the images in the index."""
    return frozenset(read_table(folder / INDEX_FILE).column("name"))


def add(folder: Path, job: Job) -> None:
    """Add the row of an image, on the disk when this returns.

    Raises:
        EliqBenchError: it cannot be written.
    """
    path = folder / INDEX_FILE
    try:
        with path.open("ab") as file:
            file.write(_line(_cells(job)))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise EliqBenchError(
            f"{path} cannot be written ({error}); the same command goes on from the images that are drawn."
        ) from error


def _cells(job: Job) -> tuple[str, ...]:
    cells = {
        **{name: "" if value is None else str(value) for name, value in job._asdict().items()},
        "name": job.name,
        "generator": job.pipeline,
        "source": SOURCE,
        "severity": str(job.severity or ""),
    }
    # A row is a line: a cut last line could not be told from a line within a text.
    return tuple(re.sub(r"[\r\n]", " ", cells[name]) for name in COLUMNS)


def _line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8")
