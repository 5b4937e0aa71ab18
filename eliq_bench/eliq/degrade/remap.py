"""Moving pixels: bilinear sampling at displaced places, in integer arithmetic."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB
from eliq_bench.eliq.degrade.pixels import picture

Places = NDArray[np.int32]
Words = NDArray[np.uint32]

RED_BLUE, GREEN, EIGHT = np.uint32(0xFF00FF), np.uint32(0xFF00), np.uint32(8)

BAND = 32768
"""Pixels computed at once: few enough for their temporaries to stay in the processor's cache."""

STEPS = 16
"""Displacements count sixteenths of a pixel, so that the four bilinear weights are exact 256ths."""


def sample(image: RGB, rows: Places, columns: Places) -> RGB:
    """The image at the places (rows, columns), both (h, w) or broadcastable, in sixteenths of a pixel.

    Places outside the image take the nearest border pixel.
    """
    height, width = image.shape[:2]
    words = np.frombuffer(picture(image).tobytes("raw", "RGBX"), "<u4")
    out_height, out_width = np.broadcast_shapes(rows.shape, columns.shape)
    rows = np.broadcast_to(rows, (out_height, out_width))
    columns = np.broadcast_to(columns, (out_height, out_width))
    out = np.empty((out_height, out_width), "<u4")
    band_height = max(1, BAND // out_width)
    for top in range(0, out_height, band_height):
        band = slice(top, top + band_height)
        out[band] = _sample_words(words, height, width, rows[band], columns[band])
    packed = Image.frombuffer("RGBX", (out_width, out_height), out, "raw", "RGBX", 0, 1).tobytes("raw", "RGB")
    return np.frombuffer(packed, np.uint8).reshape(out_height, out_width, 3).copy()


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
    # Red and blue share one word, 16 bits apart: two channels for one multiplication. The 8s are for rounding.
    red_blue = np.full(rows.shape, 0x800080, np.uint32)
    green = np.full(rows.shape, 0x8000, np.uint32)
    for place, weight in zip(places, weights, strict=True):
        word = np.take(words, place)
        red_blue += (word & RED_BLUE) * weight
        word &= GREEN
        word *= weight
        green += word
    return (red_blue >> EIGHT & RED_BLUE) | (green >> EIGHT & GREEN)


def sixteenths(pixels: NDArray[np.float64]) -> Places:
    """Lengths in pixels as whole sixteenths."""
    rounded: Places = np.rint(pixels * STEPS).astype(np.int32)
    return rounded


def displace(image: RGB, down: Places, right: Places) -> RGB:
    """The image with each pixel fetched from `down`, `right` (H, W) sixteenths of a pixel away."""
    height, width = image.shape[:2]
    rows = np.arange(0, height * STEPS, STEPS, dtype=np.int32)[:, None] + down
    columns = np.arange(0, width * STEPS, STEPS, dtype=np.int32)[None, :] + right
    return sample(image, rows, columns)
