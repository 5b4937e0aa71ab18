"""Applying an image-level mode: a pure function of image, mode, severity and seed."""

import hashlib
from collections.abc import Callable

import numpy as np

from eliq_bench.eliq.degrade import framing, signal, structure, surface, tone
from eliq_bench.eliq.degrade.modes import SEVERITIES, get_mode
from eliq_bench.eliq.degrade.pixels import RGB, once_per_image
from eliq_bench.errors import InputError

VERSION = 2
"""Raise it when the pixels of any mode change: manifests and the ladder dataset record it."""

SMALLEST_SIDE = 16

FUNCTIONS: dict[str, Callable[..., RGB]] = {
    function.__name__: function
    for function in (
        *(signal.jpeg_noise, signal.blocking, signal.ringing, signal.defocus_blur, signal.motion_blur),
        *(signal.resampling, signal.upsampled_lowres, signal.sensor_noise, signal.latent_noise),
        *(tone.banding, tone.clipping, tone.harsh_contrast, tone.wrong_exposure),
        *(tone.color_cast, tone.oversaturation, tone.undersaturation, tone.burned_guidance),
        *(framing.bad_crop, framing.cut_subject, framing.off_balance, framing.tilt),
        *(surface.checkerboard, surface.plastic_smoothing, surface.repeated_texture),
        *(structure.local_warp, structure.melted_texture, structure.duplicated_parts, structure.garbled_text),
    )
}
"""The function of each image-level mode, called with (image, rng, one keyword per parameter).

It must neither write to the image nor use other randomness, and must draw the same random numbers whatever the
parameters are.
"""


def degrade(image: RGB, mode: str, severity: int, seed: int) -> RGB:
    """The image made worse on one aspect, in a new array of the same shape.

    Equal arguments give equal bytes under the same versions of numpy, scipy and Pillow. The random
    choices (a direction, a place) depend on mode and seed and not on the severity, so that the
    severities 1 to 5 of one seed are five strengths of the same degradation.

    Args:
        image: uint8 (H, W, 3), sides of at least 16 pixels; not written to.
        mode: a key of `MODES`.
        severity: 1 (subtle) to 5.
        seed: any integer.

    Raises:
        InputError: unknown mode or severity, or not such an image.
    """
    settings = get_mode(mode).settings
    if severity not in SEVERITIES:
        raise InputError(f"Severity {severity!r} of {mode} does not exist; use a whole number from 1 to 5.")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < SMALLEST_SIDE:
        raise InputError(
            f"Cannot degrade an array of shape {image.shape} and type {image.dtype}; "
            f"convert it to uint8 RGB with sides of at least {SMALLEST_SIDE} pixels."
        )
    digest = hashlib.sha256(f"{mode}/{seed}".encode()).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
    return FUNCTIONS[mode](np.ascontiguousarray(image), rng, **settings(int(severity)))


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
