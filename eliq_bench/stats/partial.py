"""Discriminant validity: does an alignment score follow alignment, or just quality?"""

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import spearman, srcc
from eliq_bench.stats.inputs import complete, undefined_reason
from eliq_bench.stats.statistic import Statistic


class Partial(NamedTuple):
    """Partial correlation of a cell of the table, another label held fixed."""

    given: str
    statistic: Statistic


class CrossCell(NamedTuple):
    """How a score dimension goes with a label dimension, alone and with each other label held fixed."""

    score: str
    label: str
    srcc: Statistic
    partials: tuple[Partial, ...]


def cross_table(scores: Mapping[str, ArrayLike], labels: Mapping[str, ArrayLike]) -> tuple[CrossCell, ...]:
    """SRCC of every score dimension with every label dimension, with partial correlations.

    Args:
        scores: by dimension (n,), higher is better.
        labels: by dimension (n,), higher is better.

    Returns:
        One cell per pair, in the order of the input.

    Raises:
        ValueError: if lengths differ.
    """
    cells = []
    for (score_name, score), (label_name, label) in itertools.product(scores.items(), labels.items()):
        others = [(name, values) for name, values in labels.items() if name != label_name]
        partials = tuple(Partial(name, partial_srcc(score, label, values)) for name, values in others)
        cells.append(CrossCell(score_name, label_name, srcc(score, label), partials))
    return tuple(cells)


def partial_srcc(score: ArrayLike, label: ArrayLike, given: ArrayLike) -> Statistic:
    """Spearman correlation of score and label that is not explained by a third variable.

    `(r12 - r13 r23) / sqrt((1 - r13^2) (1 - r23^2))` on average ranks.

    Args:
        score: (n,)
        label: (n,)
        given: (n,) what is held fixed, usually the other label.

    Returns:
        Value in [-1, 1]; NaN with a reason below 4 complete rows, for a constant side, or if score or label
        is a monotone function of the third variable.

    Raises:
        ValueError: if lengths differ.

    >>> round(partial_srcc([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], [1, 3, 2, 5, 4]).value, 4)
    0.9784
    """
    rows = complete(score=score, label=label, given=given)
    x, y, z = rows.values
    counts = rows.n, rows.n_nan, rows.n_inf
    reason = undefined_reason(x, y) or undefined_reason(z, y).replace("score", "third variable")
    if not reason and rows.n < 4:
        reason = "too few"
    if reason:
        return Statistic.undefined(reason, *counts)
    r12, r13, r23 = spearman(x, y), spearman(x, z), spearman(y, z)
    if abs(r13) == 1.0 or abs(r23) == 1.0:
        return Statistic.undefined("explained completely by the third variable", *counts)
    value = (r12 - r13 * r23) / math.sqrt((1 - r13**2) * (1 - r23**2))
    return Statistic(min(1.0, max(-1.0, value)), *counts[:1], "", *counts[1:])
