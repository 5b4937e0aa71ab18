"""All image-level degradation modes by name, and the one function that applies them."""

import hashlib

import numpy as np

from eliq_bench.eliq.degrade import (
    blur,
    codec,
    colour,
    composition,
    guidance,
    lettering,
    noise,
    resample,
    structure,
    surface,
    tone,
)
from eliq_bench.eliq.degrade.mode import RGB, SEVERITIES, Mode
from eliq_bench.eliq.degrade.pixels import once_per_image
from eliq_bench.errors import InputError, did_you_mean

VERSION = 2
"""Raise it when the pixels of any mode change: manifests and the ladder dataset record it."""

SMALLEST_SIDE = 16

MODES: dict[str, Mode] = {
    mode.name: mode
    for room in (
        codec,
        blur,
        resample,
        noise,
        tone,
        colour,
        composition,
        surface,
        structure,
        lettering,
        guidance,
    )
    for mode in room.MODES
}
"""Every mode by name."""


def get_mode(name: str) -> Mode:
    """The card of a mode.

    Raises:
        InputError: no mode has this name.
    """
    if name not in MODES:
        hint = did_you_mean(name, list(MODES)) or f" Known modes: {', '.join(sorted(MODES))}."
        raise InputError(f"Unknown degradation mode {name!r}.{hint}")
    return MODES[name]


def degrade(image: RGB, mode: str, severity: int, seed: int) -> RGB:
    """The image made worse on one aspect, in a new array of the same shape.

    Equal arguments give equal bytes under the same versions of numpy, scipy and Pillow. The random
    choices (a direction, a place) depend on mode and seed and not on the severity, so that the
    severities 1 to 5 of one seed are five strengths of the same damage.

    Args:
        image: uint8 (H, W, 3), sides of at least 16 pixels; not written to.
        mode: a key of `MODES`.
        severity: 1 (subtle) to 5.
        seed: any integer.

    Raises:
        InputError: unknown mode or severity, or not such an image.
    """
    card = get_mode(mode)
    if severity not in SEVERITIES:
        raise InputError(f"Severity {severity!r} of {mode} does not exist; use a whole number from 1 to 5.")
    if (
        image.ndim != 3
        or image.shape[2] != 3
        or image.dtype != np.uint8
        or min(image.shape[:2]) < SMALLEST_SIDE
    ):
        raise InputError(
            f"Cannot degrade an array of shape {image.shape} and type {image.dtype}; "
            f"convert it to uint8 RGB with sides of at least {SMALLEST_SIDE} pixels."
        )
    digest = hashlib.sha256(f"{mode}/{seed}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
    return card.apply(np.ascontiguousarray(image), rng, **card.settings(int(severity)))


def applies(image: RGB, mode: str) -> bool:
    """Whether the mode can harm this image: a grey photograph has no saturation to lose, a flat one no detail.

    Raises:
        InputError: unknown mode.
    """
    detail, colour = _detail_and_colour(image)
    # Grey levels; our choice, well below any photograph.
    return detail >= 2 and (get_mode(mode).needs != "colour" or colour >= 8)


@once_per_image
def _detail_and_colour(image: RGB) -> tuple[float, float]:
    """Standard deviation of the values, and mean distance of the channels, of some 64 x 64 pixels."""
    sparse = image[:: max(1, image.shape[0] // 64), :: max(1, image.shape[1] // 64)].astype(np.int16)
    return float(sparse.std()), float(np.ptp(sparse, axis=2).mean())
