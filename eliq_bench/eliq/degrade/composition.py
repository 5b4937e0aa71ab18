"""Faults of framing: the scene stays, the frame is in the wrong place."""

import math

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import array, picture
from eliq_bench.eliq.degrade.remap import sample, sixteenths
from eliq_bench.eliq.degrade.subject import find_subject


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


MODES = (
    Mode(
        name="bad_crop",
        family="conventional",
        aspect="aesthetic",
        summary="Framed too tightly and near a corner.",
        source="kind: harming composition named by ELIQ (arXiv 2602.03558); amounts: our choice",
        parameters={"kept": (0.88, 0.76, 0.63, 0.51, 0.4)},
        apply=bad_crop,
    ),
    Mode(
        name="cut_subject",
        family="conventional",
        aspect="aesthetic",
        summary="An edge of the frame cuts through the subject.",
        source="kind: harming composition named by ELIQ (arXiv 2602.03558); amounts: our choice",
        parameters={"cut": (0.16, 0.36, 0.56, 0.78, 1.0)},
        apply=cut_subject,
    ),
    Mode(
        name="off_balance",
        family="conventional",
        aspect="aesthetic",
        summary="The subject pressed into a corner of the frame.",
        source="kind: harming composition named by ELIQ (arXiv 2602.03558); amounts: our choice",
        parameters={"place": (0.58, 0.66, 0.76, 0.86, 0.96), "kept": (0.92, 0.84, 0.74, 0.64, 0.55)},
        apply=off_balance,
    ),
    Mode(
        name="tilt",
        family="conventional",
        aspect="aesthetic",
        summary="Camera held askew.",
        source="kind: harming composition named by ELIQ (arXiv 2602.03558); angles: our choice",
        parameters={"degrees": (2, 4.5, 8, 13, 20)},
        apply=tilt,
    ),
)
