"""Surfaces as generators draw them when they fail: gridded, plastic, repeated."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.pixels import (
    RGB,
    add,
    blend,
    busiest,
    low_pass,
    luma,
    region,
    scale,
    smooth_field,
)

Floats = NDArray[np.float32]


def checkerboard(image: RGB, rng: np.random.Generator, *, amplitude: float) -> RGB:
    """A tinted checkerboard, stronger in some regions, as unevenly overlapping deconvolutions leave it."""
    height, width = image.shape[:2]
    square = (2 + 2 * int(rng.integers(2))) * max(1, round(scale(image)))
    tint = np.rint(256 * (0.4 + 0.6 * rng.random(3))).astype(np.int16)
    field = smooth_field(rng, height, width, 160 * scale(image))
    ramp = np.rint(amplitude * (0.4 + 0.6 * np.arange(256) / 255)).astype(np.int16)
    rows, columns = np.arange(height) // square % 2, np.arange(width) // square % 2
    sign = (2 * (rows[:, None] ^ columns) - 1).astype(np.int16)
    pattern = np.take(ramp, field) * sign
    change = np.empty(image.shape, np.int16)
    for channel in range(3):  # faster than one product, see `add`
        np.multiply(pattern, tint[channel], out=change[..., channel])
    change >>= 8
    return add(image, change)


def plastic_smoothing(image: RGB, rng: np.random.Generator, *, contrast: float, radius: float) -> RGB:
    """Surface texture weaker than `contrast` grey levels wiped away while outlines stay: skin like plastic.

    A fast guided filter (He & Sun, arXiv 1505.00996) of the brightness with itself, computed at half size.
    """
    height, width = image.shape[:2]
    grey = luma(image)
    threshold = contrast * (0.9 + 0.2 * float(rng.random()))
    half = Image.fromarray(grey).resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.BOX)
    reach = max(1, round(radius * scale(image) / 2))
    small = np.asarray(half).astype(np.float32)
    mean = _window_mean(small, reach)
    variance: Floats = np.clip(_window_mean(small * small, reach) - mean * mean, 0, None)
    slope: Floats = variance / (variance + np.float32(threshold**2))
    offset = _window_mean(mean * (1 - slope), reach)
    slope = _window_mean(slope, reach)

    def enlarged(values: Floats) -> NDArray[np.uint16]:
        coded = Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
        return np.asarray(coded.resize((width, height), Image.Resampling.BILINEAR)).astype(np.uint16)

    smooth = (enlarged(slope * 255) * grey >> 8) + enlarged(offset)
    return add(image, smooth.astype(np.int16) - grey)


def repeated_texture(image: RGB, rng: np.random.Generator, *, share: float, contrast: float) -> RGB:
    """One patch of texture repeated like wallpaper over `share` of the image, on its own light and colour."""
    height, width = image.shape[:2]
    side = max(4, round(min(height, width) / (7 + 4 * float(rng.random()))))
    mask_field = smooth_field(rng, height, width, 190 * scale(image))
    smooth = low_pass(image, 8 * scale(image))
    candidates = [
        (y * (height - side) >> 16, x * (width - side) >> 16) for y, x in rng.integers(65536, size=(8, 2)).tolist()
    ]
    top, left = busiest(luma(image), candidates, side)
    patch = image[top : top + side, left : left + side].astype(np.int16)
    detail = patch - smooth[top : top + side, left : left + side]
    # To the same strength whatever the patch, since hard outlines would look like a collage.
    strength = int(256 * min(contrast / max(float(detail.std()), 1.0), 2.0))
    detail = (detail.astype(np.int32) * strength >> 8).astype(np.int16)
    tiled = np.tile(detail, (-(-height // side), -(-width // side), 1))[:height, :width]
    return blend(image, add(smooth, tiled), region(mask_field, share))


def _window_mean(values: Floats, reach: int) -> Floats:
    """Mean (h, w) over windows of 2 reach + 1 pixels squared, borders mirrored."""
    height, width = values.shape
    padded = np.pad(values, reach, mode="symmetric")
    rows = padded[:height].copy()
    for shift in range(1, 2 * reach + 1):
        rows += padded[shift : shift + height]
    total = rows[:, :width].copy()
    for shift in range(1, 2 * reach + 1):
        total += rows[:, shift : shift + width]
    total /= (2 * reach + 1) ** 2
    return total
