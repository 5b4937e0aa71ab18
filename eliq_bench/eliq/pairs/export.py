"""Writing pairs out for other programs: a folder of images, WebDataset shards, or conversations.

The export is made of parts that worker processes write, and a finished part is not made again, so that an
interrupted export can be continued.
"""

import heapq
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.export_worker import (
    METADATA_COLUMNS,
    PARTS,
    Format,
    Selection,
    csv_line,
    part_path,
    write_part,
)
from eliq_bench.eliq.pairs.manifest import AGAIN, Pair, manifest_path, read_pairs
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.workers import map_in_processes
from eliq_bench.io.write import check_writable, sweep, write_whole
from eliq_bench.types import Progress

RECORD = "export.json"
"""In the target folder: what was exported; the export goes on if the same is asked for again."""
PART = 200
"""Pairs per part of a folder or of conversations, at least; pairs of one positive stay together."""


class Exported(NamedTuple):
    """The result of an export."""

    pairs: int
    files: tuple[Path, ...]
    """The tables or shards."""


def export_pairs(
    pairs: Path,
    out: Path,
    selection: Selection,
    images: Path | None = None,
    workers: int | None = None,
    report: Progress | None = None,
) -> Exported:
    """Write pairs into a folder; negatives are computed, and their pixels compared with the manifest.

    `folder` writes `images/` and `metadata.csv`; `conversations` writes `images/` and one JSON Lines file
    per side of the split; `webdataset` writes shards `pairs-000000.tar`. Images are named after the hash of
    their pixels, so that each is written once.

    Args:
        pairs: a manifest or its folder.
        out: a new folder, or that of the same export, interrupted.
        selection: which pairs, and in what form.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        workers: number of processes; None takes one per core.
        report: receives the progress, in pairs.

    Raises:
        InputError: no manifest, no such pair, or `out` holds something else or cannot be written.
        EliqBenchError: an image cannot be read, a negative comes out with other pixels than recorded, or
            the disk is full.
    """
    manifest = manifest_path(pairs)
    root = images or image_folder(manifest)
    selected = _SelectedPairs(manifest, selection)
    total = selected.count()
    _open_folder(out, manifest, selection)
    names: list[str] = []

    def tasks() -> Iterator[tuple[Path, Path, str, list[Pair], Selection]]:
        for name, batch in selected.batches():
            names.append(name)
            if not part_path(out, name, selection.form).exists():
                yield root, out, name, batch, selection

    done = 0
    for count in map_in_processes(write_part, tasks(), workers):
        done += count
        if report:
            report("exporting", done, total)
    return Exported(total, _finish(out, names, selection.form))


class _SelectedPairs:
    """The pairs of a selection, streamed in the order of the manifest."""

    def __init__(self, manifest: Path, selection: Selection) -> None:
        self.manifest = manifest
        self.selection = selection
        self.highest: int | None = None
        if selection.limit is not None:
            ranks = heapq.nsmallest(selection.limit, (self._rank(pair) for pair in self))
            self.highest = ranks[-1] if ranks else None

    def __iter__(self) -> Iterator[Pair]:
        for pair in read_pairs(self.manifest):
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
            raise InputError(f"{self.manifest} has no pair of {wanted}; see `eliq-bench pairs stats`.")
        return count

    def batches(self) -> Iterator[tuple[str, list[Pair]]]:
        """Name of each part and its pairs."""
        shards = self.selection.form == "webdataset"
        size = self.selection.shard_size if shards else PART
        batch: list[Pair] = []
        number = 0
        for pair in self:
            if len(batch) >= size and (shards or pair.positive != batch[-1].positive):
                yield f"{number:06d}", batch
                number, batch = number + 1, []
            batch.append(pair)
        yield f"{number:06d}", batch


def _open_folder(out: Path, manifest: Path, selection: Selection) -> None:
    """Create the folder, or check that it holds the same export."""
    check_writable(out, "export.json")
    wanted = {"manifest_sha256": sha256_of(manifest), **selection._asdict()}
    record = out / RECORD
    if record.is_file():
        if json.loads(record.read_text(encoding="utf-8")) != wanted:
            raise InputError(f"{out} holds another export, see {RECORD} in it; choose another --out.")
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} holds other files; choose a new folder as --out.")
    text = json.dumps(wanted, indent=1) + "\n"
    write_whole(record, lambda target: target.write_text(text, encoding="utf-8"), "choose another --out")
    if selection.form != "webdataset":
        (out / PARTS).mkdir(parents=True, exist_ok=True)
        (out / "images").mkdir(exist_ok=True)


def _finish(out: Path, names: list[str], form: Format) -> tuple[Path, ...]:
    """Join the lines of the parts into tables; shards are complete already."""
    parts = [part_path(out, name, form) for name in names]
    if form == "webdataset":
        return tuple(parts)
    tables = sorted({path.name for part in parts for path in part.iterdir()})
    header = csv_line(METADATA_COLUMNS) if form == "folder" else b""
    for table in tables:
        _join([part / table for part in parts], header, out / table)
    shutil.rmtree(out / PARTS)
    sweep(out / "images")  # what workers left that were killed
    return tuple(out / table for table in tables)


def _join(parts: list[Path], header: bytes, table: Path) -> None:
    """Write a header and the lines of those parts that have any."""

    def join(target: Path) -> None:
        with target.open("wb") as joined:
            joined.write(header)
            for part in parts:
                if part.exists():
                    joined.write(part.read_bytes())

    write_whole(table, join, AGAIN)
