"""Ranks that do not claim more than the data show: tiers and rank intervals."""

from collections.abc import Mapping

import numpy as np

from eliq_bench.stats.results import Floats


def tiers(
    values: Mapping[str, float], p: Mapping[tuple[str, str], float], alpha: float = 0.05
) -> dict[str, int]:
    """Puts models that a paired test cannot separate from a tier's best into that tier.

    Models are taken from best to worst. One that is not significantly worse than the best of the current
    tier joins it, any other opens the next. Models of one tier are not thereby equal: only each is not
    shown to be worse than the tier's best.

    Args:
        values: SRCC by model; models with NaN are left out.
        p: p-value of each pair of models, in either order, corrected for the number of pairs. A missing
            or NaN p separates nothing.
        alpha: significance level.

    Returns:
        Tier by model, 1 is best, in the order from best to worst.

    >>> tiers({"a": 0.7, "b": 0.8, "c": 0.5}, {("a", "b"): 0.2, ("a", "c"): 0.2, ("b", "c"): 0.01})
    {'b': 1, 'a': 1, 'c': 2}
    """
    result: dict[str, int] = {}
    best, tier = "", 0
    for name in sorted((n for n in values if not np.isnan(values[n])), key=lambda n: (-values[n], n)):
        separated = tier == 0 or p.get((best, name), p.get((name, best), np.nan)) <= alpha
        if tier == 0 or (separated and values[name] < values[best]):
            best, tier = name, tier + 1
        result[name] = tier
    return result


def rank_intervals(replicates: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Between which ranks each model lies in the central share `level` of the resamples.

    Args:
        replicates: (n_resamples, m) of m models on the same resamples. A resample with a NaN is left out.
        level: coverage.

    Returns:
        Lowest and highest rank, each (m,); 1 is best, equal models share the better rank. NaN if fewer
        than 2 resamples are complete.

    Raises:
        ValueError: unless 0 < level < 1.

    >>> low, high = rank_intervals(np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.4]]))
    >>> low.tolist(), high.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    complete = replicates[~np.isnan(replicates).any(axis=1)]
    if len(complete) < 2:
        nothing = np.full(replicates.shape[1], np.nan)
        return nothing, nothing.copy()
    ranks = np.stack([1 + (complete > column[:, None]).sum(axis=1) for column in complete.T], axis=1)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ranks, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    return low.astype(np.float64), high.astype(np.float64)
