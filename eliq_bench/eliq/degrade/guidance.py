"""The look of extreme guidance: everything overdone."""

import numpy as np

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import add, low_pass, saturate, scale


def burned_guidance(image: RGB, rng: np.random.Generator, *, push: float) -> RGB:
    """Colour and local contrast driven up together, with halos and burnt lights."""
    period = (40 + 40 * float(rng.random())) * scale(image)
    surroundings = low_pass(image, max(3, period)).astype(np.int16)
    # Away from the surroundings for local contrast, away from mid grey for burnt lights and shadows.
    near, far = round(64 * push), round(20 * push)
    wide = image.astype(np.int16)
    change = ((wide - surroundings) * near >> 6) + ((wide - 118) * far >> 6)
    return saturate(add(image, change), 1 + 0.9 * push)


MODES = (
    Mode(
        name="burned_guidance",
        family="generative",
        aspect="aesthetic",
        summary="Colour and local contrast overdone, as at an extreme guidance scale.",
        source="kind: oversaturation at high guidance (Saharia et al., arXiv 2205.11487, section 2.3); "
        "design: our choice",
        parameters={"push": (0.35, 0.7, 1.15, 1.7, 2.3)},
        apply=burned_guidance,
        simulated=True,
    ),
)
