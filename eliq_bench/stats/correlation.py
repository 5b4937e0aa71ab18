"""Correlations between scores and labels: `srcc` (Spearman), `krcc` (Kendall tau-b), `plcc` (Pearson).

None maps the score, none takes an absolute value. Pairs with a value that is not finite are left out
before ranking and counted.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import complete, undefined_reason
from eliq_bench.stats.statistic import Floats, Integers, Statistic


class Ties(NamedTuple):
    """The sorted order of some values and where each run of equal values begins."""

    order: Integers
    """(n,) positions that sort the values."""
    starts: Integers
    """(k,) first sorted position of each different value."""

    @property
    def sizes(self) -> Integers:
        """(k,) how often each different value occurs."""
        return np.diff(self.starts, append=len(self.order))


def ties(values: Floats) -> Ties:
    """Sorts values and finds equal ones.

    >>> ties(np.array([3.0, 1.0, 3.0])).sizes
    array([1, 2])
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    new = np.ones(len(values), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return Ties(order, np.flatnonzero(new))


def doubled_ranks(values: Floats) -> Integers:
    """Twice the average rank of each value, (n,) integers; ranks start at 1.

    >>> doubled_ranks(np.array([3.0, 1.0, 3.0]))
    array([5, 2, 5])
    """
    tied = ties(values)
    sizes = tied.sizes
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[tied.order] = np.repeat(2 * tied.starts + sizes + 1, sizes)
    return ranks


def grouped_doubled_ranks(values: Floats, codes: Integers) -> Integers:
    """Twice the average rank of each value among the items of its own group, (n,) integers.

    Args:
        values: (n,) finite.
        codes: (n,) group of each item, 0..k-1, as `inputs.Coded` gives them.

    >>> grouped_doubled_ranks(np.array([3.0, 1.0, 3.0]), np.array([0, 1, 0]))
    array([3, 2, 3])
    """
    order = np.lexsort((values, codes))
    ordered, group = values[order], codes[order]
    new = np.ones(len(values), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]) | (group[1:] != group[:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(starts, append=len(values))
    before = np.cumsum(np.bincount(codes)) - np.bincount(codes)
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[order] = np.repeat(2 * (starts - before[group[starts]]) + sizes + 1, sizes)
    return ranks


_BLOCK = 32
"""Runs up to this length are compared pair by pair; longer ones are merged."""


class PairCounts(NamedTuple):
    """How the n (n - 1) / 2 pairs of items fall; the five counts add up to all pairs."""

    concordant: int
    discordant: int
    tied_score: int
    """Equal score, different label."""
    tied_label: int
    """Equal label, different score."""
    tied_both: int

    @property
    def total(self) -> int:
        """All pairs."""
        return sum(self)


def pair_counts(score: Floats, label: Floats) -> PairCounts:
    """Classifies all pairs of items by the order of score and label.

    Args:
        score: (n,) finite.
        label: (n,) finite.

    >>> pair_counts(np.array([1.0, 2, 2, 3]), np.array([1.0, 3, 2, 4]))
    PairCounts(concordant=5, discordant=0, tied_score=1, tied_label=0, tied_both=0)
    """
    n = len(score)
    x, y = _dense(score), _dense(label)
    order = np.lexsort((y, x))
    all_pairs = n * (n - 1) // 2
    tied_x, tied_y = _tied_pairs(np.bincount(x)), _tied_pairs(np.bincount(y))
    both = _tied_pairs(np.unique(x * n + y, return_counts=True)[1]) if n else 0
    discordant = inversions(y[order])  # pairs tied in x stand in the order of y: no inversion
    concordant = all_pairs - tied_x - tied_y + both - discordant
    return PairCounts(concordant, discordant, tied_x - both, tied_y - both, both)


def inversions(values: Integers) -> int:
    """Number of pairs in which the earlier value is strictly greater: a merge sort that counts.

    Args:
        values: (n,) integers.

    >>> inversions(np.array([3, 1, 2, 2]))
    3
    """
    n = len(values)
    if n < 2:
        return 0
    width = min(_BLOCK, 1 << (n - 1).bit_length())
    rows = 1 << (-(-n // width) - 1).bit_length()
    padded = np.full(rows * width, values.max(), dtype=np.int64)  # equal to the maximum: adds no inversion
    padded[:n] = values
    runs = padded.reshape(rows, width)
    later = np.triu(np.ones((width, width), dtype=bool), 1)
    count = int(((runs[:, :, None] > runs[:, None, :]) & later).sum())
    runs = np.sort(runs, axis=1)
    while len(runs) > 1:
        half = runs.shape[1]
        runs = runs.reshape(len(runs) // 2, 2 * half)
        merged = np.argsort(runs, axis=1, kind="stable")
        # A value of the left half moves back by one for each smaller value of the right half.
        places = np.nonzero(merged < half)[1].sum()
        count += int(places) - len(runs) * (half * (half - 1) // 2)
        runs = np.take_along_axis(runs, merged, axis=1)
    return count


def _dense(values: Floats) -> Integers:
    """Values numbered 0..k-1 in their order, equal values alike."""
    tied = ties(values)
    dense = np.empty(len(values), dtype=np.intp)
    dense[tied.order] = np.repeat(np.arange(len(tied.starts)), tied.sizes)
    return dense


def _tied_pairs(sizes: Integers) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


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


def _correlation(score: ArrayLike, label: ArrayLike, function: Callable[[Floats, Floats], float]) -> Statistic:
    rows = complete(score=score, label=label)
    x, y = rows.values
    reason = undefined_reason(x, y)
    value = math.nan if reason else function(x, y)
    return Statistic(value, rows.n, reason, rows.n_nan, rows.n_inf)


def _unit(x: Floats) -> Floats:
    """Centred and of length 1.

    Scaled by a power of two first, which is exact, so that neither tiny nor huge values under- or overflow; centred
    before any other scaling, since a quotient would round away what tells values far from 0 apart.
    """
    scaled = np.ldexp(x, -int(np.frexp(np.abs(x).max())[1]))
    centred = scaled - scaled.mean()
    centred = np.ldexp(centred, -int(np.frexp(np.abs(centred).max())[1]))
    centred -= centred.mean()  # what rounding left of the mean
    unit: Floats = centred / math.sqrt(float(centred @ centred))
    return unit


def _clip(r: float) -> float:
    """Rounding may leave the last digit outside [-1, 1]."""
    return min(1.0, max(-1.0, r))
