"""Arithmetic on pixels that all modes share.

Integers wherever possible, so that results do not depend on the processor.
"""

import math
from collections.abc import Callable
from functools import cache, wraps
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB

Answer = TypeVar("Answer")


def once_per_image(function: Callable[[RGB], Answer]) -> Callable[[RGB], Answer]:
    """The function, which keeps its answer until it is asked about another image.

    Only answers about decoded images are kept: their pixels lie in `bytes`, which nobody can change. What is
    returned is shared, so it is for reading only.
    """
    last: tuple[RGB, Answer] | None = None

    @wraps(function)
    def remembering(image: RGB) -> Answer:
        nonlocal last
        if not isinstance(image.base, bytes):
            return function(image)
        kept = last
        if kept is None or kept[0] is not image:
            last = kept = (image, function(image))
        return kept[1]

    return remembering


Bytes = NDArray[np.uint8]
Shorts = NDArray[np.int16]

REFERENCE_SIDE = 512
"""Lengths on the cards are pixels of a 512 x 512 image, the commonest size of generated images; our choice."""


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
