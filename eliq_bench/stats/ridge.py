"""Predictions of labels from features, each by a regression that saw neither the item nor anything of its group.

Predictions are differences from the mean image, see `out_of_fold`. A plain prediction holds the mean label of the other
folds, which is low where the labels of its own fold are high: pooled over folds, pure noise then ranks backwards (200
items in groups of 4, 300 features of noise: mean SRCC -0.10; as differences -0.02, a quarter of its standard error).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS
from eliq_bench.stats.inputs import Groups, coded
from eliq_bench.stats.statistic import CONSTANT_LABEL, TOO_FEW_GROUPS, Booleans, Floats, Integers


def ridge_path(x: Floats, y: Floats, new: Floats, strengths: Floats) -> Floats:
    """Predictions of ridge regressions on standardised features, one regression for each strength.

    Minimises ||y - b - z w||^2 + strength ||w||^2, where z are the features with mean 0 and variance 1 in `x`; a
    feature that is constant in `x` is left out.

    Args:
        x: (n, d) features to fit on.
        y: (n,) labels to fit to.
        new: (m, d) features to predict from.
        strengths: (k,) positive.

    Returns:
        (k, m) predicted labels.

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> ridge_path(x, 3 * x[:, 0], np.array([[5.0]]), np.array([1e-9])).round(6)
    array([[15.]])
    """
    varies = np.ptp(x, axis=0) > 0
    centre, spread = x[:, varies].mean(axis=0), x[:, varies].std(axis=0)
    z, z_new = (x[:, varies] - centre) / spread, (new[:, varies] - centre) / spread
    residual = y - y.mean()
    if z.shape[1] <= z.shape[0]:
        variances, axes = np.linalg.eigh(z.T @ z)
        weights, along = axes.T @ (z.T @ residual), z_new @ axes
    else:  # the same regression, written in the n items instead of the d features
        variances, axes = np.linalg.eigh(z @ z.T)
        weights, along = axes.T @ residual, (z_new @ z.T) @ axes
    shrunk = weights[:, None] / (np.clip(variances, 0.0, None)[:, None] + strengths)
    predicted: Floats = y.mean() + (along @ shrunk).T
    return predicted


def group_folds(codes: Integers, n_folds: int, seed: int | Sequence[int]) -> Integers:
    """A fold for each item, so that no group lies in two of them.

    Groups are shuffled and dealt out in turn: folds differ by at most one group, in items by more where groups differ
    in size.

    Args:
        codes: (n,) group of each item, integers from 0.
        n_folds: number of folds; with fewer groups than that, as many as there are groups.
        seed: of the shuffling.

    Returns:
        (n,) integers from 0 below `n_folds`.

    >>> group_folds(np.array([0, 0, 1, 1, 2]), 2, seed=0)
    array([0, 0, 0, 0, 1])
    """
    present, position = np.unique(codes, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(present)) % n_folds
    return dealt[position].astype(np.intp)


N_FOLDS = 5
"""Outer and inner, our choice: 80 % of the groups to fit on, as papers that report regressions take."""
STRENGTHS: Floats = np.logspace(-1, 6, 15)
"""Half decades, for standardised features: from almost none to almost nothing left of a few thousand features."""


@dataclass(frozen=True)
class OutOfFold:
    """What a probe predicts."""

    predicted: Floats
    """(n,) predicted label minus that of the mean image; NaN where features or label are not finite."""
    fold: Integers
    """(n,) the fold that held an item out, -1 where it is in none."""
    strengths: tuple[float, ...]
    """The strength of the ridge that predicted each fold."""
    reason: str
    """Why nothing is predicted; empty if something is."""


def out_of_fold(features: ArrayLike, label: ArrayLike, groups: Groups, *, seed: int = 0) -> OutOfFold:
    """Predict each label by a ridge that was fitted on other groups, its strength chosen inside those.

    For a fold, the ridge is fitted on all other folds, with the strength whose squared error over 5 inner folds of the
    same items is smallest. The prediction of an item is what this ridge gives for it, minus what it gives for the mean
    of all features. That mean reads no label and is one for all folds.

    Args:
        features: (n, d); an item with a value that is not finite takes no part.
        label: (n,) higher is better; an item without one takes no part.
        groups: (n,) what no fold may split.
        seed: of the folds.

    Returns:
        Predictions in units of the label. All NaN with a reason below 10 groups, or for constant labels.

    Raises:
        ValueError: lengths differ, or a group is missing.

    >>> x = np.arange(60.0)
    >>> probe = out_of_fold(x[:, None], x, np.arange(60) // 3)
    >>> probe.reason, bool(np.allclose(probe.predicted, x - x.mean(), rtol=0.02))
    ('', True)
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if x.ndim != 2 or y.shape != (len(x),):
        raise ValueError(f"features must be (n, d) and label (n,), got shapes {x.shape} and {y.shape}")
    keep: Booleans = np.isfinite(x).all(axis=1) & np.isfinite(y)
    kept = coded(groups, len(x)).take(keep)
    predicted, fold = np.full(len(x), math.nan), np.full(len(x), -1, dtype=np.intp)
    reason = _reason(y[keep], len(kept.names))
    if reason:
        return OutOfFold(predicted, fold, (), reason)
    fold[keep] = group_folds(kept.codes, N_FOLDS, seed)
    predicted[keep], strengths = _predict(x[keep], y[keep], kept.codes, fold[keep], seed)
    return OutOfFold(predicted, fold, strengths, "")


def _predict(
    x: Floats, y: Floats, codes: Integers, fold: Integers, seed: int
) -> tuple[Floats, tuple[float, ...]]:
    """Predictions (n,) and the strength of each fold."""
    predicted, strengths = np.empty(len(y)), []
    mean_image = x.mean(axis=0)
    for number in range(N_FOLDS):
        held = fold == number
        strength = _choose(x[~held], y[~held], codes[~held], [seed, number])
        (fitted,) = ridge_path(x[~held], y[~held], np.vstack([x[held], mean_image]), np.array([strength]))
        predicted[held] = fitted[:-1] - fitted[-1]
        strengths.append(strength)
    return predicted, tuple(strengths)


def _choose(x: Floats, y: Floats, codes: Integers, seed: list[int]) -> float:
    """The strength with the smallest squared error over inner folds; the stronger one of equals."""
    fold = group_folds(codes, N_FOLDS, seed)
    errors = np.zeros(len(STRENGTHS))
    for number in range(N_FOLDS):
        held = fold == number
        fitted = ridge_path(x[~held], y[~held], x[held], STRENGTHS)
        errors += ((fitted - y[held]) ** 2).sum(axis=1)
    return float(STRENGTHS[::-1][np.argmin(errors[::-1])])


def _reason(y: Floats, n_groups: int) -> str:
    if n_groups < MIN_GROUPS:
        return TOO_FEW_GROUPS
    return CONSTANT_LABEL if y.min() == y.max() else ""
