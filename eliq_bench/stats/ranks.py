"""Average ranks, exactly: twice the rank is an integer, so no rounding enters."""

from typing import NamedTuple

import numpy as np

from eliq_bench.stats.statistic import Floats, Integers


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
