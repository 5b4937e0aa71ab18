"""Correction for many tests at once."""

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.results import Floats


def holm(p: ArrayLike) -> Floats:
    """Holm-adjusted p-values: reject at alpha where the adjusted value is at most alpha.

    Holds the chance of any false rejection at alpha, whatever the dependence (Holm 1979).

    Args:
        p: (k,) in [0, 1]; NaN values are left out of the family and stay NaN.

    Returns:
        (k,) in [0, 1], each at least as large as its p.

    Raises:
        ValueError: if p is not one-dimensional or a value lies outside [0, 1].

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or np.any((values < 0) | (values > 1)):
        raise ValueError(f"p-values must be one-dimensional and lie in [0, 1], got shape {values.shape}")
    adjusted = np.full(len(values), np.nan)
    defined = np.flatnonzero(~np.isnan(values))
    order = defined[np.argsort(values[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted
