"""Area under the ROC curve and DeLong's test for two models on the same cases."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.normal import two_sided_p
from eliq_bench.stats.ranks import average_ranks
from eliq_bench.stats.statistic import Floats


class Auc(NamedTuple):
    """Chance that a random positive case scores above a random negative one; a tie counts half."""

    value: float
    """In [0, 1], 0.5 is chance; NaN if either side is empty."""
    se: float
    """DeLong's standard error; NaN with fewer than 2 cases on a side."""
    n_positive: int
    n_negative: int
    reason: str = ""


class AucDifference(NamedTuple):
    """DeLong's test of two areas on the same cases."""

    value: float
    """First minus second."""
    se: float
    z: float
    p: float
    """Two-sided, under independent cases."""
    reason: str = ""


class DeLong(NamedTuple):
    """Areas of m models and their covariance."""

    areas: Floats
    """(m,)"""
    covariance: Floats
    """(m, m)"""


def auc(positive: ArrayLike, negative: ArrayLike) -> Auc:
    """Area under the ROC curve of one model.

    Args:
        positive: (p,) finite scores of the positive cases.
        negative: (q,) finite scores of the negative cases.

    >>> auc([2, 3], [1, 2]).value
    0.875
    """
    first, second = np.atleast_2d(positive), np.atleast_2d(negative)
    sizes = first.shape[1], second.shape[1]
    if 0 in sizes:
        return Auc(math.nan, math.nan, *sizes, reason="a class is empty")
    areas, covariance = delong(first, second)
    return Auc(float(areas[0]), float(np.sqrt(covariance[0, 0])), *sizes)


def delong(positive: ArrayLike, negative: ArrayLike) -> DeLong:
    """Areas of several models on the same cases, with the covariance of DeLong et al. 1988.

    doi:10.2307/2531595, computed from ranks after Sun and Xu 2014, doi:10.1109/LSP.2014.2337313.

    Args:
        positive: (m, p) finite scores of m models on the positive cases.
        negative: (m, q) the same on the negative cases.

    Returns:
        Areas (m,) and covariance (m, m); covariances are NaN with fewer than 2 cases on a side.

    Raises:
        ValueError: if the shapes do not fit, or a side is empty.
    """
    first = np.asarray(positive, dtype=np.float64)
    second = np.asarray(negative, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise ValueError(f"need scores (m, p) and (m, q), got shapes {first.shape} and {second.shape}")
    p, q = first.shape[1], second.shape[1]
    if not p or not q:
        raise ValueError(f"need cases on both sides, got {p} positive and {q} negative")
    above = np.empty_like(first)  # share of negatives below each positive
    below = np.empty_like(second)  # share of positives above each negative
    for row, (x, y) in enumerate(zip(first, second, strict=True)):
        ranks = average_ranks(np.concatenate([x, y]))
        above[row] = (ranks[:p] - average_ranks(x)) / q
        below[row] = 1.0 - (ranks[p:] - average_ranks(y)) / p
    return DeLong(above.mean(axis=1), _covariance(above) / p + _covariance(below) / q)


def compare_auc(result: DeLong, factor: float = 1.0) -> AucDifference:
    """Test of the first two models of a DeLong result.

    Args:
        result: of at least two models.
        factor: multiplies the variance, for cases that are known to be counted twice.
    """
    difference = float(result.areas[0] - result.areas[1])
    variance = factor * float(
        result.covariance[0, 0] + result.covariance[1, 1] - 2.0 * result.covariance[0, 1]
    )
    if math.isnan(variance):
        return AucDifference(difference, math.nan, math.nan, math.nan, "too few")
    if variance <= 1e-30:
        reason = "the two models order the pairs alike" if difference == 0.0 else "no variance"
        return AucDifference(difference, 0.0, math.nan, math.nan, reason)
    se = math.sqrt(variance)
    return AucDifference(difference, se, difference / se, two_sided_p(difference / se))


def _covariance(values: Floats) -> Floats:
    """Covariance (m, m) of rows with ddof 1; NaN for a single column."""
    n = values.shape[1]
    if n < 2:
        return np.full((len(values), len(values)), np.nan)
    centred = values - values.mean(axis=1, keepdims=True)
    product: Floats = centred @ centred.T / (n - 1)
    return product
