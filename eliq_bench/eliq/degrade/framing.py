"""Faults of framing: the scene stays, the frame is in the wrong place.

Where the subject is, is estimated cheaply: what differs from the border, near the centre.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.pixels import RGB, array, once_per_image, picture, sample, sixteenths

GRID = 32
"""Cells per side of the saliency map."""


class Subject(NamedTuple):
    """Centre and half extent of the subject, as fractions of height and width."""

    y: float
    x: float
    half_height: float
    half_width: float


@once_per_image
def find_subject(image: RGB) -> Subject:
    """The subject as centre and spread of a saliency map.

    Saliency is distance in colour from the mean of the border (boundary prior, Wei et al., ECCV 2012)
    plus local contrast, weighted towards the centre (centre prior, Judd et al., ICCV 2009). The
    framing modes need no more than a point worth cutting through; no object is recognised.
    """
    small = np.asarray(picture(image).resize((GRID, GRID), Image.Resampling.BOX)).astype(np.float64)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).mean(axis=0)
    from_border = np.abs(small - border).sum(axis=2)
    contrast = np.zeros((GRID, GRID))
    contrast[1:-1, 1:-1] = sum(
        np.abs(small[1:-1, 1:-1] - small[1 + dy : GRID - 1 + dy, 1 + dx : GRID - 1 + dx]).sum(axis=2)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))
    )
    place = (np.arange(GRID) + 0.5) / GRID
    off_centre = (place[:, None] - 0.5) ** 2 + (place - 0.5) ** 2
    weight = (from_border + contrast / 2 + 1) ** 2 * (1.02 - 2 * off_centre)

    rows, columns = weight.sum(axis=1) / weight.sum(), weight.sum(axis=0) / weight.sum()
    y, x = float((rows * place).sum()), float((columns * place).sum())
    half_height = float((rows * (place - y) ** 2).sum()) ** 0.5
    half_width = float((columns * (place - x) ** 2).sum()) ** 0.5
    # Coarse steps absorb the last bits of floating-point sums, which differ between processors.
    return Subject(*(round(value * 512) / 512 for value in (y, x, half_height, half_width)))


def bad_crop(image: RGB, rng: np.random.Generator, *, kept: float) -> RGB:
    """Framed much too tightly, near a corner away from the subject rather than around it."""
    subject = find_subject(image)
    corner = rng.random(2)
    # Well off the centre, and not towards the subject: either crop might be the better picture.
    off = 0.3 + 0.2 * corner
    top = 0.5 - math.copysign(float(off[0]), subject.y - 0.5)
    left = 0.5 - math.copysign(float(off[1]), subject.x - 0.5)
    return framed(image, top * (1 - kept), left * (1 - kept), kept)


def cut_subject(image: RGB, rng: np.random.Generator, *, cut: float) -> RGB:
    """One edge of the frame moved inwards, `cut` of the way from the border to the middle of the subject."""
    subject = find_subject(image)
    side, along = int(rng.integers(4)), float(rng.random())
    centre = subject.y if side < 2 else subject.x
    lost = cut * (centre if side % 2 == 0 else 1 - centre)
    before = lost if side % 2 == 0 else 0.0
    across = along * lost
    return framed(image, *((before, across) if side < 2 else (across, before)), 1 - lost)


def off_balance(image: RGB, rng: np.random.Generator, *, place: float, kept: float) -> RGB:
    """The subject pressed into a corner of the frame, at `place` of its height and width."""
    subject = find_subject(image)
    # Towards the corner that the subject is nearer to: it can be pushed there without inventing pixels.
    y, x = max(subject.y, 1 - subject.y), max(subject.x, 1 - subject.x)
    kept = min(kept * (1 - 0.06 * float(rng.random())), y / place, x / place)
    # Where the subject leaves room for choice, the frame stays inside the picture.
    top, left = min(y - place * kept, 1 - kept), min(x - place * kept, 1 - kept)
    if subject.y < 0.5:
        top = 1 - kept - top
    if subject.x < 0.5:
        left = 1 - kept - left
    return framed(image, top, left, kept)


def tilt(image: RGB, rng: np.random.Generator, *, degrees: float) -> RGB:
    """The camera held askew: turned clockwise or anticlockwise, framed inside so that no corner is empty."""
    clockwise = float(rng.random()) < 0.5
    angle = math.radians(degrees if clockwise else -degrees)
    height, width = image.shape[:2]
    longer = max(width / height, height / width)
    zoom = 1 / (math.cos(angle) + longer * math.sin(abs(angle)))
    down = (np.arange(height) - (height - 1) / 2) * zoom
    right = (np.arange(width) - (width - 1) / 2) * zoom

    cos, sin = math.cos(angle), math.sin(angle)
    rows = sixteenths(down * cos + (height - 1) / 2)[:, None] - sixteenths(right * sin)
    columns = sixteenths(right * cos + (width - 1) / 2) + sixteenths(down * sin)[:, None]
    return sample(image, rows, columns)


def framed(image: RGB, top: float, left: float, kept: float) -> RGB:
    """The part of the image from (top, left) on, `kept` of its height and width, enlarged to the full size."""
    height, width = image.shape[:2]
    left, top = min(max(left, 0.0), 1 - kept), min(max(top, 0.0), 1 - kept)
    box = (left * width, top * height, min((left + kept) * width, width), min((top + kept) * height, height))
    return array(picture(image).resize((width, height), Image.Resampling.BICUBIC, box=box))
