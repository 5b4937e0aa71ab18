"""Pairwise accuracy on pairs whose better image is known."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, N_RESAMPLES, bootstrap_mean
from eliq_bench.stats.inputs import Groups, vector
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Interval, normal_quantile

NOTHING_SCORED = "no pair has both scores"


class KnownPairAccuracy(NamedTuple):
    """Share of pairs whose positive scores above its negative, with an interval."""

    value: float
    """In [0, 1], 0.5 for guessing; NaN if no pair has both scores."""
    n: int
    """Pairs with both scores."""
    n_tied: int
    """Pairs among n with equal scores; each counts half."""
    n_undefined: int
    """Pairs left out because a score is NaN or infinite."""
    n_groups: int
    low: float
    high: float
    interval: Literal["bootstrap", "wilson", ""]
    """How it was computed; empty if there is none."""
    reason: str
    """Why the value or its interval is undefined; empty if both exist."""


def known_pair_accuracy(
    positive: ArrayLike,
    negative: ArrayLike,
    groups: Groups,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> KnownPairAccuracy:
    """Share of pairs whose positive scores above its negative, a tie counting half.

    The interval is a bootstrap over groups. Two cases leave a bootstrap nothing to draw from, and get Wilson's
    score interval on the number of groups instead: no group has two pairs, or all pairs come out alike, where
    every resample would repeat the value and an interval of no width would claim certainty. Our choice.

    Args:
        positive: (n,) scores of the better images, higher is better.
        negative: (n,) scores of the worse ones.
        groups: (n,) what is resampled as a whole.
        n_resamples: number of resamples.
        level: coverage of the interval.
        seed: of the draws.

    Raises:
        ValueError: if lengths differ, or a group is missing.

    >>> known_pair_accuracy([2, 2, 2, 2], [1, 2, 3, np.nan], ["a", "b", "c", "d"])[:4]
    (0.5, 3, 1, 1)
    """
    better, worse = vector(positive, "positive"), vector(negative, "negative")
    if not len(better) == len(worse) == len(groups):
        raise ValueError(f"lengths differ: {better.shape}, {worse.shape} and {len(groups)} groups")
    defined = np.isfinite(better) & np.isfinite(worse)
    right = _credit(better[defined], worse[defined])
    names = [group for group, kept in zip(groups, defined, strict=True) if kept]
    n, n_groups, tied = len(right), len(set(names)), int((right == 0.5).sum())
    lost = len(better) - n
    if not n:
        return KnownPairAccuracy(math.nan, 0, 0, lost, 0, math.nan, math.nan, "", NOTHING_SCORED)
    value = float(right.mean())
    if n_groups == n or np.ptp(right) == 0:
        interval = wilson(value, n_groups, level)
        return KnownPairAccuracy(value, n, tied, lost, n_groups, interval.low, interval.high, "wilson", "")
    if n_groups < MIN_GROUPS:
        return KnownPairAccuracy(value, n, tied, lost, n_groups, math.nan, math.nan, "", TOO_FEW_GROUPS)
    drawn = bootstrap_mean(right, names, n_resamples=n_resamples, level=level, seed=seed)
    return KnownPairAccuracy(value, n, tied, lost, n_groups, drawn.low, drawn.high, "bootstrap", drawn.reason)


def wilson(share: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share (1927, doi:10.1080/01621459.1927.10502953).

    A tie that counts half makes it a little too wide, never too narrow.

    Args:
        share: in [0, 1].
        n: independent cases, at least 1.
        level: coverage in (0, 1).

    Raises:
        ValueError: if share, n or level is out of range.

    >>> [round(bound, 4) for bound in wilson(0.8, 10)[:2]]
    [0.4902, 0.9433]
    """
    if not 0.0 <= share <= 1.0 or n < 1:
        raise ValueError(f"need a share in [0, 1] of at least one case, got {share} of {n}")
    z = normal_quantile(level)
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale), level)


def _credit(better: Floats, worse: Floats) -> Floats:
    """(n,) 1 where the better image scores higher, 0.5 at a tie, 0 otherwise."""
    credit: Floats = (better > worse) + 0.5 * (better == worse)
    return credit
