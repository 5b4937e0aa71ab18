"""Pairwise accuracy with calibrated ties, `acc_eq`, without looking at the labels it is judged on.

Deutsch, Foster and Freitag 2023, arXiv:2305.14324: people call some pairs equal, and a model may do so
too, by calling pairs equal whose scores differ by at most eps. Choosing eps on the pairs that are judged
flatters the model; here it comes from other groups.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eliq_bench.stats.inputs import Groups, complete, kept_groups
from eliq_bench.stats.pair_accuracy import n_pairs, pair_blocks, prompt_codes
from eliq_bench.stats.statistic import Booleans, Floats, Integers

N_FOLDS = 5
MAX_PAIRS = 20_000_000
"""About 3 GB at the peak. Above it the statistic is refused, not sampled."""


class AccEq(NamedTuple):
    """Share of pairs on whose order, or equality, score and people agree."""

    value: float
    """In [0, 1]; NaN if undefined."""
    n: int
    """Pairs."""
    reason: str
    eps: tuple[float, ...]
    """The score difference that counts as a tie; one value per part of a cross-fit."""
    n_tied_label: int
    """Pairs that people call equal."""
    n_nan: int = 0
    n_inf: int = 0


class _Pairs(NamedTuple):
    gap: Floats
    """(m,) absolute score difference."""
    right: Booleans
    """(m,) score and label differ in the same direction."""
    tied: Booleans
    """(m,) labels are equal."""
    part: NDArray[np.int16]
    """(m,) which pair of folds the two items belong to."""


def acc_eq_at(score: ArrayLike, label: ArrayLike, prompt: Groups | None, eps: float) -> AccEq:
    """Accuracy with ties at a given eps: (pairs in the right order + ties in both) / all pairs.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better; equal labels are human ties.
        prompt: (n,) pairs are formed inside each prompt; None forms all pairs.
        eps: largest score difference that counts as a tie, at least 0, in units of the score.

    Raises:
        ValueError: if lengths differ, a prompt is missing, or eps is negative.

    >>> round(acc_eq_at([.10, .15, .40, .90], [1, 1, 2, 3], None, 0.0).value, 4)
    0.8333
    >>> acc_eq_at([.10, .15, .40, .90], [1, 1, 2, 3], None, 0.06).value
    1.0
    """
    if not eps >= 0.0:
        raise ValueError(f"eps must not be negative, got {eps}")
    rows = complete(score=score, label=label)
    x, y = rows.values
    codes = prompt_codes(prompt, len(rows.keep))[rows.keep]
    total = agreed = tied = 0
    for first, second in pair_blocks(codes):
        gap = x[first] - x[second]
        truth = np.sign(y[first] - y[second])
        guess = np.where(np.abs(gap) <= eps, 0.0, np.sign(gap))
        agreed += int((guess == truth).sum())
        tied += int((truth == 0).sum())
        total += len(first)
    value = agreed / total if total else math.nan
    return AccEq(value, total, "" if total else "no pairs", (eps,), tied, rows.n_nan, rows.n_inf)


def acc_eq(score: ArrayLike, label: ArrayLike, prompt: Groups | None, groups: Groups | None = None) -> AccEq:
    """Accuracy with ties whose eps is cross-fitted by group: no pair helps to choose its own eps.

    Groups are dealt into 5 folds. The eps of a pair comes from all pairs that touch neither item's fold.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better; equal labels are human ties.
        prompt: (n,) pairs are formed inside each prompt; None forms all pairs.
        groups: (n,) what must not be split between folds; None takes the prompt, or, with all pairs, each
            item by itself.

    Returns:
        Share and the values of eps; NaN with a reason below 3 groups or above 20 million pairs.

    Raises:
        ValueError: if lengths differ, or a prompt or group is missing.
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    codes = prompt_codes(prompt, len(rows.keep))[rows.keep]
    kept = kept_groups(prompt if groups is None else groups, rows)
    dropped = rows.n_nan, rows.n_inf
    reason = _refusal(codes, len(kept.names))
    if reason:
        return AccEq(math.nan, 0, reason, (), 0, *dropped)
    pairs = _gather(x, y, codes, kept.codes % N_FOLDS)
    parts = list(itertools.combinations_with_replacement(range(N_FOLDS), 2))
    agreed, used = 0, []
    for number, (a, b) in enumerate(parts):
        judged = pairs.part == number
        if not judged.any():
            continue
        touches = np.array([not {a, b}.isdisjoint(part) for part in parts])
        eps = _best_eps(pairs, ~touches[pairs.part])
        if math.isnan(eps):
            return AccEq(math.nan, 0, "no pairs to choose eps from", (), 0, *dropped)
        tie = pairs.gap <= eps
        agreed += int((judged & np.where(tie, pairs.tied, pairs.right)).sum())
        used.append(eps)
    n = len(pairs.gap)
    return AccEq(agreed / n, n, "", tuple(used), int(pairs.tied.sum()), *dropped)


