"""Agreement after a logistic mapping of the score: `plcc_logistic4` and `rmse_logistic4` of a row.

Direction is kept: the curve can only increase, it is fitted to the score times the sign of its SRCC, and
the correlation carries that sign. The default is cross-fitted: each item is mapped by a curve that did
not see its group, for several divisions into folds. The suffix `_insample` marks a fit to the very items it maps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import pearson, spearman
from eliq_bench.stats.inputs import Complete, Groups, coded, complete, kept_groups, undefined_reason
from eliq_bench.stats.logistic import Curve, fit_logistic4
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Integers, Statistic

MIN_ITEMS = 50
"""Fewer items and the fit flatters noise."""
N_FOLDS = 5
N_REPEATS = 5
"""Divisions into folds. One alone moves the correlation by up to 0.023 on 600 items of AGIQA-3K."""

TOO_FEW_TO_FIT = "too few for logistic fit"
WRONG_DIRECTION = "wrong direction"


@dataclass(frozen=True)
class LogisticMapping:
    """Scores mapped to the scale of the labels, and how well they agree there."""

    plcc: Statistic
    """Signed correlation of mapped score and label, in [-1, 1]: the mean over all divisions into folds."""
    rmse: Statistic
    """Root mean squared error on the scale of the labels, likewise; NaN if the score points the wrong way."""
    spread: float
    """Standard deviation of `plcc` over the divisions (ddof 1); NaN for a single one."""
    mapped: Floats
    """(total,) mapped score of each item, the mean over the divisions; NaN where it has none."""


def map_logistic(score: ArrayLike, label: ArrayLike, groups: Groups | None) -> LogisticMapping:
    """Maps each item by a curve fitted to the items of other folds, then measures agreement.

    Our choice: 5 divisions of the groups into 5 folds of equal number, at random with fixed seeds. They depend on the
    groups alone, so that models with gaps share them.

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
    codes = kept_groups(groups, rows).codes if groups is None else coded(groups, len(rows.keep)).codes[rows.keep]
    n_groups = int(codes.max(initial=0)) + 1
    shuffles = [np.random.default_rng(seed).permutation(n_groups) for seed in range(N_REPEATS)]
    return _mapping(rows, [shuffle[codes] % min(N_FOLDS, n_groups) for shuffle in shuffles])


def map_in_folds(score: ArrayLike, label: ArrayLike, folds: Integers) -> LogisticMapping:
    """As `map_logistic`, with one division into folds that is given: (n,) integers; a single fold maps itself."""
    rows = complete(score=score, label=label)
    return _mapping(rows, [folds[rows.keep]], insample=True)


def map_logistic_insample(score: ArrayLike, label: ArrayLike) -> LogisticMapping:
    """As `map_logistic`, with one curve fitted to all items, which it then maps: optimistic."""
    return map_in_folds(score, label, np.zeros(np.shape(score), dtype=np.intp))


def _mapping(rows: Complete, divisions: Sequence[Integers], insample: bool = False) -> LogisticMapping:
    """The mean over divisions into folds, each (n,) for the complete rows."""
    x, y = rows.values
    dropped = rows.n_nan, rows.n_inf
    reason = _reason(x, y)
    if not insample and min(len(np.unique(folds)) for folds in divisions) < 2:
        reason = reason or TOO_FEW_GROUPS
    mapped = np.full(len(rows.keep), np.nan)
    if reason:
        nothing = Statistic.undefined(reason, len(x), *dropped)
        return LogisticMapping(nothing, nothing, math.nan, mapped)
    sign = -1 if spearman(x, y) < 0 else 1
    predicted, note = _map_folds(sign * x, y, divisions)
    mapped[rows.keep] = predicted.mean(axis=0)
    plccs = [_signed_plcc(values, y, sign) for values in predicted]
    plcc = Statistic(float(np.mean(plccs)), len(y), _constant(plccs) or note, *dropped)
    spread = float(np.std(plccs, ddof=1)) if len(plccs) > 1 else math.nan
    return LogisticMapping(plcc, _rmse(predicted, y, sign, note, dropped), spread, mapped)


