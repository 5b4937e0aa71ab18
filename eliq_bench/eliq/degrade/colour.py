"""Faults of colour: a cast, too much colour, too little."""

import numpy as np

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import curve, saturate

CASTS = ((1.0, 0.15, -1.0), (-1.0, 0.1, 1.0), (-0.6, 1.0, -0.6), (0.8, -0.8, 0.7))
"""Directions in red, green and blue: warm, cold, green, magenta."""


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


MODES = (
    Mode(
        name="color_cast",
        family="conventional",
        aspect="aesthetic",
        summary="White balance wrong: a warm, cold, green or magenta cast.",
        source="kind: colour change of harming edits named by ELIQ (arXiv 2602.03558); gains: our choice",
        parameters={"strength": (0.07, 0.13, 0.22, 0.32, 0.46)},
        apply=color_cast,
    ),
    Mode(
        name="oversaturation",
        family="conventional",
        aspect="aesthetic",
        summary="Colours too strong.",
        source="kind: colour saturation of KADID-10k; factors: our choice",
        parameters={"factor": (1.7, 2.3, 3.0, 4.0, 5.5)},
        apply=oversaturation,
        needs="colour",
    ),
    Mode(
        name="undersaturation",
        family="conventional",
        aspect="aesthetic",
        summary="Colours too weak.",
        source="kind: colour saturation of KADID-10k; factors: our choice",
        parameters={"factor": (0.75, 0.55, 0.36, 0.18, 0.0)},
        apply=undersaturation,
        needs="colour",
    ),
)
