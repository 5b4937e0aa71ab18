"""Ranks that do not claim more than the data show: tiers and rank intervals."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import undefined_resamples
from eliq_bench.stats.statistic import Floats


def tiers(values: Mapping[str, float], separable: Collection[tuple[str, str]]) -> dict[str, int]:
    """Puts models into tiers inside which no two are separable.

    Models are taken from best to worst. One that a test separates from any model of the current tier opens the next,
    any other joins. Inside a tier no verdict says "better"; two models of different tiers need not be separable, since
    that is no transitive relation.

    Args:
        values: SRCC by model; models with NaN are left out.
        separable: pairs of models, in either order, between which a test corrected for their number finds a difference.

    Returns:
        Tier by model, 1 is best, in the order from best to worst.

    >>> tiers({"a": 0.7, "b": 0.8, "c": 0.5}, [("b", "c")])
    {'b': 1, 'a': 1, 'c': 2}
    """
    apart = {frozenset(pair) for pair in separable}
    result: dict[str, int] = {}
    members: list[str] = []
    tier = 1
    for name in sorted((n for n in values if not np.isnan(values[n])), key=lambda n: (-values[n], n)):
        if any(frozenset((name, other)) in apart for other in members):
            members, tier = [], tier + 1
        members.append(name)
        result[name] = tier
    return result


def rank_intervals(replicates: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Between which ranks each model lies in the central share `level` of the resamples.

    Args:
        replicates: (n_resamples, m) of m models on the same resamples. A resample with a NaN is left out, unless there
            are more of them than an interval allows, see `bootstrap.undefined_resamples`.
        level: coverage.

    Returns:
        Lowest and highest rank, each (m,); 1 is best, equal models share the better rank. NaN if too few resamples
        are complete.

    Raises:
        ValueError: unless 0 < level < 1.

    >>> low, high = rank_intervals(np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.4]]))
    >>> low.tolist(), high.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    complete = replicates[~np.isnan(replicates).any(axis=1)]
    if undefined_resamples(replicates.sum(axis=1)):
        nothing = np.full(replicates.shape[1], np.nan)
        return nothing, nothing.copy()
    ranks = np.stack([1 + (complete > column[:, None]).sum(axis=1) for column in complete.T], axis=1)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ranks, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    return low.astype(np.float64), high.astype(np.float64)


def holm(p: ArrayLike) -> Floats:
    """Holm-adjusted p-values: reject at alpha where the adjusted value is at most alpha.

    Holds the chance of any false rejection at alpha, whatever the dependence (Holm 1979).

    Args:
        p: (k,) in [0, 1]; NaN values are left out of the family and stay NaN.

    Returns:
        (k,) in [0, 1], each at least as large as its p.

    Raises:
        ValueError: if p is not one-dimensional or a value lies outside [0, 1].

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or np.any((values < 0) | (values > 1)):
        raise ValueError(f"p-values must be one-dimensional and lie in [0, 1], got shape {values.shape}")
    adjusted = np.full(len(values), np.nan)
    defined = np.flatnonzero(~np.isnan(values))
    order = defined[np.argsort(values[defined], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted
