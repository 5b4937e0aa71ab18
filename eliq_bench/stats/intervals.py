"""Closed-form intervals of one correlation. They assume independent items; the bootstrap does not."""

import math

from eliq_bench.stats.normal import quantile
from eliq_bench.stats.results import TOO_FEW, Interval

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
