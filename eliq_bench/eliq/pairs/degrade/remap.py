"""Moving pixels: bilinear sampling at displaced places, in integer arithmetic."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.pairs.degrade.mode import RGB

Places = NDArray[np.int32]
Words = NDArray[np.uint32]

BAND = 32
STEPS = 16
"""Displacements count sixteenths of a pixel, so that the four bilinear weights are exact 256ths."""


def sample(image: RGB, rows: Places, columns: Places) -> RGB:
    """The image at the places (rows, columns), both (h, w) or broadcastable, in sixteenths of a pixel.

    Places outside the image take the nearest border pixel.
    """
    height, width = image.shape[:2]
    words = np.frombuffer(Image.fromarray(image).tobytes("raw", "RGBX"), "<u4")
    rows, columns = np.broadcast_arrays(rows, columns)
    out = np.empty(rows.shape, "<u4")
    # Bands keep the temporaries in the processor's cache, which halves the time.
    for top in range(0, len(out), BAND):
        band = slice(top, top + BAND)
        out[band] = _sample_words(words, height, width, rows[band], columns[band])
    size = (out.shape[1], out.shape[0])
    return np.array(Image.frombytes("RGB", size, out.tobytes(), "raw", "RGBX"))


def _sample_words(words: Words, height: int, width: int, rows: Places, columns: Places) -> Words:
    """Sampled pixels (h, w) as words, from the pixels of a (height, width) image as words, row by row."""
    rows = np.clip(rows, 0, (height - 1) * STEPS)
    columns = np.clip(columns, 0, (width - 1) * STEPS)
    # Shifts and masks instead of // and %: numpy's are ten times slower on signed integers.
    top, left = rows >> 4, columns >> 4
    down, right = (rows & 15).astype(np.uint32), (columns & 15).astype(np.uint32)
    # The second neighbour has weight 0 wherever it would fall outside.
    bottom = np.minimum(top + 1, height - 1) * width
    top = top * width
    beside = np.minimum(left + 1, width - 1)

    both = down * right
    weights = (256 - STEPS * (down + right) + both, STEPS * right - both, STEPS * down - both, both)
    places = (top + left, top + beside, bottom + left, bottom + beside)
    # Red and blue share one word, 16 bits apart: two channels for one multiplication. 0x80 is for rounding.
    red_blue = np.full(rows.shape, 0x800080, np.uint32)
    green = np.full(rows.shape, 0x80, np.uint32)
    for place, weight in zip(places, weights, strict=True):
        word = np.take(words, place)
        red_blue += (word & 0xFF00FF) * weight
        green += (word >> 8 & 0xFF) * weight
    return (red_blue >> 8 & 0xFF00FF) | (green & 0xFF00)


def displace(image: RGB, down: Places, right: Places) -> RGB:
    """The image with each pixel fetched from `down`, `right` (H, W) sixteenths of a pixel away."""
    height, width = image.shape[:2]
    rows = np.arange(0, height * STEPS, STEPS, dtype=np.int32)[:, None] + down
    columns = np.arange(0, width * STEPS, STEPS, dtype=np.int32)[None, :] + right
    return sample(image, rows, columns)
