"""Writing pairs out for other programs: a folder of images, WebDataset shards, or conversations.

The work is done in parts, by worker processes that hold one positive at a time, and a part that is
finished is not made again, so that an export can be killed and continued.
"""

import csv
import heapq
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade import RGB
from eliq_bench.eliq.pairs.conversations import conversations
from eliq_bench.eliq.pairs.manifest import Pair, Split, manifest_path, pixel_hash, read_pairs
from eliq_bench.eliq.pairs.verify import image_folder, negative_of
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.types import Progress

if TYPE_CHECKING:
    pass


PARTS = ".parts"
METADATA = "metadata.csv"
METADATA_COLUMNS = ("positive_file_name", "negative_file_name", "cell", *Pair._fields)
AGAIN = "the same command goes on from the finished parts"
PNG_LEVEL = 1
"""Effort of the lossless compression: the highest takes many times longer and saves little on photographs."""


class Coded(NamedTuple):
    """An image on its way into a file; it is encoded when asked for, since a file that exists needs no bytes."""

    name: str
    """The hash of the pixels, 32 digits of it, with the suffix of the format."""
    encode: Callable[[], bytes]

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.encode())


def write_part(root: Path, out: Path, name: str, pairs: list[Pair], selection: "Selection") -> int:
    """Write some pairs as one part, whole or not at all; runs in the workers; returns their number.

    Raises:
        EliqBenchError: an image cannot be read, has other pixels than recorded, or cannot be written.
    """
    if selection.form == "webdataset":
        start = int(name) * selection.shard_size
        coded = _coded(root, pairs, selection.jpeg)
        write_whole(shard_path(out, name), lambda target: _write_shard(target, start, coded), AGAIN)
        return len(pairs)
    lines: dict[str, list[bytes]] = {}
    for pair, positive, negative in _coded(root, pairs, selection.jpeg):
        files = {"positive": f"images/{positive.name}", "negative": f"images/{negative.name}"}
        for image in (positive, negative):
            path = out / "images" / image.name
            if not path.exists():
                write_whole(path, image.save, AGAIN)
        if selection.form == "folder":
            row = (files["positive"], files["negative"], pair.cell, *pair)
            lines.setdefault(METADATA, []).append(csv_line(row))
        else:
            lines.setdefault(f"{pair.split}.jsonl", []).extend(_json_lines(pair, files, selection.seed))
    _write_lines(out / PARTS / name, lines)
    return len(pairs)


def shard_path(out: Path, name: str) -> Path:
    """The file of a WebDataset shard."""
    return out / f"pairs-{name}.tar"


def csv_line(cells: Sequence[object]) -> bytes:
    """One line of a CSV file, ending included; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _coded(root: Path, pairs: list[Pair], jpeg: int | None) -> Iterator[tuple[Pair, Coded, Coded]]:
    """Each pair with its two images; a positive is decoded and encoded once for all its pairs."""
    name, coded = "", None
    positive: RGB = np.empty((0, 0, 3), np.uint8)
    for pair in pairs:
        try:
            if pair.positive != name or coded is None:
                name, positive = pair.positive, decode(root / pair.positive)
                _check(pair, pixel_hash(positive), pair.positive_pixels, "positive")
                coded = _code(positive, pair.positive_pixels, jpeg)
            if pair.negative_sha256 == pair.positive_pixels:
                yield pair, coded, coded
                continue
            negative = negative_of(pair, positive, root)
        except DecodeError as error:
            raise EliqBenchError(
                f"An image of pair {pair.pair_id} ({pair.negative_image or pair.positive}) cannot be exported: "
                f"{error}; bring it back, or build the pairs again."
            ) from error
        _check(pair, pixel_hash(negative), pair.negative_sha256, "negative")
        yield pair, coded, _code(negative, pair.negative_sha256, jpeg)


def _check(pair: Pair, found: str, recorded: str, side: str) -> None:
    if found != recorded:
        image = pair.negative_image if side == "negative" and pair.negative_image else pair.positive
        raise EliqBenchError(
            f"The {side} of pair {pair.pair_id} ({image}, {pair.mode}, severity {pair.severity}) has "
            "other pixels than its manifest records; `eliq-bench pairs verify` tells what has changed."
        )


def _code(image: RGB, digest: str, jpeg: int | None) -> Coded:
    @cache
    def encode() -> bytes:
        file = io.BytesIO()
        if jpeg is None:
            Image.fromarray(image).save(file, "PNG", compress_level=PNG_LEVEL)
        else:
            Image.fromarray(image).save(file, "JPEG", quality=jpeg, subsampling="4:4:4")
        return file.getvalue()

    return Coded(f"{digest[:32]}.{'png' if jpeg is None else 'jpg'}", encode)


def _json_lines(pair: Pair, files: dict[str, str], seed: int) -> Iterator[bytes]:
    for one in conversations(pair, seed):
        record = {
            "id": one.id,
            "kind": one.kind,
            "aspect": one.aspect,
            "images": [files[side] for side in one.images],
            "messages": one.messages(),
        }
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _write_lines(folder: Path, lines: dict[str, list[bytes]]) -> None:
    """Write the lines of each table into a folder that appears when all are there."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir()
        for name, own in lines.items():
            (temporary / name).write_bytes(b"".join(own))
        temporary.replace(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise EliqBenchError(f"{folder} cannot be written ({error}); {AGAIN}.") from error


def _write_shard(target: Path, start: int, coded: Iterator[tuple[Pair, Coded, Coded]]) -> None:
    """A tar file with three files per pair that share the name up to the first dot, as WebDataset asks."""
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as shard:
        for number, (pair, positive, negative) in enumerate(coded, start):
            record = {"cell": pair.cell, **pair._asdict()}
            suffix = Path(positive.name).suffix
            files = {
                f"{number:08d}.positive{suffix}": positive.encode(),
                f"{number:08d}.negative{suffix}": negative.encode(),
                f"{number:08d}.json": json.dumps(record, ensure_ascii=False).encode(),
            }
            for name, data in files.items():
                entry = tarfile.TarInfo(name)  # no owner and no date: equal exports are equal files
                entry.size = len(data)
                shard.addfile(entry, io.BytesIO(data))


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
    report: Progress | None = None,
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

    def tasks() -> Iterator[tuple[Path, Path, str, list[Pair], Selection]]:
        for name, batch in chosen.batches():
            names.append(name)
            shards = selection.form == "webdataset"
            if not (shard_path(out, name) if shards else out / PARTS / name).exists():
                yield root, out, name, batch, selection

    done = 0
    for count in map_in_processes(write_part, tasks(), workers):
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
