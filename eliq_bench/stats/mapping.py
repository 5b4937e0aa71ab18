"""Agreement after a logistic mapping of the score: `plcc_logistic4`, `rmse_logistic4`.

Direction is kept: the curve can only increase, it is fitted to the score times the sign of its SRCC, and
the correlation carries that sign. The default is cross-fitted: each item is mapped by a curve that did
not see its group. Numbers judged on the data of the fit carry the suffix `_insample`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import pearson, spearman
from eliq_bench.stats.inputs import Groups, complete, kept_groups, undefined_reason
from eliq_bench.stats.logistic import Fit, fit_logistic4, fit_logistic5
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Integers, Statistic

MIN_ITEMS = 50
"""Fewer items and the fit flatters noise."""
N_FOLDS = 5

TOO_FEW_TO_FIT = "too few for logistic fit"
WRONG_DIRECTION = "wrong direction"


Form = Callable[[Floats, Floats], Fit]
FORMS: dict[str, Form] = {"logistic4": fit_logistic4, "logistic5": fit_logistic5}


@dataclass(frozen=True)
class LogisticMapping:
    """Scores mapped to the scale of the labels, and how well they agree there."""

    plcc: Statistic
    """Signed correlation of mapped score and label, in [-1, 1]."""
    rmse: Statistic
    """Root mean squared error on the scale of the labels; NaN if the score points the wrong way."""
    mapped: Floats
    """(total,) mapped score of each item, NaN where it has none."""
    sign: int
    """Sign of the raw SRCC: -1 for a score that ranks backwards."""
    n_converged: int
    """Start values from which the fit converged, over all folds."""
    n_starts: int


def plcc_logistic4(
    score: ArrayLike, label: ArrayLike, groups: Groups | None, folds: ArrayLike | None = None
) -> Statistic:
    """Pearson correlation after a cross-fitted 4-parameter logistic mapping; see `map_logistic`."""
    return map_logistic(score, label, groups, folds=folds).plcc


def rmse_logistic4(
    score: ArrayLike, label: ArrayLike, groups: Groups | None, folds: ArrayLike | None = None
) -> Statistic:
    """Root mean squared error, in units of the label, after the same mapping; see `map_logistic`."""
    return map_logistic(score, label, groups, folds=folds).rmse


def plcc_logistic4_insample(score: ArrayLike, label: ArrayLike) -> Statistic:
    """Pearson correlation after a mapping fitted to the very items it is judged on: optimistic."""
    return map_logistic_insample(score, label).plcc


def rmse_logistic4_insample(score: ArrayLike, label: ArrayLike) -> Statistic:
    """Root mean squared error after a mapping fitted to the very items it is judged on: optimistic."""
    return map_logistic_insample(score, label).rmse


def map_logistic(
    score: ArrayLike,
    label: ArrayLike,
    groups: Groups | None,
    *,
    folds: ArrayLike | None = None,
    form: str = "logistic4",
) -> LogisticMapping:
    """Maps each item by a curve fitted to the items of other folds, then measures agreement.

    Our choice: group number k, in the order of the sorted names, belongs to fold k mod 5.

    Args:
        score: (n,) any unit.
        label: (n,) higher is better.
        groups: (n,) what must not be split between folds; None makes each item its own group.
        folds: (n,) integers that replace the default folds.
        form: "logistic4", or "logistic5", which is not monotone.

    Returns:
        Correlation, error and mapped scores. NaN with a reason below 50 items, 2 groups, or for a
        constant side. A fold in which no start converges falls back to a straight line, with a note in
        `reason`; that happens on noise, where the curve degenerates.

    Raises:
        ValueError: if lengths differ, a group is missing, or the form is unknown.

    >>> x = np.linspace(-3, 3, 200)
    >>> result = map_logistic(-x, np.tanh(x), np.arange(200) // 10)
    >>> round(result.plcc.value, 4), result.rmse.reason
    (-1.0, 'wrong direction')
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    group_codes = kept_groups(groups, rows)
    if folds is None:
        fold_codes = group_codes.codes % min(N_FOLDS, max(len(group_codes.names), 1))
    else:
        fold_codes = _given_folds(folds, rows.keep, group_codes.codes)
    reason = _reason(x, y) or (TOO_FEW_GROUPS if len(np.unique(fold_codes)) < 2 else "")
    return _mapping(rows.keep, x, y, fold_codes, _form(form), reason, (rows.n_nan, rows.n_inf))


def map_logistic_insample(score: ArrayLike, label: ArrayLike, *, form: str = "logistic4") -> LogisticMapping:
    """As `map_logistic`, with one curve fitted to all items and judged on them."""
    rows = complete(score=score, label=label)
    x, y = rows.values
    one_fold = np.zeros(len(x), dtype=np.intp)
    return _mapping(rows.keep, x, y, one_fold, _form(form), _reason(x, y), (rows.n_nan, rows.n_inf))


def _mapping(
    keep: np.ndarray,
    x: Floats,
    y: Floats,
    folds: Integers,
    form: Form,
    reason: str,
    dropped: tuple[int, int],
) -> LogisticMapping:
    """Fits per fold and gathers; a single fold is judged on the items that fitted it."""
    if reason:
        nothing = Statistic.undefined(reason, len(x), *dropped)
        return LogisticMapping(nothing, nothing, np.full(len(keep), np.nan), 0, 0, 0)
    sign = -1 if spearman(x, y) < 0 else 1
    # A fixed order of the rows makes the result independent of the order in which they come.
    x = sign * x
    order = np.lexsort((folds, y, x))
    x, y, folds = x[order], y[order], folds[order]
    predicted = np.empty(len(x))
    n_converged = n_starts = n_linear = 0
    present = np.unique(folds)
    for fold in present:
        inside = folds == fold
        train = ~inside if len(present) > 1 else inside
        predicted[inside], converged, starts = _fit_and_map(x[train], y[train], x[inside], form)
        n_converged, n_starts, n_linear = (
            n_converged + converged,
            n_starts + starts,
            n_linear + (not converged),
        )
    note = f"linear fit in {n_linear} of {len(present)} folds" if n_linear else ""
    mapped = np.full(len(keep), np.nan)
    mapped[np.flatnonzero(keep)[order]] = predicted
    return LogisticMapping(
        _signed_plcc(predicted, y, sign, note, dropped),
        _rmse(predicted, y, sign, note, dropped),
        mapped,
        sign,
        n_converged,
        n_starts,
    )


def _fit_and_map(x: Floats, y: Floats, new: Floats, form: Form) -> tuple[Floats, int, int]:
    """Maps `new` by a curve fitted to (x, y); returns also how many starts converged, and of how many.

    A score outside the range that the fit saw is mapped like the nearest one inside: the tail of a curve that is
    all but exponential there says nothing about it (one such item gave an error of 10^8 on a scale of 5).

    With no converged start the curve is the least-squares line, or flat where that would decrease.
    """
    new = np.clip(new, x.min(), x.max())
    centre, scale = x.mean(), x.std()
    offset, height = y.mean(), y.std()
    if scale == 0.0 or height == 0.0:
        return np.full(len(new), offset), 0, 0
    standard_x, standard_y = (x - centre) / scale, (y - offset) / height
    found = form(standard_x, standard_y)
    standard_new = (new - centre) / scale
    if found.n_converged:
        values = found.curve(standard_new)
    else:
        values = standard_new * max(0.0, float(standard_x @ standard_y) / len(x))
    return offset + height * values, found.n_converged, found.n_starts


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


def _form(name: str) -> Form:
    if name not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {name!r}")
    return FORMS[name]


def _given_folds(folds: ArrayLike, keep: np.ndarray, codes: Integers) -> Integers:
    given = np.asarray(folds)
    if given.shape != keep.shape or given.dtype.kind not in "iu":
        raise ValueError(f"folds must be integers of shape {keep.shape}, got {given.dtype} {given.shape}")
    kept: Integers = given[keep].astype(np.intp)
    pairs = np.unique(np.stack([codes, kept]), axis=1)
    if pairs.shape[1] > len(np.unique(codes)):
        raise ValueError("folds split a group: every item of a group must lie in the same fold")
    return kept


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
