"""What a statistic returns: a value, how many items it rests on, and why it is undefined if it is."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Booleans = NDArray[np.bool_]

TOO_FEW = "too few"
CONSTANT_SCORE = "constant score"
CONSTANT_LABEL = "constant label"
TOO_FEW_GROUPS = "too few groups"


class Statistic(NamedTuple):
    """One number and what it rests on.

    >>> Statistic.undefined("too few", n=2)
    Statistic(value=nan, n=2, reason='too few', n_nan=0, n_inf=0)
    """

    value: float
    """The number; NaN where undefined, never a substitute."""
    n: int
    """Items (or pairs, or groups: the function says which) that entered."""
    reason: str = ""
    """Why it is undefined, or a note on how it was computed; empty otherwise."""
    n_nan: int = 0
    """Items left out because a value was NaN."""
    n_inf: int = 0
    """Items left out because a value was infinite (and none NaN)."""

    @property
    def defined(self) -> bool:
        """Whether there is a number at all."""
        return not math.isnan(self.value)

    @classmethod
    def undefined(cls, reason: str, n: int = 0, n_nan: int = 0, n_inf: int = 0) -> "Statistic":
        """NaN with its reason."""
        return cls(math.nan, n, reason, n_nan, n_inf)


class Interval(NamedTuple):
    """Lower and upper bound; NaN with a reason where undefined."""

    low: float
    high: float
    level: float
    """Coverage, for example 0.95."""
    reason: str = ""

    @classmethod
    def undefined(cls, reason: str, level: float) -> "Interval":
        """NaN bounds with their reason."""
        return cls(math.nan, math.nan, level, reason)


def normal_quantile(level: float) -> float:
    """Half-width, in standard deviations, of the central interval of a normal distribution that covers `level`.

    Raises:
        ValueError: unless 0 < level < 1.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return NormalDist().inv_cdf(0.5 + level / 2.0)
