"""Optical blur: out of focus, and moved while the shutter was open."""

import math

import numpy as np
from numpy.typing import NDArray

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import scale


def defocus_blur(image: RGB, rng: np.random.Generator, *, radius: float, at_least: float) -> RGB:
    """Mean over a disk, the image of a point through an open round aperture."""
    pixels = max(radius * scale(image), at_least)
    reach = math.floor(pixels)
    halves = [math.isqrt(int(pixels**2 - row**2)) for row in range(reach + 1)]
    area = 2 * sum(2 * half + 1 for half in halves) - (2 * halves[0] + 1)
    height, width = image.shape[:2]
    padded = _padded(image, reach, area)

    total = np.zeros((height, width, 3), padded.dtype)
    run = np.zeros((height + 2 * reach, width, 3), padded.dtype)
    # The rows of a disk are runs of different width, and a run is the narrower one plus its two ends.
    for half in range(reach + 1):
        for left in {reach - half, reach + half}:
            run += padded[:, left : left + width]
        for row in (row for row in range(reach + 1) if halves[row] == half):
            for top in {reach - row, reach + row}:
                total += run[top : top + height]
    return _mean(total, area)


def motion_blur(image: RGB, rng: np.random.Generator, *, length: float, at_least: float) -> RGB:
    """Mean along a straight line in a random direction: the camera moved at constant speed."""
    angle = math.pi * float(rng.random())
    # An odd number of places keeps the image where it is.
    half = max(round(length * scale(image) / 2), round(at_least))
    along = range(-half, half + 1)
    places = [(round(step * math.sin(angle)), round(step * math.cos(angle))) for step in along]
    reach = half
    height, width = image.shape[:2]
    padded = _padded(image, reach, len(places))

    total = np.zeros((height, width, 3), padded.dtype)
    for row, column in places:
        top, left = reach + row, reach + column
        total += padded[top : top + height, left : left + width]
    return _mean(total, len(places))


def _padded(image: RGB, reach: int, area: int) -> NDArray[np.unsignedinteger]:
    """The image with mirrored borders, in the narrowest type that holds the sum of `area` pixels."""
    wide = image.astype(np.uint16 if area <= 256 else np.uint32)
    return np.pad(wide, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")


def _mean(total: NDArray[np.unsignedinteger], area: int) -> RGB:
    rounding, divisor = total.dtype.type(area // 2), total.dtype.type(area)
    mean: RGB = ((total + rounding) // divisor).astype(np.uint8)
    return mean


MODES = (
    Mode(
        name="defocus_blur",
        family="conventional",
        aspect="technical",
        summary="Out of focus: mean over a disk.",
        source="kind: lens blur of KADID-10k (Lin et al., QoMEX 2019); radii: our choice",
        # The floors are disks of 5, 9, 13, 21 and 25 pixels: severities differ on the smallest images too.
        parameters={"radius": (1.0, 1.5, 2.5, 4.0, 6.5), "at_least": (1.0, 1.42, 2.0, 2.24, 2.83)},
        apply=defocus_blur,
    ),
    Mode(
        name="motion_blur",
        family="conventional",
        aspect="technical",
        summary="Camera shake: mean along a line in a random direction.",
        source="kind: motion blur of KADID-10k (Lin et al., QoMEX 2019); lengths: our choice",
        parameters={"length": (2, 6, 11, 20, 34), "at_least": (1, 2, 3, 4, 5)},
        apply=motion_blur,
    ),
)
