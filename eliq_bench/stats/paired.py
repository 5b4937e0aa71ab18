"""The primary test of two models: paired group bootstrap of the difference of their SRCC."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, N_RESAMPLES, percentile_interval, standard_error
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Groups, complete, kept_groups
from eliq_bench.stats.resampling import srcc_replicates
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats


@dataclass(frozen=True)
class Difference:
    """How much better the first model agrees with the label than the second, on items both scored."""

    value: float
    """SRCC of the first minus SRCC of the second, in [-2, 2]; positive if the first is better."""
    n: int
    """Items that both models scored."""
    reason: str
    """Why the difference or its interval is undefined; empty if both exist."""
    low: float
    high: float
    se: float
    p: float
    """Two-sided; never below 2 / (n_resamples + 1)."""
    srcc_a: float
    srcc_b: float
    level: float
    n_groups: int
    n_resamples: int
    n_dropped: int


def paired_bootstrap(
    score_a: ArrayLike,
    score_b: ArrayLike,
    label: ArrayLike,
    groups: Groups | None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Difference of the SRCC of two models with interval and p-value; both see the same resamples.

    Args:
        score_a: (n,) first model, higher is better.
        score_b: (n,) second model, higher is better.
        label: (n,) higher is better.
        groups: (n,) what is resampled as a whole; None resamples single items.
        n_resamples: number of resamples; the smallest possible p is 2 / (n_resamples + 1).
        level: coverage of the percentile interval.
        seed: of the draws.

    Returns:
        The difference; interval and p are NaN with a reason below 10 groups.

    Raises:
        ValueError: if lengths differ, a group is missing, or level or n_resamples is out of range.

    >>> y = np.arange(60.0)
    >>> paired_bootstrap(y, -y, y, np.arange(60) // 3).p < 0.01
    True
    """
    rows = complete(score_a=score_a, score_b=score_b, label=label)
    a, b, y = rows.values
    kept = kept_groups(groups, rows)
    first, second = srcc(a, y), srcc(b, y)
    n_groups = len(kept.names)
    reason = first.reason or second.reason or (TOO_FEW_GROUPS if n_groups < MIN_GROUPS else "")
    if reason:
        differences = np.full(2, np.nan)
    else:
        scores = np.stack([a, b])
        replicates = srcc_replicates(scores, y, kept.codes, n_groups, n_resamples, seed)
        differences = replicates[:, 0] - replicates[:, 1]
    low, high = percentile_interval(differences, level)
    return Difference(
        value=first.value - second.value,
        n=rows.n,
        reason=reason,
        low=low,
        high=high,
        se=standard_error(differences),
        p=two_sided_bootstrap_p(differences),
        srcc_a=first.value,
        srcc_b=second.value,
        level=level,
        n_groups=n_groups,
        n_resamples=n_resamples,
        n_dropped=0 if reason else int(np.isnan(differences).sum()),
    )


def two_sided_bootstrap_p(differences: Floats) -> float:
    """Twice the smaller share of replicates on one side of 0, with one added to both counts.

    A replicate of exactly 0 counts on both sides, so that two identical models get 1. NaN replicates are
    left out; NaN if none remains.

    >>> two_sided_bootstrap_p(np.array([1.0] * 99)), two_sided_bootstrap_p(np.zeros(99))
    (0.02, 1.0)
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan
    fewer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2.0 * (fewer + 1) / (len(defined) + 1))
