"""Recipes of drawn images and their index, `index.csv`: a row is added for each image, so that no kill loses one."""

import csv
import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.tables import read_table

FOLDER = "images"


class Job(NamedTuple):
    """The recipe of an image; equal recipes have equal names."""

    prompt: str
    """The prompt that the image is meant to show."""
    drawn_from: str
    """What the pipeline draws from: the prompt, a changed prompt, or an instruction to an editor."""
    pipeline: str
    revision: str
    seed: int
    steps: int
    guidance: float | None
    size: tuple[int, int] | None
    """(width, height) asked for; None takes that of the pipeline."""
    dtype: str
    scale: float = 1.0
    """For a negative: drawn at this fraction of the width and height of its positive."""
    latent_noise: float = 0.0
    """For a negative: standard deviation of noise added to the latents late on, as a fraction of their own."""
    negative_of: str = ""
    """Name of the positive; a negative is resized to its size."""
    mode: str = ""
    severity: int = 0
    edits: bool = False
    """Whether the pipeline edits the positive."""

    @property
    def name(self) -> str:
        """Path of the image in the folder of output, with a digest of the recipe."""
        text = json.dumps(self._asdict(), sort_keys=True)
        return f"{FOLDER}/{hashlib.sha256(text.encode()).hexdigest()[:24]}.png"


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


def check_folder(out: Path) -> None:
    """Check that images can be drawn into a folder that need not exist, before a pipeline is fetched.

    Raises:
        InputError: it cannot be written, is a file, or holds something else.
    """
    if out.is_file():
        raise InputError(f"--out {out} is a file; drawn images need a folder.")
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        raise InputError(f"Images cannot be written to {out}, since {existing} allows none; choose another --out.")
    whole_lines(out)


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
    # A row is one line, so that a cut last line cannot be mistaken for a line within a text.
    return tuple(re.sub(r"[\r\n]", " ", cells[name]) for name in COLUMNS)


def _line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8")


RUN_LOG_FILE = "generate.jsonl"
"""Beside the index: versions, device, time and memory. It differs between machines."""


def append_to_run_log(out: Path, entry: dict[str, Any]) -> None:
    """Add a line in one write, so that lines of several processes do not mix; the images do not depend on it."""
    with (out / RUN_LOG_FILE).open("ab") as file:
        file.write(json.dumps(entry).encode() + b"\n")
