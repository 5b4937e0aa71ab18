"""Legacy: F test of residual variances, kept so that old tables can be reproduced.

Sheikh, Sabir and Bovik 2006, doi:10.1109/TIP.2006.881959. It ignores that both models see the same items.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import complete
from eliq_bench.stats.statistic import TOO_FEW, Floats

KURTOSIS_RANGE = (2.0, 4.0)
"""Residuals with kurtosis outside are not called normal; the rule of thumb of that paper."""


class ResidualTest(NamedTuple):
    """Ratio of residual variances, first model over second."""

    value: float
    """F; below 1 if the first model leaves less error. NaN if undefined."""
    n: int
    reason: str
    p: float
    """Two-sided."""
    kurtosis_a: float
    kurtosis_b: float
    """Of the residuals; 3 for normal ones."""
    legacy: bool = True


def residual_f_test(label: ArrayLike, mapped_a: ArrayLike, mapped_b: ArrayLike) -> ResidualTest:
    """F test of the variances of the residuals of two models; refused if the residuals are not normal.

    Args:
        label: (n,)
        mapped_a: (n,) scores of the first model on the scale of the label.
        mapped_b: (n,) scores of the second.

    Returns:
        Ratio and two-sided p with (n - 1, n - 1) degrees of freedom; NaN with a reason below 3 items, without
        residual variance, or if a kurtosis lies outside [2, 4].

    Raises:
        ValueError: if lengths differ.
    """
    rows = complete(label=label, mapped_a=mapped_a, mapped_b=mapped_b)
    y, a, b = rows.values
    if rows.n < 3:
        return ResidualTest(math.nan, rows.n, TOO_FEW, math.nan, math.nan, math.nan)
    first, second = a - y, b - y
    variances = float(np.var(first, ddof=1)), float(np.var(second, ddof=1))
    if min(variances) == 0.0:
        return ResidualTest(math.nan, rows.n, "constant residual", math.nan, math.nan, math.nan)
    kurtosis = _kurtosis(first), _kurtosis(second)
    low, high = KURTOSIS_RANGE
    if not all(low <= k <= high for k in kurtosis):
        return ResidualTest(math.nan, rows.n, "residuals not normal", math.nan, *kurtosis)
    from scipy.special import fdtr, fdtrc  # here, because only this test needs it

    ratio, df = variances[0] / variances[1], rows.n - 1
    p = 2.0 * min(float(fdtr(df, df, ratio)), float(fdtrc(df, df, ratio)))
    return ResidualTest(ratio, rows.n, "", min(1.0, p), *kurtosis)


def _kurtosis(values: Floats) -> float:
    centred = values - values.mean()
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2)
