"""One part of an export, written by a worker process that holds one positive at a time."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade import RGB
from eliq_bench.eliq.pairs.conversations import Side, conversations
from eliq_bench.eliq.pairs.manifest import AGAIN, Pair, Split, pixel_hash, render_negative
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.write import write_folder, write_whole

Format = Literal["folder", "webdataset", "conversations"]

PARTS = ".parts"
METADATA = "metadata.csv"
METADATA_COLUMNS = ("positive_file_name", "negative_file_name", "cell", *Pair._fields)
PNG_LEVEL = 1
"""Effort of the lossless compression: the highest takes many times longer and saves little on photographs."""


class Selection(NamedTuple):
    """Which pairs to export, and in what form."""

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
    """Decides on the drawn pairs and on the wordings of conversations."""


class EncodedImage(NamedTuple):
    """An image and how to encode it; it is encoded only when needed, since an existing file is not written again."""

    name: str
    """First 32 digits of the hash of the pixels, with the suffix of the format."""
    encode: Callable[[], bytes]

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.encode())


class EncodedPair(NamedTuple):
    """A pair with its images; with another caption both are the same image."""

    pair: Pair
    positive: EncodedImage
    negative: EncodedImage


def part_path(out: Path, name: str, form: Format) -> Path:
    """A shard, or the folder of a part's lines."""
    return out / f"pairs-{name}.tar" if form == "webdataset" else out / PARTS / name


def csv_line(cells: Sequence[object]) -> bytes:
    """One line of a CSV file, ending included; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def write_part(root: Path, out: Path, name: str, pairs: list[Pair], selection: Selection) -> int:
    """Write some pairs as one part, whole or not at all; returns their number.

    Raises:
        EliqBenchError: an image cannot be read, has other pixels than recorded, or cannot be written.
    """
    path = part_path(out, name, selection.form)
    encoded = _encoded_pairs(root, pairs, selection.jpeg)
    if selection.form == "webdataset":
        start = int(name) * selection.shard_size
        write_whole(path, lambda target: _write_shard(target, start, encoded), AGAIN)
        return len(pairs)
    lines: dict[str, list[bytes]] = {}
    for one in encoded:
        for image in (one.positive, one.negative):
            target = out / "images" / image.name
            if not target.exists():
                write_whole(target, image.save, AGAIN)
        for table, line in _lines(one, selection):
            lines.setdefault(table, []).append(line)
    _write_lines(path, lines)
    return len(pairs)


def _lines(encoded: EncodedPair, selection: Selection) -> Iterator[tuple[str, bytes]]:
    """File names of tables with the lines of a pair."""
    pair = encoded.pair
    files: dict[Side, str] = {
        "positive": f"images/{encoded.positive.name}",
        "negative": f"images/{encoded.negative.name}",
    }
    if selection.form == "folder":
        yield METADATA, csv_line((files["positive"], files["negative"], pair.cell, *pair))
        return
    for conversation in conversations(pair, selection.seed):
        record = {
            "id": conversation.id,
            "kind": conversation.kind,
            "aspect": conversation.aspect,
            "images": [files[side] for side in conversation.images],
            "messages": conversation.messages(),
        }
        yield f"{pair.split}.jsonl", json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _encoded_pairs(root: Path, pairs: list[Pair], jpeg: int | None) -> Iterator[EncodedPair]:
    """Each pair with its two images; a positive is decoded and encoded once for all its pairs."""
    name, encoded = "", None
    positive: RGB = np.empty((0, 0, 3), np.uint8)
    for pair in pairs:
        try:
            if pair.positive != name or encoded is None:
                name, positive = pair.positive, decode(root / pair.positive)
                _check_pixels(pair, "positive", positive)
                encoded = _encoded(positive, pair.positive_pixels, jpeg)
            if pair.negative_sha256 == pair.positive_pixels:
                yield EncodedPair(pair, encoded, encoded)
                continue
            negative = render_negative(pair, positive, root)
        except DecodeError as error:
            raise EliqBenchError(
                f"An image of pair {pair.pair_id} ({pair.negative_image or pair.positive}) cannot be exported: "
                f"{error}; bring it back, or build the pairs again."
            ) from error
        _check_pixels(pair, "negative", negative)
        yield EncodedPair(pair, encoded, _encoded(negative, pair.negative_sha256, jpeg))


def _check_pixels(pair: Pair, side: Side, pixels: RGB) -> None:
    recorded = pair.positive_pixels if side == "positive" else pair.negative_sha256
    if pixel_hash(pixels) != recorded:
        image = pair.negative_image if side == "negative" and pair.negative_image else pair.positive
        raise EliqBenchError(
            f"The {side} of pair {pair.pair_id} ({image}, {pair.mode}, severity {pair.severity}) has "
            "other pixels than its manifest records; `eliq-bench pairs verify` shows what has changed."
        )


def _encoded(image: RGB, digest: str, jpeg: int | None) -> EncodedImage:
    @cache
    def encode() -> bytes:
        file = io.BytesIO()
        if jpeg is None:
            Image.fromarray(image).save(file, "PNG", compress_level=PNG_LEVEL)
        else:
            Image.fromarray(image).save(file, "JPEG", quality=jpeg, subsampling="4:4:4")
        return file.getvalue()

    return EncodedImage(f"{digest[:32]}.{'png' if jpeg is None else 'jpg'}", encode)


def _write_lines(folder: Path, lines: dict[str, list[bytes]]) -> None:
    """Write the lines of each table into a folder that appears once they are complete."""

    def write(temporary: Path) -> None:
        for name, own in lines.items():
            (temporary / name).write_bytes(b"".join(own))

    write_folder(folder, write, AGAIN)


def _write_shard(target: Path, start: int, encoded: Iterator[EncodedPair]) -> None:
    """A tar file with three files per pair that share the name up to the first dot, as WebDataset asks."""
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as shard:
        for number, (pair, positive, negative) in enumerate(encoded, start):
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
