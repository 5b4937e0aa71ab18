"""Pairwise accuracy among the images of one prompt, plain and with calibrated ties (`acc_eq`).

Deutsch, Foster and Freitag 2023, arXiv:2305.14324: people call some pairs equal, and a model may do so too, by
calling pairs equal whose scores differ by at most eps. Choosing eps on the pairs that are then counted flatters the
model; here it comes from other groups.
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eliq_bench.stats.inputs import Coded, Groups, coded_column, complete, kept_groups
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Booleans, Floats, Integers, Statistic

N_FOLDS = 5
MAX_PAIRS = 20_000_000
"""About 3 GB at the peak. Above it the statistics are refused, not sampled."""
NO_PAIRS = "no pair with different labels"
_BLOCK_PAIRS = 2_000_000
_PARTS = tuple(itertools.combinations_with_replacement(range(N_FOLDS), 2))
"""The unordered pairs of folds that two items may lie in."""


class PairAgreement(NamedTuple):
    """How score and label agree on pairs of images of one prompt."""

    accuracy: Statistic
    """Share of the pairs with different labels that the score puts in the same order, a tied score counting half;
    0.5 for a constant score. n counts these pairs."""
    acc_eq: Statistic
    """Share of all pairs on whose order, or equality, score and label agree. n counts all pairs."""
    eps: tuple[float, ...] = ()
    """Score differences that count as a tie in `acc_eq`: one for each part of the cross-fit."""
    n_tied_label: int = 0
    """Pairs with equal labels, which `accuracy` leaves out."""
    n_tied_score: int = 0
    """Pairs of `accuracy` with equal scores."""


class PairBlock(NamedTuple):
    """Positions of the two items of each pair; every unordered pair occurs once."""

    first: Integers
    """(m,)"""
    second: Integers
    """(m,)"""


class ScoredPairs(NamedTuple):
    """Pairs of items by rising score difference."""

    gap: Floats
    """(m,) absolute score difference."""
    right: Booleans
    """(m,) score and label differ in the same direction."""
    tied: Booleans
    """(m,) labels are equal."""
    part: NDArray[np.int16]
    """(m,) which pair of folds the two items belong to."""

    def agree(self, eps: float) -> Booleans:
        """(m,) whether score and label agree on a pair, if scores that differ by at most eps are tied."""
        return np.where(self.gap <= eps, self.tied, self.right)

    def best_eps(self, use: Booleans) -> float:
        """Smallest eps with the most agreement among 0 and the score differences in use; NaN without pairs."""
        gap = self.gap[use]
        if not len(gap):
            return math.nan
        # Raising eps past a pair turns it into a tie: wins a human tie, loses a pair that was in order.
        gain = np.cumsum(self.tied[use].astype(np.int64) - self.right[use])
        last = np.append(gap[1:] != gap[:-1], True)  # pairs with the same difference become ties together
        candidates, gains = gap[last], gain[last]
        if candidates[0] > 0.0:
            candidates, gains = np.concatenate([[0.0], candidates]), np.concatenate([[0], gains])
        return float(candidates[np.argmax(gains)])


def pair_agreement(
    score: ArrayLike, label: ArrayLike, prompt: Groups | None, groups: Groups | None = None
) -> PairAgreement:
    """Pairwise accuracy inside each prompt, plain and with ties that were calibrated on other groups.

    Groups are dealt into 5 folds. The eps of a pair comes from all pairs that touch neither item's fold, so that no
    pair helps to choose its own.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better; equal labels are human ties.
        prompt: (n,) pairs are formed inside each prompt; None, or None for every item, if unknown.
        groups: (n,) what must not be split between folds; None takes the prompt.

    Returns:
        Both shares in [0, 1]; NaN with a reason without a prompt, without pairs and above 20 million pairs; `acc_eq`
        also below 3 groups.

    Raises:
        ValueError: if lengths differ, a group is missing, or some items alone lack a prompt.

    >>> pair_agreement([1, 2, 2], [1, 2, 3], ["a"] * 3).accuracy[:2]
    (0.8333333333333334, 3)
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    prompts = coded_column(prompt, len(rows.keep), "prompt")
    dropped = rows.n_nan, rows.n_inf
    if prompts is None:
        return _undefined("no prompt", *dropped)
    codes = prompts.codes[rows.keep]
    n = n_pairs(codes)
    if not 0 < n <= MAX_PAIRS:
        return _undefined("no pairs" if n == 0 else f"more than {MAX_PAIRS} pairs", *dropped)
    kept = kept_groups(prompt if groups is None else groups, rows)
    pairs = scored_pairs(x, y, codes, kept.codes % N_FOLDS)
    acc_eq, eps = _acc_eq(pairs, kept)
    untied = ~pairs.tied
    n_untied, right = int(untied.sum()), int(pairs.right.sum())
    tied_score = int((untied & (pairs.gap == 0)).sum())
    value = (right + 0.5 * tied_score) / n_untied if n_untied else math.nan
    accuracy = Statistic(value, n_untied, "" if n_untied else NO_PAIRS, *dropped)
    acc_eq = acc_eq._replace(n_nan=rows.n_nan, n_inf=rows.n_inf)
    return PairAgreement(accuracy, acc_eq, eps, n - n_untied, tied_score)


