"""The test of two models on the same items: paired group bootstrap of the difference of their SRCC."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, percentile_interval, standard_error, undefined_resamples
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Groups, complete, kept_groups
from eliq_bench.stats.resampling import srcc_replicates
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Statistic

PAIR_RESAMPLES = 10_000
"""With 1,000 a p of 0.05 varies by 0.01 with the seed, with these by 0.003."""


class PairTest(NamedTuple):
    """How much better the first model agrees with the label than the second, on the items that both scored."""

    a: str
    """Name of the first model; of several models the one with the higher SRCC over all."""
    b: str
    difference: float
    """SRCC of a minus SRCC of b, in [-2, 2]; positive if a is better."""
    n: int
    """Items that both models scored."""
    reason: str
    """Why the difference or its interval is undefined; empty if both exist."""
    low: float
    high: float
    se: float
    p: float
    """Two-sided bootstrap p of this pair alone; never below 2 / (n_resamples + 1)."""
    p_holm: float
    """The same, corrected for the number of pairs; NaN until it is."""
    srcc_a: float
    """On the items that both scored, as is `srcc_b`."""
    srcc_b: float
    n_resamples: int = 0
    """Resamples in which the difference is defined: p rests on these."""
    p_error: float = math.nan
    """Monte-Carlo standard error of p: how much it would vary with the seed."""
    p_holm_error: float = math.nan
    """The same of `p_holm`; NaN until that is corrected."""
    p_is_bound: bool = False
    """True if no resample fell on the other side of 0: p and `p_holm` are upper bounds."""

    def corrected(self, p_holm: float) -> "PairTest":
        """The same with a corrected p."""
        return self._replace(p_holm=p_holm, p_holm_error=self.p_error * (p_holm / self.p))

    def separable(self, alpha: float) -> bool:
        """Whether the corrected test finds a difference."""
        return self.p_holm <= alpha and self.difference != 0


def paired_bootstrap(
    score_a: ArrayLike,
    score_b: ArrayLike,
    label: ArrayLike,
    groups: Groups | None,
    *,
    names: tuple[str, str] = ("a", "b"),
    n_resamples: int = PAIR_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> PairTest:
    """Difference of the SRCC of two models with interval and p-value; both see the same resamples.

    Args:
        score_a: (n,) first model, higher is better.
        score_b: (n,) second model, higher is better.
        label: (n,) higher is better.
        groups: (n,) what is resampled as a whole; None resamples single items.
        names: of the two models.
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
    both = srcc(a, y), srcc(b, y)
    n_groups = len(kept.names)
    reason = untestable(both, n_groups)
    replicates = np.full((1, 2), np.nan)
    if not reason:
        replicates = srcc_replicates(np.stack([a, b]), y, kept.codes, n_groups, n_resamples, seed)
    return pair_test(names, both, rows.n, reason, replicates, level)


def untestable(both: tuple[Statistic, Statistic], n_groups: int) -> str:
    """Why two SRCC cannot be tested against each other; empty if they can."""
    return both[0].reason or both[1].reason or (TOO_FEW_GROUPS if n_groups < MIN_GROUPS else "")


def pair_test(
    names: tuple[str, str],
    both: tuple[Statistic, Statistic],
    n: int,
    reason: str,
    replicates: Floats,
    level: float,
) -> PairTest:
    """The test from the SRCC of both models and its replicates (n_resamples, 2), NaN where there is a reason."""
    differences = replicates[:, 0] - replicates[:, 1]
    low, high = percentile_interval(differences, level)
    p = two_sided_bootstrap_p(differences)
    drawn = int((~np.isnan(differences)).sum())
    return PairTest(
        *names,
        difference=both[0].value - both[1].value,
        n=n,
        reason=reason or undefined_resamples(differences),
        low=low,
        high=high,
        se=standard_error(differences),
        p=p,
        p_holm=math.nan,
        srcc_a=both[0].value,
        srcc_b=both[1].value,
        n_resamples=drawn,
        p_error=math.sqrt(p * (2 - p) / drawn) if drawn else math.nan,  # p is twice a share
        p_is_bound=p * (drawn + 1) <= 2,
    )


def two_sided_bootstrap_p(differences: Floats) -> float:
    """Twice the smaller share of replicates on one side of 0, with one added to both counts.

    A replicate of exactly 0 counts on both sides, so that two identical models get 1. NaN where too many replicates
    are undefined for an interval, see `undefined_resamples`.

    >>> two_sided_bootstrap_p(np.array([1.0] * 99)), two_sided_bootstrap_p(np.zeros(99))
    (0.02, 1.0)
    """
    if undefined_resamples(differences):
        return math.nan
    defined = differences[~np.isnan(differences)]
    fewer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2.0 * (fewer + 1) / (len(defined) + 1))
