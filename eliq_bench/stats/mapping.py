"""Agreement after a logistic mapping of the score: `plcc_logistic4` and `rmse_logistic4` of a row.

Direction is kept: the curve can only increase, it is fitted to the score times the sign of its SRCC, and
the correlation carries that sign. The default is cross-fitted: each item is mapped by a curve that did
not see its group. The suffix `_insample` marks a fit to the very items it maps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import pearson, spearman
from eliq_bench.stats.inputs import Complete, Groups, complete, kept_groups, undefined_reason
from eliq_bench.stats.logistic import fit_logistic4
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Integers, Statistic

MIN_ITEMS = 50
"""Fewer items and the fit flatters noise."""
N_FOLDS = 5

TOO_FEW_TO_FIT = "too few for logistic fit"
WRONG_DIRECTION = "wrong direction"


@dataclass(frozen=True)
class LogisticMapping:
    """Scores mapped to the scale of the labels, and how well they agree there."""

    plcc: Statistic
    """Signed correlation of mapped score and label, in [-1, 1]."""
    rmse: Statistic
    """Root mean squared error on the scale of the labels; NaN if the score points the wrong way."""
    mapped: Floats
    """(total,) mapped score of each item, NaN where it has none."""


def map_logistic(score: ArrayLike, label: ArrayLike, groups: Groups | None) -> LogisticMapping:
    """Maps each item by a curve fitted to the items of other folds, then measures agreement.

    Our choice: group number k, in the order of the sorted names, belongs to fold k mod 5.

    Args:
        score: (n,) any unit.
        label: (n,) higher is better.
        groups: (n,) what must not be split between folds; None makes each item its own group.

    Returns:
        Correlation, error and mapped scores. NaN with a reason below 50 items, 2 groups, or for a
        constant side. A fold in which no start converges falls back to a straight line, with a note in
        `reason`; that happens on noise, where the curve degenerates.

    Raises:
        ValueError: if lengths differ, or a group is missing.

    >>> x = np.linspace(-3, 3, 200)
    >>> result = map_logistic(-x, np.tanh(x), np.arange(200) // 10)
    >>> round(result.plcc.value, 4), result.rmse.reason
    (-1.0, 'wrong direction')
    """
    rows = complete(score=score, label=label)
    kept = kept_groups(groups, rows)
    folds = kept.codes % min(N_FOLDS, max(len(kept.names), 1))
    return _mapping(rows, folds, TOO_FEW_GROUPS if len(np.unique(folds)) < 2 else "")


def map_logistic_insample(score: ArrayLike, label: ArrayLike) -> LogisticMapping:
    """As `map_logistic`, with one curve fitted to all items, which it then maps: optimistic."""
    rows = complete(score=score, label=label)
    return _mapping(rows, np.zeros(rows.n, dtype=np.intp), "")


def _mapping(rows: Complete, folds: Integers, reason: str) -> LogisticMapping:
    """Fits per fold and gathers; a single fold is mapped by a fit to its own items."""
    x, y = rows.values
    dropped = rows.n_nan, rows.n_inf
    reason = _reason(x, y) or reason
    mapped = np.full(len(rows.keep), np.nan)
    if reason:
        nothing = Statistic.undefined(reason, len(x), *dropped)
        return LogisticMapping(nothing, nothing, mapped)
    sign = -1 if spearman(x, y) < 0 else 1
    # A fixed order of the rows makes the result independent of the order in which they come.
    x = sign * x
    order = np.lexsort((folds, y, x))
    x, y, folds = x[order], y[order], folds[order]
    predicted = np.empty(len(x))
    present = np.unique(folds)
    n_linear = 0
    for fold in present:
        inside = folds == fold
        train = ~inside if len(present) > 1 else inside
        predicted[inside], is_logistic = _fit_and_map(x[train], y[train], x[inside])
        n_linear += not is_logistic
    note = f"linear fit in {n_linear} of {len(present)} folds" if n_linear else ""
    mapped[np.flatnonzero(rows.keep)[order]] = predicted
    return LogisticMapping(
        _signed_plcc(predicted, y, sign, note, dropped), _rmse(predicted, y, sign, note, dropped), mapped
    )


def _fit_and_map(x: Floats, y: Floats, new: Floats) -> tuple[Floats, bool]:
    """Maps `new` by a curve fitted to (x, y); returns also whether it is logistic.

    A score outside the range that the fit saw is mapped like the nearest one inside: the tail of a curve that is
    all but exponential there says nothing about it (one such item gave an error of 10^8 on a scale of 5).

    With no converged start the curve is the least-squares line, or flat where that would decrease.
    """
    new = np.clip(new, x.min(), x.max())
    centre, scale = x.mean(), x.std()
    offset, height = y.mean(), y.std()
    if scale == 0.0 or height == 0.0:
        return np.full(len(new), offset), False
    standard_x, standard_y, standard_new = (x - centre) / scale, (y - offset) / height, (new - centre) / scale
    curve = fit_logistic4(standard_x, standard_y)
    if curve is not None:
        return offset + height * curve(standard_new), True
    line = standard_new * max(0.0, float(standard_x @ standard_y) / len(x))
    return offset + height * line, False


def _signed_plcc(predicted: Floats, y: Floats, sign: int, note: str, dropped: tuple[int, int]) -> Statistic:
    if predicted.min() == predicted.max():
        return Statistic.undefined("constant mapped score", len(y), *dropped)
    return Statistic(sign * pearson(predicted, y), len(y), note, *dropped)


def _rmse(predicted: Floats, y: Floats, sign: int, note: str, dropped: tuple[int, int]) -> Statistic:
    if sign < 0:
        return Statistic.undefined(WRONG_DIRECTION, len(y), *dropped)
    return Statistic(float(np.sqrt(np.mean((predicted - y) ** 2))), len(y), note, *dropped)


def _reason(x: Floats, y: Floats) -> str:
    return TOO_FEW_TO_FIT if len(x) < MIN_ITEMS else undefined_reason(x, y)


CURVE_POINTS = 40


def fitted_curve(score: Floats, label: Floats, higher: bool) -> list[tuple[float, float]]:
    """The 4-parameter logistic curve fitted to all items, as points from the lowest own score to the highest.

    It is for the eye: the numbers of a table come from curves that did not see the group they map.

    Args:
        score: (n,) finite, higher is better.
        label: (n,) finite.
        higher: whether the own score points up.

    Returns:
        At most 40 points (own score, label), with 6 significant digits; none where no curve is defined.
    """
    mapped = map_logistic_insample(score, label).mapped
    if not np.isfinite(mapped).any():
        return []
    x, first = np.unique(score, return_index=True)
    places = np.unique(np.linspace(0, len(x) - 1, CURVE_POINTS).astype(int))
    if len(x) > CURVE_POINTS:  # even steps along the axis, not along the ranks, so that tails are drawn too
        grid = np.linspace(x[0], x[-1], CURVE_POINTS)
        points = [(at, float(np.interp(at, x, mapped[first]))) for at in grid.tolist()]
    else:
        points = [(float(x[i]), float(mapped[first][i])) for i in places]
    signed = [(at if higher else -at, value) for at, value in points]
    return sorted((_short(at), _short(value)) for at, value in signed)


def _short(value: float) -> float:
    return float(f"{value:.6g}")
