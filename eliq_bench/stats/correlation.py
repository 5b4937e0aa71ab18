"""Correlations between scores and labels: `srcc` (Spearman), `krcc` (Kendall tau-b), `plcc` (Pearson).

None maps the score, none takes an absolute value. Pairs with a value that is not finite are left out
before ranking and counted.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import complete, undefined_reason
from eliq_bench.stats.kendall import pair_counts
from eliq_bench.stats.ranks import doubled_ranks
from eliq_bench.stats.statistic import Floats, Statistic


def srcc(score: ArrayLike, label: ArrayLike) -> Statistic:
    """Spearman's rank correlation: does a better label go with a better score?

    Args:
        score: (n,) any unit, higher is better.
        label: (n,) any unit, higher is better.

    Returns:
        Value in [-1, 1], n pairs used; NaN with a reason for fewer than 3 pairs or a constant side.

    Raises:
        ValueError: if the inputs are not one-dimensional or lengths differ.

    >>> round(srcc([1, 2, 2, 3], [1, 3, 2, 4]).value, 7)
    0.9486833
    """
    return _correlation(score, label, spearman)


def krcc(score: ArrayLike, label: ArrayLike) -> Statistic:
    """Kendall's tau-b: surplus of pairs in the right order, corrected for ties.

    Args, returns and raises as `srcc`. O(n log n).

    >>> round(krcc([1, 2, 2, 3], [1, 3, 2, 4]).value, 7)
    0.9128709
    """
    return _correlation(score, label, kendall_tau_b)


def plcc(score: ArrayLike, label: ArrayLike) -> Statistic:
    """Pearson's linear correlation of the raw score, no mapping.

    Args, returns and raises as `srcc`.

    >>> round(plcc([1, 2, 2, 3], [1, 3, 2, 4]).value, 7)
    0.9486833
    """
    return _correlation(score, label, pearson)


def spearman(x: Floats, y: Floats) -> float:
    """Pearson correlation of average ranks; x, y (n,) finite and not constant. Exactly 1 if monotone."""
    # Centred doubled ranks are integers, so the sums are exact below 2**53.
    a = (doubled_ranks(x) - (len(x) + 1)).astype(np.float64)
    b = (doubled_ranks(y) - (len(y) + 1)).astype(np.float64)
    return _clip(float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)))


def kendall_tau_b(x: Floats, y: Floats) -> float:
    """Tau-b; x, y (n,) finite and not constant. Integer counts up to the last division."""
    pairs = pair_counts(x, y)
    untied_x = pairs.total - pairs.tied_score - pairs.tied_both
    untied_y = pairs.total - pairs.tied_label - pairs.tied_both
    return _clip((pairs.concordant - pairs.discordant) / math.sqrt(untied_x * untied_y))


def pearson(x: Floats, y: Floats) -> float:
    """Pearson correlation; x, y (n,) finite and not constant, of any magnitude."""
    a, b = _unit(x), _unit(y)
    return _clip(float(a @ b))


def _correlation(
    score: ArrayLike, label: ArrayLike, function: Callable[[Floats, Floats], float]
) -> Statistic:
    rows = complete(score=score, label=label)
    x, y = rows.values
    reason = undefined_reason(x, y)
    value = math.nan if reason else function(x, y)
    return Statistic(value, rows.n, reason, rows.n_nan, rows.n_inf)


def _unit(x: Floats) -> Floats:
    """Centred and of length 1; scaled first, so that neither tiny nor huge values under- or overflow."""
    scaled = x / np.abs(x).max()
    centred = scaled - scaled.mean()
    centred /= np.abs(centred).max()
    centred -= centred.mean()  # what rounding left of the mean
    unit: Floats = centred / math.sqrt(float(centred @ centred))
    return unit


def _clip(r: float) -> float:
    """Rounding may leave the last digit outside [-1, 1]."""
    return min(1.0, max(-1.0, r))
