"""Closed-form tests of two correlations with the same label: Williams, Meng, Steiger, Zou.

Notation of all functions: r12 and r13 are the correlations of the label with the first and the second
model, r23 that between the two models, n the number of items. They assume independent items, and normal
data where they are fed Pearson correlations; on ranks they are the usual approximation.
"""

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import spearman
from eliq_bench.stats.inputs import complete, undefined_reason
from eliq_bench.stats.normal import quantile, two_sided_p, upper_p
from eliq_bench.stats.statistic import TOO_FEW, Interval

PERFECT = "perfect correlation"


def bonett_wright(r: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a Spearman correlation: `tanh(atanh(r) +- z sqrt((1 + r^2 / 2) / (n - 3)))`.

    Bonett and Wright 2000, doi:10.1007/BF02294183.

    Args:
        r: Spearman correlation in [-1, 1], or NaN.
        n: number of pairs.
        level: coverage in (0, 1).

    Returns:
        Bounds in (-1, 1); NaN with a reason if n < 4, |r| = 1 or r is NaN.

    Raises:
        ValueError: if r lies outside [-1, 1], or level outside (0, 1).

    >>> [round(bound, 7) for bound in bonett_wright(0.8699639, 15)[:2]]
    [0.5840951, 0.9638297]
    """
    return _atanh_interval(r, n, level, 1.0 + r * r / 2.0)


def fisher(r: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a Pearson correlation: `tanh(atanh(r) +- z / sqrt(n - 3))`. As `bonett_wright`.

    >>> [round(bound, 4) for bound in fisher(0.5, 28)[:2]]
    [0.156, 0.7358]
    """
    return _atanh_interval(r, n, level, 1.0)


def _atanh_interval(r: float, n: int, level: float, variance: float) -> Interval:
    z = quantile(level)
    if math.isnan(r):
        return Interval.undefined("correlation undefined", level)
    if not -1.0 <= r <= 1.0:
        raise ValueError(f"a correlation lies between -1 and 1, got {r}")
    if n < 4:
        return Interval.undefined(TOO_FEW, level)
    if abs(r) == 1.0:
        return Interval.undefined(PERFECT, level)
    half = z * math.sqrt(variance / (n - 3))
    return Interval(math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), level)


INCONSISTENT = "inconsistent correlations"
SAME_SCORES = "the two models order the items alike"


class PairedTest(NamedTuple):
    """A test of the hypothesis that two models correlate equally well with the label."""

    statistic: float
    """Student t or standard normal z; positive if the first model is better. NaN if undefined."""
    p: float
    """Two-sided."""
    p_one_sided: float
    """Against the first model not being better."""
    n: int
    df: int | None = None
    """Degrees of freedom of a t."""
    reason: str = ""

    @classmethod
    def undefined(cls, reason: str, n: int) -> "PairedTest":
        """NaN with its reason."""
        return cls(math.nan, math.nan, math.nan, n, None, reason)


class SecondOpinions(NamedTuple):
    """Closed forms beside the bootstrap, all on ranks of the same items."""

    williams: PairedTest
    meng: PairedTest
    steiger: PairedTest
    zou: Interval
    n: int


def williams_t(r12: float, r13: float, r23: float, n: int) -> PairedTest:
    """Williams' t with n - 3 degrees of freedom.

    Williams 1959, recommended by Steiger 1980, doi:10.1037/0033-2909.87.2.245.

    Raises:
        ValueError: if a correlation lies outside [-1, 1].

    >>> williams_t(0.8066, 0.2383, 0.2255, 177).df
    174
    """
    reason = _undefined(r12, r13, r23, n)
    if reason:
        return PairedTest.undefined(reason, n)
    determinant = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23
    mean = (r12 + r13) / 2
    variance = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r23) ** 3
    if variance <= 0 or determinant < -1e-12:
        return PairedTest.undefined(INCONSISTENT, n)
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / variance)
    from scipy.special import stdtr  # here, because few runs need it and it takes half a second to load

    return PairedTest(t, 2 * float(stdtr(n - 3, -abs(t))), float(stdtr(n - 3, -t)), n, n - 3)


