"""Arithmetic on pixels that all modes share, and bilinear sampling at displaced places.

Integers wherever possible, so that results do not depend on the processor.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RGB = NDArray[np.uint8]
"""An image (H, W, 3), values 0..255, channels red, green, blue."""
Bytes = NDArray[np.uint8]
Shorts = NDArray[np.int16]
Places = NDArray[np.int32]
Words = NDArray[np.uint32]
Answer = TypeVar("Answer")

REFERENCE_SIDE = 512
"""Lengths on the cards are pixels of a 512 x 512 image, the commonest size of generated images; our choice."""

RED_BLUE, GREEN, EIGHT = np.uint32(0xFF00FF), np.uint32(0xFF00), np.uint32(8)

BAND = 32768
"""Pixels computed at once: few enough for their temporaries to stay in the processor's cache."""

STEPS = 16
"""Displacements count sixteenths of a pixel, so that the four bilinear weights are exact 256ths."""


def once_per_image(function: Callable[[RGB], Answer]) -> Callable[[RGB], Answer]:
    """Cache of one entry: the function keeps its result until it is called with another image.

    Only results of decoded images are kept, whose pixels nobody can change. The result is shared, so it is for reading
    only.
    """
    last: tuple[RGB, Answer] | None = None

    @wraps(function)
    def cached(image: RGB) -> Answer:
        nonlocal last
        if not _is_fixed(image):
            return function(image)
        kept = last
        if kept is None or kept[0] is not image:
            last = kept = (image, function(image))
        return kept[1]

    return cached


def _is_fixed(image: RGB) -> bool:
    """Whether the pixels lie in `bytes`, as Pillow hands them out, or in an array that was closed for writing."""
    base = image.base
    return isinstance(base, bytes) or (isinstance(base, np.ndarray) and not base.flags.writeable)


def scale(image: RGB) -> float:
    """Factor from lengths on a card to pixels of this image: the root of its area over 512."""
    return math.sqrt(image.shape[0] * image.shape[1]) / REFERENCE_SIDE


@once_per_image
def picture(image: RGB) -> Image.Image:
    """The array as a Pillow image; for reading only."""
    return Image.fromarray(image)


def array(image: Image.Image) -> RGB:
    """The Pillow image as a fresh writable array."""
    return np.array(image)


@once_per_image
def luma(image: RGB) -> Bytes:
    """Brightness (H, W), 0..255, with the weights of ITU-R BT.601; for reading only."""
    return np.asarray(picture(image).convert("L"))


def add(image: RGB, change: Shorts) -> RGB:
    """Image plus a change (H, W, 3), or (H, W) for all channels, clipped to 0..255."""
    total = image.astype(np.int16)
    if change.ndim == 3:
        total += change
    else:
        for channel in range(3):  # numpy is slow where its innermost loop has three values
            total[..., channel] += change
    return np.clip(total, 0, 255, out=total).astype(np.uint8)


def curve(image: RGB, values: NDArray[np.float64]) -> RGB:
    """Image with each value v replaced by values[v] (256,), or by values[c, v] (3, 256), rounded and clipped."""
    table = np.clip(np.rint(values), 0, 255).astype(int)
    table = np.broadcast_to(table, (3, 256))
    return array(picture(image).point(table.ravel().tolist()))


def saturate(image: RGB, factor: float) -> RGB:
    """Image with its distance from grey of equal luma multiplied by `factor`."""
    red, green, blue = (weight * (1 - factor) for weight in (0.299, 0.587, 0.114))
    rows = (red + factor, green, blue, 0.0, red, green + factor, blue, 0.0, red, green, blue + factor, 0.0)
    return array(picture(image).convert("RGB", rows))


def blend(image: RGB, other: RGB, mask: Bytes) -> RGB:
    """`other` where the mask (H, W) is 255, `image` where it is 0, mixed in between."""
    return array(Image.composite(picture(other), picture(image), Image.fromarray(mask)))


def low_pass(image: RGB, period: float) -> RGB:
    """Image without structure finer than about `period` pixels."""
    height, width = image.shape[:2]
    small = (max(1, round(width / period)), max(1, round(height / period)))
    shrunk = picture(image).resize(small, Image.Resampling.BOX)
    return array(shrunk.resize((width, height), Image.Resampling.BICUBIC))


@cache
def _normal_quantiles() -> NDArray[np.float64]:
    from scipy.special import ndtri

    quantiles: NDArray[np.float64] = ndtri((np.arange(65536) + 0.5) / 65536)
    quantiles.flags.writeable = False
    return quantiles


def random_words(rng: np.random.Generator, count: int) -> NDArray[np.uint16]:
    """Uniform 16-bit words (count,), straight from the bit generator, whose stream numpy never changes."""
    raw: NDArray[np.uint64] = rng.bit_generator.random_raw((count + 3) // 4)
    return raw.astype("<u8", copy=False).view("<u2")[:count]


def gaussian_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Shorts:
    """Gaussian noise of standard deviation `sigma`, rounded to integers.

    A table of 65,536 quantiles is several times faster than drawing floats; its tails end at 4.2 sigma.
    """
    table = np.rint(_normal_quantiles() * sigma).astype(np.int16)
    return np.take(table, random_words(rng, math.prod(shape))).reshape(shape)


def smooth_field(rng: np.random.Generator, height: int, width: int, period: float) -> Bytes:
    """A random landscape (H, W), 0..255, with hills about `period` pixels wide."""
    cells = (max(2, math.ceil(height / period) + 1), max(2, math.ceil(width / period) + 1))
    grid = (random_words(rng, cells[0] * cells[1]) >> 8).astype(np.uint8).reshape(cells)
    return np.array(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


def region(field: Bytes, share: float, softness: int = 24) -> Bytes:
    """Mask (H, W), 0..255, of the highest `share` of a field, with a soft border of `softness` grey levels.

    A larger share always contains the smaller ones.
    """
    landscape = Image.fromarray(field)
    threshold = int(np.searchsorted(np.cumsum(landscape.histogram()), (1 - share) * field.size))
    ramp = np.clip((np.arange(256) - threshold + softness) * 255 // softness, 0, 255)
    return np.asarray(landscape.point(ramp.tolist()))


def busiest(grey: Bytes, corners: Sequence[tuple[int, int]], side: int) -> tuple[int, int]:
    """The (top, left) corner of the square patch with most detail: repeating a flat one would show nothing."""

    def detail(corner: tuple[int, int]) -> int:
        patch = grey[corner[0] : corner[0] + side, corner[1] : corner[1] + side].astype(np.int16)
        return int(np.abs(np.diff(patch, axis=0)).sum() + np.abs(np.diff(patch, axis=1)).sum())

    return max(corners, key=detail)


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
