"""Counts of concordant, discordant and tied pairs in O(n log n)."""

from typing import NamedTuple

import numpy as np

from eliq_bench.stats.ranks import ties
from eliq_bench.stats.statistic import Floats, Integers

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