def meng_z(r12: float, r13: float, r23: float, n: int) -> PairedTest:
    """Meng, Rosenthal and Rubin's z on Fisher-transformed correlations, doi:10.1037/0033-2909.111.1.172.

    Raises:
        ValueError: if a correlation lies outside [-1, 1].

    >>> round(meng_z(0.8066, 0.2383, 0.2255, 177).statistic, 2)
    8.39
    """
    reason = _undefined(r12, r13, r23, n, fisher_needed=True)
    if reason:
        return PairedTest.undefined(reason, n)
    mean_square = (r12**2 + r13**2) / 2
    f = min(1.0, (1 - r23) / (2 * (1 - mean_square)))
    h = (1 - f * mean_square) / (1 - mean_square)
    return _normal_test(math.atanh(r12) - math.atanh(r13), 2 * (1 - r23) * h / (n - 3), n)


def steiger_z(r12: float, r13: float, r23: float, n: int) -> PairedTest:
    """Steiger's z: Dunn and Clark's test with pooled correlations, doi:10.1037/0033-2909.87.2.245.

    Raises:
        ValueError: if a correlation lies outside [-1, 1].

    >>> round(steiger_z(0.8066, 0.2383, 0.2255, 177).statistic, 2)
    8.55
    """
    reason = _undefined(r12, r13, r23, n, fisher_needed=True)
    if reason:
        return PairedTest.undefined(reason, n)
    square = ((r12 + r13) / 2) ** 2
    covariance = r23 * (1 - 2 * square) - 0.5 * square * (1 - 2 * square - r23**2)
    covariance /= (1 - square) ** 2
    return _normal_test(math.atanh(r12) - math.atanh(r13), (2 - 2 * covariance) / (n - 3), n)


def zou_interval(r12: float, r13: float, r23: float, n: int, level: float = 0.95) -> Interval:
    """Interval of r12 - r13 from the two single intervals and r23; Zou 2007, doi:10.1037/1082-989X.12.4.399.

    Raises:
        ValueError: if a correlation lies outside [-1, 1], or level outside (0, 1).

    >>> [round(bound, 4) for bound in zou_interval(0.396, 0.179, 0.088, 66)[:2]]
    [-0.0929, 0.5168]
    """
    first, second = fisher(r12, n, level), fisher(r13, n, level)
    reason = _undefined(r12, r13, r23, n, fisher_needed=True)
    if reason:
        return Interval.undefined(reason, level)
    c = (r23 - 0.5 * r12 * r13) * (1 - r12**2 - r13**2 - r23**2) + r23**3
    c /= (1 - r12**2) * (1 - r13**2)
    below = (r12 - first.low, second.high - r13)
    above = (first.high - r12, r13 - second.low)
    low, high = (a * a + b * b - 2 * c * a * b for a, b in (below, above))
    # Rounding may leave a difference of equal squares below 0.
    difference = r12 - r13
    return Interval(difference - math.sqrt(max(low, 0.0)), difference + math.sqrt(max(high, 0.0)), level)


def second_opinions(
    score_a: ArrayLike, score_b: ArrayLike, label: ArrayLike, level: float = 0.95
) -> SecondOpinions:
    """All closed forms on the ranks of the items that both models scored.

    Args:
        score_a: (n,) higher is better.
        score_b: (n,) higher is better.
        label: (n,) higher is better.
        level: coverage of Zou's interval.

    Raises:
        ValueError: if lengths differ.
    """
    rows = complete(score_a=score_a, score_b=score_b, label=label)
    a, b, y = rows.values
    reason = undefined_reason(a, y) or undefined_reason(b, y)
    if reason:
        test, interval = PairedTest.undefined(reason, rows.n), Interval.undefined(reason, level)
        return SecondOpinions(test, test, test, interval, rows.n)
    r = spearman(a, y), spearman(b, y), spearman(a, b), rows.n
    return SecondOpinions(williams_t(*r), meng_z(*r), steiger_z(*r), zou_interval(*r, level=level), rows.n)


def _undefined(r12: float, r13: float, r23: float, n: int, fisher_needed: bool = False) -> str:
    correlations = (r12, r13, r23)
    if any(math.isnan(r) for r in correlations):
        return "correlation undefined"
    if any(abs(r) > 1 for r in correlations):
        raise ValueError(f"a correlation lies between -1 and 1, got {correlations}")
    if n < 4:
        return TOO_FEW
    if r23 == 1.0:
        return SAME_SCORES
    if fisher_needed and (abs(r12) == 1.0 or abs(r13) == 1.0):
        return PERFECT
    return ""


def _normal_test(difference: float, variance: float, n: int) -> PairedTest:
    if variance <= 0:
        return PairedTest.undefined(INCONSISTENT, n)
    z = difference / math.sqrt(variance)
    return PairedTest(z, two_sided_p(z), upper_p(z), n)
