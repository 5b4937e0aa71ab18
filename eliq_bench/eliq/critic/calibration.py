"""A stable scale of 0 to 100 without labels, anchored on pairs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

GOOD, BAD = 75.0, 25.0
"""Where the median positive and the median severe negative of the held-out pairs come to lie; our choice."""


class Calibration(BaseModel):
    """Score = 100 / (1 + exp(-slope * (raw - centre))), strictly rising."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    centre: float
    slope: float

    def __call__(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of raw values, same shape, in (0, 100)."""
        return np.asarray(100 / (1 + np.exp(-self.slope * (raw - self.centre))), dtype=np.float64)


def fit_calibration(good: Sequence[float], bad: Sequence[float]) -> Calibration:
    """Put the median of raw scores `good` at 75 and that of `bad` at 25.

    Where the medians do not differ in the right order, the slope falls back to the spread of all scores: the scale
    then says little, and the order of the scores stays what it is.
    """
    upper, lower = float(np.median(good)), float(np.median(bad))
    reach = np.log(GOOD / (100 - GOOD)) - np.log(BAD / (100 - BAD))
    gap = upper - lower
    if gap <= 0:
        gap = float(np.std([*good, *bad])) or 1.0
    return Calibration(centre=(upper + lower) / 2, slope=float(reach) / gap)
