"""Errors beyond the noise of the labels: outlier ratio and RMSE* of ITU-T P.1401.

Written from secondary descriptions; check the Recommendation's text before citing it.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import complete_rated
from eliq_bench.stats.statistic import TOO_FEW, Floats, Statistic


def outlier_ratio(
    label: ArrayLike, mapped: ArrayLike, std: ArrayLike | None, raters: ArrayLike | None
) -> Statistic:
    """Share of items whose mapped score lies outside the 95 % interval of their label.

    Args:
        label: (n,) mean opinion scores.
        mapped: (n,) scores mapped to the scale of the label, see `mapping.map_logistic`.
        std: (n,) or one number: standard deviation of single ratings, on the scale of the label.
        raters: (n,) or one number: ratings per item.

    Returns:
        Value in [0, 1], 0 is best; NaN with a reason if std or raters are unknown, an item has a single
        rating, or no item is complete.

    Raises:
        ValueError: if lengths differ, a std is negative or a rater count not positive.

    >>> outlier_ratio([3, 3, 3, 3], [3, 3.1, 4, 2], 0.5, 21).value
    0.5
    """
    excess = _excess(label, mapped, std, raters)
    if isinstance(excess, Statistic):
        return excess
    beyond, dropped = excess
    if not len(beyond):
        return Statistic.undefined(TOO_FEW, 0, *dropped)
    return Statistic(float((beyond > 0).mean()), len(beyond), "", *dropped)


def rmse_star(
    label: ArrayLike,
    mapped: ArrayLike,
    std: ArrayLike | None,
    raters: ArrayLike | None,
    *,
    fitted: int = 4,
) -> Statistic:
    """Root mean squared error beyond the 95 % half-width of each label, in units of the label.

    `sqrt(sum(max(0, |error| - half-width)^2) / (n - fitted))`

    Args:
        label: (n,) mean opinion scores.
        mapped: (n,) scores mapped to the scale of the label.
        std: (n,) or one number: standard deviation of single ratings.
        raters: (n,) or one number: ratings per item.
        fitted: parameters of the mapping, 4 for `logistic4`.

    Returns:
        Value of at least 0; NaN with a reason as `outlier_ratio`, or if n does not exceed `fitted`.

    Raises:
        ValueError: as `outlier_ratio`, or if fitted is negative.

    >>> rmse_star([3.0] * 6, [3.0] * 5 + [5.0], 0.0, 20, fitted=2).value
    1.0
    """
    if fitted < 0:
        raise ValueError(f"fitted must not be negative, got {fitted}")
    excess = _excess(label, mapped, std, raters)
    if isinstance(excess, Statistic):
        return excess
    beyond, dropped = excess
    n = len(beyond)
    if n <= fitted:
        return Statistic.undefined(TOO_FEW, n, *dropped)
    return Statistic(math.sqrt(float(np.sum(beyond**2)) / (n - fitted)), n, "", *dropped)


def half_width(std: Floats, raters: Floats) -> Floats:
    """Half-width of the 95 % interval of a mean opinion, (n,): `t std / sqrt(raters)`, raters - 1 degrees."""
    from scipy.special import stdtrit  # here, because few runs need it and it takes half a second to load

    width: Floats = stdtrit(raters - 1, 0.975) * std / np.sqrt(raters)
    return width


def _excess(
    label: ArrayLike, mapped: ArrayLike, std: ArrayLike | None, raters: ArrayLike | None
) -> Statistic | tuple[Floats, tuple[int, int]]:
    """How far each error goes beyond the half-width (n,), at least 0; or why that is unknown."""
    rows = complete_rated(std, raters, label=label, mapped=mapped)
    if isinstance(rows, str):
        return Statistic.undefined(rows)
    y, predicted, deviation, n_raters = rows.values
    if np.any(n_raters < 2):
        return Statistic.undefined("an item has a single rating", rows.n, rows.n_nan, rows.n_inf)
    error = np.abs(y - predicted)
    return np.maximum(error - half_width(deviation, n_raters), 0.0), (rows.n_nan, rows.n_inf)
