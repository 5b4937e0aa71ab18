"""Controls beside every model: the SRCC of the generator's name alone, and the SRCC that the raters' noise allows."""

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import spearman, srcc
from eliq_bench.stats.inputs import Groups, coded_column, complete, complete_rated, undefined_reason
from eliq_bench.stats.statistic import Floats, Statistic

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


def _means(y: Floats, codes: np.ndarray) -> Floats:
    """Mean of y over each item's group (n,), the same to the last digit whatever the order of items."""
    order = np.lexsort((y, codes))
    sums = np.bincount(codes[order], y[order])
    means: Floats = (sums / np.maximum(np.bincount(codes), 1))[codes]
    return means


N_DRAWS = 100


def noise_ceiling(
    label: ArrayLike,
    std: ArrayLike | None,
    raters: ArrayLike | None,
    *,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> Statistic:
    """Mean SRCC between two repetitions of the rating experiment, simulated from the spread of the raters.

    Each repetition is the label plus normal noise with standard deviation `std / sqrt(raters)`. The labels
    carry noise already, so this is what a second panel would reach, not the best possible model.

    Args:
        label: (n,) mean opinion scores.
        std: (n,) or one number: standard deviation of single ratings, on the scale of the label.
        raters: (n,) or one number: ratings per item.
        n_draws: pairs of repetitions.
        seed: of the noise.

    Returns:
        Value in [-1, 1]; NaN with a reason if std or raters are not known, below 3 items, or for constant
        labels. Items without a finite label, std and rater count are left out.

    Raises:
        ValueError: if lengths differ, a std is negative, a rater count is not positive, or n_draws < 1.

    >>> noise_ceiling([1, 2, 3, 4], 0.0, 20).value
    1.0
    """
    if n_draws < 1:
        raise ValueError(f"need at least 1 draw, got {n_draws}")
    rows = complete_rated(std, raters, label=label)
    if isinstance(rows, str):
        return Statistic.undefined(rows)
    y, spread, count = rows.values
    reason = undefined_reason(y, y).replace("score", "label")
    if reason:
        return Statistic.undefined(reason, rows.n, rows.n_nan, rows.n_inf)
    order = np.lexsort((count, spread, y))  # the same noise for the same item, however items are listed
    y, noise = y[order], (spread / np.sqrt(count))[order]
    generator = np.random.default_rng(seed)
    draws = [y + noise * generator.standard_normal((2, rows.n)) for _ in range(n_draws)]
    value = float(np.mean([spearman(first, second) for first, second in draws]))
    return Statistic(value, rows.n, "", rows.n_nan, rows.n_inf)
