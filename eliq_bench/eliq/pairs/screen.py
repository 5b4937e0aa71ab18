"""Filters of positives that need no label: what one look at the pixels of a file tells."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageStat

from eliq_bench.eliq.pairs.manifest import pixel_hash
from eliq_bench.hashing import sha256_of
from eliq_bench.runner.decode import DecodeError, decode

SHORTEST_SIDE = 256
"""Pixels; our choice, the smallest size in which generated images are still published."""
FLAT = 2.0
"""Standard deviation of the grey levels below which an image shows nothing; our choice."""
NOISE = 0.15
"""Share of the deviation of grey levels that a grid of 16 x 16 means keeps: 1/16 or less in white noise, above
0.3 in pictures; our choice."""


class Look(NamedTuple):
    """What the builder must know of an image file; only `refused` is set where it is no positive."""

    refused: str = ""
    """The reason, empty if the image passes."""
    sha256: str = ""
    """Of the bytes of the file."""
    pixels: str = ""
    """See `manifest.pixel_hash`."""
    likeness: bytes = b""
    """128-bit perceptual hash: signs of the differences between the cells of an 8 x 8 grid."""
    long_side: int = 0
    """Pixels."""


def look_at(root: Path, names: list[str]) -> list[Look]:
    """A look at each of these files, in their order; runs in the workers of a build."""
    return [_look(root / name) for name in names]


def _look(path: Path) -> Look:
    try:
        image = decode(path)
    except DecodeError as error:
        missing = not path.is_file()
        return Look("file not found" if missing else f"cannot be decoded ({str(error).partition(':')[0]})")
    if min(image.shape[:2]) < SHORTEST_SIDE:
        return Look(f"short side below {SHORTEST_SIDE} pixels")
    grey = Image.fromarray(image).convert("L")
    spread = ImageStat.Stat(grey).stddev[0]
    if spread < FLAT:
        return Look("flat: nothing to see")
    if float(np.asarray(grey.resize((16, 16), Image.Resampling.BOX)).std()) < NOISE * spread:
        return Look("noise only")
    return Look("", sha256_of(path), pixel_hash(image), likeness(grey), max(image.shape[:2]))


def likeness(grey: Image.Image) -> bytes:
    """Perceptual hash of 16 bytes: of two images that look alike, few bits differ."""
    across = np.asarray(grey.resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    down = np.asarray(grey.resize((8, 9), Image.Resampling.BOX)).astype(np.int16)
    bits = np.concatenate([(np.diff(across, axis=1) > 0).ravel(), (np.diff(down, axis=0) > 0).ravel()])
    return np.packbits(bits).tobytes()
