"""Faults of the tone curve: bands, clipped ends, harsh contrast, wrong exposure."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import curve, luma

VALUES: NDArray[np.float64] = np.arange(256, dtype=np.float64)
VALUES.flags.writeable = False

STEEP = 0.25
"""Share of the tones from an end to the median over which clipping falls to black or rises to white; our choice."""


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


MODES = (
    Mode(
        name="banding",
        family="conventional",
        aspect="technical",
        summary="Few levels per channel, so that gradients show bands.",
        source="kind: quantisation of KADID-10k and TID2013; levels: our choice",
        parameters={"levels": (28, 18, 11, 7, 5)},
        apply=banding,
    ),
    Mode(
        name="clipping",
        family="conventional",
        aspect="technical",
        summary="Shadows and highlights burnt to black and white.",
        source="our choice",
        parameters={"share": (0.1, 0.22, 0.36, 0.5, 0.66), "at_least": (10, 20, 34, 48, 66)},
        apply=clipping,
    ),
    Mode(
        name="harsh_contrast",
        family="conventional",
        aspect="aesthetic",
        summary="Contrast raised steeply about the mean.",
        source="kind: contrast change of KADID-10k and TID2013; gains: our choice",
        parameters={"gain": (1.4, 1.85, 2.5, 3.5, 5.0)},
        apply=harsh_contrast,
    ),
    Mode(
        name="wrong_exposure",
        family="conventional",
        aspect="aesthetic",
        summary="Over- or underexposed.",
        source="kind: brightness change of KADID-10k; stops: our choice",
        parameters={"stops": (0.5, 0.9, 1.4, 2.0, 2.8)},
        apply=wrong_exposure,
    ),
)
