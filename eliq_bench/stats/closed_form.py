"""Closed-form tests of two correlations with the same label: Williams, Meng, Zou.

Notation of all functions: r12 and r13 are the correlations of the label with the first and the second
model, r23 that between the two models, n the number of items. They assume independent items, and normal
data where they are fed Pearson correlations; on ranks they are the usual approximation.
"""

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import spearman
from eliq_bench.stats.inputs import complete, undefined_reason
from eliq_bench.stats.statistic import TOO_FEW, Interval, normal_quantile

PERFECT = "perfect correlation"
INCONSISTENT = "inconsistent correlations"
SAME_SCORES = "the two models order the items alike"


class ClosedFormTest(NamedTuple):
    """A test of the hypothesis that two models correlate equally well with the label."""

    statistic: float
    """Student t or standard normal z; positive if the first model is better. NaN if undefined."""
    p: float
    """Two-sided."""
    reason: str = ""

    @classmethod
    def undefined(cls, reason: str) -> "ClosedFormTest":
        """NaN with its reason."""
        return cls(math.nan, math.nan, reason)


class SecondOpinions(NamedTuple):
    """Closed forms beside the bootstrap, all on ranks of the same items."""

    williams: ClosedFormTest
    meng: ClosedFormTest
    zou: Interval


def williams_t(r12: float, r13: float, r23: float, n: int) -> ClosedFormTest:
    """Williams' t with n - 3 degrees of freedom.

    Williams 1959, recommended by Steiger 1980, doi:10.1037/0033-2909.87.2.245.

    Raises:
        ValueError: if a correlation lies outside [-1, 1].

    >>> round(williams_t(0.8066, 0.2383, 0.2255, 177).statistic, 2)
    9.38
    """
    reason = _undefined(r12, r13, r23, n)
    if reason:
        return ClosedFormTest.undefined(reason)
    determinant = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23
    mean = (r12 + r13) / 2
    variance = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r23) ** 3
    if variance <= 0 or determinant < -1e-12:
        return ClosedFormTest.undefined(INCONSISTENT)
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / variance)
    from scipy.special import stdtr  # here, because few runs need it and it takes half a second to load

    return ClosedFormTest(t, 2 * float(stdtr(n - 3, -abs(t))))


def meng_z(r12: float, r13: float, r23: float, n: int) -> ClosedFormTest:
    """Meng, Rosenthal and Rubin's z on Fisher-transformed correlations, doi:10.1037/0033-2909.111.1.172.

    Raises:
        ValueError: if a correlation lies outside [-1, 1].

    >>> round(meng_z(0.8066, 0.2383, 0.2255, 177).statistic, 2)
    8.39
    """
    reason = _undefined(r12, r13, r23, n, fisher_needed=True)
    if reason:
        return ClosedFormTest.undefined(reason)
    mean_square = (r12**2 + r13**2) / 2
    f = min(1.0, (1 - r23) / (2 * (1 - mean_square)))
    h = (1 - f * mean_square) / (1 - mean_square)
    return _normal_test(math.atanh(r12) - math.atanh(r13), 2 * (1 - r23) * h / (n - 3))


def zou_interval(r12: float, r13: float, r23: float, n: int, level: float = 0.95) -> Interval:
    """Interval of r12 - r13 from the two single intervals and r23; Zou 2007, doi:10.1037/1082-989X.12.4.399.

    Raises:
        ValueError: if a correlation lies outside [-1, 1], or level outside (0, 1).

    >>> [round(bound, 4) for bound in zou_interval(0.396, 0.179, 0.088, 66)[:2]]
    [-0.0929, 0.5168]
    """
    z = normal_quantile(level)
    reason = _undefined(r12, r13, r23, n, fisher_needed=True)
    if reason:
        return Interval.undefined(reason, level)
    half = z / math.sqrt(n - 3)
    first, second = ((math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)) for r in (r12, r13))
    c = (r23 - 0.5 * r12 * r13) * (1 - r12**2 - r13**2 - r23**2) + r23**3
    c /= (1 - r12**2) * (1 - r13**2)
    below = (r12 - first[0], second[1] - r13)
    above = (first[1] - r12, r13 - second[0])
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
        test, interval = ClosedFormTest.undefined(reason), Interval.undefined(reason, level)
        return SecondOpinions(test, test, interval)
    r = spearman(a, y), spearman(b, y), spearman(a, b), rows.n
    return SecondOpinions(williams_t(*r), meng_z(*r), zou_interval(*r, level=level))


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


def _normal_test(difference: float, variance: float) -> ClosedFormTest:
    if variance <= 0:
        return ClosedFormTest.undefined(INCONSISTENT)
    z = difference / math.sqrt(variance)
    return ClosedFormTest(z, math.erfc(abs(z) / math.sqrt(2.0)))