def _map_folds(x: Floats, y: Floats, divisions: Sequence[Integers]) -> tuple[Floats, str]:
    """Mapped scores (r, n) of r divisions into folds, and a note if lines took the place of curves.

    A single fold is mapped by a fit to its own items.
    """
    # A fixed order of the rows makes the result independent of the order in which they come.
    order = np.lexsort((y, x))
    x, y = x[order], y[order]
    folds = [(row, folds[order] == fold) for row, folds in enumerate(divisions) for fold in np.unique(folds)]
    trained = [inside if inside.all() else ~inside for _, inside in folds]
    mappings = _fit([(x[train], y[train]) for train in trained])
    predicted = np.empty((len(divisions), len(x)))
    for (row, inside), mapping in zip(folds, mappings, strict=True):
        predicted[row, order[inside]] = mapping(x[inside])
    n_linear = sum(mapping.curve is None for mapping in mappings)
    return predicted, f"linear fit in {n_linear} of {len(folds)} folds" if n_linear else ""


class _Mapping(NamedTuple):
    """A curve on the scale of the data that it was fitted to."""

    lowest: float
    """Score; those outside the range that the fit saw are mapped like the nearest one inside: the tail of a curve that
    is all but exponential there says nothing about them (one such item gave an error of 10^8 on a scale of 5)."""
    highest: float
    centre: float
    scale: float
    offset: float
    height: float
    slope: float
    """Of the least-squares line of standardised data, or 0 where that would decrease; used where there is no curve."""
    curve: Curve | None
    """None if no start converged, or one side is constant."""

    def __call__(self, new: Floats) -> Floats:
        """Mapped scores."""
        x = (np.clip(new, self.lowest, self.highest) - self.centre) / self.scale
        return self.offset + self.height * (self.curve(x) if self.curve else self.slope * x)


def _fit(sets: Sequence[tuple[Floats, Floats]]) -> list[_Mapping]:
    """A mapping for each set of scores and labels."""
    lines = [_line(x, y) for x, y in sets]
    varied = [i for i, line in enumerate(lines) if line.height]
    curves = fit_logistic4([_standardised(*sets[i], lines[i]) for i in varied])
    for i, curve in zip(varied, curves, strict=True):
        lines[i] = lines[i]._replace(curve=curve)
    return lines


def _line(x: Floats, y: Floats) -> _Mapping:
    """The least-squares line; flat where it would decrease, or where one side is constant."""
    centre, scale, offset, height = x.mean(), x.std(), y.mean(), y.std()
    if scale == 0.0 or height == 0.0:
        return _Mapping(x.min(), x.max(), centre, 1.0, offset, 0.0, 0.0, None)
    flat = _Mapping(x.min(), x.max(), centre, scale, offset, height, 0.0, None)
    standard_x, standard_y = _standardised(x, y, flat)
    return flat._replace(slope=max(0.0, float(standard_x @ standard_y) / len(x)))


def _standardised(x: Floats, y: Floats, on: _Mapping) -> tuple[Floats, Floats]:
    return (x - on.centre) / on.scale, (y - on.offset) / on.height


def _signed_plcc(predicted: Floats, y: Floats, sign: int) -> float:
    return math.nan if predicted.min() == predicted.max() else sign * pearson(*_in_order(predicted, y))


def _constant(plccs: Sequence[float]) -> str:
    return "constant mapped score" if any(map(math.isnan, plccs)) else ""


def _rmse(predicted: Floats, y: Floats, sign: int, note: str, dropped: tuple[int, int]) -> Statistic:
    """Mean over the divisions (r, n) of the root mean squared error."""
    if sign < 0:
        return Statistic.undefined(WRONG_DIRECTION, len(y), *dropped)
    errors = [np.sqrt(np.mean(np.subtract(*_in_order(values, y)) ** 2)) for values in predicted]
    return Statistic(float(np.mean(errors)), len(y), note, *dropped)


def _in_order(predicted: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Both in an order that does not depend on that of the items, so that sums do not either."""
    order = np.lexsort((y, predicted))
    return predicted[order], y[order]


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
