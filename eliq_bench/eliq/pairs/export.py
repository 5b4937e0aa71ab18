"""Writing pairs out for other programs: a folder of images, WebDataset shards, or conversations.

The work is done in parts, by worker processes that hold one positive at a time, and a part that is
finished is not made again, so that an export can be killed and continued.
"""

import heapq
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from eliq_bench.eliq.pairs.crew import run_crew
from eliq_bench.eliq.pairs.export_parts import AGAIN, METADATA_COLUMNS, PARTS, csv_line, shard_path
from eliq_bench.eliq.pairs.manifest import Pair, Split, manifest_path, read_pairs
from eliq_bench.eliq.pairs.verify import image_folder
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError
from eliq_bench.hashing import sha256_of
from eliq_bench.report.folder import check_writable, write_whole

Format = Literal["folder", "webdataset", "conversations"]

RECORD = "export.json"
"""In the target folder: what was exported; the export goes on if it is asked for the same again."""
PART = 200
"""Pairs per part of a folder or of conversations, at least; pairs of one positive stay together."""


class Selection(NamedTuple):
    """Which pairs, and in what form."""

    form: Format
    split: Split | None = None
    cell: str = ""
    """Only cells that contain this text."""
    limit: int | None = None
    """About how many pairs, drawn by the seed from all that qualify."""
    jpeg: int | None = None
    """Quality of JPEG files; None writes PNG, whose pixels are exactly those of the manifest."""
    shard_size: int = 1000
    """Pairs per WebDataset shard."""
    seed: int = 0
    """Of the draw and of the wordings of conversations."""


class Exported(NamedTuple):
    """What an export has written."""

    pairs: int
    files: tuple[Path, ...]
    """The tables or shards."""


def export_pairs(
    pairs: Path,
    out: Path,
    selection: Selection,
    images: Path | None = None,
    workers: int | None = None,
    report: Callable[[str, int, int], None] | None = None,
) -> Exported:
    """Write pairs into a folder; negatives are computed and their pixels held against the manifest.

    `folder` writes `images/` and `metadata.csv`; `conversations` writes `images/` and one JSON Lines file
    per side of the split; `webdataset` writes shards `pairs-000000.tar`. Images are named after the hash of
    their pixels, so that each is written once.

    Args:
        pairs: a manifest or its folder.
        out: a new folder, or that of the same export, interrupted.
        selection: which pairs, and in what form.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        workers: number of processes; None takes one per core.
        report: told about the progress, in pairs.

    Raises:
        InputError: no manifest, no such pair, or `out` holds something else or cannot be written.
        EliqBenchError: an image cannot be read, a negative comes out with other pixels than recorded, or
            the disk is full.
    """
    path = manifest_path(pairs)
    root = images or image_folder(path)
    chosen = _Chosen(path, selection)
    total = chosen.count()
    _open_folder(out, path, selection)
    names: list[str] = []

    def tasks() -> Iterator[tuple[object, ...]]:
        for name, batch in chosen.batches():
            names.append(name)
            shards = selection.form == "webdataset"
            if not (shard_path(out, name) if shards else out / PARTS / name).exists():
                yield root, out, name, batch, selection

    done = 0
    for _, count in run_crew(
        "eliq_bench.eliq.pairs.export_parts:write_part", tasks(), workers or os.cpu_count() or 1
    ):
        done += count
        if report:
            report("exporting", done, total)
    files = _finish(out, names, selection.form)
    return Exported(total, files)


class _Chosen:
    """The pairs of a selection, streamed in the order of the manifest."""

    def __init__(self, path: Path, selection: Selection) -> None:
        self.path = path
        self.selection = selection
        self.highest: int | None = None
        if selection.limit is not None:
            ranks = heapq.nsmallest(selection.limit, (self._rank(pair) for pair in self))
            self.highest = ranks[-1] if ranks else None

    def __iter__(self) -> Iterator[Pair]:
        for pair in read_pairs(self.path):
            if (
                self.selection.cell in pair.cell
                and self.selection.split in (None, pair.split)
                and (self.highest is None or self._rank(pair) <= self.highest)
            ):
                yield pair

    def _rank(self, pair: Pair) -> int:
        return seeded_number(self.selection.seed, "export", pair.pair_id)

    def count(self) -> int:
        count = sum(1 for _ in self)
        if not count:
            wanted = f"cell {self.selection.cell or 'any'!r} and split {self.selection.split or 'any'!r}"
            raise InputError(f"{self.path} has no pair of {wanted}; see `eliq-bench pairs stats`.")
        return count

    def batches(self) -> Iterator[tuple[str, list[Pair]]]:
        """Name of each part and its pairs."""
        shards = self.selection.form == "webdataset"
        size = self.selection.shard_size if shards else PART
        batch: list[Pair] = []
        made = 0
        for pair in self:
            if len(batch) >= size and (shards or pair.positive != batch[-1].positive):
                yield f"{made:06d}", batch
                made, batch = made + 1, []
            batch.append(pair)
        yield f"{made:06d}", batch


def _open_folder(out: Path, manifest: Path, selection: Selection) -> None:
    """Create the folder, or see that it holds the same export."""
    check_writable(out)
    wanted = {"manifest_sha256": sha256_of(manifest), **selection._asdict()}
    record = out / RECORD
    if record.is_file():
        if json.loads(record.read_text(encoding="utf-8")) != wanted:
            raise InputError(f"{out} holds another export, see {RECORD} in it; choose another --out.")
    elif any(out.iterdir()):
        raise InputError(f"{out} holds other files; choose a new folder as --out.")
    text = json.dumps(wanted, indent=1) + "\n"
    write_whole(record, lambda target: target.write_text(text, encoding="utf-8"), "choose another --out")
    if selection.form != "webdataset":
        (out / PARTS).mkdir(exist_ok=True)
        (out / "images").mkdir(exist_ok=True)


def _finish(out: Path, names: list[str], form: Format) -> tuple[Path, ...]:
    """Join the lines of the parts into tables; shards are whole already."""
    if form == "webdataset":
        return tuple(shard_path(out, name) for name in names)
    tables = sorted({path.name for name in names for path in (out / PARTS / name).iterdir()})
    for table in tables:

        def join(target: Path, table: str = table) -> None:
            with target.open("wb") as joined:
                if form == "folder":
                    joined.write(csv_line(METADATA_COLUMNS))
                for name in names:
                    part = out / PARTS / name / table
                    if part.exists():
                        joined.write(part.read_bytes())

        write_whole(out / table, join, AGAIN)
    shutil.rmtree(out / PARTS)
    for left in (out / "images").glob(".*"):  # of workers that were killed
        left.unlink(missing_ok=True)
    return tuple(out / table for table in tables)
