"""One part of an export, written by a worker: image files with their table lines, or a shard."""

import csv
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from eliq_bench.eliq.pairs.conversations import conversations
from eliq_bench.eliq.pairs.degrade import RGB
from eliq_bench.eliq.pairs.manifest import Pair, pixel_hash
from eliq_bench.eliq.pairs.negatives import negative_of
from eliq_bench.errors import EliqBenchError
from eliq_bench.report.folder import write_whole
from eliq_bench.runner.decode import DecodeError, decode

if TYPE_CHECKING:
    from eliq_bench.eliq.pairs.export import Selection

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
