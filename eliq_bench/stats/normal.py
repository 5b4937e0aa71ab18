"""The normal distribution from the standard library, so that no run waits for scipy to load."""

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def two_sided_p(z: float) -> float:
    """Probability that a standard normal value is at least as far from 0 as z, in [0, 1]; NaN for NaN.

    >>> round(two_sided_p(1.959963984540054), 12)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2.0))


def upper_p(z: float) -> float:
    """Probability that a standard normal value exceeds z; NaN for NaN.

    >>> upper_p(0.0)
    0.5
    """
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def quantile(level: float) -> float:
    """Half-width, in standard deviations, of the central interval that covers `level`.

    Raises:
        ValueError: unless 0 < level < 1.

    >>> round(quantile(0.95), 6)
    1.959964
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return _STANDARD.inv_cdf(0.5 + level / 2.0)