def acc_eq_insample(score: ArrayLike, label: ArrayLike, prompt: Groups | None) -> AccEq:
    """Accuracy with the eps that is best on these very labels: optimistic, for comparison with others.

    Args, returns and raises as `acc_eq`.

    >>> acc_eq_insample([0, 2, 6, 8], [1, 1, 1, 4], None)[:4]
    (0.6666666666666666, 6, '', (4.0,))
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    codes = prompt_codes(prompt, len(rows.keep))[rows.keep]
    reason = _refusal(codes, 3)
    if reason:
        return AccEq(math.nan, 0, reason, (), 0, rows.n_nan, rows.n_inf)
    pairs = _gather(x, y, codes, np.zeros(len(x), dtype=np.intp))
    eps = _best_eps(pairs, np.ones(len(pairs.gap), dtype=bool))
    value = float(np.where(pairs.gap <= eps, pairs.tied, pairs.right).mean())
    n = len(pairs.gap)
    return AccEq(value, n, "", (eps,), int(pairs.tied.sum()), rows.n_nan, rows.n_inf)


def _refusal(codes: Integers, n_groups: int) -> str:
    n = n_pairs(codes)
    if n == 0:
        return "no pairs"
    if n_groups < 3:
        return "too few groups"
    return f"more than {MAX_PAIRS} pairs" if n > MAX_PAIRS else ""


def _gather(x: Floats, y: Floats, codes: Integers, folds: Integers) -> _Pairs:
    """All pairs, sorted by score difference, each with the number of its unordered pair of folds."""
    number = np.zeros((N_FOLDS, N_FOLDS), dtype=np.int16)
    for i, (a, b) in enumerate(itertools.combinations_with_replacement(range(N_FOLDS), 2)):
        number[a, b] = number[b, a] = i
    gaps, rights, tieds, parts = [], [], [], []
    for first, second in pair_blocks(codes):
        gap = x[first] - x[second]
        truth = np.sign(y[first] - y[second])
        gaps.append(np.abs(gap))
        rights.append(truth * np.sign(gap) > 0)
        tieds.append(truth == 0)
        parts.append(number[folds[first], folds[second]])
    gap = np.concatenate(gaps)
    order = np.argsort(gap, kind="stable")
    columns = (np.concatenate(column)[order] for column in (rights, tieds, parts))
    return _Pairs(gap[order], *columns)


def _best_eps(pairs: _Pairs, use: Booleans) -> float:
    """Smallest eps with the highest accuracy among 0 and the score differences in use; NaN without pairs."""
    gap = pairs.gap[use]
    if not len(gap):
        return math.nan
    # Raising eps past a pair turns it into a tie: wins a human tie, loses a pair that was in order.
    gain = np.cumsum(pairs.tied[use].astype(np.int64) - pairs.right[use])
    last = np.append(gap[1:] != gap[:-1], True)  # pairs with the same difference become ties together
    candidates, gains = gap[last], gain[last]
    if candidates[0] > 0.0:
        candidates, gains = np.concatenate([[0.0], candidates]), np.concatenate([[0], gains])
    return float(candidates[np.argmax(gains)])
