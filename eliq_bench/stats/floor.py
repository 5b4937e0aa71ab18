"""What a predictor reaches that knows only which generator made the image."""

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Groups, coded_column, complete
from eliq_bench.stats.statistic import CONSTANT_LABEL, TOO_FEW, Floats, Statistic

NO_GENERATOR = "no generator"


def generator_floor(label: ArrayLike, generator: Groups | None) -> Statistic:
    """SRCC of "mean label of the item's generator": a model must beat it to see more than the generator.

    In-sample by definition: each item is part of its generator's mean.

    Args:
        label: (n,) higher is better.
        generator: (n,) name of what made each image; None, or None for every item, if unknown.

    Returns:
        Value in [-1, 1]; NaN with a reason without generators, with one alone, or below 3 labels.

    Raises:
        ValueError: if lengths differ, or some items alone lack a generator.

    >>> round(generator_floor([1, 2, 5, 6], ["old", "old", "new", "new"]).value, 4)
    0.8944
    """
    rows = complete(label=label)
    column = coded_column(generator, len(rows.keep), "generator")
    if column is None:
        return Statistic.undefined(NO_GENERATOR, rows.n, rows.n_nan, rows.n_inf)
    (y,) = rows.values
    codes = column.codes[rows.keep]
    result = srcc(_means(y, codes), y)
    reason = "one generator" if len(np.unique(codes)) == 1 and result.reason else result.reason
    return result._replace(reason=reason, n_nan=rows.n_nan, n_inf=rows.n_inf)


def variance_share(label: ArrayLike, groups: Groups | None) -> Statistic:
    """Share of the labels' variance that lies between groups: between-group sum of squares over total.

    Args:
        label: (n,)
        groups: (n,) generator or prompt; None, or None for every item, if unknown.

    Returns:
        Value in [0, 1]; NaN with a reason without groups, below 2 labels, or for constant labels.

    Raises:
        ValueError: if lengths differ, or some items alone lack a group.

    >>> variance_share([1, 1, 3, 3], ["a", "a", "b", "b"]).value
    1.0
    """
    rows = complete(label=label)
    (y,) = rows.values
    column = coded_column(groups, len(rows.keep), "group")
    counts = rows.n, rows.n_nan, rows.n_inf
    if column is None:
        return Statistic.undefined("no groups", *counts)
    if rows.n < 2:
        return Statistic.undefined(TOO_FEW, *counts)
    if y.min() == y.max():
        return Statistic.undefined(CONSTANT_LABEL, *counts)
    centred = y / np.abs(y).max()
    centred -= centred.mean()
    between = _means(centred, column.codes[rows.keep])
    share = float(between @ between) / float(centred @ centred)
    return Statistic(min(1.0, share), rows.n, "", rows.n_nan, rows.n_inf)


def _means(y: Floats, codes: np.ndarray) -> Floats:
    """Mean of y over each item's group (n,), the same to the last digit whatever the order of items."""
    order = np.lexsort((y, codes))
    sums = np.bincount(codes[order], y[order])
    means: Floats = (sums / np.maximum(np.bincount(codes), 1))[codes]
    return means
