"""Mutated images of every format that Pillow writes, among sound ones, scored in folders of 200."""

import csv
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fuzz.mutations import BINARY, mutated
from fuzz.watch import complaint, watch

BATCH = 200
SOUND = 10
"""Neighbours in each folder."""
SECONDS = 20 + 0.1 * BATCH
MODELS = "sharpness,contrast"
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}, {"compression": "tiff_adobe_deflate"}],
    "WEBP": [{}, {"lossless": True}],
    "AVIF": [{"speed": 10}],
    "PNG": [{}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"}],
    "JPEG": [{}, {"progressive": True}],
}
SUFFIX = {"AVIF": "avif", "BMP": "bmp", "GIF": "gif", "JPEG": "jpg", "JPEG2000": "jp2", "PPM": "ppm", "TIFF": "tif"}


def sound_files() -> list[tuple[str, bytes]]:
    """(suffix, bytes) of small images in all formats and modes that Pillow writes and reads, animated ones too."""
    Image.init()
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))
    deep = Image.fromarray(rng.integers(0, 65536, (40, 48), dtype=np.uint16))
    pictures = [colour, *(colour.convert(mode) for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "F", "I")), deep]
    files = []
    for kind in sorted(set(Image.SAVE) & (set(Image.OPEN) | {"MPO"})):
        for picture in pictures:
            for options in [*OPTIONS.get(kind, [{}]), {"save_all": True, "append_images": [picture.rotate(90)]}]:
                content = _written(picture, kind, options)
                if content:
                    files.append((SUFFIX.get(kind, "png"), content))
    return files


def _written(picture: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that Pillow gives up
            picture.save(stream, kind, **options)
    except (OSError, ValueError, KeyError, TypeError):  # the format does not know this mode
        return b""
    return stream.getvalue()


def fuzz_images(count: int, seed: int, place: Path) -> Iterator[str]:
    """Complaints about `count` mutated images; an empty one for each folder without."""
    files = sound_files()
    expected = _expected(place / "sound")
    for batch in range(-(-count // BATCH)):
        rng = np.random.default_rng((seed, batch))
        here = place / f"images-{batch}"
        folder = here / "mutated"
        folder.mkdir(parents=True)
        _sound(folder)
        kind = rng.choice(list(SUFFIX.values())) if batch % 2 else ""  # many of one kind fail one after the other
        chosen = [file for file in files if file[0] == kind] or files
        for number in range(min(BATCH, count - batch * BATCH)):
            suffix, content = chosen[rng.integers(len(chosen))]
            damaged = _with_checksum(mutated(content, rng, BINARY))
            (folder / f"{number:03d}.{suffix}").write_bytes(damaged)
        yield _scored(here, expected)


def _with_checksum(content: bytes) -> bytes:
    """The same with the right checksum of the header if it is a PNG: without it nothing behind it would be read."""
    if not content.startswith(b"\x89PNG") or len(content) < 33:
        return content
    return content[:29] + zlib.crc32(content[12:29]).to_bytes(4, "big") + content[33:]


def _sound(folder: Path) -> None:
    for number in range(SOUND):
        pixels = np.random.default_rng(number).integers(0, 25 * number + 6, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{20 * number:03d}-sound.png")


def _expected(here: Path) -> dict[str, dict[str, str]]:
    (here / "mutated").mkdir(parents=True)
    _sound(here / "mutated")
    watched = watch(["score", here / "mutated", "--models", MODELS, "--out", here / "out.csv"], here, 60)
    assert watched.code == 0, watched.errors
    return _rows(here / "out.csv")


def _scored(here: Path, expected: dict[str, dict[str, str]]) -> str:
    folder = here / "mutated"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    words = ["score", folder, "--models", MODELS, "--workers", 2, "--out", here / "out.csv"]
    watched = watch(words, here, SECONDS)
    found = complaint(watched, (0, 1))
    if found:
        return f"{here}: {found}"
    rows = _rows(here / "out.csv")
    if rows.keys() != before.keys():
        return f"{here}: lost {sorted(before.keys() - rows.keys())[:3]}"
    silent = [name for name, row in rows.items() if not (row["sharpness.quality"] or row["problem"])]
    silent += [row["problem"] for row in rows.values() if re.match(r"\w+Error\b", row["problem"])]
    wrong = [name for name, row in expected.items() if rows[name] != row]
    left = {path.name for path in here.iterdir()} - {"mutated", "out.csv", "cache", "tmp"}
    left |= {path.name for path in (here / "tmp").iterdir()}
    changed = before != {path.name: path.read_bytes() for path in folder.iterdir()}
    if silent or wrong or left or changed:
        return f"{here}: silent {silent[:3]}, neighbours {wrong[:3]}, files {sorted(left)[:3]}, changed {changed}"
    return ""


def _rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["image"]: row for row in csv.DictReader(stream)}
