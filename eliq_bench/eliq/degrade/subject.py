"""Where the subject of an image probably is, found cheaply: what differs from the border, near the centre."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB
from eliq_bench.eliq.degrade.pixels import Bytes, once_per_image, picture

GRID = 32


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
    plus local contrast, weighted towards the centre (centre prior, Judd et al., ICCV 2009). All
    that the composition modes need is a point worth cutting through; no object is recognised.
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


def busiest(grey: Bytes, corners: Sequence[tuple[int, int]], side: int) -> tuple[int, int]:
    """The (top, left) corner of the square patch with most detail: repeating a flat one would show nothing."""

    def detail(corner: tuple[int, int]) -> int:
        patch = grey[corner[0] : corner[0] + side, corner[1] : corner[1] + side].astype(np.int16)
        return int(np.abs(np.diff(patch, axis=0)).sum() + np.abs(np.diff(patch, axis=1)).sum())

    return max(corners, key=detail)
