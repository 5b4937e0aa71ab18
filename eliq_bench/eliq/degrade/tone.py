"""Faults of tone and colour: bands, clipped ends, wrong contrast, exposure, white balance and saturation."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.pixels import RGB, add, curve, low_pass, luma, saturate, scale

VALUES: NDArray[np.float64] = np.arange(256, dtype=np.float64)
VALUES.flags.writeable = False

STEEP = 0.25
"""Share of the tones from an end to the median over which clipping falls to black or rises to white; our choice."""

CASTS = ((1.0, 0.15, -1.0), (-1.0, 0.1, 1.0), (-0.6, 1.0, -0.6), (0.8, -0.8, 0.7))
"""Directions in red, green and blue: warm, cold, green, magenta."""


def banding(image: RGB, rng: np.random.Generator, *, levels: float) -> RGB:
    """Few levels per channel: smooth gradients turn into bands. Where the steps lie is random."""
    step = 255 / (levels - 1)
    phase = rng.random((3, 1)) * step
    return curve(image, np.rint((VALUES + phase) / step) * step - phase)


def clipping(image: RGB, rng: np.random.Generator, *, share: float, at_least: float) -> RGB:
    """Shadows crushed to black and highlights burnt to white: `share` of the pixels lose their drawing.

    At least `at_least` grey levels are lost at each end, also where the image was clipped already. The
    midtones stay: a plain stretch of the contrast would make many pictures look better.
    """
    dark_part = 0.3 + 0.4 * float(rng.random())
    below = np.cumsum(Image.fromarray(luma(image)).histogram()) / (image.shape[0] * image.shape[1])
    ends = (share * dark_part, 0.5, 1 - share * (1 - dark_part))
    black, median, white = np.searchsorted(below, ends).tolist()
    # Not too many levels either: a dark image has few bright pixels, and burning them takes half of the scale.
    black, white = np.clip(black, at_least, 8 * at_least), np.clip(white, 255 - 8 * at_least, 255 - at_least)
    # Some levels on both sides of the median stay, or a flat image would become two colours.
    room = 40 * (1 - share)
    black, white = max(min(black, median - room), 0), min(max(white, median + room), 255)
    # The tones between stay as they are up to close to the ends: stretching them would brighten dull pictures.
    low, high = black + STEEP * (median - black), white - STEEP * (white - median)
    return curve(image, np.interp(VALUES, [black, low, high, white], [0, low, high, 255]))


def harsh_contrast(image: RGB, rng: np.random.Generator, *, gain: float) -> RGB:
    """Contrast raised steeply about the mean brightness."""
    pivot = float(luma(image).mean()) + 16 * (float(rng.random()) - 0.5)
    return curve(image, (VALUES - pivot) * gain + pivot)


def wrong_exposure(image: RGB, rng: np.random.Generator, *, stops: float) -> RGB:
    """Too much or too little light, by `stops` of the camera (factors of two in linear light)."""
    grey = float(luma(image).mean())
    # A dark image gets darker more often than brighter: the error that its photographer would make.
    over = float(rng.random()) * 255 < 0.5 * grey + 64
    linear = (VALUES / 255) ** 2.2 * 2 ** (stops if over else -stops)
    return curve(image, linear ** (1 / 2.2) * 255)


def color_cast(image: RGB, rng: np.random.Generator, *, strength: float) -> RGB:
    """The wrong white balance: channels multiplied by unequal gains."""
    direction = np.array(CASTS[int(rng.integers(len(CASTS)))])
    gains = 1 + strength * direction
    return curve(image, gains[:, None] / gains.mean() * np.arange(256))


def oversaturation(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """Colours pushed away from grey."""
    return saturate(image, factor)


def undersaturation(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """Colours pulled towards grey."""
    return saturate(image, factor)


def burned_guidance(image: RGB, rng: np.random.Generator, *, push: float) -> RGB:
    """Colour and local contrast driven up together, with halos and burnt lights."""
    period = (40 + 40 * float(rng.random())) * scale(image)
    surroundings = low_pass(image, max(3, period)).astype(np.int16)
    # Away from the surroundings for local contrast, away from mid grey for burnt lights and shadows.
    near, far = round(64 * push), round(20 * push)
    wide = image.astype(np.int16)
    change = ((wide - surroundings) * near >> 6) + ((wide - 118) * far >> 6)
    return saturate(add(image, change), 1 + 0.9 * push)
