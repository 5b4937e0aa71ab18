"""System level: do mean scores put the generators in the order that people do?"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, N_RESAMPLES
from eliq_bench.stats.correlation import krcc
from eliq_bench.stats.inputs import Coded, Groups, coded_column, complete, kept_groups
from eliq_bench.stats.resampling import count_blocks
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Statistic

MIN_GENERATORS = 4
_ROUNDING = 1e-12
"""Means that differ by less, relative to the values, are tied: summation may have parted them."""
TOO_FEW_GENERATORS = "too few generators"


@dataclass(frozen=True)
class SystemLevel:
    """Agreement of mean score and mean label over generators."""

    tau: Statistic
    """Kendall's tau-b over generators, in [-1, 1]; n counts generators."""
    accuracy: Statistic
    """Share of generator pairs in the right order, a tied mean score counting half; n counts pairs."""
    soft: Statistic
    """Soft pairwise accuracy in [0, 1]: 1 minus the mean gap between the confidence that scores and labels
    give to "the first is better". A pair that people cannot separate asks the model for no more."""
    generators: tuple[str, ...]
    """Names of those that made an item with score and label."""


def system_level(
    score: ArrayLike,
    label: ArrayLike,
    generator: Groups | None,
    groups: Groups | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> SystemLevel:
    """Compares generators by mean score and by mean label, on the items that have both.

    Soft accuracy follows Thompson et al. 2024, arXiv:2409.09598. Our choice: the confidence is the share
    of group-bootstrap resamples in which the first generator has the higher mean (a tie counts half), in
    place of a permutation p, since not every prompt has an image of every generator.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better.
        generator: (n,) name of what made each image; None, or None for every item, if unknown.
        groups: (n,) prompts, resampled as a whole; None resamples single items.
        n_resamples: number of resamples.
        seed: of the draws.

    Returns:
        Tau, accuracy and soft accuracy; NaN with a reason below 4 generators (soft: also below 10 groups).

    Raises:
        ValueError: if lengths differ, a group is missing, or some items alone lack a generator.

    >>> names = np.repeat(["a", "b", "c", "d"], 20)
    >>> y = np.arange(80.0)
    >>> result = system_level(y, y, names)
    >>> result.tau.value, result.accuracy.value, result.soft.value
    (1.0, 1.0, 1.0)
    """
    rows = complete(score=score, label=label)
    column = coded_column(generator, len(rows.keep), "generator")
    if column is None:
        nothing = Statistic.undefined("no generator", 0, rows.n_nan, rows.n_inf)
        return SystemLevel(nothing, nothing, nothing, ())
    systems = column.take(rows.keep)
    prompts = kept_groups(groups, rows)
    x, y = (values - np.median(values) for values in rows.values)  # means of values far from 0 lose digits
    mean_score, mean_label = _means(x, systems), _means(y, systems)
    names = tuple(map(str, systems.names))
    if len(names) < MIN_GENERATORS:
        nothing = Statistic.undefined(TOO_FEW_GENERATORS, len(names), rows.n_nan, rows.n_inf)
        return SystemLevel(nothing, nothing, nothing, names)
    ordered = _without_rounding(mean_score, x), _without_rounding(mean_label, y)
    tau = krcc(*ordered)._replace(n_nan=rows.n_nan, n_inf=rows.n_inf)
    soft = _soft_accuracy(x, y, systems, prompts, n_resamples, seed)
    return SystemLevel(tau, _accuracy(*ordered), soft, names)


def _means(values: Floats, systems: Coded) -> Floats:
    order = np.lexsort((values, systems.codes))  # a fixed order of summation
    means: Floats = np.bincount(systems.codes[order], values[order]) / systems.sizes
    return means


def _without_rounding(means: Floats, values: Floats) -> Floats:
    """The means, those equal that differ by no more than the rounding of their sums."""
    order = np.argsort(means, kind="stable")
    new = np.diff(means[order], prepend=-np.inf) > _ROUNDING * np.abs(values).max()
    level = np.empty(len(means))
    level[order] = means[order][np.flatnonzero(new)][np.cumsum(new) - 1]
    return level


def _accuracy(score: Floats, label: Floats) -> Statistic:
    first, second = np.triu_indices(len(score), 1)
    truth = np.sign(label[first] - label[second])
    guess = np.sign(score[first] - score[second])
    differ = truth != 0
    if not differ.any():
        return Statistic.undefined("all mean labels equal", 0)
    points = np.where(guess == 0, 0.5, guess == truth)[differ]
    return Statistic(float(points.mean()), len(points))


def _soft_accuracy(
    score: Floats, label: Floats, systems: Coded, prompts: Coded, n_resamples: int, seed: int
) -> Statistic:
    n_prompts, n_systems = len(prompts.names), len(systems.names)
    pairs = list(itertools.combinations(range(n_systems), 2))
    if n_prompts < MIN_GROUPS:
        return Statistic.undefined(TOO_FEW_GROUPS, len(pairs))
    cells = systems.codes * n_prompts + prompts.codes
    order = np.lexsort((score, label, cells))
    shape = n_systems, n_prompts
    sizes, scores, labels = (
        np.bincount(cells[order], weights, n_systems * n_prompts).reshape(shape)
        for weights in (None, score[order], label[order])
    )
    wins = np.zeros((2, len(pairs)))
    defined = np.zeros(len(pairs))
    first, second = np.array(pairs).T
    for counts in count_blocks(n_prompts, n_prompts, n_resamples, seed):
        weight = sizes @ counts
        both = (weight[first] > 0) & (weight[second] > 0)
        defined += both.sum(axis=1)
        for row, sums in enumerate((scores, labels)):
            means = (sums @ counts) / np.maximum(weight, 1)
            lead = means[first] - means[second]
            ahead = np.where(np.abs(lead) <= _ROUNDING * np.abs(sums).max(), 0.0, np.sign(lead))
            wins[row] += np.where(both, 0.5 + 0.5 * ahead, 0.0).sum(axis=1)
    known = defined > 0
    if not known.any():
        return Statistic.undefined("no two generators share a resample", 0)
    confidence = wins[:, known] / defined[known]
    gap = float(np.abs(confidence[0] - confidence[1]).mean())
    return Statistic(1.0 - gap, int(known.sum()))
