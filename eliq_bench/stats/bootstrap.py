"""How far a number would move with other prompts: the group bootstrap.

Whole groups (prompts, reference images) are drawn with replacement, because items of a group are not
independent: on data with a prompt effect, drawing single items understates the standard error by a third.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Coded, Groups, complete, kept_groups
from eliq_bench.stats.resampling import count_blocks, srcc_replicates
from eliq_bench.stats.statistic import TOO_FEW, TOO_FEW_GROUPS, Floats, Statistic

MIN_GROUPS = 10
MOST_UNDEFINED = 0.01
"""Share of undefined resamples (score or label constant in them) beyond which an interval is undefined. They are not a
random part of the draws, so that leaving them out moves the bounds; 1 % moves a bound of 95 % from the quantile 0.025
to one between 0.015 and 0.035 at most. Our choice."""
N_RESAMPLES = 1000


@dataclass(frozen=True)
class Bootstrap:
    """An estimate with its percentile interval and standard error."""

    value: float
    """The statistic of the data as they are; NaN if undefined."""
    n: int
    """Items that entered."""
    reason: str
    """Why the value or its interval is undefined; empty if both exist."""
    low: float
    high: float
    se: float
    """Standard deviation (ddof 1) of the replicates."""
    level: float
    """Coverage of [low, high]."""
    n_groups: int
    n_resamples: int
    n_nan: int = 0
    n_inf: int = 0
    n_undefined: int = 0
    """Resamples without a value, since score or label was constant in them."""
    replicates: Floats | None = None
    """(n_resamples,) on request; NaN where score or label was constant."""


def bootstrap_srcc(
    score: ArrayLike,
    label: ArrayLike,
    groups: Groups | None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    keep_replicates: bool = False,
) -> Bootstrap:
    """SRCC with the interval and standard error of a bootstrap over groups.

    Calls with the same items, groups and seed see the same resamples, so replicates of two models that
    scored the same items can be paired.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better.
        groups: (n,) what is resampled as a whole; None resamples single items.
        n_resamples: number of resamples.
        level: coverage of the percentile interval.
        seed: of the draws.
        keep_replicates: return the replicates too.

    Returns:
        The estimate; interval and standard error are NaN with a reason below 10 groups, and where more than 1 % of
        the resamples are undefined.

    Raises:
        ValueError: if lengths differ, a group is missing, or level or n_resamples is out of range.

    >>> x = np.arange(40.0)
    >>> result = bootstrap_srcc(x, x % 20, np.arange(40) // 2)
    >>> result.n_groups, result.low < result.value < result.high
    (20, True)
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    kept = kept_groups(groups, rows)
    estimate = srcc(x, y)._replace(n_nan=rows.n_nan, n_inf=rows.n_inf)
    if estimate.reason or len(kept.names) < MIN_GROUPS:
        return summarise(estimate, None, kept, level, n_resamples, keep_replicates)
    replicates = srcc_replicates(x[None], y, kept.codes, len(kept.names), n_resamples, seed)[:, 0]
    return summarise(estimate, replicates, kept, level, n_resamples, keep_replicates)


def bootstrap_mean(
    values: ArrayLike,
    groups: Groups | None,
    *,
    n_resamples: int = N_RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
    keep_replicates: bool = False,
) -> Bootstrap:
    """Mean of the values, with the interval and standard error of a bootstrap over groups.

    Args, returns and raises as `bootstrap_srcc`.

    >>> bootstrap_mean([1.0, 2.0, 3.0], ["a", "b", "c"]).reason
    'too few groups'
    """
    rows = complete(values=values)
    (x,) = rows.values
    kept = kept_groups(groups, rows)
    if not len(x):
        estimate = Statistic.undefined(TOO_FEW, 0, rows.n_nan, rows.n_inf)
    else:
        estimate = Statistic(float(x.mean()), len(x), "", rows.n_nan, rows.n_inf)
    n_groups = len(kept.names)
    if estimate.reason or n_groups < MIN_GROUPS:
        return summarise(estimate, None, kept, level, n_resamples, keep_replicates)
    sums = np.bincount(kept.codes, x, n_groups)
    blocks = count_blocks(n_groups, n_groups, n_resamples, seed)
    replicates = np.concatenate([(sums @ counts) / (kept.sizes @ counts) for counts in blocks])
    return summarise(estimate, replicates, kept, level, n_resamples, keep_replicates)


def summarise(
    estimate: Statistic,
    replicates: Floats | None,
    groups: Coded,
    level: float,
    n_resamples: int,
    keep_replicates: bool,
) -> Bootstrap:
    """Interval and standard error of replicates; NaN if there are none (no estimate, or too few groups)."""
    low, high, se, reason = math.nan, math.nan, math.nan, estimate.reason
    if replicates is None:
        reason = reason or TOO_FEW_GROUPS
    else:
        low, high = percentile_interval(replicates, level)
        se = standard_error(replicates)
        reason = undefined_resamples(replicates)
    return Bootstrap(
        value=estimate.value,
        n=estimate.n,
        reason=reason,
        low=low,
        high=high,
        se=se,
        level=level,
        n_groups=len(groups.names),
        n_resamples=n_resamples,
        n_nan=estimate.n_nan,
        n_inf=estimate.n_inf,
        n_undefined=0 if replicates is None else int(np.isnan(replicates).sum()),
        replicates=replicates if keep_replicates else None,
    )


def undefined_resamples(replicates: Floats) -> str:
    """Why (n_resamples,) replicates give no interval and no test; empty if at most `MOST_UNDEFINED` are NaN.

    >>> undefined_resamples(np.array([1.0, np.nan, 2.0, 3.0]))
    'undefined in 1 of 4 resamples'
    """
    missing = int(np.isnan(replicates).sum())
    return f"undefined in {missing:,} of {len(replicates):,} resamples" if _too_few(replicates) else ""


def _too_few(replicates: Floats) -> bool:
    missing = int(np.isnan(replicates).sum())
    return missing > MOST_UNDEFINED * len(replicates) or len(replicates) - missing < 2


def percentile_interval(replicates: Floats, level: float) -> tuple[float, float]:
    """Central interval that holds the share `level` of the replicates; NaN where `undefined_resamples` says why.

    Raises:
        ValueError: unless 0 < level < 1.

    >>> [round(bound, 6) for bound in percentile_interval(np.arange(101.0), 0.9)]
    [5.0, 95.0]
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if _too_few(replicates):
        return math.nan, math.nan
    defined = replicates[~np.isnan(replicates)]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def standard_error(replicates: Floats) -> float:
    """Standard deviation of the replicates (ddof 1), not divided by their number; NaN as `percentile_interval`."""
    return math.nan if _too_few(replicates) else float(np.nanstd(replicates, ddof=1))