def _undefined(reason: str, n_nan: int, n_inf: int) -> PairAgreement:
    nothing = Statistic.undefined(reason, 0, n_nan, n_inf)
    return PairAgreement(nothing, nothing)


def _acc_eq(pairs: ScoredPairs, groups: Coded) -> tuple[Statistic, tuple[float, ...]]:
    """Cross-fitted accuracy with ties, and the eps of each part."""
    if len(groups.names) < 3:
        return Statistic.undefined(TOO_FEW_GROUPS), ()
    agreed, used = 0, []
    for number, folds in enumerate(_PARTS):
        inside = pairs.part == number
        if not inside.any():
            continue
        touches = np.array([not set(folds).isdisjoint(part) for part in _PARTS])
        eps = pairs.best_eps(~touches[pairs.part])
        if math.isnan(eps):
            return Statistic.undefined("no pairs to choose eps from"), ()
        agreed += int(pairs.agree(eps)[inside].sum())
        used.append(eps)
    n = len(pairs.gap)
    return Statistic(agreed / n, n), tuple(used)


def n_pairs(codes: Integers) -> int:
    """Number of pairs of items with the same code.

    >>> n_pairs(np.array([0, 0, 0, 1]))
    3
    """
    sizes = np.bincount(codes)
    return int((sizes * (sizes - 1) // 2).sum())


def pair_blocks(codes: Integers) -> Iterator[PairBlock]:
    """Yields the pairs of items with the same code, at most about 2 million at a time.

    >>> [block.first.tolist() for block in pair_blocks(np.array([0, 1, 0, 0]))]
    [[0, 0, 2]]
    """
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))[codes[order]] if len(codes) else np.empty(0, dtype=np.intp)
    partners = ends - np.arange(len(codes)) - 1
    before = np.concatenate([[0], np.cumsum(partners)])
    start = 0
    while start < len(codes):
        stop = int(np.searchsorted(before, before[start] + _BLOCK_PAIRS, side="right")) - 1
        stop = min(max(stop, start + 1), len(codes))
        here = partners[start:stop]
        if here.any():
            left = np.repeat(np.arange(start, stop), here)
            right = left + 1 + np.arange(len(left)) - np.repeat(before[start:stop] - before[start], here)
            yield PairBlock(order[left], order[right])
        start = stop


def scored_pairs(x: Floats, y: Floats, codes: Integers, folds: Integers) -> ScoredPairs:
    """All pairs of items with the same code, of which there is at least one.

    Args:
        x: (n,) scores, finite.
        y: (n,) labels, finite.
        codes: (n,) prompt of each item.
        folds: (n,) fold of each item.
    """
    number = np.zeros((N_FOLDS, N_FOLDS), dtype=np.int16)
    for i, (a, b) in enumerate(_PARTS):
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
    return ScoredPairs(gap[order], *columns)
